"""What is told of a run: to a terminal, to TensorBoard."""
