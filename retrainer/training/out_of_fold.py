"""Scores of photos by heads that did not see them, for sets whose few validation photos tell too little.

The photos that train and those that validate are parted into folds; what is learnt from all folds but one is measured
on that one. So each photo tells of penalties, steps, temperatures and distances, not only the few that validate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Integers
from retrainer.training.examples import Examples

# Below so many validation photos the others tell more. Measured on flowers with two backbones: with 100 a calibration
# error is as near to chance either way, with 50 it is 0.01 nearer out of fold. Of 1,000 photos folds take 0.4 s.
_ENOUGH = 100
# Ten folds bring the calibration error 0.002 nearer to chance and take twice as long.
_FOLDS = 5
# A fold learns from at most so many views, so that folds of distorted views take no minute.
_MOST_LEARNT = 4096


@dataclass(frozen=True)
class InnerFold:
    """What one head learns from, and the photos that it did not see."""

    learnt: Examples
    held_out: Examples


@dataclass(frozen=True)
class OutOfFold:
    """Photos that train or validate, and the folds that each of them is held out of once.

    Attributes:
        pool: All of them.
        folds: At least one; the only photo of a class, copies included, is never held out.
    """

    pool: Examples
    folds: Sequence[InnerFold]

    @property
    def label_ids(self) -> Integers:
        """The class ids of the photos that are held out, fold by fold, `(M,)`."""
        return np.concatenate([fold.held_out.label_ids for fold in self.folds])

    def says(self, choice: str) -> str:
        """A message: what was chosen by these photos, and that the model learns from all of them."""
        how = f"best on {len(self.label_ids):,} photos, scored out of fold"
        return f"{choice} ({how}). Few photos validate, so the model learns from them, too."

    @classmethod
    def of(cls, training: Examples, validation: Examples) -> "OutOfFold | None":
        """The folds of photos of which few validate; None if enough or none validate, or nothing can be held out."""
        if not few(len(validation)):
            return None
        pool = training.joined(validation)
        numbers = fold_numbers(pool)
        folds = []
        for number in range(_FOLDS):
            held_out = numbers == number
            if held_out.any():
                learnt = pool.at(np.flatnonzero(~held_out)).learnt.thinned(_MOST_LEARNT)
                folds.append(InnerFold(learnt, pool.at(np.flatnonzero(held_out))))
        return cls(pool, folds) if folds else None


def few(validating: int) -> bool:
    """Whether so many validation photos are few; none are not, since somebody wanted none."""
    return 0 < validating < _ENOUGH


def fold_numbers(pool: Examples) -> Integers:
    """The fold of each photo, `(N,)`, -1 if it is never held out; groups stay together, classes are spread evenly."""
    groups = pool.rows if pool.groups is None else pool.groups
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    label_ids = pool.label_ids[first]
    numbers = np.empty(len(first), np.int64)
    numbers[np.argsort(label_ids, kind="stable")] = np.arange(len(first)) % _FOLDS
    numbers[np.bincount(label_ids)[label_ids] == 1] = -1
    return numbers[group_of]
