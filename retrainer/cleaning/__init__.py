"""Looks for photos that may be wrong, keeps decisions about them, and carries decisions out."""
