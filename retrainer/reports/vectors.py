"""The cached feature vectors of a run's photos, and which training photos are near to a photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrainer.arrays import Bools, Floats, Integers, normalised
from retrainer.backbones.bundle import TFLITE, Bundle
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.errors import RetrainerError
from retrainer.events import silent
from retrainer.feature_source import cache_name
from retrainer.photos.parts import Part
from retrainer.reports.left import Left
from retrainer.reports.photos import RunPhotos
from retrainer.system.last_use import mark_used

# Training photos that are compared at once.
_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Vectors:
    """The feature vectors of a run's N photos.

    Attributes:
        matrix: Vectors of these and other photos, float32 `(R, D)`.
        rows: The row of each photo, `(N,)`; -1 if its vector is not cached.
    """

    matrix: Floats
    rows: Integers

    @property
    def known(self) -> Bools:
        """Whether the vector of each photo is cached, `(N,)`."""
        return np.asarray(self.rows >= 0)


def vectors_of(left: Left, photos: RunPhotos, bottlenecks: Path) -> Vectors:
    """Looks for the vectors of photos in the cache, in which nothing is changed."""
    nothing = Vectors(np.empty((0, 0), np.float32), np.full(len(photos.paths), -1, np.int64))
    backbone = left.metadata.backbone
    if left.head is None or not backbone.get("sha256"):
        return nothing
    depth = len(left.head.weights)
    bundle = Bundle(
        str(backbone["name"]), "", "", left.metadata.input_size, depth, "", sha256={TFLITE: backbone["sha256"]}
    )
    name = cache_name(bundle)
    if not (bottlenecks / name).is_dir():
        return nothing
    mark_used(bottlenecks / name)
    try:
        cache = BottleneckCache(bottlenecks, name, depth, silent)
    except (RetrainerError, OSError):  # another process has removed it, or it may not be read
        return nothing
    if not len(cache.matrix):
        return nothing
    return Vectors(cache.matrix, cache.rows(photos.digests, np.zeros(len(photos.digests), np.int64)))


def nearest(photos: RunPhotos, vectors: Vectors, rows: Sequence[int], most: int) -> list[list[tuple[int, float]]]:
    """Returns the nearest photos that the head of each photo learnt from, and their cosines, the nearest first.

    The head of a fold learns from the photos of the other folds, the head that ships from the training photos.

    Args:
        photos: All photos.
        vectors: Their vectors.
        rows: The photos to compare; there are none near one whose vector is not known.
        most: How many are returned for each.
    """
    learnt = vectors.known if photos.folds is not None else vectors.known & (photos.parts == Part.TRAINING)
    known = [row for row in rows if vectors.rows[row] >= 0]
    found: dict[int, list[tuple[int, float]]] = {row: [] for row in known}
    asked = normalised(vectors.matrix[vectors.rows[known]]) if known else vectors.matrix
    candidates = np.flatnonzero(learnt) if known else np.empty(0, np.int64)
    for start in range(0, len(candidates), _AT_ONCE):
        some = candidates[start : start + _AT_ONCE]
        cosines = asked @ normalised(vectors.matrix[vectors.rows[some]]).T
        for row, similar in zip(known, cosines, strict=True):
            own = some == row if photos.folds is None else photos.folds[some] == photos.folds[row]
            similar[own] = -np.inf
            first = np.argsort(-similar, kind="stable")[:most]
            both = [*found[row], *((int(some[n]), float(similar[n])) for n in first if np.isfinite(similar[n]))]
            found[row] = sorted(both, key=lambda one: -one[1])[:most]
    return [found.get(row, []) for row in rows]
