"""Writes results to the cached tables, file by file."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np

from retrainer.arrays import Digests, Integers
from retrainer.bottlenecks.digests import DIGEST_BYTES
from retrainer.bottlenecks.recipe import PhotoResult
from retrainer.bottlenecks.tables import Tables

ROWS_PER_FILE = 2048
SECONDS_PER_FILE = 10.0


@dataclass(eq=False)
class TableWriter:
    """Collects results and writes them when there are enough; what is left is written at the end of a `with` block.

    However a run is stopped, it loses at most `ROWS_PER_FILE` photos or `SECONDS_PER_FILE` seconds of work.

    Attributes:
        tables: Where to write.
        computed: How many photos with new vectors were added.
    """

    tables: Tables
    computed: int = field(default=0, init=False)
    _vectors: list[PhotoResult] = field(default_factory=list, init=False)
    _fingerprints: list[PhotoResult] = field(default_factory=list, init=False)
    _looks: list[PhotoResult] = field(default_factory=list, init=False)
    _files: list[tuple[str, Integers, bytes]] = field(default_factory=list, init=False)
    _since: float = field(default_factory=time.monotonic, init=False)

    def add(self, result: PhotoResult, new_file: tuple[str, Integers] | None) -> None:
        """Adds a photo, and its absolute path and stamps `(3,)` unless the table of files has them."""
        if result.vectors is not None:
            self._vectors.append(result)
            self.computed += 1
        if result.fingerprint is not None:
            self._fingerprints.append(result)
        if result.look is not None:
            self._looks.append(result)
        if new_file:
            self._files.append((*new_file, result.digest))
        most = max(len(self._vectors), len(self._fingerprints), len(self._files))
        if most >= ROWS_PER_FILE or time.monotonic() - self._since > SECONDS_PER_FILE:
            self.flush()

    def flush(self) -> None:
        """Writes a file of each table, the vectors first."""
        views = self.tables.views
        if self._vectors:
            vectors = np.concatenate([result.vectors for result in self._vectors if result.vectors is not None])
            digests = np.repeat(_digests_of(self._vectors), len(views), axis=0)
            self.tables.vectors.add(digests, np.tile(np.array(views), len(self._vectors)), vectors)
        if self._fingerprints and self.tables.fingerprints is not None:
            taken = [result.fingerprint for result in self._fingerprints if result.fingerprint is not None]
            self.tables.fingerprints.add(_digests_of(self._fingerprints), np.stack(taken))
        if self._looks and self.tables.looks is not None:
            looks = [result.look for result in self._looks if result.look is not None]
            self.tables.looks.add(_digests_of(self._looks), looks)
        if self._files:
            paths, stamps, contents = zip(*self._files, strict=True)
            self.tables.files.add(paths, np.stack(stamps), _digest_rows(contents))
        self._vectors, self._fingerprints, self._looks, self._files = [], [], [], []
        self._since = time.monotonic()

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.flush()


def _digests_of(results: Sequence[PhotoResult]) -> Digests:
    return _digest_rows([result.digest for result in results])


def _digest_rows(digests: Sequence[bytes]) -> Digests:
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES)
