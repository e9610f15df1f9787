"""Converts a network of any kind to a bundle."""
