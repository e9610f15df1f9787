"""A matrix that may be larger than memory: the vectors of a cache's parts, copied once into a memory-mapped `.npy`.

Beside the parts, under names that readers of Parquet folders pass over:

    _vectors.npy     float32 (R, D), the parts' vectors one after the other; NumPy reads it as it is
    _vectors.json    {"format": 1, "parts": [[name, rows], ...]}: what of it counts, written after it
    _vectors.lock    held by the process that writes

New parts are appended; where a part is gone all are copied anew. A killed copy is taken up where the list ends.
"""

import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from retrainer.arrays import Floats
from retrainer.files import locked, output_error, write_whole

FORMAT = 1
_MATRIX, _PARTS, _LOCK = "_vectors.npy", "_vectors.json", "_vectors.lock"
# NumPy leaves room in the header for any number of rows.
_HEADER_BYTES = 128
_FLOAT_BYTES = 4


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
        if [name for name, _ in parts] != list(names[: len(parts)]):
            parts = []
        try:
            if len(parts) < len(names):
                parts += _append(path, parts, depth, read(names[len(parts) :]))
                listed = json.dumps({"format": FORMAT, "parts": parts})
                write_whole(folder / _PARTS, listed.encode("utf-8"))
            rows = sum(count for _, count in parts)
            matrix: Floats = np.asarray(np.load(path, mmap_mode="r"))[:rows]
        except OSError as error:
            raise output_error(path, error) from error
    return matrix, [name for name, _ in parts]


def _copied(folder: Path, depth: int) -> list[tuple[str, int]]:
    """The names and rows of the parts that the matrix holds; none where it is damaged or absent."""
    try:
        listed = json.loads((folder / _PARTS).read_bytes())
        parts = [(str(name), int(rows)) for name, rows in listed["parts"]] if listed["format"] == FORMAT else []
        whole = (folder / _MATRIX).stat().st_size >= _end(parts, depth)
        fits = np.load(folder / _MATRIX, mmap_mode="r").shape[1:] == (depth,)
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return parts if whole and fits else []


def _append(
    path: Path, parts: Sequence[tuple[str, int]], depth: int, new: Iterable[tuple[str, Floats]]
) -> list[tuple[str, int]]:
    """Writes the vectors of new parts behind those of `parts`; returns the new parts' names and rows."""
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
                handle.write(np.ascontiguousarray(vectors, np.dtype("<f4")).data)
                added.append((name, len(vectors)))
            handle.seek(0)
            handle.write(_header(sum(count for _, count in (*parts, *added)), depth))
            handle.flush()
            os.fsync(handle.fileno())
        except OSError:
            handle.truncate(_end(parts, depth))
            raise
    return added


def _end(parts: Sequence[tuple[str, int]], depth: int) -> int:
    return _HEADER_BYTES + sum(count for _, count in parts) * depth * _FLOAT_BYTES


def _header(rows: int, depth: int) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (rows, depth)})
    return header.getvalue()
