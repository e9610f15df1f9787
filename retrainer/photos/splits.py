"""The split: which photos train the head, which validate it and which test it.

A photo's part follows from its position, which stays the same from run to run. The position is made of a hash of the
photo's bytes, or of its path as in the 2017 scripts.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Digests, Integers, digest_keys
from retrainer.events import Observer, Warned
from retrainer.photos.dataset import Dataset


class Part(IntEnum):
    """A part of a split. Models store the numbers."""

    TRAINING = 0
    VALIDATION = 1
    TESTING = 2


# The constant of the 2017 scripts: MAX_NUM_IMAGES_PER_CLASS.
_PATH_HASH_MAX = 2**27 - 1
_FEWEST_DIFFERENT = 3

Positions = npt.NDArray[np.float64]
"""The positions of photos in a split, `(N,)`, 0 to 100, in percent."""

Hashes = npt.NDArray[np.uint64]
"""The hashes that decide the positions of photos, `(N,)`."""

Parts = npt.NDArray[np.int8]
"""The `Part` of each photo, `(N,)`."""


@dataclass(frozen=True, eq=False)
class Split:
    """The part of each photo."""

    parts: Parts

    def rows(self, part: Part) -> Integers:
        """The rows of the photos of one part, `(n,)`."""
        return np.flatnonzero(self.parts == part)


def split_by_path(paths: Sequence[str], validation_percentage: int, testing_percentage: int) -> Split:
    """Splits photos as the 2017 scripts did, bit for bit: by SHA-1 of the path as typed, up to `_nohash_`.

    A class may get no validation or test photo.
    """
    positions = np.array([path_position(path) for path in paths])
    return Split(natural_parts(positions, validation_percentage, testing_percentage))


def path_position(path: str) -> float:
    """The position of a path, 0 to 100, as in the 2017 scripts."""
    hashed = hashlib.sha1(re.sub(r"_nohash_.*$", "", path).encode("utf-8", "surrogateescape")).hexdigest()
    return (int(hashed, 16) % (_PATH_HASH_MAX + 1)) * (100.0 / _PATH_HASH_MAX)


def split_by_content(
    dataset: Dataset, validation_percentage: int, testing_percentage: int, seed: int, observer: Observer
) -> Split:
    """Splits photos by a hash of their bytes.

    Moving, renaming, relabelling or adding photos changes the part of no other photo. Three kinds of photos share a
    part: identical ones, those of one group of the dataset, and variants, whose names differ only after `_nohash_`. If
    bytes and names disagree, the bytes win.

    If a class has no photo in a part, it borrows the photo with the nearest position. Adding photos can move only
    borrowed photos and groups that grow. A class of fewer than three different photos only trains. Each seed gives
    another split.
    """
    hashes, photo_positions = content_positions(dataset, seed)
    _, first, groups = np.unique(hashes, return_index=True, return_inverse=True)
    positions = photo_positions[first]
    parts = natural_parts(positions, validation_percentage, testing_percentage)
    wanted = _ranges(validation_percentage, testing_percentage)
    classes = _groups_of_classes(groups, dataset.label_ids, len(dataset.labels))
    shared = np.bincount(np.concatenate(classes), minlength=len(positions)) > 1
    small = [len(members) < _FEWEST_DIFFERENT for members in classes]
    for label, members, few in zip(dataset.labels, classes, small, strict=True):
        if few:
            observer(Warned(f"'{label}' has fewer than three different photos: they are used for training only."))
            parts[members[~shared[members]]] = Part.TRAINING
    _fill([members for members, few in zip(classes, small, strict=True) if not few], positions, parts, shared, wanted)
    for members, few in zip(classes, small, strict=True):
        if few and Part.TRAINING not in parts[members]:
            # All its photos are shared with other classes, and none trains. The class could not be learnt.
            parts[members] = Part.TRAINING
    split = Split(parts[groups])
    tested = [label_id for label_id, few in enumerate(small) if not few]
    warn_of_empty_parts(split, dataset, tested, wanted, observer)
    return split


def stratified_folds(dataset: Dataset, folds: int, seed: int) -> Integers:
    """The fold of each photo, `(N,)`, 0 to `folds` - 1; each class is spread evenly over all folds.

    Photos that share a part of a split also share a fold.
    """
    hashes, positions = content_positions(dataset, seed)
    _, first, groups = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.lexsort((positions[first], dataset.label_ids[first]))
    numbers = np.empty(len(first), np.int64)
    numbers[order] = np.arange(len(first)) % folds
    return numbers[groups]


def warn_of_empty_parts(
    split: Split, dataset: Dataset, label_ids: Sequence[int], wanted: Iterable[Part], observer: Observer
) -> None:
    """Warns, in the words of 2017, about classes that have no photo in one of the wanted parts."""
    for part in wanted:
        counts = np.bincount(dataset.label_ids[split.rows(part)], minlength=len(dataset.labels))
        for label_id in label_ids:
            if not counts[label_id]:
                observer(Warned(f"Label {dataset.labels[label_id]} has no images in the category {part.name.lower()}."))


def _fill(
    classes: Sequence[Integers],
    positions: Positions,
    parts: Parts,
    shared: Bools,
    wanted: Mapping[Part, tuple[float, float]],
) -> None:
    """Lets each empty part of a class borrow the nearest group, even if that empties another part.

    Each group can be borrowed once, and from any part; so no other group moves when photos are added. Groups that
    several classes share are borrowed only if a class has no other left.

    Args:
        classes: The groups of each class.
        positions: The position of each group, `(G,)`.
        parts: The part of each group, `(G,)`; changed in place.
        shared: Whether several classes have the group, `(G,)`.
        wanted: Part -> its range of positions.
    """
    free = np.ones(len(positions), np.bool_)
    waiting = list(classes)
    while waiting:
        members = waiting.pop()
        while empty := [part for part in wanted if part not in parts[members]]:
            candidates = members[free[members] & ~shared[members]]
            if not len(candidates):
                candidates = members[free[members]]
            if not len(candidates):
                break
            lower, upper = wanted[empty[0]]
            distances = np.maximum(np.maximum(lower - positions[candidates], positions[candidates] - upper), 0.0)
            nearest = candidates[distances.argmin()]
            parts[nearest], free[nearest] = empty[0], False
            if shared[nearest]:
                waiting += [other for other in classes if nearest in other]


def _groups_of_classes(groups: Integers, label_ids: Integers, classes: int) -> list[Integers]:
    """The different groups of each class."""
    count = int(groups.max(initial=0)) + 1
    pairs = np.sort(label_ids * count + groups)
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return np.split(pairs % count, np.searchsorted(pairs, np.arange(1, classes) * count))


def _ranges(validation_percentage: int, testing_percentage: int) -> dict[Part, tuple[float, float]]:
    """The range of positions of each part; parts of 0 % are missing."""
    held_out = validation_percentage + testing_percentage
    ranges = {
        Part.VALIDATION: (0.0, float(validation_percentage)),
        Part.TESTING: (float(validation_percentage), float(held_out)),
        Part.TRAINING: (float(held_out), 100.0),
    }
    return {part: (lower, upper) for part, (lower, upper) in ranges.items() if lower < upper}


def natural_parts(positions: Positions, validation_percentage: int, testing_percentage: int) -> Parts:
    """The parts of photos by their positions alone, `(N,)`."""
    parts = np.full(len(positions), Part.TRAINING, np.int8)
    parts[positions < testing_percentage + validation_percentage] = Part.TESTING
    parts[positions < validation_percentage] = Part.VALIDATION
    return parts


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
