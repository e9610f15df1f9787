"""The table of files: path, size and times -> the SHA-256 of the content. An unchanged file is not read again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.bottlenecks.columns import bytes_column, bytes_rows
from retrainer.bottlenecks.digests import DIGEST_BYTES
from retrainer.bottlenecks.parquet_files import ParquetFolder
from retrainer.events import Observer

TABLE = "files"
_STAMPS = ("size", "mtime_ns", "ctime_ns")


class FileIndex:
    """The SHA-256 of files by path, size and times of modification and change.

    Args:
        bottleneck_dir: The folder of all caches.
        observer: Called with a warning for each file of the table that is set aside.
    """

    def __init__(self, bottleneck_dir: Path, observer: Observer) -> None:
        import pyarrow

        numbers = [(name, pyarrow.int64()) for name in _STAMPS]
        schema = pyarrow.schema([("path", pyarrow.string()), *numbers, ("sha256", pyarrow.binary(DIGEST_BYTES))])
        self._folder = ParquetFolder(bottleneck_dir / TABLE, TABLE, schema, observer)
        self._table = self._folder.joined(self._folder.read_all())
        # Oldest first, so that the newest entry of a path stays.
        self._rows = {path: row for row, path in enumerate(self._table["path"].to_pylist())}

    def digests(self, paths: Sequence[str], stamps: Integers) -> tuple[Digests, Bools]:
        """Looks up many files at once.

        Args:
            paths: N absolute paths.
            stamps: `(N, 3)`: size in bytes, times of modification and of change in nanoseconds.

        Returns:
            SHA-256 digests `(N, 32)`, and whether each is known `(N,)`. The digest of an unknown file is zero.
        """
        rows = np.array([self._rows.get(path, -1) for path in map(_storable, paths)], np.int64)
        known = rows >= 0
        for column, name in zip(stamps.T, _STAMPS, strict=True):
            known[known] = self._table[name].to_numpy()[rows[known]] == column[known]
        digests = np.zeros((len(paths), DIGEST_BYTES), np.uint8)
        digests[known] = bytes_rows(self._table["sha256"], DIGEST_BYTES)[rows[known]]
        return digests, known

    def add(self, paths: Sequence[str], stamps: Integers, digests: Digests) -> None:
        """Writes a file of new entries; the arguments are those of `digests` and what it returns."""
        self._folder.write([*_file_columns(paths, stamps), bytes_column(digests)])


def _storable(path: str) -> str:
    """A path as Parquet can store it: bytes that are not UTF-8 are escaped."""
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode("utf-8")


def _file_columns(paths: Sequence[str], stamps: Integers) -> list[Any]:
    import pyarrow

    stored = pyarrow.array(map(_storable, paths), pyarrow.string())
    return [stored, *(pyarrow.array(column) for column in np.ascontiguousarray(stamps.T))]
