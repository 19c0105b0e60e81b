"""Multi-hop question answering. See README.md."""
