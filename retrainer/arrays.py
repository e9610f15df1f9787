"""The array types that modules exchange, and small helpers for them."""

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

HASH_BYTES = 5
"""Bytes of a digest that a model remembers a photo by."""


def digest_keys(digests: Digests) -> npt.NDArray[np.bytes_]:
    """Digests `(N, 32)` as one value each, `(N,)`, for `np.unique` and sorting."""
    return np.ascontiguousarray(digests).view("S32").reshape(-1)


def spread(count: int, most: int) -> Integers:
    """At most `most` of `count` row numbers, spread evenly and ascending."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def members_of(label_ids: Integers, classes: int) -> list[Integers]:
    """The rows of each class, ascending; class ids `(N,)`, 0 to `classes` - 1."""
    ends = np.cumsum(np.bincount(label_ids, minlength=classes))
    return np.split(np.argsort(label_ids, kind="stable"), ends[:-1])


def normalised(features: Floats) -> Floats:
    """Vectors `(N, D)` scaled to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    unit: Floats = features / lengths
    return unit
