"""Bytes of picture files -> pixels, format by format."""
