"""The SHA-256 of photos' files: that of an unchanged file is known, and the others are read."""

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from retrainer.arrays import Bools, Digests
from retrainer.bottlenecks.digests import DIGEST_BYTES
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.errors import PictureError
from retrainer.events import Observer
from retrainer.photos.archives import reading_order
from retrainer.photos.files import PhotoFiles
from retrainer.photos.photo import PictureName, content_of
from retrainer.system.parallel import in_order, usable_cores


class FileHashes:
    """The SHA-256 of N files. Each is read at most once.

    Args:
        files: The files.
        folder: The folder of all caches, which need not exist.
        observer: Called with a warning for each damaged file of the table of files.
    """

    def __init__(self, files: PhotoFiles, folder: Path, observer: Observer) -> None:
        self._files, self._folder, self._observer = files, folder, observer

    @cached_property
    def _known(self) -> tuple[Digests, Bools]:
        if not self._folder.is_dir():
            return np.zeros((len(self._files.paths), DIGEST_BYTES), np.uint8), np.zeros(
                len(self._files.paths), np.bool_
            )
        paths = [path if isinstance(path, PictureName) else os.path.abspath(path) for path in self._files.paths]
        return FileIndex(self._folder, self._observer).digests(paths, self._files.stamps)

    def digests(self, rows: Sequence[int]) -> Digests:
        """The digests of some files `(n, 32)`; zero if one cannot be read."""
        digests, known = self._known
        missing = [row for row in dict.fromkeys(rows) if not known[row]]
        paths = self._files.paths
        missing = [missing[number] for number in reading_order([paths[row] for row in missing])]
        tools = list(range(usable_cores()))
        for row, digest in zip(missing, in_order(tools, _digest, [paths[row] for row in missing]), strict=True):
            digests[row], known[row] = np.frombuffer(digest, np.uint8), True
        return digests[list(rows)]

    def texts(self, rows: Sequence[int]) -> list[str]:
        """The same as hexadecimal texts; empty if a file cannot be read."""
        return [digest.tobytes().hex() if digest.any() else "" for digest in self.digests(rows)]


def _digest(_: int, path: str) -> bytes:
    try:
        return hashlib.sha256(content_of(path)).digest()
    except PictureError:
        return bytes(DIGEST_BYTES)
