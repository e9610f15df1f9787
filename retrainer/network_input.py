"""The input of a bundle's network: float32 `(N, S, S, 3)`, RGB, -1 to 1; and the limit of S for any network."""

INPUT_MEAN, INPUT_STD = 127.5, 127.5
"""A network's input is `(pixel - INPUT_MEAN) / INPUT_STD`, for pixels of 0 to 255."""

LARGEST_SIDE = 4_096
"""The most pixels that a side of a network's input may have."""
