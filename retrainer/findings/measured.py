"""What was measured of photos themselves, without a network: fingerprints, looks and copies, from the cache."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.bottlenecks.look_cache import LookCache, Looks
from retrainer.errors import PictureError
from retrainer.events import Detailed, Observer
from retrainer.feature_source import bottleneck_folder
from retrainer.photos.archives import reading_order
from retrainer.photos.copies.fingerprints import Fingerprints
from retrainer.photos.copies.search import Copies, find_copies
from retrainer.photos.dataset import Dataset
from retrainer.photos.looks import SIDE, Look
from retrainer.photos.photo import content_of
from retrainer.system.parallel import in_order, usable_cores

# A killed run loses at most as many photos.
_PHOTOS_PER_FILE = 4096


@dataclass(frozen=True, eq=False)
class Measured:
    """What finders look at besides the evidence.

    Attributes:
        fingerprints: Small pictures of N photos, `(N, FINGERPRINT_BYTES)`.
        looks: Their sides, sizes, formats and sharpness.
        copies: Which of them are copies of one another.
    """

    fingerprints: Fingerprints
    looks: Looks
    copies: Copies


def measured(dataset: Dataset, bottleneck_dir: str, observer: Observer) -> Measured:
    """Returns what was measured of photos whose vectors have been extracted.

    Photos are read only if their vectors were extracted without their looks, as `retrain` does.

    Args:
        dataset: N photos.
        bottleneck_dir: The folder of the cache; empty for the user's own.
        observer: Called with a warning for each damaged file of the cache.

    Raises:
        OutputError: the cache cannot be used.
    """
    folder = bottleneck_folder(bottleneck_dir)
    fingerprints, looks = FingerprintCache(folder, observer), LookCache(folder, observer)
    missing = np.flatnonzero(~looks.knows(dataset.digests))
    if len(missing):
        observer(Detailed(f"Measuring {len(missing):,} photos"))
        _measure([dataset.paths[row] for row in missing.tolist()], looks)
    return Measured(
        fingerprints.fingerprints(dataset.digests),
        looks.looks(dataset.digests),
        find_copies(dataset.digests, fingerprints.near_copies),
    )


def _measure(paths: Sequence[str], looks: LookCache) -> None:
    """Reads photos, measures and caches their looks."""
    ordered = [paths[number] for number in reading_order(paths)]
    for start in range(0, len(ordered), _PHOTOS_PER_FILE):
        some = ordered[start : start + _PHOTOS_PER_FILE]
        found = dict(filter(None, in_order([None] * min(usable_cores(), len(some)), _looked_at, some)))
        if found:
            digests = np.frombuffer(b"".join(found), np.uint8).reshape(len(found), -1)
            looks.add(digests, list(found.values()))


def _looked_at(_: None, path: str) -> tuple[bytes, Look] | None:
    """The SHA-256 and the look of a photo; None if it cannot be read any more."""
    import hashlib

    from retrainer.photos.images import decode  # its decoders take long to import
    from retrainer.photos.looks import look_of

    with suppress(PictureError):
        content = content_of(path)
        return hashlib.sha256(content).digest(), look_of(content, decode(content, SIDE))
    return None
