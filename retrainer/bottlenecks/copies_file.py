"""The file `copies-1.json` under `--bottleneck_dir`: the near copies among the photos of the last run.

Its first line is the SHA-256 of what follows: a JSON document with the SHA-256 of the photos' digests, and the pairs.
"""

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrainer.arrays import Digests, Integers
from retrainer.photos.copies.search import NearCopies
from retrainer.system.files import open_regular, write_whole


@dataclass(frozen=True)
class CopiesFile:
    """The near copies among some photos, on the disk.

    Attributes:
        path: The file.
    """

    path: Path

    def read(self, digests: Digests) -> NearCopies | None:
        """The near copies among photos `(N, 32)`, sorted; None if the file has other photos, is damaged or absent."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with open_regular(self.path) as handle:
                stated, content = handle.read().split(b"\n", 1)
            if _hash_of(content).encode("ascii") == stated:
                document = json.loads(content)
                if document["photos"] == _hash_of(digests.tobytes()):
                    ones, others, likenesses = document["pairs"]
                    pairs: Integers = np.array([ones, others], np.int64).T
                    return NearCopies(pairs, np.array(likenesses, np.float32))
        return None

    def write(self, digests: Digests, copies: NearCopies) -> None:
        """Replaces the file by the near copies among photos `(N, 32)`, sorted.

        Raises:
            OutputError: the file cannot be written.
        """
        pairs = [*copies.pairs.T.tolist(), copies.likenesses.tolist()]
        content = json.dumps({"photos": _hash_of(digests.tobytes()), "pairs": pairs}).encode("ascii")
        write_whole(self.path, _hash_of(content).encode("ascii") + b"\n" + content)


def _hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
