"""Scripts that are run from a clone of the project."""
