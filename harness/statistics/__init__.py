"""Numbers in, numbers out: what can be concluded from counts. Nothing here knows a run, a task or a table."""
