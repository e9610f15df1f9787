"""The bottleneck cache: the feature vectors of photos, by the SHA-256 of a photo's content.

All tables lie under `--bottleneck_dir`:

    files/part-*.parquet               path, size, mtime_ns, ctime_ns -> sha256, see `file_index`
    <network>-<key>/part-*.parquet     sha256, view -> vector, one folder per network and preprocessing
    fingerprints-1/part-*.parquet      sha256 -> fingerprint of the photo, see `fingerprint_cache`
    looks-1/part-*.parquet             sha256 -> size, sides, format and sharpness of the photo, see `look_cache`
    <network>-<key>/_vectors.npy       all vectors once more, for memory to map, see `mapped_matrix`

A file appears whole or not at all. A damaged file, or a file of another table, is renamed, and its photos are read
again. pandas, DuckDB and Spark can read the folders.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Digests, Floats, Integers
from retrainer.bottlenecks.columns import bytes_column, bytes_rows, vector_column, vector_rows
from retrainer.bottlenecks.digests import DIGEST_BYTES
from retrainer.bottlenecks.mapped_matrix import mapped_matrix
from retrainer.bottlenecks.parquet_files import ParquetFolder
from retrainer.errors import OutputError
from retrainer.events import Observer

# A cache of more bytes is mapped into memory: to read its lists of numbers from Parquet takes ten times as long. One of
# more than `MOST_READ` must be mapped.
MAPPED_BYTES, MOST_READ = 2**22, 2**28

_KEY = ("sha256", "view")
# 2**64 divided by the golden ratio: spreads the numbers of views over all bits.
_VIEW_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class BottleneckCache:
    """The feature vectors of one network and preprocessing.

    Args:
        bottleneck_dir: The folder of all caches.
        name: The network's name, and the key of everything that changes the vectors.
        depth: D, the length of a vector.
        observer: Called with a warning for each file that is set aside.
    """

    def __init__(self, bottleneck_dir: Path, name: str, depth: int, observer: Observer) -> None:
        import pyarrow

        # Parquet calls the items of a list "element", whatever Arrow calls them.
        self._vector_type = pyarrow.list_(pyarrow.field("element", pyarrow.float32()), depth)
        schema = pyarrow.schema(
            [("sha256", pyarrow.binary(DIGEST_BYTES)), ("view", pyarrow.int32()), ("vector", self._vector_type)]
        )
        self.depth = depth
        self._folder = ParquetFolder(bottleneck_dir / name, name, schema, observer)
        self.refresh()

    def refresh(self) -> None:
        """Reads the files again, with those that were added."""
        names = self._folder.names()
        size = self._folder.bytes_of(names)
        try:
            table, self._matrix = self._mapped(names) if size > MAPPED_BYTES else self._read(names)
        except OutputError:  # the folder may be for reading only
            if size > MOST_READ:
                raise
            table, self._matrix = self._read(names)
        self._digests, self._views = bytes_rows(table["sha256"], DIGEST_BYTES), table["view"].to_numpy()
        prefixes = _prefixes(self._digests, self._views)
        self._order = np.argsort(prefixes, kind="stable")
        self._prefixes = prefixes[self._order]

    def _mapped(self, names: Sequence[str]) -> tuple[Any, Floats]:
        """The keys of all vectors as a table, and the vectors mapped into memory."""
        keys = {_named_with_keys(name, table): table for name, table in self._folder.read(names, _KEY)}
        matrix, held = mapped_matrix(self._folder.folder, list(keys), self.depth, self._vectors_of)
        return self._folder.joined([keys[name] for name in held]), matrix

    def _read(self, names: Sequence[str]) -> tuple[Any, Floats]:
        """The same, with the vectors read into memory."""
        table = self._folder.joined([table for _, table in self._folder.read(names)])
        return table, vector_rows(table["vector"], self.depth)

    @property
    def matrix(self) -> Floats:
        """All vectors, read-only float32 `(R, D)`, in memory or mapped into it."""
        return self._matrix

    def rows(self, digests: Digests, views: Integers) -> Integers:
        """The row of each photo's view in the matrix `(N,)`, -1 if it is not cached.

        Args:
            digests: `(N, 32)`.
            views: `(N,)`.
        """
        rows = np.full(len(digests), -1, np.int64)
        wanted = _prefixes(digests, views)
        positions = np.searchsorted(self._prefixes, wanted)
        pending = np.arange(len(digests))
        # Runs once, unless several keys share a prefix.
        while len(pending):
            pending = pending[positions[pending] < len(self._order)]
            pending = pending[self._prefixes[positions[pending]] == wanted[pending]]
            found = self._order[positions[pending]]
            same = (self._digests[found] == digests[pending]).all(axis=1) & (self._views[found] == views[pending])
            rows[pending[same]] = found[same]
            pending = pending[~same]
            positions[pending] += 1
        return rows

    def digests_of(self, view: int) -> Digests:
        """The photos that have a vector of this view, `(n, 32)`; a photo may be there twice."""
        digests: Digests = self._digests[self._views == view]
        return digests

    def add(self, digests: Digests, views: Integers, vectors: Floats) -> None:
        """Writes a file of vectors: digests `(n, 32)`, views `(n,)`, vectors `(n, D)`."""
        import pyarrow

        views_column = pyarrow.array(views.astype(np.int32))
        self._folder.write([bytes_column(digests), views_column, vector_column(vectors, self._vector_type)])

    def _vectors_of(self, wanted: Sequence[str]) -> Iterator[tuple[str, Floats]]:
        """Yields the vectors of files, which are named with a checksum, unless a file's keys have changed meanwhile."""
        for name, table in self._folder.read([one.rpartition(" ")[0] for one in wanted]):
            if (named := _named_with_keys(name, table)) in wanted:
                yield named, vector_rows(table["vector"], self.depth)


def _named_with_keys(name: str, table: Any) -> str:
    """The name of a file and a CRC-32C of its keys: a file that another one replaced has another."""
    import google_crc32c

    digests = bytes_rows(table["sha256"], DIGEST_BYTES).tobytes()
    return f"{name} {google_crc32c.value(digests + table['view'].to_numpy().tobytes()):08x}"


def _prefixes(digests: Digests, views: Any) -> npt.NDArray[np.uint64]:
    """A sortable number for each pair of digest `(n, 32)` and view `(n,)`, uint64 `(n,)`; collisions are very rare."""
    starts: npt.NDArray[np.uint64] = np.ascontiguousarray(digests[:, :8]).view(np.uint64).reshape(-1)
    return starts + np.asarray(views).astype(np.uint64) * _VIEW_FACTOR
