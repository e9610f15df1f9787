"""How far photos are from classes."""

import math
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers, members_of, spread

# A photo is as far from a class as from the nearest quarter of its photos. Strange photos that are alike lie near to
# each other; measured on the flowers, 40 photos of clothing are found even if all lie in one class of 250.
_SHARE = 0.25
# How many photos stand for a class, and for all of them.
_MOST_OF_CLASS, _FEWEST_OF_CLASS, _MOST = 256, 10, 2**15
# Distances that are in memory at once, 64 MiB.
_AT_ONCE = 2**24


@dataclass(frozen=True, eq=False)
class ClassDistances:
    """How far each photo is from its nearest class.

    Attributes:
        distances: Cosine distances, 0 to 2, `(N,)`; infinite if all photos are copies.
        classes: The nearest classes, `(N,)`.
    """

    distances: Floats
    classes: Integers


def class_distances(directions: Floats, groups: Integers, label_ids: Integers, classes: int) -> ClassDistances:
    """Returns how far each photo is from its nearest class; its copies stand for none.

    Args:
        directions: As `neighbours.directions_of` gives them, `(N, D)`.
        groups: The group of each photo, `(N,)`.
        label_ids: The class of each photo, `(N,)`.
        classes: C.
    """
    found = ClassDistances(np.full(len(directions), np.inf, np.float32), np.zeros(len(directions), np.int64))
    most = max(_FEWEST_OF_CLASS, min(_MOST_OF_CLASS, _MOST // classes))
    for number, members in enumerate(members_of(label_ids, classes)):
        references = members[spread(len(members), most)]
        if len(references):
            _to_class(found, directions, groups, references, number)
    return found


def _to_class(found: ClassDistances, directions: Floats, groups: Integers, references: Integers, number: int) -> None:
    """Notes the photos to which the class of some references is nearer than the classes before."""
    columns, rank = directions[references].T, math.ceil(_SHARE * len(references)) - 1
    step = max(1, _AT_ONCE // len(references))
    for start in range(0, len(directions), step):
        block = slice(start, start + step)
        distances = np.maximum(1 - directions[block] @ columns, 0)
        distances[groups[block, np.newaxis] == groups[references]] = np.inf
        ranked = np.partition(distances, rank, axis=1)[:, rank]
        nearer = ranked < found.distances[block]
        found.distances[block][nearer] = ranked[nearer]
        found.classes[block][nearer] = number
