"""The bottleneck cache: feature vectors by a photo's content, and a photo's content by its path.

Under `--bottleneck_dir`:

    files/part-*.parquet               path, size, mtime_ns, ctime_ns -> sha256; unchanged files are not read again
    <network>-<key>/part-*.parquet     sha256, view -> vector, one folder per network and preprocessing
    fingerprints-1/part-*.parquet      sha256 -> what the photo looks like, see `fingerprint_cache`
    <network>-<key>/_vectors.npy       the vectors of a large cache once more, for memory to map

A part appears whole or not at all (`files.whole_file`). A part that cannot be read, or belongs to another table, is
set aside under another name and its photos are read again. pandas, DuckDB and Spark read a folder as it is.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.bottlenecks.mapped_matrix import mapped_matrix
from retrainer.bottlenecks.parquet_files import PartFolder
from retrainer.events import Observer

ROWS_PER_PART = 2048
SECONDS_PER_PART = 10.0
DIGEST_BYTES = 32
# Parts that are larger together are mapped rather than read into memory.
MAPPED_BYTES = 2**28

_STAMPS = ("size", "mtime_ns", "ctime_ns")
_KEY = ("sha256", "view")
# 2**64 divided by the golden ratio: spreads the numbers of views over all bits.
_VIEW_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class FileIndex:
    """Which file had which content, by path, size and times of modification and of change."""

    def __init__(self, bottleneck_dir: Path, observer: Observer) -> None:
        import pyarrow

        schema = pyarrow.schema(
            [
                ("path", pyarrow.string()),
                ("size", pyarrow.int64()),
                ("mtime_ns", pyarrow.int64()),
                ("ctime_ns", pyarrow.int64()),
                ("sha256", pyarrow.binary(DIGEST_BYTES)),
            ]
        )
        self._parts = PartFolder(bottleneck_dir / "files", "files", schema, observer)
        self._table = self._parts.joined([part for _, part in self._parts.read(self._parts.names())])
        # Oldest first, so that the newest entry of a path stays.
        self._rows = {path: row for row, path in enumerate(self._table["path"].to_pylist())}

    def digests(self, paths: Sequence[str], stamps: Integers) -> tuple[Digests, Bools]:
        """Looks files up, all at once.

        Args:
            paths: N absolute paths.
            stamps: `(N, 3)`: size in bytes, times of modification and of change in nanoseconds.

        Returns:
            SHA-256 digests `(N, 32)`, and whether each is known `(N,)`; an unknown file's digest is zero.
        """
        rows = np.array([self._rows.get(path, -1) for path in map(_storable, paths)], np.int64)
        known = rows >= 0
        for column, name in zip(stamps.T, _STAMPS, strict=True):
            known[known] = self._table[name].to_numpy()[rows[known]] == column[known]
        digests = np.zeros((len(paths), DIGEST_BYTES), np.uint8)
        digests[known] = bytes_rows(self._table["sha256"], DIGEST_BYTES)[rows[known]]
        return digests, known

    def add(self, paths: Sequence[str], stamps: Integers, digests: Digests) -> None:
        """Adds one part; the arguments are as for `digests`."""
        self._parts.write([*_file_columns(paths, stamps), bytes_column(digests)])


class BottleneckCache:
    """The feature vectors of one network and preprocessing.

    Args:
        bottleneck_dir: The folder of all caches.
        name: The network's name and the key of everything that shapes the vectors.
        depth: D, the vectors' length.
        observer: Told which parts were set aside.
    """

    def __init__(self, bottleneck_dir: Path, name: str, depth: int, observer: Observer) -> None:
        import pyarrow

        # Parquet calls a list's items "element" whatever Arrow calls them.
        self._vector_type = pyarrow.list_(pyarrow.field("element", pyarrow.float32()), depth)
        schema = pyarrow.schema(
            [("sha256", pyarrow.binary(DIGEST_BYTES)), ("view", pyarrow.int32()), ("vector", self._vector_type)]
        )
        self.depth = depth
        self._parts = PartFolder(bottleneck_dir / name, name, schema, observer)
        self.refresh()

    def refresh(self) -> None:
        """Reads what was added since."""
        names = self._parts.names()
        if self._parts.bytes_of(names) > MAPPED_BYTES:
            keys = dict(self._parts.read(names, _KEY))
            self._matrix, names = mapped_matrix(self._parts.folder, list(keys), self.depth, self._vectors_of)
            table = self._parts.joined([keys[name] for name in names])
        else:
            table = self._parts.joined([part for _, part in self._parts.read(names)])
            self._matrix = _vector_rows(table["vector"], self.depth)
        self._digests, self._views = bytes_rows(table["sha256"], DIGEST_BYTES), table["view"].to_numpy()
        prefixes = _prefixes(self._digests, self._views)
        self._order = np.argsort(prefixes, kind="stable")
        self._prefixes = prefixes[self._order]

    @property
    def matrix(self) -> Floats:
        """All vectors, read-only float32 `(R, D)`, in memory or mapped into it."""
        return self._matrix

    def rows(self, digests: Digests, views: Integers) -> Integers:
        """The row of each photo's view in the matrix `(N,)`, -1 where it is not cached.

        Args:
            digests: `(N, 32)`.
            views: `(N,)`.
        """
        rows = np.full(len(digests), -1, np.int64)
        wanted = _prefixes(digests, views)
        places = np.searchsorted(self._prefixes, wanted)
        pending = np.arange(len(digests))
        # Once, but for those that share a prefix with others.
        while len(pending):
            pending = pending[places[pending] < len(self._order)]
            pending = pending[self._prefixes[places[pending]] == wanted[pending]]
            found = self._order[places[pending]]
            same = (self._digests[found] == digests[pending]).all(axis=1) & (self._views[found] == views[pending])
            rows[pending[same]] = found[same]
            pending = pending[~same]
            places[pending] += 1
        return rows

    def add(self, digests: Digests, views: Integers, vectors: Floats) -> None:
        """Adds one part: digests `(n, 32)`, views `(n,)`, vectors `(n, D)`."""
        import pyarrow

        flat = pyarrow.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
        column = pyarrow.FixedSizeListArray.from_arrays(flat, type=self._vector_type)
        self._parts.write([bytes_column(digests), pyarrow.array(views.astype(np.int32)), column])

    def _vectors_of(self, names: Sequence[str]) -> Iterator[tuple[str, Floats]]:
        for name, table in self._parts.read(names, ["vector"]):
            yield name, _vector_rows(table["vector"], self.depth)


def _storable(path: str) -> str:
    """A path as Parquet can hold it: bytes that are no UTF-8 are escaped."""
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode("utf-8")


def _file_columns(paths: Sequence[str], stamps: Integers) -> list[Any]:
    import pyarrow

    stored = pyarrow.array(map(_storable, paths), pyarrow.string())
    return [stored, *(pyarrow.array(column) for column in np.ascontiguousarray(stamps.T))]


def _prefixes(digests: Digests, views: Any) -> npt.NDArray[np.uint64]:
    """Digests `(n, 32)` and views `(n,)` -> sortable numbers `(n,)` that hardly ever coincide."""
    starts: npt.NDArray[np.uint64] = np.ascontiguousarray(digests[:, :8]).view(np.uint64).reshape(-1)
    return starts + np.asarray(views).astype(np.uint64) * _VIEW_FACTOR


def bytes_column(rows: npt.NDArray[np.uint8]) -> Any:
    """Rows of bytes `(n, width)` as a column."""
    import pyarrow

    content = pyarrow.py_buffer(np.ascontiguousarray(rows).tobytes())
    return pyarrow.FixedSizeBinaryArray.from_buffers(pyarrow.binary(rows.shape[1]), len(rows), [None, content])


def bytes_rows(column: Any, width: int) -> npt.NDArray[np.uint8]:
    """A column as rows of bytes, `(n, width)`."""
    rows = [np.frombuffer(c.buffers()[1], np.uint8)[c.offset * width :][: len(c) * width] for c in column.chunks]
    return np.concatenate(rows, dtype=np.uint8).reshape(-1, width) if rows else np.empty((0, width), np.uint8)


def _vector_rows(column: Any, depth: int) -> Floats:
    # `flatten` would import pyarrow.compute, which takes as long as a small cache.
    rows = [c.values.slice(c.offset * depth, len(c) * depth).to_numpy() for c in column.chunks]
    return np.concatenate(rows, dtype=np.float32).reshape(-1, depth) if rows else np.empty((0, depth), np.float32)
