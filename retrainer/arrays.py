"""The names of the array types that the modules exchange."""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""One picture, `(height, width, 3)`, RGB, 0 to 255."""

Floats = npt.NDArray[np.float32]
"""Network inputs, feature vectors, weights, logits and scores; each use says its shape and range."""

Integers = npt.NDArray[np.int64]
"""Row numbers, class ids, sizes in bytes and times in nanoseconds."""

Bools = npt.NDArray[np.bool_]
"""A mask, one value per photo unless said otherwise."""

Digests = npt.NDArray[np.uint8]
"""SHA-256 digests, `(n, 32)`, one row per file."""
