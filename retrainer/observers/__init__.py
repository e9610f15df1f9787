"""Observers of a run: they print its events or store them."""
