"""The bottleneck cache: feature vectors by a photo's content, and a photo's content by its path.

Under `--bottleneck_dir`:

    files/part-*.parquet               path, size, mtime_ns, ctime_ns -> sha256; unchanged files are not read again
    <network>-<key>/part-*.parquet     sha256, view -> vector, one folder per network and preprocessing

A part appears whole or not at all (`files.whole_file`). A part that cannot be read, or belongs to another table, is
set aside under another name and its photos are read again. pandas, DuckDB and Spark read a folder as it is.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.errors import OutputError
from retrainer.events import Observer, Warned
from retrainer.files import remove_stale, shown, whole_file

FORMAT = b"1"
ROWS_PER_PART = 2048
SECONDS_PER_PART = 10.0
DIGEST_BYTES = 32

_FILE_KEY = ("path", "size", "mtime_ns", "ctime_ns")
_FORMAT_KEY, _TABLE_KEY = b"retrainer", b"table"
# Readers of Parquet folders pass over names that begin with an underscore or a dot.
_SET_ASIDE_PREFIX = "_set-aside-"


class PartFolder:
    """A folder of Parquet parts of one schema.

    Args:
        folder: Made when the first part is written.
        table: What the parts are; a part that says otherwise is alien.
        schema: The columns, a `pyarrow.Schema`.
        observer: Told which parts were set aside.
    """

    def __init__(self, folder: Path, table: str, schema: Any, observer: Observer) -> None:
        self.folder = folder
        self._schema = schema.with_metadata({_FORMAT_KEY: FORMAT, _TABLE_KEY: table.encode("utf-8")})
        self._observer = observer

    def read(self) -> Any:
        """All readable parts as one `pyarrow.Table`, the newest part first."""
        import pyarrow

        remove_stale(self.folder)
        with self._writing():
            parts = [p for path in sorted(self.folder.glob("part-*.parquet"), reverse=True) if (p := self._part(path))]
        return pyarrow.concat_tables(parts) if parts else self._schema.empty_table()

    def write(self, columns: Sequence[Any]) -> None:
        """Adds one part with these columns, in the schema's order.

        Raises:
            OutputError: the folder cannot be written.
        """
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.Table.from_arrays(list(columns), schema=self._schema)
        with whole_file(self.folder / f"part-{time.time_ns():020d}-{os.getpid()}.parquet") as handle:
            # Without dictionaries and compression vectors are read nine times faster; measured in the design.
            parquet.write_table(
                table,
                handle,
                use_dictionary=False,
                compression="NONE",
                write_page_checksum=True,
                write_statistics=False,
            )

    def _part(self, path: Path) -> Any:
        import pyarrow
        from pyarrow import parquet

        try:
            table = parquet.ParquetFile(path, page_checksum_verification=True).read()
        except FileNotFoundError:
            return None
        except (pyarrow.ArrowException, ValueError, OSError) as error:
            # Arrow raises OSError without a number for content that it cannot read; with one it is the disk's.
            if getattr(error, "errno", None) is not None:
                raise
            return self._set_aside(
                path, f"it is damaged or truncated ({(str(error) or type(error).__name__).splitlines()[0]})"
            )
        if not table.schema.equals(self._schema, check_metadata=True):
            return self._set_aside(path, "it belongs to another table or version")
        return table

    def _set_aside(self, path: Path, reason: str) -> None:
        aside = path.with_name(_SET_ASIDE_PREFIX + path.name)
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            path.rename(aside)
        set_aside = f"Cache part '{shown(path)}' is set aside as '{shown(aside.name)}'"
        self._observer(Warned(f"{set_aside}: {reason}. Its photos are read again."))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"--bottleneck_dir: '{shown(self.folder)}' cannot be used: {error.strerror or error}.",
                "Name a folder that may be read and written.",
            ) from error


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
        self._table = self._parts.read()

    def digests(self, paths: Sequence[str], stamps: Integers) -> tuple[Digests, Bools]:
        """Looks files up, all at once.

        Args:
            paths: N absolute paths.
            stamps: `(N, 3)`: size in bytes, times of modification and of change in nanoseconds.

        Returns:
            SHA-256 digests `(N, 32)`, and whether each is known `(N,)`; an unknown file's digest is zero.
        """
        from pyarrow import compute

        wanted = _file_keys(_file_columns(paths, stamps))
        known = _file_keys([self._table[name] for name in _FILE_KEY])
        rows = compute.index_in(wanted, value_set=known)
        found = compute.is_valid(rows).to_numpy(zero_copy_only=False)
        digests = np.zeros((len(paths), DIGEST_BYTES), np.uint8)
        digests[found] = _digest_rows(self._table["sha256"])[rows.drop_null().to_numpy(zero_copy_only=False)]
        return digests, found

    def add(self, paths: Sequence[str], stamps: Integers, digests: Digests) -> None:
        """Adds one part; the arguments are as for `digests`."""
        self._parts.write([*_file_columns(paths, stamps), _digest_column(digests)])


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
        table = self._parts.read()
        keys = _view_keys(_digest_rows(table["sha256"]), table["view"].to_numpy())
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._vectors = _vector_rows(table["vector"], depth)

    def rows(self, digests: Digests, views: Integers) -> Integers:
        """The row number of each photo's view `(N,)`, -1 where it is not cached; digests `(N, 32)`, views `(N,)`."""
        wanted = _view_keys(digests, views)
        if not len(self._keys):
            return np.full(len(wanted), -1, np.int64)
        places = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where(self._keys[places] == wanted, self._order[places], -1)

    def vectors(self, rows: Integers) -> Floats:
        """The vectors of some rows, `(len(rows), D)`."""
        chosen: Floats = self._vectors[rows]
        return chosen

    def add(self, digests: Digests, views: Integers, vectors: Floats) -> None:
        """Adds one part: digests `(n, 32)`, views `(n,)`, vectors `(n, D)`."""
        import pyarrow

        flat = pyarrow.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
        column = pyarrow.FixedSizeListArray.from_arrays(flat, type=self._vector_type)
        self._parts.write([_digest_column(digests), pyarrow.array(views.astype(np.int32)), column])


