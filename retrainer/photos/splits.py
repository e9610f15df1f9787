"""Which photos train the head, which validate and which test it: a split that stays put.

By content, a photo's position is its hash; by path it is the hash of the 2017 scripts.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Digests, Integers
from retrainer.events import Observer, Warned
from retrainer.photos.dataset import Dataset


class Part(IntEnum):
    """A part of a split; models and caches hold the numbers."""

    TRAINING = 0
    VALIDATION = 1
    TESTING = 2


# The constant of the 2017 scripts: MAX_NUM_IMAGES_PER_CLASS.
_PATH_HASH_MAX = 2**27 - 1
_FEWEST_DIFFERENT = 3

Positions = npt.NDArray[np.float64]
"""Where photos stand in the split, `(N,)`, 0 to 100, in percent."""


Hashes = npt.NDArray[np.uint64]
"""What decides the positions of photos, `(N,)`."""

Parts = npt.NDArray[np.int8]
"""The `Part` of each photo, `(N,)`."""


@dataclass(frozen=True, eq=False)
class Split:
    """The part of each photo."""

    parts: Parts

    def rows(self, part: Part) -> Integers:
        """The numbers of the photos of one part."""
        return np.flatnonzero(self.parts == part)


def split_by_path(paths: Sequence[str], validation_percentage: int, testing_percentage: int) -> Split:
    """The split of the 2017 scripts, bit for bit: by SHA-1 of the path as typed, up to `_nohash_`.

    A class may get no validation or test photo.
    """
    positions = np.array([path_position(path) for path in paths])
    return Split(natural_parts(positions, validation_percentage, testing_percentage))


def path_position(path: str) -> float:
    """A path's position, 0 to 100, as the 2017 scripts computed it."""
    hashed = hashlib.sha1(re.sub(r"_nohash_.*$", "", path).encode("utf-8", "surrogateescape")).hexdigest()
    return (int(hashed, 16) % (_PATH_HASH_MAX + 1)) * (100.0 / _PATH_HASH_MAX)


def split_by_content(
    dataset: Dataset, validation_percentage: int, testing_percentage: int, seed: int, observer: Observer
) -> Split:
    """The split by a hash of the photos' bytes.

    Moving, renaming, relabelling or adding photos moves no other, identical photos share a part, and so do variants
    that differ only behind `_nohash_` in their names (if the two rules clash, the bytes win), and the photos of one
    of the dataset's groups. A class whose validation, test or training part would be empty borrows the photo whose
    hash is nearest. Only borrowed photos, and those of a group that grows, can be moved by a later addition. A class of
    fewer than three different photos trains only. Another seed gives another split.
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
            observer(
                Warned(f"'{label}' has fewer than three different photos: they only train, and nothing tests them.")
            )
            parts[members[~shared[members]]] = Part.TRAINING
    _fill([members for members, few in zip(classes, small, strict=True) if not few], positions, parts, shared, wanted)
    for members, few in zip(classes, small, strict=True):
        if few and Part.TRAINING not in parts[members]:
            # Other classes have its photos, too; without one to train on it could not be learnt.
            parts[members] = Part.TRAINING
    split = Split(parts[groups])
    tested = [label_id for label_id, few in enumerate(small) if not few]
    warn_of_empty_parts(split, dataset, tested, wanted, observer)
    return split


def stratified_folds(dataset: Dataset, folds: int, seed: int) -> Integers:
    """The fold of each photo, `(N,)`, 0 to `folds` - 1; each class is spread evenly over all.

    What stays together in a split stays together here, and the order is that of the photos' positions.
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
    """Warns, in the words of 2017, of the classes without a photo in a part that is wanted."""
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
    """Lets each empty part of a class borrow the group that is nearest, even where that empties another part.

    That a group is taken wherever it lies, and each once, is what keeps all others in place when photos are added.
    Groups that other classes have, too, are borrowed only where a class has no other left.

    Args:
        classes: The groups of each class.
        positions, parts, shared: Of all groups, `(G,)`; parts are changed in place.
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
    """The positions of each part, without those that take no photos."""
    held_out = validation_percentage + testing_percentage
    ranges = {
        Part.VALIDATION: (0.0, float(validation_percentage)),
        Part.TESTING: (float(validation_percentage), float(held_out)),
        Part.TRAINING: (float(held_out), 100.0),
    }
    return {part: (lower, upper) for part, (lower, upper) in ranges.items() if lower < upper}


def natural_parts(positions: Positions, validation_percentage: int, testing_percentage: int) -> Parts:
    """The parts that photos have by their positions alone, `(N,)`."""
    parts = np.full(len(positions), Part.TRAINING, np.int8)
    parts[positions < testing_percentage + validation_percentage] = Part.TESTING
    parts[positions < validation_percentage] = Part.VALIDATION
    return parts


def content_positions(dataset: Dataset, seed: int) -> tuple[Hashes, Positions]:
    """What stays together has the same hash, `(N,)`; and each photo's position, `(N,)`."""
    hashes = np.ascontiguousarray(_keys(dataset)[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
    if dataset.groups is not None:
        hashes = _joined(hashes, dataset.groups)
    mixed = _mixed(hashes + np.uint64(seed)) if seed else hashes
    return hashes, mixed.astype(np.float64) * (100.0 / 2.0**64)


def _joined(hashes: Hashes, groups: Integers) -> Hashes:
    """One hash for all photos that share a hash or a group, or are linked by such; hashes and groups `(N,)`.

    It is that of one of them, drawn without regard to its position, so that large groups go everywhere alike; a photo
    that joins a group moves that group at most.
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
    """What each photo's position is made of, `(N, 32)`.

    That is its digest, or the digest of its name up to `_nohash_` where all photos of the same bytes have it.
    """
    keys = np.ascontiguousarray(dataset.digests)
    if not any("_nohash_" in path for path in dataset.paths):
        return keys
    _, same = np.unique(keys.view("S32").reshape(-1), return_inverse=True)
    keys = keys.copy()
    variants: dict[int, set[str]] = {}
    prefixes = [re.split("_nohash_", os.path.basename(path), maxsplit=1) for path in dataset.paths]
    for content, parts in zip(same.tolist(), prefixes, strict=True):
        variants.setdefault(content, set()).add(parts[0] if len(parts) > 1 else "")
    for row, content in enumerate(same.tolist()):
        (prefix, *others) = variants[content]
        if prefix and not others:
            name = hashlib.sha256(prefix.encode("utf-8", "surrogateescape")).digest()
            keys[row] = np.frombuffer(name, np.uint8)
    return keys


def _mixed(numbers: Hashes) -> Hashes:
    """Spreads every bit over all 64: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
