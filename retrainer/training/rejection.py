"""Photos of none of the classes: those that are far from all that a model learnt from.

The distance to the nearest photo that it learnt from, as the cosine of feature vectors, tells strange photos from known
ones better than the scores do, than their energy and than Mahalanobis distances: measured on flowers and clothing. Few
prototypes of each class, by k-means, do as well as all photos, and a model can carry them.
"""

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Floats, normalised, spread

Prototypes = npt.NDArray[np.float16]
"""Feature vectors of length one, `(M, D)`."""

# The share of photos of the classes that a threshold keeps.
KEPT = 0.95
_ROUNDS = 10
# What `to_npy` writes before the numbers.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\0..\{'descr': '<f2', 'fortran_order': False, "
    rb"'shape': \((?P<count>\d{1,9}), (?P<depth>\d{1,9})\), \} *\n",
    re.DOTALL,
)


@dataclass(frozen=True, eq=False)
class Rejection:
    """What a model needs to tell strange photos.

    Attributes:
        prototypes: `(M, D)`.
        threshold: The distance, 0 to 2, that photos of the classes hardly exceed.
    """

    prototypes: Prototypes
    threshold: float

    def distances(self, features: Floats) -> Floats:
        """How far feature vectors `(N, D)` are from the nearest prototype, `(N,)`: one less the cosine, 0 to 2."""
        cosines = normalised(features) @ self.prototypes.astype(np.float32).T
        nearest: Floats = np.float32(1) - cosines.max(axis=1)
        return nearest


def prototypes_of(features: Floats, count: int) -> Floats:
    """At most so many unit vectors that stand for feature vectors `(N, D)`: spherical k-means.

    It begins with vectors that are spread evenly over the rows, so that the same rows give the same prototypes.
    """
    vectors = normalised(features)
    if len(vectors) <= count:
        return vectors
    prototypes = vectors[spread(len(vectors), count)]
    for _ in range(_ROUNDS):
        nearest = (vectors @ prototypes.T).argmax(axis=1)
        sums = (nearest == np.arange(len(prototypes))[:, np.newaxis]).astype(np.float32) @ vectors
        # One that is nearest to none stays where it is.
        prototypes = normalised(np.where(sums.any(axis=1, keepdims=True), sums, prototypes))
    return prototypes


def threshold_of(distances: Floats) -> float:
    """The distance within which another photo of the classes lies with a probability of `KEPT`, or a little more.

    Of N photos and one more, each is as likely to be the farthest; so the threshold is the distance of rank
    KEPT * (N + 1), the largest of few photos (Vovk et al., Algorithmic Learning in a Random World, 2005).

    Args:
        distances: Of photos that are not among those that the prototypes stand for, `(N,)`, N at least 1.
    """
    rank = min(len(distances), math.ceil(KEPT * (len(distances) + 1)))
    return float(np.sort(distances)[rank - 1])


def to_npy(prototypes: Prototypes) -> bytes:
    """Prototypes in NumPy's format."""
    content = io.BytesIO()
    np.save(content, prototypes, allow_pickle=False)
    return content.getvalue()


def from_npy(content: bytes) -> Prototypes:
    """Reads what `to_npy` wrote.

    Raises:
        ValueError: it is something else.
    """
    # NumPy's own reader takes as much memory as a header asks for.
    header = _HEADER.match(content)
    if not header:
        raise ValueError(f"expected a float16 array (M, D) of NumPy's, received {content[:8]!r} and more")
    return checked_prototypes(content[header.end() :], [int(header["count"]), int(header["depth"])])


def checked_prototypes(content: bytes, shape: Sequence[int]) -> Prototypes:
    """Prototypes of their bytes.

    Raises:
        ValueError: the bytes are not those of numbers of this shape `(M, D)`.
    """
    if len(shape) != 2 or min(shape) < 1 or math.prod(shape) * 2 != len(content):
        raise ValueError(f"expected float16 (M, D), received {len(content):,} bytes of shape {shape}")
    prototypes = np.frombuffer(content, np.float16).reshape(shape)
    if not np.isfinite(prototypes).all():
        raise ValueError("expected finite numbers, received others")
    return prototypes
