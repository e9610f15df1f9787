"""Folders of photos: listing them, splitting them, and decoding their pictures."""
