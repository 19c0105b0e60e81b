"""Multi-hop question answering: see README.md."""
