"""The SHA-256 of files: the cache knows that of unchanged ones, and the others are read."""

import hashlib
import os
from pathlib import Path

import numpy as np

from retrainer.arrays import Digests
from retrainer.bottlenecks.digests import DIGEST_BYTES
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.errors import PictureError
from retrainer.events import silent
from retrainer.photos.archives import reading_order
from retrainer.photos.files import PhotoFiles
from retrainer.photos.photo import PictureName, content_of
from retrainer.system.parallel import in_order, usable_cores


def digests_of(files: PhotoFiles, bottlenecks: Path) -> Digests:
    """Returns the digests of N files, `(N, 32)`; zero if one cannot be read.

    Args:
        files: The files.
        bottlenecks: The folder of the cache, which need not exist.
    """
    paths = [path if isinstance(path, PictureName) else os.path.abspath(path) for path in files.paths]
    digests, known = np.zeros((len(paths), DIGEST_BYTES), np.uint8), np.zeros(len(paths), np.bool_)
    if bottlenecks.is_dir():
        digests, known = FileIndex(bottlenecks, silent).digests(paths, files.stamps)
    missing = np.flatnonzero(~known).tolist()
    missing = [missing[number] for number in reading_order([paths[row] for row in missing])]
    read = in_order(range(usable_cores()), _digest, [paths[row] for row in missing])
    for row, digest in zip(missing, read, strict=True):
        digests[row] = np.frombuffer(digest, np.uint8)
    return digests


def _digest(_: int, path: str) -> bytes:
    try:
        return hashlib.sha256(content_of(path)).digest()
    except PictureError:
        return bytes(DIGEST_BYTES)
