"""Fits a head to cached feature vectors, by L-BFGS or by gradient descent."""
