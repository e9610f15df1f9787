"""The cached tables that belong together: files, their vectors, and perhaps their fingerprints."""

from dataclasses import dataclass, replace

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.bottlenecks.digests import sorted_digests
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.bottlenecks.look_cache import LookCache
from retrainer.bottlenecks.recipe import Recipe


@dataclass(frozen=True)
class Tables:
    """The cached tables of photos.

    Attributes:
        files: The contents of files.
        vectors: The feature vectors of contents.
        views: The V views that each photo has, see `Recipe.views`.
        fingerprints: The fingerprints of contents; None if none are wanted.
        looks: What was measured of contents; None if nothing is. A photo is not read for it alone.
    """

    files: FileIndex
    vectors: BottleneckCache
    views: tuple[int, ...] = (0,)
    fingerprints: FingerprintCache | None = None
    looks: LookCache | None = None

    def rows(self, digests: Digests) -> Integers:
        """The row of each photo's views in the matrix of vectors `(n, V)`, -1 if absent; digests `(n, 32)`."""
        if not len(self.vectors.matrix):
            return np.full((len(digests), len(self.views)), -1, np.int64)
        views = np.tile(np.array(self.views, np.int64), len(digests))
        return self.vectors.rows(np.repeat(digests, len(self.views), axis=0), views).reshape(-1, len(self.views))

    def complete(self, digests: Digests) -> Bools:
        """Whether all that is wanted of each photo is cached, `(n,)`; digests `(n, 32)`."""
        known = self._have_vectors(digests)
        return known & self.fingerprints.knows(digests) if self.fingerprints else known

    def known_to(self, recipe: Recipe) -> Recipe:
        """The recipe, with the contents that need no more work."""
        digests = self.vectors.digests_of(self.views[0])
        if len(self.views) > 1:
            digests = digests[self._have_vectors(digests)]
        return replace(
            recipe,
            with_vectors=sorted_digests(digests),
            with_fingerprints=self.fingerprints.known() if self.fingerprints else b"",
            with_looks=self.looks.known() if self.looks else b"",
        )

    def _have_vectors(self, digests: Digests) -> Bools:
        return np.asarray((self.rows(digests) >= 0).all(axis=1))
