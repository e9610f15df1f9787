"""What decisions about photos bring: heads that learn from the photos as they lie, and heads that follow the decisions.

Both are measured by the same folds on the same photos: those that no decision changes.
"""

from dataclasses import dataclass, replace

import numpy as np

from retrainer.arrays import Bools, Integers
from retrainer.events import Began, FoldTested, Observer
from retrainer.measuring.cross_validation import Fold, Folds, held_out_logits
from retrainer.measuring.paired import Paired, paired
from retrainer.measuring.shares import percent
from retrainer.text import counted
from retrainer.training.examples import Examples
from retrainer.training.fitting import Solver
from retrainer.training.metrics import correct


@dataclass(frozen=True, repr=False)
class CleaningEffect:
    """The accuracy without and with decisions, on the same photos.

    Attributes:
        set_aside, relabelled: How many photos the decisions change; they are not measured.
        folds: How many folds there are.
        before, after: The accuracy without and with the decisions, 0 to 1.
        pair: The difference, after minus before, with its interval.
        unreadable: How many more photos are set aside that cannot be read.
    """

    set_aside: int
    relabelled: int
    folds: int
    before: float
    after: float
    pair: Paired
    unreadable: int = 0

    def __repr__(self) -> str:
        low, high = self.pair.interval
        same = f"{self.count:,} photos that no decision changes, by {self.folds} folds"
        points = f"{100 * self.pair.difference:.1f}, {100 * low:.1f} to {100 * high:.1f} points with 95 % confidence"
        return "\n".join(
            [
                f"CleaningEffect: {percent(self.before)} without the decisions, {percent(self.after)} with them",
                f"  decisions  {self.decisions}",
                f"  measured   {same}",
                f"  difference {points}{'; chance can explain it' * self.pair.is_chance}",
            ]
        )

    @property
    def decisions(self) -> str:
        """What the decisions do to photos, in words."""
        more = f" ({self.unreadable:,} more cannot be read)" if self.unreadable else ""
        return f"{counted(self.set_aside, 'photo')} set aside{more}, {self.relabelled:,} relabelled"

    @property
    def count(self) -> int:
        """How many photos are measured: those that no decision changes."""
        return self.pair.count


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What decisions make of N photos.

    Attributes:
        set_aside: Which photos leave, `(N,)`.
        label_ids: The classes of the photos after the decisions, `(N,)`; those of photos that leave do not matter.
    """

    set_aside: Bools
    label_ids: Integers


def cleaning_effect(
    folds: Folds, examples: Examples, outcomes: Outcomes, solver: Solver, observer: Observer
) -> CleaningEffect:
    """Returns what decisions bring. At least one photo stays as it is.

    Args:
        folds: N photos in folds, as they lie.
        examples: The same N photos.
        outcomes: What the decisions make of them.
        solver: Fits the heads.
        observer: Called with the accuracy of each fold, first without the decisions, then with them.
    """
    relabelled = ~outcomes.set_aside & (outcomes.label_ids != examples.label_ids)
    same = ~outcomes.set_aside & ~relabelled
    kept = replace(folds, each=tuple(_without(fold, outcomes.set_aside) for fold in folds))
    observer(Began("Measuring without the decisions"))
    before = _right(folds, examples, same, solver, observer)
    observer(Began("Measuring with the decisions"))
    after = _right(kept, replace(examples, label_ids=outcomes.label_ids), same, solver, observer)
    groups = None if examples.groups is None else examples.groups[same]
    pair = paired(after[same], before[same], groups)
    changed = int(outcomes.set_aside.sum()), int(relabelled.sum())
    return CleaningEffect(*changed, len(folds), float(before[same].mean()), float(after[same].mean()), pair)


def _without(fold: Fold, set_aside: Bools) -> Fold:
    """A fold whose head does not learn from the photos that are set aside."""
    training, validation = (rows[~set_aside[rows]] for rows in (fold.training, fold.validation))
    return Fold(training, validation, fold.testing)


def _right(folds: Folds, examples: Examples, same: Bools, solver: Solver, observer: Observer) -> Bools:
    """Whether the heads of the folds get each photo right that is measured, `(N,)`; others are not."""
    right = np.zeros(len(examples), np.bool_)
    for number, (fold, logits, _) in enumerate(held_out_logits(folds, examples, solver, lambda fold: fold), start=1):
        rows = fold.testing
        right[rows] = correct(logits, examples.label_ids[rows]) & same[rows]
        if count := int(same[rows].sum()):
            observer(FoldTested(number, len(folds), float(right[rows].sum()) / count, count))
    return right
