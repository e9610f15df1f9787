"""A matrix that may be larger than memory: the vectors of a cache's parts, copied once into a memory-mapped `.npy`.

Beside the parts, under names that readers of Parquet folders pass over:

    _vectors.npy     float32 (R, D), the parts' vectors one after the other; NumPy reads it as it is
    _vectors.json    {"format": 2, "parts": [[name, rows, crc32c], ...]}: what of it counts, written after it
    _vectors.lock    held by the process that writes

New parts are appended; where a part is gone all are copied anew. A killed copy is taken up where the list ends.
Whoever opens the matrix checks the CRC-32C of each part's vectors, which takes as long as summing them up, and the
header. What differs is copied anew. Nothing of the header is believed: how many rows there are the list says.
"""

import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from retrainer.arrays import Floats
from retrainer.system.files import locked, open_regular, output_error, write_whole

FORMAT = 2
_MATRIX, _PARTS, _LOCK = "_vectors.npy", "_vectors.json", "_vectors.lock"
# NumPy leaves room in the header for any number of rows.
_HEADER_BYTES = 128
_FLOAT = np.dtype("<f4")


class _Part(NamedTuple):
    """A part whose vectors the matrix holds: how many rows, and the CRC-32C of their bytes."""

    name: str
    rows: int
    checksum: int


def mapped_matrix(
    folder: Path, names: Sequence[str], depth: int, read: Callable[[Sequence[str]], Iterable[tuple[str, Floats]]]
) -> tuple[Floats, list[str]]:
    """The vectors of parts as one matrix that is read from the disk as it is used.

    Args:
        folder: The parts' folder.
        names: The parts' names, oldest first.
        depth: D.
        read: Names -> those of the parts that can be read, each with its vectors `(n, D)`.

    Returns:
        float32 `(R, D)`, read-only, and the names of the parts that it holds, in the order of its rows.

    Raises:
        OutputError: the matrix cannot be written.
    """
    path = folder / _MATRIX
    with locked(folder / _LOCK):
        parts = _copied(folder, depth)
        if [part.name for part in parts] != list(names[: len(parts)]):
            parts = []
        try:
            # What differs in the header alone is mended where parts are appended.
            if len(parts) == len(names) and parts and not _has_header(path, _rows(parts), depth):
                parts = []
            if len(parts) < len(names):
                parts += _append(path, parts, depth, read(names[len(parts) :]))
                listed = json.dumps({"format": FORMAT, "parts": parts})
                write_whole(folder / _PARTS, listed.encode("utf-8"))
            matrix = _mapped(path, _rows(parts), depth)
        except OSError as error:
            raise output_error(path, error) from error
    return matrix, [part.name for part in parts]


def _copied(folder: Path, depth: int) -> list[_Part]:
    """The parts that the matrix holds; none if it or their list is damaged or absent."""
    try:
        with open_regular(folder / _PARTS) as handle:
            listed = json.loads(handle.read())
        parts = [_part_of(entry) for entry in listed["parts"]] if listed["format"] == FORMAT else []
        if (folder / _MATRIX).stat().st_size < _end(parts, depth):
            return []
        matrix, start = _mapped(folder / _MATRIX, _rows(parts), depth), 0
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    for part in parts:
        if _checksum(matrix[start : start + part.rows]) != part.checksum:
            return []
        start += part.rows
    return parts


def _part_of(entry: Any) -> _Part:
    """A part as it is listed; ValueError unless it has a name and two numbers."""
    name, rows, checksum = entry
    if type(name) is not str or type(rows) is not int or type(checksum) is not int or rows < 0:
        raise ValueError("expected a name, a number of rows and a checksum")
    return _Part(name, rows, checksum)


def _append(path: Path, parts: Sequence[_Part], depth: int, new: Iterable[tuple[str, Floats]]) -> list[_Part]:
    """Writes the vectors of new parts behind those of `parts`; returns the new parts."""
    if not parts:
        # The list first: it must never describe another matrix. Who has the old one open keeps it.
        path.with_name(_PARTS).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    added = []
    with path.open("r+b" if parts else "w+b") as handle:
        try:
            handle.seek(_end(parts, depth))
            handle.truncate()
            for name, vectors in new:
                rows = np.ascontiguousarray(vectors, _FLOAT)
                handle.write(rows.data)
                added.append(_Part(name, len(rows), _checksum(rows)))
            handle.seek(0)
            handle.write(_header(_rows((*parts, *added)), depth))
            handle.flush()
            os.fsync(handle.fileno())
        except OSError:
            handle.truncate(_end(parts, depth))
            raise
    return added


def _mapped(path: Path, rows: int, depth: int) -> Floats:
    """The first rows of the matrix, read-only float32 `(rows, depth)`."""
    with open_regular(path) as handle:
        if not rows:  # there is nothing to map
            return np.empty((0, depth), np.float32)
        return np.asarray(np.memmap(handle, _FLOAT, "r", _HEADER_BYTES, (rows, depth)))


def _checksum(vectors: Floats) -> int:
    """CRC-32C of the bytes of vectors, contiguous float32 `(n, D)`."""
    import google_crc32c

    content = vectors.reshape(-1).view(np.uint8)
    content.flags.writeable = False
    checksum: int = google_crc32c.value(content)
    return checksum


def _has_header(path: Path, rows: int, depth: int) -> bool:
    with open_regular(path) as handle:
        return handle.read(_HEADER_BYTES) == _header(rows, depth)


def _rows(parts: Sequence[_Part]) -> int:
    return sum(part.rows for part in parts)


def _end(parts: Sequence[_Part], depth: int) -> int:
    return _HEADER_BYTES + _rows(parts) * depth * _FLOAT.itemsize


def _header(rows: int, depth: int) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (rows, depth)})
    return header.getvalue()
