"""A network of any kind -> a bundle."""
