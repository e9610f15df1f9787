"""The page of findings: to look at, or to decide on in a browser."""
