"""Rejects photos of none of the classes: those that are far from all photos that a model learnt from.

The cosine distance to the nearest training photo tells strange photos from known ones better than the scores, their
energy or Mahalanobis distances do (measured on flowers and clothing). A few prototypes of each class, by k-means, are
as good as all photos, and small enough for a model to carry.
"""

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Floats, normalised, spread

Prototypes = npt.NDArray[np.float16]
"""Feature vectors of length one, or their last parts, `(M, P)`."""

# The share of photos of the classes that a threshold keeps.
KEPT = 0.95
_ROUNDS = 10
# The header that `to_npy` writes before the numbers.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\0..\{'descr': '<f2', 'fortran_order': False, "
    rb"'shape': \((?P<count>\d{1,9}), (?P<depth>\d{1,9})\), \} *\n",
    re.DOTALL,
)


@dataclass(frozen=True, eq=False)
class Rejection:
    """The prototypes of the classes, and the distance from them at which a photo is rejected.

    Attributes:
        prototypes: `(M, P)`, P at most D; they stand for the last P features.
        threshold: Cosine distance (0 to 2) above which a photo counts as none of the classes.
    """

    prototypes: Prototypes
    threshold: float

    @cached_property
    def _columns(self) -> Floats:
        """The prototypes as float32 `(D, M)`."""
        columns: Floats = self.prototypes.astype(np.float32).T
        return columns

    def distances(self, features: Floats) -> Floats:
        """Returns the cosine distances (0 to 2, but for rounding) of `(N, D)` features from the prototypes, `(N,)`."""
        cosines = normalised(features[:, -self.prototypes.shape[1] :]) @ self._columns
        nearest: Floats = np.float32(1) - cosines.max(axis=1)
        return nearest


def prototypes_of(features: Floats, count: int) -> Floats:
    """Returns at most `count` unit vectors that stand for feature vectors `(N, D)`, by spherical k-means.

    k-means starts with vectors that are spread evenly over the rows, so that the same rows give the same prototypes.
    """
    vectors = normalised(features)
    if len(vectors) <= count:
        return vectors
    prototypes = vectors[spread(len(vectors), count)]
    for _ in range(_ROUNDS):
        nearest = (vectors @ prototypes.T).argmax(axis=1)
        sums = (nearest == np.arange(len(prototypes))[:, np.newaxis]).astype(np.float32) @ vectors
        # A prototype that is nearest to no vector stays.
        prototypes = normalised(np.where(sums.any(axis=1, keepdims=True), sums, prototypes))
    return prototypes


def threshold_of(distances: Floats) -> float:
    """Returns the distance within which a new photo of the classes lies with a probability of about `KEPT`.

    Among N photos and a new one, each is as likely to be the farthest. So the threshold is the distance of rank
    KEPT * (N + 1), the largest if N is small (Vovk et al., Algorithmic Learning in a Random World, 2005).

    Args:
        distances: The distances of photos that the prototypes do not stand for, `(N,)`, N at least 1.
    """
    rank = min(len(distances), math.ceil(KEPT * (len(distances) + 1)))
    return float(np.sort(distances)[rank - 1])


def to_npy(prototypes: Prototypes) -> bytes:
    """Returns prototypes in NumPy's format."""
    content = io.BytesIO()
    np.save(content, prototypes, allow_pickle=False)
    return content.getvalue()


def from_npy(content: bytes) -> Prototypes:
    """Reads what `to_npy` wrote.

    Raises:
        ValueError: the content is something else.
    """
    # NumPy's own reader allocates as much memory as a header asks for.
    header = _HEADER.match(content)
    if not header:
        raise ValueError(f"expected a float16 array (M, D) of NumPy's, received {content[:8]!r} and more")
    return checked_prototypes(content[header.end() :], [int(header["count"]), int(header["depth"])])


def checked_prototypes(content: bytes, shape: Sequence[int]) -> Prototypes:
    """Returns the prototypes that some bytes hold.

    Raises:
        ValueError: the bytes are not finite numbers of this shape `(M, D)`.
    """
    if len(shape) != 2 or min(shape) < 1 or math.prod(shape) * 2 != len(content):
        raise ValueError(f"expected float16 (M, D), received {len(content):,} bytes of shape {shape}")
    prototypes = np.frombuffer(content, np.float16).reshape(shape)
    if not np.isfinite(prototypes).all():
        raise ValueError("expected finite numbers, received others")
    return prototypes
