"""The fingerprints of photos by their content, and which photos of the last run were near copies of one another.

Under `--bottleneck_dir`:

    fingerprints-1/part-*.parquet    sha256 -> fingerprint; `fingerprints` and `bottlenecks` describe the two
    copies-1.json                    the SHA-256 of what follows; the photos; the pairs of near copies among them

The number is that of the format: of other fingerprints, or other rules of what a copy is, it is another.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.bottlenecks.cache import DIGEST_BYTES, bytes_column, bytes_rows
from retrainer.bottlenecks.parquet_files import PartFolder
from retrainer.errors import OutputError
from retrainer.events import Noted, Observer
from retrainer.photos.copies.fingerprints import FINGERPRINT_BYTES, Fingerprints
from retrainer.photos.copies.search import NearCopies, near_copies
from retrainer.system.files import open_regular, write_whole

FORMAT = 1
_TABLE = f"fingerprints-{FORMAT}"
# Of fewer photos copies are found within a few seconds.
_WORTH_TELLING = 10_000


class FingerprintCache:
    """The fingerprints of all photos that were ever read.

    Args:
        bottleneck_dir: The folder of all caches.
        observer: Told which parts were set aside.
    """

    def __init__(self, bottleneck_dir: Path, observer: Observer) -> None:
        import pyarrow

        columns = [("sha256", pyarrow.binary(DIGEST_BYTES)), ("fingerprint", pyarrow.binary(FINGERPRINT_BYTES))]
        self._parts = PartFolder(bottleneck_dir / _TABLE, _TABLE, pyarrow.schema(columns), observer)
        self._copies = bottleneck_dir / f"copies-{FORMAT}.json"
        self._observer = observer
        self._known = {key for _, part in self._parts.read(self._parts.names(), ["sha256"]) for key in _keys(part)}

    def knows(self, digests: Digests) -> Bools:
        """Of which photos fingerprints are there, `(N,)`; digests `(N, 32)`."""
        return np.array([digest.tobytes() in self._known for digest in digests], np.bool_)

    def add(self, digests: Digests, prints: Fingerprints) -> None:
        """Adds one part: digests `(n, 32)`, fingerprints `(n, FINGERPRINT_BYTES)`."""
        self._parts.write([bytes_column(digests), bytes_column(prints)])
        self._known.update(digest.tobytes() for digest in digests)

    def prints(self, digests: Digests) -> Fingerprints:
        """The fingerprints of photos, `(N, FINGERPRINT_BYTES)`; digests `(N, 32)`.

        Raises:
            OutputError: one is absent.
        """
        table = self._parts.joined([part for _, part in self._parts.read(self._parts.names())])
        rows = {key: row for row, key in enumerate(_keys(table))}
        try:
            places = np.array([rows[digest.tobytes()] for digest in digests], np.int64)
        except KeyError as error:
            raise OutputError(
                "--bottleneck_dir: another process changed the cache while it was in use.", "Run it again."
            ) from error
        return bytes_rows(table["fingerprint"], FINGERPRINT_BYTES)[places]

    def near_copies(self, digests: Digests) -> NearCopies:
        """Which of different photos are near copies of one another: remembered of the last run, or found anew.

        Args:
            digests: `(N, 32)`, sorted.
        """
        photos = hashlib.sha256(digests.tobytes()).hexdigest()
        found = self._remembered(photos)
        if found is None:
            if len(digests) >= _WORTH_TELLING:
                self._observer(Noted(f"Looking for copies among {len(digests):,} photos"))
            found = near_copies(self.prints(digests))
            pairs = [*found.pairs.T.tolist(), found.likenesses.tolist()]
            content = json.dumps({"photos": photos, "pairs": pairs}).encode("ascii")
            write_whole(self._copies, hashlib.sha256(content).hexdigest().encode("ascii") + b"\n" + content)
        return found

    def _remembered(self, photos: str) -> NearCopies | None:
        """The near copies among the photos of this hash, None if they are not remembered."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with open_regular(self._copies) as handle:
                stated, content = handle.read().split(b"\n", 1)
            if hashlib.sha256(content).hexdigest().encode("ascii") == stated:
                known = json.loads(content)
                if known["photos"] == photos:
                    ones, others, likenesses = known["pairs"]
                    pairs: Integers = np.array([ones, others], np.int64).T
                    return NearCopies(pairs, np.array(likenesses, np.float32))
        return None


def _keys(table: object) -> list[bytes]:
    keys: list[bytes] = table["sha256"].to_pylist()  # type: ignore[index]
    return keys
