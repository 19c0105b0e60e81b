"""From a sample to a record on disk: one run, its options, its files."""
