"""The table of looks: the SHA-256 of a photo's content -> the size of its file, its sides, format and sharpness.

It lies under `--bottleneck_dir` as `looks-1/part-*.parquet`. The number is the version of the format. It grows when
the way of measuring changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.bottlenecks.columns import bytes_column, bytes_rows
from retrainer.bottlenecks.digests import DIGEST_BYTES, contains, sorted_digests
from retrainer.bottlenecks.parquet_files import ParquetFolder
from retrainer.events import Observer
from retrainer.photos.looks import Look

FORMAT = 1
TABLE = f"looks-{FORMAT}"
_NUMBERS = ("width", "height", "size")


@dataclass(frozen=True, eq=False)
class Looks:
    """The looks of N photos; the attributes are those of `Look`, as columns.

    Attributes:
        widths, heights, sizes: `(N,)`; 0 for photos that were not measured.
        formats: N names, or empty ones.
        sharpness: `(N,)`, or NaN.
    """

    widths: Integers
    heights: Integers
    sizes: Integers
    formats: Sequence[str]
    sharpness: Floats

    @property
    def pixels(self) -> Integers:
        """The pixels of each picture, `(N,)`."""
        return self.widths * self.heights


class LookCache:
    """The looks of photos, read from the disk when they are asked for.

    Args:
        bottleneck_dir: The folder of all caches.
        observer: Called with a warning for each file that is set aside.
    """

    def __init__(self, bottleneck_dir: Path, observer: Observer) -> None:
        self._bottleneck_dir, self._observer = bottleneck_dir, observer

    @cached_property
    def _folder(self) -> ParquetFolder:
        import pyarrow

        numbers = [(name, pyarrow.int64()) for name in _NUMBERS]
        last = [("format", pyarrow.string()), ("sharpness", pyarrow.float32())]
        schema = pyarrow.schema([("sha256", pyarrow.binary(DIGEST_BYTES)), *numbers, *last])
        return ParquetFolder(self._bottleneck_dir / TABLE, TABLE, schema, self._observer)

    def known(self) -> bytes:
        """The digests of all photos that have been measured, sorted, see `digests`."""
        return sorted_digests(b"".join(_digests_in(table).tobytes() for table in self._folder.read_all(["sha256"])))

    def knows(self, digests: Digests) -> Bools:
        """Whether each photo has been measured, `(N,)`; digests `(N, 32)`."""
        known = self.known()
        return np.array([contains(known, digest.tobytes()) for digest in digests], np.bool_)

    def add(self, digests: Digests, looks: Sequence[Look]) -> None:
        """Writes a file of looks; digests `(n, 32)`."""
        import pyarrow

        numbers = [pyarrow.array([getattr(look, name) for look in looks], pyarrow.int64()) for name in _NUMBERS]
        formats = pyarrow.array([look.format for look in looks], pyarrow.string())
        sharpness = pyarrow.array([look.sharpness for look in looks], pyarrow.float32())
        self._folder.write([bytes_column(digests), *numbers, formats, sharpness])

    def looks(self, digests: Digests) -> Looks:
        """The looks of photos; digests `(N, 32)`."""
        table = self._folder.joined(self._folder.read_all())
        rows = {digest.tobytes(): row for row, digest in enumerate(_digests_in(table))}
        # The last row stands for photos that were not measured.
        wanted = np.array([rows.get(digest.tobytes(), table.num_rows) for digest in digests], np.int64)
        widths, heights, sizes = (np.append(table[name].to_numpy(), 0)[wanted] for name in _NUMBERS)
        formats = [*table["format"].to_pylist(), ""]
        sharpness = np.append(table["sharpness"].to_numpy(), np.float32(np.nan))[wanted]
        return Looks(widths, heights, sizes, [formats[row] for row in wanted.tolist()], sharpness)


def _digests_in(table: Any) -> Digests:
    return bytes_rows(table["sha256"], DIGEST_BYTES)
