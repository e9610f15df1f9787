"""Fills the report of a model from what its run left."""
