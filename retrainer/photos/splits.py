"""The split: which photos train the head, which validate it and which test it.

A photo's part follows from its position, which is the same in every run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Integers
from retrainer.events import Observer, Warned
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part, Parts
from retrainer.photos.positions import Positions, content_positions, path_position

# A class of fewer different photos only trains.
_FEWEST_DIFFERENT = 3


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
