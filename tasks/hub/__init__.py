"""Published data sets, each declared in a file of `sets/`: one class makes a task of any."""
