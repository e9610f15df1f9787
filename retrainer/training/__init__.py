"""Fitting a head to cached feature vectors: by L-BFGS, or by gradient descent as the tutorial did."""
