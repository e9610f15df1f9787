"""What `retrain`, `evaluate` and `compare` return: figures, photos with their scores, and the model."""
