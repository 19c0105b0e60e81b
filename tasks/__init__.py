"""Task families, one folder each. The engine finds them through the entry-point group `harness.tasks`."""
