"""The positions of photos: fixed numbers from 0 to 100, by which splits and folds order photos.

A position is made of a hash of the photo's bytes, or of its path as in the 2017 scripts.
"""

import hashlib
import os
import re

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Digests, Integers, digest_keys
from retrainer.photos.dataset import Dataset

# The constant of the 2017 scripts: MAX_NUM_IMAGES_PER_CLASS.
_PATH_HASH_MAX = 2**27 - 1

Positions = npt.NDArray[np.float64]
"""The positions of photos, `(N,)`, 0 to 100, in percent."""

Hashes = npt.NDArray[np.uint64]
"""The hashes that decide the positions of photos, `(N,)`."""


def path_position(path: str) -> float:
    """The position of a path, 0 to 100, as in the 2017 scripts."""
    hashed = hashlib.sha1(re.sub(r"_nohash_.*$", "", path).encode("utf-8", "surrogateescape")).hexdigest()
    return (int(hashed, 16) % (_PATH_HASH_MAX + 1)) * (100.0 / _PATH_HASH_MAX)


def content_positions(dataset: Dataset, seed: int) -> tuple[Hashes, Positions]:
    """The hash and the position of each photo, `(N,)` both; photos that stay together have the same hash."""
    hashes = np.ascontiguousarray(_keys(dataset)[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
    if dataset.groups is not None:
        hashes = _joined(hashes, dataset.groups)
    mixed = _mixed(hashes + np.uint64(seed)) if seed else hashes
    return hashes, mixed.astype(np.float64) * (100.0 / 2.0**64)


def _joined(hashes: Hashes, groups: Integers) -> Hashes:
    """Gives one hash to all photos that share a hash or a group, directly or through others; all are `(N,)`.

    It is the hash of one of them, drawn regardless of its position: large groups are spread as evenly as single photos.
    A photo that joins a group can move only that group.
    """
    _, first, same_hash = np.unique(hashes, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(_mixed(hashes[first]))] = np.arange(len(first))
    _, same_group = np.unique(groups, return_inverse=True)
    lowest = ranks[same_hash]
    while True:
        of_group = np.full(len(lowest), len(lowest))
        np.minimum.at(of_group, same_group, lowest)
        of_hash = np.full(len(lowest), len(lowest))
        np.minimum.at(of_hash, same_hash, of_group[same_group])
        if (of_hash[same_hash] == lowest).all():
            return hashes[first][np.argsort(ranks)[lowest]]
        lowest = of_hash[same_hash]


def _keys(dataset: Dataset) -> Digests:
    """The bytes that each photo's hash is made of, `(N, 32)`.

    They are its digest; or the digest of its name up to `_nohash_`, if all photos of the same bytes have that name.
    """
    keys = dataset.digests
    if not any("_nohash_" in path for path in dataset.paths):
        return keys
    _, same = np.unique(digest_keys(keys), return_inverse=True)
    keys = keys.copy()
    variants: dict[int, set[str]] = {}
    prefixes = [re.split("_nohash_", os.path.basename(path), maxsplit=1) for path in dataset.paths]
    for content, (before, *after) in zip(same.tolist(), prefixes, strict=True):
        variants.setdefault(content, set()).add(before if after else "")
    for row, content in enumerate(same.tolist()):
        (prefix, *others) = variants[content]
        if prefix and not others:
            name = hashlib.sha256(prefix.encode("utf-8", "surrogateescape")).digest()
            keys[row] = np.frombuffer(name, np.uint8)
    return keys


def _mixed(numbers: Hashes) -> Hashes:
    """Mixes the bits of each number, by the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
