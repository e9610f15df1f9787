"""Warnings about given parts that share copies or groups: their figures are flattered."""

from collections.abc import Sequence

import numpy as np

from retrainer.arrays import Integers
from retrainer.events import Observer, Warned
from retrainer.photos.copies.table import lists
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import DRAWN, Part, Parts
from retrainer.text import shown

_NAMED = 3
_WORDS = {Part.TRAINING: "training", Part.VALIDATION: "validation", Part.TESTING: "test"}
_SIDES = ((Part.TESTING, (Part.TRAINING, Part.VALIDATION)), (Part.VALIDATION, (Part.TRAINING,)))


def warn_of_leaks(dataset: Dataset, given: Parts, groups: Integers, table: str, observer: Observer) -> None:
    """Warns about photos whose copies lie in another given part, and names the first of them.

    Args:
        dataset: N photos.
        given: Their given parts, `(N,)`.
        groups: The group of each photo, `(N,)`; copies share one.
        table: The path of the table that lists all copies, for the message; empty if there is none.
        observer: Called with a warning about the test photos, and one about the validation photos.
    """
    for held_out, others in _SIDES:
        pairs = _across(given, groups, held_out, others)
        if not len(pairs):
            continue
        paths = [tuple(shown(dataset.paths[row]) for row in pair) for pair in pairs[:_NAMED].tolist()]
        named = ", ".join(f"'{copy}' of '{photo}'" for copy, photo in paths)
        are = "is a copy" if len(pairs) == 1 else "are copies"
        photos = f"{len(pairs):,} of {(given == held_out).sum():,} {_WORDS[held_out]} photos {are} of "
        photos += " or ".join(_WORDS[part] for part in others) + " photos"
        observer(
            Warned(
                f"The given split leaks: {photos}{', such as ' if len(pairs) > _NAMED else ': '}{named}. "
                f"So the figures are too good.{lists(table, 'all copies')}"
            )
        )


def warn_of_torn_groups(given: Parts, groups: Integers, names: Sequence[str], observer: Observer) -> None:
    """Warns about groups with photos in several given parts.

    Args:
        given: The given part of each photo, `(N,)`, or `DRAWN`.
        groups: The number of each photo's group, `(N,)`.
        names: The names of the first groups; others are groups of one photo.
        observer: Called with the warning.
    """
    rows = given != DRAWN
    pairs = np.unique(np.stack([groups[rows], given[rows]]), axis=1)
    torn, counts = np.unique(pairs[0], return_counts=True)
    torn = torn[counts > 1].tolist()
    if torn:
        named = ", ".join(f"'{shown(names[group])}'" for group in torn[:_NAMED])
        are = "1 group is" if len(torn) == 1 else f"{len(torn):,} groups are"
        observer(
            Warned(
                f"The given split leaks: {are} in several parts{', such as ' if len(torn) > _NAMED else ': '}{named}. "
                "So the figures are too good. Give all photos of a group the same part."
            )
        )


def _across(given: Parts, groups: Integers, held_out: Part, others: Sequence[Part]) -> Integers:
    """The photos of a part whose group is in other parts, too, and the first photo of the group there, `(n, 2)`."""
    rows = np.flatnonzero(np.isin(given, others))
    found, first = np.unique(groups[rows], return_index=True)
    held = np.flatnonzero((given == held_out) & np.isin(groups, found))
    if not len(held):
        return np.empty((0, 2), np.int64)
    return np.stack([held, rows[first[np.searchsorted(found, groups[held])]]], axis=1)
