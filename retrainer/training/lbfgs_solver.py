"""L-BFGS along a path of penalties; validation chooses the strength of the penalty.

The path goes from a strong penalty to weak ones. Each fit starts where the last one ended. The path ends when
validation has grown worse.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.events import Detailed, HeadMeasured, IterationEvaluated, Observer, PenaltyEvaluated, silent
from retrainer.options.fit import FitOptions
from retrainer.training.examples import ROWS_PER_CHUNK, Examples, measured
from retrainer.training.fitting import Balance, Fitted, Snapshots
from retrainer.training.head import Head
from retrainer.training.lbfgs import Search
from retrainer.training.out_of_fold import OutOfFold
from retrainer.training.regression import Regression, class_weights, not_finite
from retrainer.training.temperature import penalised_loss, temperature_of

# Penalties on half the squared weights, beside the mean cross entropy: half a decade apart.
_STRENGTHS = 10.0 ** np.arange(2.0, -4.6, -0.5)
# A normal prior on the logarithm of the strength, of deviation 1, prefers strengths near this one; it matters if few
# photos validate. Measured in five-fold runs on flowers and clothing: with 90 to 900 photos the best strength is
# between 0.03 and 1.
_USUAL_STRENGTH = 0.1
_PATIENCE = 2
# Along a path a search knows the curvature from the penalties before: larger steps, of which fewer are needed.
_PATH_TOLERANCE, _TOLERANCE, _MOST_STEPS = 5e-4, 1e-4, 100


@dataclass(frozen=True)
class LbfgsSolver:
    """Fits heads by L-BFGS until they converge.

    Attributes:
        balance: Where each class counts as much as the others.
        interval: The number of steps from one measurement of training to the next.
    """

    balance: Balance
    interval: int

    @classmethod
    def of(cls, options: FitOptions, balance: Balance) -> Self:
        """Returns the solver with its settings."""
        return cls(balance, options.eval_step_interval)

    def fit(
        self, training: Examples, validation: Examples, classes: int, observer: Observer, snapshots: Snapshots
    ) -> Fitted:
        """Returns the head of the path that does best on validation; without validation that of the usual strength.

        If few photos validate, out-of-fold scores give the strength and the temperature, and the head learns from
        validation photos, too. Measured on flowers with 15 to 200 photos of each class: 0.3 to 1.4 points more are
        right. If there are more examples than a chunk holds, the path is followed on some of them, and the best
        strength then fits all.
        """
        learnt = training.learnt
        some = learnt.thinned(ROWS_PER_CHUNK)
        inner = OutOfFold.of(training, validation)
        chosen = self._chosen_out_of_fold(inner, classes, observer) if inner else None
        until = chosen.strength if chosen else (None if len(validation) else _USUAL_STRENGTH)
        progress = _Progress(some, validation, self, observer, snapshots)
        fits = list(_path(self.regression(some, classes), progress, until))
        best = _best_of(fits) if until is None else fits[-1]
        if not chosen:
            for fit in fits:
                progress.report_penalty(fit, fit is best)
        if some is not learnt:
            regression, strength = self.regression(learnt, classes), best.strength * len(some) / len(learnt)
            whole = _fitted(regression, regression.search(best.head), strength, progress, _TOLERANCE)
            best = _best_of([best, whole]) if until is None else whole
        if until is None:
            observer(Detailed(f"Chose penalty {best.strength:.2g} (best on validation)"))
        progress.report(best.head)
        if inner and chosen:
            observer(Detailed(inner.says(f"Chose penalty {chosen.strength:.2g}")))
            best = _fitted_to_all(best, chosen, self.regression(inner.pool.learnt, classes))
        facts = {"class_weight": "balanced" if self.balance.losses else "none", "strength": best.strength}
        return Fitted(best.head, best.temperature, {"solver": "lbfgs", **facts})

    def regression(self, examples: Examples, classes: int) -> Regression:
        """Returns the function of some examples that is minimised."""
        counts = np.bincount(examples.label_ids, minlength=classes)
        return Regression(examples, class_weights(counts) if self.balance.losses else np.ones(classes, np.float32))

    def judged(self, logits: Floats, label_ids: Integers, strength: float) -> "_Choice":
        """Returns a strength with its temperature and its loss on photos that did not train.

        Args:
            logits: The logits of those photos, `(N, C)`.
            label_ids: Their class ids, `(N,)`.
            strength: The strength of the penalty that gave the logits.
        """
        temperature = judging = temperature_of(logits, label_ids)
        weights = np.ones(len(label_ids), np.float32)
        if self.balance.losses:
            weights = class_weights(np.bincount(label_ids, minlength=logits.shape[1]))[label_ids]
            judging = temperature_of(logits, label_ids, weights)
        loss = penalised_loss(logits, label_ids, weights, judging)
        if not math.isfinite(loss):
            raise not_finite("validate")
        return _Choice(strength, temperature, loss + math.log(strength / _USUAL_STRENGTH) ** 2 / 2)

    def _chosen_out_of_fold(self, inner: OutOfFold, classes: int, observer: Observer) -> "_Choice":
        """The strength that does best on photos that each fold's head did not see, with its temperature."""
        regressions = [self.regression(fold.learnt, classes) for fold in inner.folds]
        searches = [regression.search() for regression in regressions]
        tried: list[_Choice] = []
        figures: list[tuple[float, float, float, float]] = []
        for strength in map(float, _STRENGTHS):
            heads = [
                _minimum(regression, search, strength, _PATH_TOLERANCE)
                for regression, search in zip(regressions, searches, strict=True)
            ]
            logits = [fold.held_out.logits(head) for fold, head in zip(inner.folds, heads, strict=True)]
            tried.append(self.judged(np.concatenate(logits), inner.label_ids, strength))
            # Cross-validation fits silently, and measuring takes time.
            if observer is not silent:
                figures.append(inner.figures(heads))
            if _best_of(tried) not in tried[-_PATIENCE - 1 :]:
                break
        best = _best_of(tried)
        for choice, of_choice in zip(tried, figures, strict=False):
            observer(PenaltyEvaluated(choice.strength, *of_choice, choice is best))
        return best


