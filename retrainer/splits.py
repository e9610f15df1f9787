"""Which photos train the head, which validate and which test it: a split that stays put.

By content, a photo's place is its hash; by path it is the hash of the 2017 scripts.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Integers
from retrainer.dataset import Dataset
from retrainer.events import Observer, Warned

TRAINING, VALIDATION, TESTING = 0, 1, 2
# The constant of the 2017 scripts: MAX_NUM_IMAGES_PER_CLASS.
_PATH_HASH_MAX = 2**27 - 1
_FEWEST_DIFFERENT = 3

Places = npt.NDArray[np.float64]
"""Where photos stand in the split, `(N,)`, 0 to 100, in percent."""


Parts = npt.NDArray[np.int8]
"""Of each photo TRAINING, VALIDATION or TESTING, `(N,)`."""


@dataclass(frozen=True)
class Split:
    """The part of each photo."""

    parts: Parts

    def rows(self, part: int) -> Integers:
        """The numbers of the photos of one part."""
        return np.flatnonzero(self.parts == part)


def split_by_path(paths: Sequence[str], validation_percentage: int, testing_percentage: int) -> Split:
    """The split of the 2017 scripts, bit for bit: by SHA-1 of the path as typed, up to `_nohash_`.

    A class may get no validation or test photo.
    """
    places = np.array([path_place(path) for path in paths])
    return Split(_natural(places, validation_percentage, testing_percentage))


def path_place(path: str) -> float:
    """A path's place, 0 to 100, as the 2017 scripts computed it."""
    hashed = hashlib.sha1(re.sub(r"_nohash_.*$", "", path).encode("utf-8", "surrogateescape")).hexdigest()
    return (int(hashed, 16) % (_PATH_HASH_MAX + 1)) * (100.0 / _PATH_HASH_MAX)


def split_by_content(
    dataset: Dataset, validation_percentage: int, testing_percentage: int, seed: int, observer: Observer
) -> Split:
    """The split by a hash of the photos' bytes.

    Moving, renaming, relabelling or adding photos moves no other, identical photos share a part, and so do variants
    that differ only behind `_nohash_` in their names (where the two rules clash, the bytes win). A class whose
    validation, test or training part would be empty borrows the photo whose hash is nearest; only borrowed photos
    can be moved by a later addition. A class of fewer than three different photos trains only. Another seed gives
    another split.
    """
    groups, places = _groups(dataset, seed)
    parts = _natural(places, validation_percentage, testing_percentage)
    shared = _shared(groups, dataset.label_ids)
    wanted = _ranges(validation_percentage, testing_percentage)
    for label_id, label in enumerate(dataset.labels):
        members = np.flatnonzero(dataset.label_ids == label_id)
        # A photo that other classes have, too, stays where its bytes put it.
        own = members[~shared[members]]
        if len(np.unique(groups[members])) < _FEWEST_DIFFERENT:
            observer(
                Warned(f"'{label}' has fewer than three different photos: they only train, and nothing tests them.")
            )
            parts[own] = TRAINING
        else:
            present = set(parts[members[shared[members]]].tolist())
            lacking = {part: ends for part, ends in wanted.items() if part not in present}
            parts[own] = _filled(places[own], groups[own], parts[own], lacking)
    return Split(parts)


def _filled(places: Places, groups: Integers, parts: Parts, wanted: Mapping[int, tuple[float, float]]) -> Parts:
    """Lets each empty part borrow the group that is nearest, even a part that thereby becomes empty itself.

    That a group is taken wherever it lies, and each once, is what keeps all others in place when photos are added.

    Args:
        places, groups, parts: Of a class's photos, `(n,)`; photos of a group share their place.
        wanted: Part -> its range of places.

    Returns:
        The parts, `(n,)`.
    """
    filled = parts.copy()
    free = np.ones(len(parts), np.bool_)
    while free.any() and (empty := [part for part in wanted if part not in filled]):
        lower, upper = wanted[empty[0]]
        distances = np.maximum(np.maximum(lower - places, places - upper), 0.0)
        nearest = groups == groups[np.where(free, distances, np.inf).argmin()]
        filled[nearest] = empty[0]
        free &= ~nearest
    return filled


def _ranges(validation_percentage: int, testing_percentage: int) -> dict[int, tuple[float, float]]:
    """The places of each part, without those that take no photos."""
    held_out = validation_percentage + testing_percentage
    ranges = {
        VALIDATION: (0.0, float(validation_percentage)),
        TESTING: (float(validation_percentage), float(held_out)),
        TRAINING: (float(held_out), 100.0),
    }
    return {part: (lower, upper) for part, (lower, upper) in ranges.items() if lower < upper}


def _natural(places: Places, validation_percentage: int, testing_percentage: int) -> Parts:
    parts = np.full(len(places), TRAINING, np.int8)
    parts[places < testing_percentage + validation_percentage] = TESTING
    parts[places < validation_percentage] = VALIDATION
    return parts


def _groups(dataset: Dataset, seed: int) -> tuple[Integers, Places]:
    """Numbers of the groups that stay together `(N,)`, and each photo's place `(N,)`.

    A photo's key is its digest, or the digest of its name up to `_nohash_` where all photos of the same bytes have it.
    """
    digests = np.ascontiguousarray(dataset.digests)
    keys = digests.copy()
    _, same = np.unique(digests.view("S32").reshape(-1), return_inverse=True)
    variants: dict[int, set[str]] = {}
    prefixes = [re.split("_nohash_", os.path.basename(path), maxsplit=1) for path in dataset.paths]
    for content, parts in zip(same.tolist(), prefixes, strict=True):
        variants.setdefault(content, set()).add(parts[0] if len(parts) > 1 else "")
    for row, content in enumerate(same.tolist()):
        (prefix, *others) = variants[content]
        if prefix and not others:
            name = hashlib.sha256(prefix.encode("utf-8", "surrogateescape")).digest()
            keys[row] = np.frombuffer(name, np.uint8)
    _, groups = np.unique(keys.view("S32").reshape(-1), return_inverse=True)
    hashes = np.ascontiguousarray(keys[:, :8]).view(">u8").reshape(-1)
    if seed:
        hashes = hashes ^ np.uint64(int.from_bytes(hashlib.sha256(str(seed).encode("ascii")).digest()[:8], "big"))
    return groups.astype(np.int64), hashes.astype(np.float64) * (100.0 / 2.0**64)


def _shared(groups: Integers, label_ids: Integers) -> Bools:
    """Whether each photo's group spans several classes, `(N,)`."""
    count = int(groups.max()) + 1 if len(groups) else 0
    lowest, highest = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
    np.minimum.at(lowest, groups, label_ids)
    np.maximum.at(highest, groups, label_ids)
    different: Bools = (lowest != highest)[groups]
    return different
