"""One matrix of all vectors of a large cache, copied into a `.npy` file that is mapped into memory.

It lies beside the Parquet files, under names that readers of Parquet folders ignore:

    _vectors.npy     float32 (R, D), the vectors of the Parquet files one after the other; `numpy.load` reads it
    _vectors.json    {"format": 2, "parts": [[name, rows, crc32c], ...]}: the copied Parquet files, written last;
                     a name is that of the file, a space, and the CRC-32C of its keys in eight digits
    _vectors.lock    locked by the process that writes

New files are appended. If a copied file is gone, all files are copied again. A copy that was killed goes on after the
last listed file. Opening the matrix checks its header and the CRC-32C of each file's vectors; after any difference all
are copied again. The number of rows comes from the list, never from the header.
"""

import contextlib
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
_MATRIX, _LIST, _LOCK = "_vectors.npy", "_vectors.json", "_vectors.lock"
# NumPy leaves room in the header for any number of rows.
_HEADER_BYTES = 128
_FLOAT = np.dtype("<f4")


class _File(NamedTuple):
    """A Parquet file whose vectors the matrix holds: its name, its rows, and the CRC-32C of its vectors."""

    name: str
    rows: int
    checksum: int


def mapped_matrix(
    folder: Path, names: Sequence[str], depth: int, read: Callable[[Sequence[str]], Iterable[tuple[str, Floats]]]
) -> tuple[Floats, list[str]]:
    """The vectors of Parquet files as one matrix that stays on the disk and is read as it is used.

    Args:
        folder: The folder of the files.
        names: The names of the files, oldest first, each with a checksum of its keys.
        depth: D.
        read: Takes names and yields each file that can be read: its name and its vectors `(n, D)`.

    Returns:
        float32 `(R, D)`, read-only, and the names of the files that it holds, in the order of its rows.

    Raises:
        OutputError: the matrix cannot be written.
    """
    path = folder / _MATRIX
    # Nobody changes rows that are listed, so that a matrix which is complete needs no lock: it takes 14 ms.
    files, matrix = _copied_files(folder, depth)
    if [file.name for file in files] == list(names) and _has_header(path, len(matrix), depth):
        return matrix, list(names)
    with locked(folder / _LOCK):
        files, _ = _copied_files(folder, depth)
        if [file.name for file in files] != list(names[: len(files)]):
            files = []
        try:
            # Appending writes the header again, so a wrong header matters only if nothing is appended.
            if len(files) == len(names) and files and not _has_header(path, _rows(files), depth):
                files = []
            if len(files) < len(names) or not files:
                files += _append(path, files, depth, read(names[len(files) :]))
                listed = json.dumps({"format": FORMAT, "parts": files})
                write_whole(folder / _LIST, listed.encode("utf-8"))
            matrix = _mapped(path, _rows(files), depth)
        except OSError as error:
            raise output_error(path, error) from error
    return matrix, [file.name for file in files]


def _copied_files(folder: Path, depth: int) -> tuple[list[_File], Floats]:
    """The files that the matrix holds, and its rows; none if the matrix or its list is absent or damaged."""
    nothing: tuple[list[_File], Floats] = [], np.empty((0, depth), np.float32)
    try:
        with open_regular(folder / _LIST) as handle:
            listed = json.loads(handle.read())
        files = [_file_of(entry) for entry in listed["parts"]] if listed["format"] == FORMAT else []
        if (folder / _MATRIX).stat().st_size < _end(files, depth):
            return nothing
        matrix, start = _mapped(folder / _MATRIX, _rows(files), depth), 0
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return nothing
    for file in files:
        if _checksum(matrix[start : start + file.rows]) != file.checksum:
            return nothing
        start += file.rows
    return files, matrix


def _file_of(entry: Any) -> _File:
    """An entry of the list; ValueError unless it is a name and two numbers."""
    name, rows, checksum = entry
    if type(name) is not str or type(rows) is not int or type(checksum) is not int or rows < 0:
        raise ValueError("expected a name, a number of rows and a checksum")
    return _File(name, rows, checksum)


def _append(path: Path, files: Sequence[_File], depth: int, new: Iterable[tuple[str, Floats]]) -> list[_File]:
    """Writes the vectors of new files after those of `files`; returns the new files."""
    if not files:
        # The list goes first: it must never describe another matrix. A process that maps the old matrix keeps it.
        path.with_name(_LIST).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    added = []
    with path.open("r+b" if files else "w+b") as handle:
        try:
            handle.seek(_end(files, depth))
            handle.truncate()
            for name, vectors in new:
                rows = np.ascontiguousarray(vectors, _FLOAT)
                handle.write(rows.data)
                added.append(_File(name, len(rows), _checksum(rows)))
            handle.seek(0)
            handle.write(_header(_rows((*files, *added)), depth))
            handle.flush()
            os.fsync(handle.fileno())
        except OSError:
            handle.truncate(_end(files, depth))
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
    with contextlib.suppress(FileNotFoundError), open_regular(path) as handle:
        return handle.read(_HEADER_BYTES) == _header(rows, depth)
    return False


def _rows(files: Sequence[_File]) -> int:
    return sum(file.rows for file in files)


def _end(files: Sequence[_File], depth: int) -> int:
    """Where in the matrix the vectors of these files end, in bytes."""
    return _HEADER_BYTES + _rows(files) * depth * _FLOAT.itemsize


def _header(rows: int, depth: int) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (rows, depth)})
    return header.getvalue()
