"""TensorFlow's frozen graphs (`.pb`)."""
