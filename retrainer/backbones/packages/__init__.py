"""Weights that are installed as packages, read as data and built into bundles without TensorFlow."""
