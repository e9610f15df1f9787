"""Scores of photos by heads that did not see them, for sets with few validation photos.

The photos that train and those that validate are divided into folds. A head that learns from all folds but one is
measured on that one. So each photo helps to choose a penalty, a step, a temperature or a distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Integers
from retrainer.training.examples import Examples, measured
from retrainer.training.head import Head

# With fewer different validation photos folds are better. Measured on flowers with two backbones: with 100 the
# calibration error is as near to chance either way; with 50 it is 0.01 nearer out of fold. Folds of 1,000 photos take
# 0.4 s. Copies count as one: with 100 to 200 flowers and 5 to 11 copies of each, the error is 0.02 to 0.04 nearer.
_ENOUGH = 100
# Ten folds bring the calibration error 0.002 nearer to chance and take twice as long.
_FOLDS = 5
# A fold learns from at most this many views, so that folds of distorted views take less than a minute.
_MOST_LEARNT = 4096


@dataclass(frozen=True)
class InnerFold:
    """The examples that one head learns from, and the photos that it does not see."""

    learnt: Examples
    held_out: Examples


@dataclass(frozen=True)
class OutOfFold:
    """Photos that train or validate, in folds; each photo is held out once.

    Attributes:
        pool: All the photos.
        folds: At least one fold; the only photo of a class, copies included, is never held out.
    """

    pool: Examples
    folds: Sequence[InnerFold]

    @property
    def label_ids(self) -> Integers:
        """The class ids of the photos that are held out, fold by fold, `(M,)`."""
        return np.concatenate([fold.held_out.label_ids for fold in self.folds])

    def figures(self, heads: Sequence[Head]) -> tuple[float, float, float, float]:
        """Returns the accuracy and the cross entropy of one head per fold: on its own photos, on those held out."""
        learnt = _means(heads, [fold.learnt for fold in self.folds])
        return *learnt, *_means(heads, [fold.held_out for fold in self.folds])

    def says(self, choice: str) -> str:
        """Returns a message: the choice that these photos made, and that the model learns from all of them."""
        how = f"best on {len(self.label_ids):,} photos, scored out of fold"
        return f"{choice} ({how}). Few photos validate, so the model learns from them, too."

    @classmethod
    def of(cls, training: Examples, validation: Examples) -> "OutOfFold | None":
        """Returns the folds if few photos validate; None if enough or none do, or if no photo can be held out."""
        if not few(validation):
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


def _means(heads: Sequence[Head], examples: Sequence[Examples]) -> tuple[float, float]:
    """The accuracy and the cross entropy over all examples, each measured by the head of its place."""
    figures = [measured(head, some) for head, some in zip(heads, examples, strict=True)]
    accuracy, loss = np.average(figures, axis=0, weights=[len(some) for some in examples])
    return float(accuracy), float(loss)


def few(validation: Examples) -> bool:
    """Whether few photos validate, copies counted as one; none are not few, because then the user wants none."""
    return 0 < validation.different < _ENOUGH


def fold_numbers(pool: Examples) -> Integers:
    """Returns the fold of each photo, `(N,)`; -1 if it is never held out.

    Photos of a group stay together, and each class is spread evenly.
    """
    _, first, group_of = np.unique(pool.group_ids, return_index=True, return_inverse=True)
    label_ids = pool.label_ids[first]
    numbers = np.empty(len(first), np.int64)
    numbers[np.argsort(label_ids, kind="stable")] = np.arange(len(first)) % _FOLDS
    numbers[np.bincount(label_ids)[label_ids] == 1] = -1
    return numbers[group_of]
