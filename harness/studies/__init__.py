"""Studies: questions that take several runs, in one directory each. What is asked next depends on earlier answers."""
