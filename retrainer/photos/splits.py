"""The split: which photos train the head, which validate it and which test it.

A photo's part follows from its position, which is the same in every run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Integers
from retrainer.events import Observer, Warned
from retrainer.photos.dataset import Dataset
from retrainer.photos.drawing import Draw
from retrainer.photos.parts import DRAWN, Part, Parts
from retrainer.photos.positions import Positions, content_positions, path_position


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
    """Splits photos by a hash of their bytes; a photo with a given part stays in it.

    Moving, renaming, relabelling or adding photos changes the part of no other photo. Three kinds of photos share a
    part: identical ones, those of one group of the dataset, and variants, whose names differ only after `_nohash_`. If
    bytes and names disagree, the bytes win.

    If a class has no photo in a part, it borrows the photo with the nearest position. Adding photos can move only
    borrowed photos and groups that grow. A class of fewer than three different photos only trains. Each seed gives
    another split.

    If photos have given parts, the other photos of their groups follow them. A part that is given to no photo is drawn
    from the training photos.
    """
    hashes, photo_positions = content_positions(dataset, seed)
    _, first, groups = np.unique(hashes, return_index=True, return_inverse=True)
    positions = photo_positions[first]
    wanted = _ranges(validation_percentage, testing_percentage)
    natural = natural_parts(positions, validation_percentage, testing_percentage)
    given = np.full(len(groups), DRAWN, np.int8) if dataset.given is None else dataset.given
    stated = np.zeros((len(first), len(Part)), np.bool_)
    stated[groups[given != DRAWN], given[given != DRAWN]] = True
    free: Bools = stated.sum(axis=1) == 0
    lent: Bools = stated[:, Part.TRAINING] & (stated.sum(axis=1) == 1)
    # If the parts of a group differ, those of its photos that have none train, as some of it trains anyway.
    parts = np.where(free, natural, stated.argmax(axis=1)).astype(np.int8)
    draw = Draw(dataset.labels, _groups_of_classes(groups, dataset.label_ids, len(dataset.labels)), positions, parts)
    small = draw.fill(free, wanted, observer)
    if missing := missing_parts(given, wanted):
        parts[lent] = np.where(np.isin(natural, missing), natural, Part.TRAINING)[lent]
        small |= draw.fill(lent, {part: wanted[part] for part in (*missing, Part.TRAINING)}, observer)
    split = Split(np.where((given == DRAWN) | lent[groups], parts[groups], given).astype(np.int8))
    tested = [label_id for label_id in range(len(dataset.labels)) if label_id not in small]
    warn_of_empty_parts(split, dataset, tested, sorted({*wanted, *map(Part, given[given != DRAWN])}), observer)
    return split


def given_or_drawn(given: Parts, natural: Parts) -> Parts:
    """The parts of photos by their given parts or, if they have none, by their positions; both are `(N,)`.

    If no photo is given validation or testing, training photos are drawn for it by their positions.
    """
    missing = missing_parts(given, (Part.VALIDATION, Part.TESTING))
    drawn = (given == DRAWN) | ((given == Part.TRAINING) & np.isin(natural, missing))
    return np.where(drawn, natural, given)


def missing_parts(given: Parts, wanted: Iterable[Part]) -> list[Part]:
    """The wanted parts other than training that no photo is given, if any photo is given a part; `given` is `(N,)`."""
    if (given == DRAWN).all():
        return []
    return [part for part in wanted if part != Part.TRAINING and part not in given]


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
                label, name = dataset.labels[label_id], part.word
                observer(
                    Warned(
                        f"Label {label} has no images in the category {name}.",
                        f"{{count}} labels have no images in the category {name}: {{names}}.",
                        f"'{label}'",
                    )
                )


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
