"""Warnings about odd photos: the same photo in several classes, and classes whose photos are all nearly equal."""

from collections.abc import Iterator, Sequence

import numpy as np

from retrainer.arrays import Floats, Integers, digest_keys, members_of, normalised, spread
from retrainer.events import Observer, Warned
from retrainer.photos.copies.table import lists
from retrainer.photos.dataset import Dataset
from retrainer.text import shown

# Mean cosine distance of feature vectors to their mean; for classes of flowers it is 0.2 to 0.3 with three backbones.
_NEARLY_EQUAL = 0.02
_FEWEST_IN_CLASS, _LOOKED_AT = 3, 64
_NAMED = 5
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}


def warn_of_uniform_classes(dataset: Dataset, features: Floats, rows: Integers, observer: Observer) -> None:
    """Warns about classes whose photos are all nearly equal.

    Args:
        dataset: N photos.
        features: Feature vectors, `(R, D)`.
        rows: The row of each photo in `features`, `(N,)`.
        observer: Called with the warnings.
    """
    for label_id in _uniform_classes(dataset, features, rows):
        observer(
            Warned(
                f"The photos of '{dataset.labels[label_id]}' are all nearly equal, so its test says little. "
                "Add photos of other days, places and things.",
                "{count} classes have photos that are nearly equal, so that their figures say little: {names}.",
                f"'{dataset.labels[label_id]}'",
            )
        )


def warn_of_copies_across_classes(dataset: Dataset, groups: Integers, table: str, observer: Observer) -> None:
    """Warns about photos in several classes that are the same file or nearly the same picture.

    Args:
        dataset: N photos.
        groups: The group of each photo, `(N,)`; copies share one.
        table: The path of the table that lists all copies, for the message; empty if there is none.
        observer: Called with the warnings.
    """
    _, contents = np.unique(digest_keys(dataset.digests), return_inverse=True)
    same = _in_several_classes(dataset, contents)
    # Each group is reported once: as one file, or as nearly one picture if this is in more classes than the file.
    classes = {groups[rows[0]]: len(rows) for rows in same}
    near = [rows for rows in _in_several_classes(dataset, groups) if len(rows) > classes.get(groups[rows[0]], 1)]
    wider = {groups[rows[0]] for rows in near}
    same = [rows for rows in same if groups[rows[0]] not in wider]
    _warn_of_groups(same, dataset, "the same file", table, observer)
    _warn_of_groups(near, dataset, "nearly the same picture", table, observer)


def _warn_of_groups(
    groups: Sequence[tuple[int, ...]], dataset: Dataset, are: str, table: str, observer: Observer
) -> None:
    """Warns about the first groups of photos of different classes, by the first two photos of each."""
    many = f"{{count}} photos are {are} in several classes; keep each in one: {{names}}.{lists(table, 'all')}"
    for group in groups[:_NAMED]:
        one, other, *more = group
        others = f", and {len(more):,} more," if more else ""
        paths = shown(dataset.paths[one]), shown(dataset.paths[other])
        classes = _NUMBERS.get(len(group), f"{len(group):,}")
        message = f"'{paths[0]}' and '{paths[1]}'{others} are {are} in {classes} classes: keep it in one."
        observer(Warned(message, many, f"'{paths[0]}' as '{paths[1]}'", is_finding=True))
    if (unnamed := len(groups) - _NAMED) > 0:
        listed = f"; '{shown(table)}' lists them" if table else ""
        message = f"{unnamed:,} more are {are} in several classes{listed}."
        observer(Warned(message, many, count=unnamed, is_finding=True))


def _in_several_classes(dataset: Dataset, groups: Integers) -> list[tuple[int, ...]]:
    """The groups that are in several classes: of each, the first photo of each class; groups `(N,)`."""
    order = np.lexsort((dataset.label_ids, groups))
    label_ids, ordered = dataset.label_ids[order], groups[order]
    new_group = np.diff(ordered, prepend=-1) != 0
    first = np.flatnonzero(new_group | (np.diff(label_ids, prepend=-1) != 0))
    # The first photos of each class, group by group.
    starts = np.append(np.flatnonzero(new_group[first]), len(first))
    several = np.flatnonzero(np.diff(starts) > 1)
    return sorted(tuple(sorted(order[first[starts[n] : starts[n + 1]]].tolist())) for n in several)


def _uniform_classes(dataset: Dataset, features: Floats, rows: Integers) -> Iterator[int]:
    """The ids of classes whose vectors are on average nearly equal to their mean; large classes are sampled."""
    for label_id, members in enumerate(members_of(dataset.label_ids, len(dataset.labels))):
        if len(members) < _FEWEST_IN_CLASS:
            continue
        some = members[spread(len(members), _LOOKED_AT)]
        # The length of the mean of unit vectors is their mean cosine to it.
        if np.linalg.norm(normalised(features[rows[some]]).mean(axis=0)) > 1 - _NEARLY_EQUAL:
            yield label_id
