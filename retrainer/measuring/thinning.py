"""Cross-validation with fewer training photos: with a range of those of some classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.measuring.cross_validation import CrossValidation, Fold, Folds, held_out_logits, learnt_rows
from retrainer.photos.positions import Positions
from retrainer.training.examples import Examples
from retrainer.training.fitting import Solver
from retrainer.training.head import softmax
from retrainer.training.metrics import losses_of
from retrainer.training.out_of_fold import few

Range = tuple[float, float]
"""A range of the training photos, each bound 0 to 1, in the order of their positions."""


@dataclass(frozen=True, eq=False)
class ThinnedFolds:
    """Folds whose heads learn from fewer photos.

    Attributes:
        folds, examples, solver: As in `cross_validate`.
        positions: The positions of the N photos, which give the order of a range, `(N,)`.
        weights: The weight of each photo's loss, `(N,)`.
    """

    folds: Folds
    examples: Examples
    solver: Solver
    positions: Positions
    weights: Floats

    def with_share(self, share: float) -> tuple[Floats, int]:
        """Returns scores `(N, C)` with a share of each class's training photos, and how many trained on average."""
        return self._scores((0.0, share), range(len(self.folds.dataset.labels)))

    def losses_with_all(self, full: CrossValidation) -> Floats:
        """Returns the photos' losses with all training photos, `(N,)`, to measure rises from.

        If few photos validate, they are measured with the usual penalty, like the rises.
        """
        if not any(few(self.examples.at(fold.validation)) for fold in self.folds):
            return losses_of(full.scores, self._label_ids)
        return losses_of(self._scores((0.0, 1.0), (), quick=True)[0], self._label_ids)

    def rises(self, label_id: int, losses: Floats) -> Floats:
        """Returns how much the photos' losses `(N,)` rise without half of a class's training photos, `(N,)`.

        It is the mean of two measurements, without the one half and without the other.
        """
        halves = [self._scores(half, [label_id], quick=True)[0] for half in ((0.0, 0.5), (0.5, 1.0))]
        without = np.mean([losses_of(scores, self._label_ids) for scores in halves], axis=0)
        rises: Floats = (without - losses) * self.weights
        return rises

    @property
    def _label_ids(self) -> Integers:
        return self.folds.dataset.label_ids

    def _scores(self, kept: Range, label_ids: Sequence[int], *, quick: bool = False) -> tuple[Floats, int]:
        """Scores `(N, C)` with a range of the training photos of some classes, and how many trained on average.

        Args:
            kept: The range.
            label_ids: The classes; all photos of other classes train.
            quick: Whether heads take the usual penalty if few photos validate, which takes a sixth of the time.
        """
        scores = np.empty((len(self.examples), len(self.folds.dataset.labels)), np.float32)
        trained = 0

        def thinned(fold: Fold) -> Fold:
            nonlocal trained
            training, validation = fold.training, fold.validation
            if few(self.examples.at(validation)):
                # The head learns from them, too.
                training = learnt_rows(fold, self.examples) if quick else training
                validation = validation[:0] if quick else self._rows_in(kept, validation, label_ids)
            some = Fold(self._rows_in(kept, training, label_ids), validation, fold.testing)
            trained += len(learnt_rows(some, self.examples))
            return some

        for fold, logits, _ in held_out_logits(self.folds, self.examples, self.solver, thinned):
            scores[fold.testing] = softmax(logits)
        return scores, trained // len(self.folds)

    def _rows_in(self, kept: Range, rows: Integers, label_ids: Sequence[int]) -> Integers:
        """The rows in a range of some classes, at least one of each, and all rows of other classes."""
        rows = rows[np.argsort(self.positions[rows], kind="stable")]
        of_rows = self._label_ids[rows]
        mask = np.ones(len(rows), np.bool_)
        for label_id in label_ids:
            members = np.flatnonzero(of_rows == label_id)
            start = min(round(len(members) * kept[0]), max(len(members) - 1, 0))
            end = max(round(len(members) * kept[1]), start + 1)
            mask[members] = False
            mask[members[start:end]] = True
        return np.sort(rows[mask])
