"""The array types that modules exchange, and small helpers for them."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", np.int64, np.uint64)

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


# NumPy's `unique` and `isin` would import masked arrays here, which take longer to import than a head takes to test.
def distinct(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The different ones of some values `(N,)`, ascending."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def is_among(values: npt.NDArray[Number], others: npt.NDArray[Number]) -> Bools:
    """Whether each of some values `(N,)` is one of others `(M,)`."""
    ordered = np.sort(others)
    ends = np.searchsorted(ordered, values, "right")
    found: Bools = ends > np.searchsorted(ordered, values)
    return found


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