@dataclass(frozen=True)
class _Choice:
    """A strength of the penalty, judged by photos that did not train.

    Attributes:
        strength: The factor of the penalty.
        temperature: The number to divide a head's logits by.
        loss: The loss of those photos and of the priors, nats; lower is better.
    """

    strength: float
    temperature: float
    loss: float


@dataclass(frozen=True)
class _Fit(_Choice):
    """A choice with its head, before calibration."""

    head: Head


_Judged = TypeVar("_Judged", bound=_Choice)


def _best_of(choices: Sequence[_Judged]) -> _Judged:
    return min(choices, key=lambda choice: choice.loss)


@dataclass
class _Progress:
    """Reports how training goes, and measures heads on validation."""

    training: Examples
    validation: Examples
    solver: LbfgsSolver
    observer: Observer
    snapshots: Snapshots
    step: int = 0

    def advance(self, head: Callable[[], Head]) -> None:
        """Counts a step; its head is made only if it is measured or kept."""
        if self.step % self.solver.interval == 0:
            self.report(head())
        if self.snapshots.due(self.step):
            self.snapshots.keep(self.step, head())
        self.step += 1

    def fit(self, head: Head, strength: float) -> _Fit:
        """Returns the head of a strength as validation judges it."""
        self.observer(HeadMeasured(max(self.step - 1, 0), head.weights, head.biases, strength))
        if not len(self.validation):
            return _Fit(strength, 1.0, 0.0, head)
        judged = self.solver.judged(self.validation.logits(head), self.validation.label_ids, strength)
        return _Fit(strength, judged.temperature, judged.loss, head)

    def report(self, head: Head) -> None:
        """Reports how good a head is."""
        trained, validated = measured(head, self.training), measured(head, self.validation)
        self.observer(IterationEvaluated(self.step, *trained, *validated, len(self.validation)))

    def report_penalty(self, fit: "_Fit", chosen: bool) -> None:
        """Reports how good the head of a strength is."""
        trained, validated = measured(fit.head, self.training), measured(fit.head, self.validation)
        self.observer(PenaltyEvaluated(fit.strength, *trained, *validated, chosen))


def _path(regression: Regression, progress: _Progress, until: float | None) -> Iterator[_Fit]:
    """The fits from the strongest penalty to a given one; if none is given, until validation has grown worse."""
    search, lowest, worse = regression.search(), math.inf, 0
    for strength in map(float, _STRENGTHS):
        fit = _fitted(regression, search, strength, progress, _PATH_TOLERANCE)
        yield fit
        lowest, worse = (fit.loss, 0) if fit.loss < lowest else (lowest, worse + 1)
        if worse > _PATIENCE if until is None else strength <= until:
            return


def _fitted(regression: Regression, search: Search, strength: float, progress: _Progress, tolerance: float) -> _Fit:
    point = search.point
    for number, iterate in enumerate(search.minimise(regression.penalties(strength), tolerance, _MOST_STEPS)):
        point = iterate.point
        # The first iterate is the last one of the fit before, which was reported then.
        if number or not progress.step:
            progress.advance(lambda point=point: regression.head(point))  # type: ignore[misc]
    return progress.fit(regression.head(point), strength)


def _fitted_to_all(best: _Fit, chosen: _Choice, regression: Regression) -> _Fit:
    """The head of a strength that learns from validation photos, too; it starts from the best head without them."""
    head = _minimum(regression, regression.search(best.head), chosen.strength, _TOLERANCE)
    return _Fit(chosen.strength, chosen.temperature, chosen.loss, head)


def _minimum(regression: Regression, search: Search, strength: float, tolerance: float) -> Head:
    """The head that a fit with a penalty ends at."""
    return regression.head(search.minimum(regression.penalties(strength), tolerance, _MOST_STEPS))
