"""The table of fingerprints: the SHA-256 of a photo's content -> a small picture by which copies are found.

It lies under `--bottleneck_dir`:

    fingerprints-1/part-*.parquet    sha256 -> fingerprint, see `photos.copies.fingerprints`
    copies-1.json                    the near copies among the photos of the last run, see `copies_file`

The number is the version of the format. It grows when fingerprints, or the rules of what a copy is, change.
"""

from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Bools, Digests
from retrainer.bottlenecks.columns import bytes_column, bytes_rows
from retrainer.bottlenecks.copies_file import CopiesFile
from retrainer.bottlenecks.digests import DIGEST_BYTES, sorted_digests
from retrainer.bottlenecks.parquet_files import ParquetFolder, cache_changed
from retrainer.events import Began, Observer
from retrainer.photos.copies.fingerprints import FINGERPRINT_BYTES, Fingerprints
from retrainer.photos.copies.search import NearCopies, near_copies

FORMAT = 1
TABLE = f"fingerprints-{FORMAT}"
# The search among fewer photos takes only seconds.
_WORTH_REPORTING = 10_000


class FingerprintCache:
    """The fingerprints of all photos that were ever read.

    Args:
        bottleneck_dir: The folder of all caches.
        observer: Called before a long search for copies, and with a warning for each file that is set aside.
    """

    def __init__(self, bottleneck_dir: Path, observer: Observer) -> None:
        import pyarrow

        columns = [("sha256", pyarrow.binary(DIGEST_BYTES)), ("fingerprint", pyarrow.binary(FINGERPRINT_BYTES))]
        self._folder = ParquetFolder(bottleneck_dir / TABLE, TABLE, pyarrow.schema(columns), observer)
        self._copies = CopiesFile(bottleneck_dir / f"copies-{FORMAT}.json")
        self._observer = observer
        self._known = {digest for table in self._folder.read_all(["sha256"]) for digest in _digests_in(table)}

    def knows(self, digests: Digests) -> Bools:
        """Whether each photo has a fingerprint, `(N,)`; digests `(N, 32)`."""
        return np.array([digest.tobytes() in self._known for digest in digests], np.bool_)

    def known(self) -> bytes:
        """The digests of all photos that have a fingerprint, sorted, see `digests`."""
        return sorted_digests(b"".join(self._known))

    def add(self, digests: Digests, fingerprints: Fingerprints) -> None:
        """Writes a file of fingerprints: digests `(n, 32)`, fingerprints `(n, FINGERPRINT_BYTES)`."""
        self._folder.write([bytes_column(digests), bytes_column(fingerprints)])
        self._known.update(digest.tobytes() for digest in digests)

    def fingerprints(self, digests: Digests) -> Fingerprints:
        """The fingerprints of photos, `(N, FINGERPRINT_BYTES)`; digests `(N, 32)`.

        Raises:
            OutputError: a fingerprint is absent.
        """
        table = self._folder.joined(self._folder.read_all())
        rows = {digest: row for row, digest in enumerate(_digests_in(table))}
        try:
            positions = np.array([rows[digest.tobytes()] for digest in digests], np.int64)
        except KeyError as error:
            raise cache_changed() from error
        return bytes_rows(table["fingerprint"], FINGERPRINT_BYTES)[positions]

    def near_copies(self, digests: Digests) -> NearCopies:
        """The near copies among different photos, remembered from the last run or searched now.

        Args:
            digests: `(N, 32)`, sorted.
        """
        copies = self._copies.read(digests)
        if copies is None:
            if len(digests) >= _WORTH_REPORTING:
                self._observer(Began(f"Looking for copies among {len(digests):,} photos"))
            copies = near_copies(self.fingerprints(digests))
            self._copies.write(digests, copies)
        return copies


def _digests_in(table: Any) -> list[bytes]:
    digests: list[bytes] = table["sha256"].to_pylist()
    return digests
