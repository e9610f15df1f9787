"""HTML pages about a run: one frame that all of them share."""
