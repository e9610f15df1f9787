"""Convolutional networks as tables of rows, and both files of a bundle written from such a table."""
