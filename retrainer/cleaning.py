"""What is odd about the photos themselves: the same one in two classes, a class of one picture many times."""

from collections.abc import Iterator, Sequence

import numpy as np

from retrainer.arrays import Floats, Integers, members_of, spread
from retrainer.dataset import Dataset
from retrainer.events import Observer, Warned
from retrainer.files import shown
from retrainer.rejection import normalised

# Cosine distances of feature vectors. On flowers with three backbones no two photos are nearer than 0.03, the same one
# saved again as a JPEG of quality 90 is at 0.002 to 0.008 in the median, and classes are 0.2 to 0.3 wide.
_NEARLY_EQUAL = 0.02
# Two photos of different classes look the same where they are that much nearer than each to its own class.
_NEARER_THAN_ITS_CLASS = 0.5
# All pairs are compared of so many photos; of more only those whose bytes are the same are found.
_MOST_COMPARED = 5_000
_COMPARED_AT_ONCE = 500
_FEWEST_IN_CLASS, _LOOKED_AT = 3, 64
_NAMED = 5


def warn_of_oddities(dataset: Dataset, features: Floats, rows: Integers, observer: Observer) -> None:
    """Warns of photos that are in two classes, and of classes whose photos are all nearly equal.

    Args:
        dataset: N photos.
        features: Feature vectors of these and others, `(R, D)`.
        rows: Where the photos' are, `(N,)`.
        observer: Warned.
    """
    same = _same_bytes(dataset)
    _warn_of_pairs(same, dataset, "the same file in two classes", observer)
    if len(rows) <= _MOST_COMPARED:
        known = {row for group in same for row in group}
        alike = [pair for pair in _alike(dataset, features[rows]) if not known.issuperset(pair)]
        _warn_of_pairs(alike, dataset, "nearly the same picture in two classes", observer)
    for label_id in _uniform_classes(dataset, features, rows):
        observer(
            Warned(
                f"The photos of '{dataset.labels[label_id]}' are all nearly equal: its test says little. "
                "Photos of other days, places and things would teach more."
            )
        )


def _warn_of_pairs(groups: Sequence[tuple[int, ...]], dataset: Dataset, what: str, observer: Observer) -> None:
    """Names the first two photos of each of a few groups."""
    for one, other, *more in groups[:_NAMED]:
        others = f", and {len(more):,} more," if more else ""
        paths = shown(dataset.paths[one]), shown(dataset.paths[other])
        observer(Warned(f"'{paths[0]}' and '{paths[1]}'{others} are {what}: keep it in one."))
    if len(groups) > _NAMED:
        observer(Warned(f"{len(groups) - _NAMED:,} more are {what}."))


def _same_bytes(dataset: Dataset) -> list[tuple[int, ...]]:
    """Photos of the same bytes in different classes, the first of each class."""
    _, contents = np.unique(np.ascontiguousarray(dataset.digests).view("S32").reshape(-1), return_inverse=True)
    order = np.argsort(contents, kind="stable")
    starts = np.flatnonzero(np.diff(contents[order], prepend=-1))
    groups = []
    for rows in np.split(order, starts[1:]) if len(starts) < len(order) else ():
        _, first = np.unique(dataset.label_ids[rows], return_index=True)
        if len(first) > 1:
            groups.append(tuple(np.sort(rows[first]).tolist()))
    return sorted(groups)


def _alike(dataset: Dataset, features: Floats) -> list[tuple[int, int]]:
    """Photos of different classes whose vectors `(N, D)` are nearly equal, and nearer than those of their own classes.

    Each of the two is the other's nearest of another class.
    """
    order = np.argsort(dataset.label_ids, kind="stable")
    vectors, count = normalised(features)[order], len(order)
    nearest, others, own = np.empty(count, np.int64), np.empty(count), np.empty(count)
    ends: list[int] = np.cumsum(dataset.counts).tolist()
    for first, end in zip([0, *ends], ends, strict=False):
        for start in range(first, end, _COMPARED_AT_ONCE):
            rows = np.arange(start, min(start + _COMPARED_AT_ONCE, end))
            cosines = vectors[rows] @ vectors.T
            cosines[np.arange(len(rows)), rows] = -1.0
            own[rows] = cosines[:, first:end].max(axis=1)
            cosines[:, first:end] = -1.0
            nearest[rows] = cosines.argmax(axis=1)
            others[rows] = cosines[np.arange(len(rows)), nearest[rows]]
    close = (1 - others < _NEARLY_EQUAL) & (1 - others < _NEARER_THAN_ITS_CLASS * (1 - own))
    mutual = close & close[nearest] & (nearest[nearest] == np.arange(count)) & (np.arange(count) < nearest)
    pairs = np.sort(np.stack([order[mutual], order[nearest[mutual]]], axis=1), axis=1)
    return sorted((int(one), int(other)) for one, other in pairs)


def _uniform_classes(dataset: Dataset, features: Floats, rows: Integers) -> Iterator[int]:
    """The ids of classes whose vectors are on average nearly equal to their mean, as far as some of them tell."""
    for label_id, members in enumerate(members_of(dataset.label_ids, len(dataset.labels))):
        if len(members) < _FEWEST_IN_CLASS:
            continue
        some = members[spread(len(members), _LOOKED_AT)]
        # The mean cosine of unit vectors to their mean's direction is the length of that mean.
        if np.linalg.norm(normalised(features[rows[some]]).mean(axis=0)) > 1 - _NEARLY_EQUAL:
            yield label_id
