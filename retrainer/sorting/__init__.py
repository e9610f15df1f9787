"""Photos in folders named by their labels, and the way back."""
