"""Folders of photos: what lies in them, how they are split, and how they become pixels."""
