"""Bytes of picture files -> pixels: a module per format, and what formats share."""
