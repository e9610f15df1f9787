"""Gradient descent, as the tutorial did it; the weights that do best on photos that did not train are kept."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import TrainingError
from retrainer.events import Detailed, HeadMeasured, Observer, StepEvaluated, Warned
from retrainer.options.fit import FitOptions
from retrainer.training.batches import ValidationBatches, training_batches
from retrainer.training.checkpoints import (
    Checkpoint,
    best_of,
    is_checkpoint,
    kept_among_the_first,
    overfitting_in,
)
from retrainer.training.examples import Examples, measured
from retrainer.training.fitting import Balance, Fitted, Snapshots
from retrainer.training.head import Head, gradient_step, initial_head
from retrainer.training.out_of_fold import InnerFold, OutOfFold
from retrainer.training.temperature import temperature_of

# The head that fits best is taken from this many checkpoints, the chosen one and those before it.
_WAVERING = 4
# How well a head fits is measured on at most this many training examples.
_MOST_MEASURED = 1000


@dataclass(frozen=True)
class GradientDescentSolver:
    """Fits heads by plain gradient descent from small random weights, as the 2017 scripts did.

    Attributes:
        steps: How many steps it takes.
        rate: The factor on the gradient at each step.
        batch_size: Examples per step; -1 takes all.
        validation_batch_size: Examples that a step is measured on; -1 takes all.
        interval: The number of steps from one measurement of training to the next.
        seed: Chooses the first weights and the batches.
        balance: Where each class counts as much as the others.
    """

    steps: int
    rate: float
    batch_size: int
    validation_batch_size: int
    interval: int
    seed: int
    balance: Balance

    @classmethod
    def of(cls, options: FitOptions, balance: Balance) -> Self:
        """Returns the solver with its settings."""
        return cls(
            steps=options.steps,
            rate=options.rate,
            batch_size=options.batch_size,
            validation_batch_size=options.validation_batch_size,
            interval=options.eval_step_interval,
            seed=options.seed,
            balance=balance,
        )

    def fit(
        self, training: Examples, validation: Examples, classes: int, observer: Observer, snapshots: Snapshots
    ) -> Fitted:
        """Returns the last head or that of a checkpoint, whichever does best on all of validation.

        Each is measured after a temperature of its own. If few photos validate, out-of-fold scores give the step and
        the temperature, and the head learns from validation photos, too, as far as that step. Without validation it is
        the last head.
        """
        learnt, last = training.learnt, self.steps - 1
        inner = OutOfFold.of(training, validation)
        history = self._out_of_fold(inner, classes) if inner else []
        held_out, some = ValidationBatches(validation, self.validation_batch_size, self.seed), _some(learnt)
        best: Head | None = None
        for step, head, batch in self._descended(learnt, classes):
            if step % self.interval == 0 or step == last:
                observer(_evaluated(step, head, batch, held_out.draw()))
            if is_checkpoint(step, last):
                copied = head.copy()
                observer(HeadMeasured(step, copied.weights, copied.biases))
                if len(validation) and not inner:
                    history.append(_checkpoint(step, head, validation, some))
                    if best_of(history) is history[-1]:
                        best = copied
            if snapshots.due(step):
                snapshots.keep(step, head)
        if history:
            self._report_choice(history, inner, observer)
        if inner:
            return self._fitted_to_all(inner, history, classes)
        if best is None:
            return self._fitted(head, last, 1.0)
        # Steps are compared on some of many photos; the temperature that ships is fitted to all.
        temperature = temperature_of(validation.logits(best), validation.label_ids)
        return self._fitted(best, best_of(history).step, temperature)

    def _fitted(self, head: Head, step: int, temperature: float) -> Fitted:
        facts = {
            "solver": "sgd",
            "how_many_training_steps": self.steps,
            "learning_rate": self.rate,
            "train_batch_size": self.batch_size,
            "step": step,
        }
        return Fitted(head, temperature, facts)

    def _fitted_to_all(self, inner: OutOfFold, history: Sequence[Checkpoint], classes: int) -> Fitted:
        """The head of the best step that learns from validation photos, too."""
        kept = best_of(history)
        before = [one.step for one in history if one.step <= kept.step][-_WAVERING:]
        head = self._fitting_best(before, inner.pool.learnt, kept.temperature, classes)
        return self._fitted(head, kept.step, kept.temperature)

    def _fitting_best(self, steps: Sequence[int], learnt: Examples, temperature: float, classes: int) -> Head:
        """The head after one of some steps, ascending, that fits best the examples that it learns from.

        It is the last one, unless steps are so large that heads become better and worse by chance.
        """
        some, found = _some(learnt), []
        for step, head, _ in self._descended(learnt, classes):
            if step in steps:
                found.append((measured(head.calibrated(temperature), some)[1], head.copy()))
            if step == steps[-1]:
                break
        return min(found, key=lambda one: one[0])[1]

    def _out_of_fold(self, inner: OutOfFold, classes: int) -> list[Checkpoint]:
        """The checkpoints of descents on all folds but one, each measured on that one."""
        last = self.steps - 1
        steps = filter(lambda step: is_checkpoint(step, last), range(last + 1))
        history = []
        # Weights that grow out of bounds are an error when the head itself is fitted.
        with np.errstate(all="ignore"):
            heads = zip(*(self._measured_fold(fold, classes) for fold in inner.folds), strict=True)
            for step, folds in zip(steps, heads, strict=True):
                logits, accuracies = zip(*folds, strict=True)
                trained = float(np.mean(accuracies))
                history.append(Checkpoint.of(step, np.concatenate(logits), inner.label_ids, trained))
        return history

    def _measured_fold(self, fold: InnerFold, classes: int) -> Iterator[tuple[Floats, float]]:
        """At each checkpoint the logits of the photos held out, `(n, C)`, and the accuracy on learnt ones, 0 to 1."""
        some = _some(fold.learnt)
        for step, head, _ in self._descended(fold.learnt, classes):
            if is_checkpoint(step, self.steps - 1):
                yield fold.held_out.logits(head), measured(head, some)[0]

    def _descended(self, learnt: Examples, classes: int) -> Iterator[tuple[int, Head, Examples]]:
        """Each step with the head after it, which the next step changes in place, and its batch."""
        generator = np.random.default_rng([self.seed, 0])
        head = initial_head(learnt.matrix.shape[1], classes, generator)
        batches = training_batches(learnt, self.steps, self.batch_size, self.balance.batches, generator)
        for step, batch in enumerate(batches):
            gradient_step(head, batch.features, batch.label_ids, self.rate)
            yield step, head, batch

    def _report_choice(self, history: Sequence[Checkpoint], inner: OutOfFold | None, observer: Observer) -> None:
        """Reports which step is kept, with a warning if training did not go well."""
        kept, last = best_of(history), history[-1].step
        choice = f"Kept step {kept.step}"
        observer(Detailed(inner.says(choice) if inner else f"{choice} (best on validation)"))
        if kept_among_the_first(history):
            observer(
                Warned(
                    f"Step {kept.step} of {last} is kept: later steps do worse on photos that they did not learn from. "
                    f"Steps are probably too large: lower --learning_rate, now {self.rate:g}; 0.01 is usual."
                )
            )
        if overfitting := overfitting_in(history):
            observer(Warned(str(overfitting)))


def _some(examples: Examples) -> Examples:
    """The training examples that heads are measured on."""
    return examples.thinned(_MOST_MEASURED)


def _checkpoint(step: int, head: Head, validation: Examples, some: Examples) -> Checkpoint:
    with np.errstate(all="ignore"):
        return Checkpoint.of(step, validation.logits(head), validation.label_ids, measured(head, some)[0])


def _evaluated(step: int, head: Head, batch: Examples, validation: Examples) -> StepEvaluated:
    train_accuracy, loss = measured(head, batch)
    if not math.isfinite(loss):
        raise TrainingError(
            f"Training went out of bounds at step {step}: expected a finite cross entropy, received {loss}.",
            "Lower --learning_rate; 0.01 is usual.",
        )
    return StepEvaluated(step, train_accuracy, loss, *measured(head, validation), len(validation))
