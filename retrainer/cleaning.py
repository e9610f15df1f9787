"""What is odd about the photos themselves: the same one in two classes, a class of one picture many times."""

from collections.abc import Iterator

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.dataset import Dataset
from retrainer.events import Observer, Warned
from retrainer.files import shown
from retrainer.rejection import normalised

# Cosine distances of feature vectors. On flowers with three backbones no two photos are nearer than 0.03, and the same
# photo saved again as a JPEG of quality 90 is at 0.002 to 0.008 in the median; classes are 0.2 to 0.3 wide.
_NEARLY_EQUAL = 0.02
# All pairs are compared of so many photos; of more only those whose bytes are the same are found.
_MOST_COMPARED = 5_000
_COMPARED_AT_ONCE = 1_000
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
    pairs = [*_same_bytes(dataset)]
    if len(rows) <= _MOST_COMPARED:
        known = {frozenset(pair) for pair in pairs}
        pairs += [pair for pair in _alike(dataset, features[rows]) if frozenset(pair) not in known]
    for one, other in pairs[:_NAMED]:
        paths = shown(dataset.paths[one]), shown(dataset.paths[other])
        observer(Warned(f"'{paths[0]}' and '{paths[1]}' are the same photo in two classes: remove one of them."))
    if len(pairs) > _NAMED:
        observer(Warned(f"{len(pairs) - _NAMED:,} more pairs of photos are the same in two classes."))
    for label_id in _uniform_classes(dataset, features, rows):
        observer(
            Warned(
                f"The photos of '{dataset.labels[label_id]}' are all nearly equal: its test says little. "
                "Photos of other days, places and things would teach more."
            )
        )


def _same_bytes(dataset: Dataset) -> Iterator[tuple[int, int]]:
    """Photos of the same bytes in different classes: of each class the first, beside the first of all."""
    _, contents = np.unique(np.ascontiguousarray(dataset.digests).view("S32").reshape(-1), return_inverse=True)
    order = np.argsort(contents, kind="stable")
    starts = np.flatnonzero(np.diff(contents[order], prepend=-1))
    counts = np.diff(starts, append=len(order))
    for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
        rows = order[start : start + count]
        _, first = np.unique(dataset.label_ids[rows], return_index=True)
        others = np.sort(rows[first])
        yield from ((int(others[0]), int(other)) for other in others[1:])


def _alike(dataset: Dataset, features: Floats) -> Iterator[tuple[int, int]]:
    """Photos of different classes whose vectors `(N, D)` are nearly equal."""
    vectors = normalised(features)
    for start in range(0, len(vectors), _COMPARED_AT_ONCE):
        part = slice(start, start + _COMPARED_AT_ONCE)
        ones, others = np.nonzero(vectors[part] @ vectors.T > 1 - _NEARLY_EQUAL)
        ones += start
        apart = dataset.label_ids[ones] < dataset.label_ids[others]
        yield from zip(ones[apart].tolist(), others[apart].tolist(), strict=True)


def _uniform_classes(dataset: Dataset, features: Floats, rows: Integers) -> Iterator[int]:
    """The ids of classes whose vectors are on average nearly equal to their mean, as far as some of them tell."""
    by_class = np.split(np.argsort(dataset.label_ids, kind="stable"), np.cumsum(dataset.counts)[:-1])
    for label_id, members in enumerate(by_class):
        if len(members) < _FEWEST_IN_CLASS:
            continue
        some = members[np.linspace(0, len(members) - 1, min(len(members), _LOOKED_AT)).astype(np.int64)]
        # The mean cosine of unit vectors to their mean's direction is the length of that mean.
        if np.linalg.norm(normalised(features[rows[some]]).mean(axis=0)) > 1 - _NEARLY_EQUAL:
            yield label_id
