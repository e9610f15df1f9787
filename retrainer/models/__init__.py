"""Model files, read, written and run."""