def _storable(paths: Sequence[str]) -> Any:
    """Paths as Arrow strings; bytes that are no UTF-8 are escaped."""
    import pyarrow

    return pyarrow.array([p.encode("utf-8", "backslashreplace").decode("utf-8") for p in paths], pyarrow.string())


def _file_columns(paths: Sequence[str], stamps: Integers) -> list[Any]:
    import pyarrow

    return [_storable(paths), *(pyarrow.array(column) for column in np.ascontiguousarray(stamps.T))]


def _file_keys(columns: Sequence[Any]) -> Any:
    """One text per file of all that it is known by."""
    from pyarrow import compute

    return compute.binary_join_element_wise(*(column.cast("string") for column in columns), "\0")


def _view_keys(digests: Digests, views: Any) -> Any:
    """Digests `(n, 32)` and views `(n,)` -> one sortable value each, `(n,)`."""
    keys = np.empty((len(digests), DIGEST_BYTES + 4), np.uint8)
    keys[:, :DIGEST_BYTES] = digests
    keys[:, DIGEST_BYTES:] = np.asarray(views).astype(">i4").view(np.uint8).reshape(-1, 4)
    return keys.view(f"S{keys.shape[1]}").reshape(-1)


def _digest_column(digests: Digests) -> Any:
    import pyarrow

    content = np.ascontiguousarray(digests).tobytes()
    return pyarrow.FixedSizeBinaryArray.from_buffers(
        pyarrow.binary(DIGEST_BYTES), len(digests), [None, pyarrow.py_buffer(content)]
    )


def _digest_rows(column: Any) -> Digests:
    rows = [
        np.frombuffer(c.buffers()[1], np.uint8)[c.offset * DIGEST_BYTES :][: len(c) * DIGEST_BYTES]
        for c in column.chunks
    ]
    return (
        np.concatenate(rows, dtype=np.uint8).reshape(-1, DIGEST_BYTES)
        if rows
        else np.empty((0, DIGEST_BYTES), np.uint8)
    )


def _vector_rows(column: Any, depth: int) -> Floats:
    rows = [c.flatten().to_numpy(zero_copy_only=False) for c in column.chunks]
    return np.concatenate(rows, dtype=np.float32).reshape(-1, depth) if rows else np.empty((0, depth), np.float32)
