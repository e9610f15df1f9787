"""Gradient descent, as the tutorial did it; the weights that do best on photos that did not train are kept."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.errors import TrainingError
from retrainer.events import HeadMeasured, Noted, Observer, StepEvaluated, Warned
from retrainer.options.retraining import RetrainOptions
from retrainer.training.checkpoints import (
    Checkpoint,
    best_of,
    is_checkpoint,
    kept_among_the_first,
    overfitting_in,
)
from retrainer.training.examples import Examples, measured
from retrainer.training.head import Head, gradient_step, initial_head
from retrainer.training.out_of_fold import InnerFold, OutOfFold
from retrainer.training.temperature import temperature_of

ALL = -1
# Of so many checkpoints up to the chosen one the head that fits best is taken.
_WAVERING = 4
# So many training examples tell how well a head fits them.
_MOST_MEASURED = 1000
# Rows are drawn for many steps at once, as far as memory allows.
_STEPS_PER_DRAW, _ROWS_PER_DRAW = 256, 2**20


@dataclass(frozen=True)
class Descent:
    """The head that is kept.

    Attributes:
        head: Before calibration.
        step: After which it was so, from 0 on.
        temperature: What to divide its logits by; 1 without validation.
    """

    head: Head
    step: int
    temperature: float


class BalancedSampler:
    """Draws as the 2017 scripts drew: a class first, each as likely, then one of its examples, with replacement.

    Args:
        label_ids: Class ids `(N,)`; where all are the same, each example is as likely.
    """

    def __init__(self, label_ids: Integers) -> None:
        self._order = np.argsort(label_ids, kind="stable")
        self._counts = np.bincount(label_ids)
        self._starts = np.cumsum(self._counts) - self._counts
        self._classes = np.flatnonzero(self._counts)

    def rows(self, shape: tuple[int, ...], generator: np.random.Generator) -> Integers:
        """Row numbers of the given shape."""
        classes = self._classes[generator.integers(len(self._classes), size=shape)]
        places = (generator.random(shape) * self._counts[classes]).astype(np.int64)
        drawn: Integers = self._order[self._starts[classes] + places]
        return drawn

    def batch(self, size: int, generator: np.random.Generator) -> Integers:
        """`size` row numbers, or all of them where `size` is -1 or there are none."""
        if size == ALL or not len(self._order):
            return np.arange(len(self._order))
        return self.rows((size,), generator)


def fit_by_gradient_descent(
    training: Examples,
    validation: Examples,
    classes: int,
    options: RetrainOptions,
    observer: Observer,
    keep: Callable[[int, Head], None],
) -> Descent:
    """Fits a head as the 2017 scripts did: plain gradient descent from small random weights.

    Args:
        training, validation: Examples; validation may be empty.
        classes: C.
        options: Steps, rates, batch sizes, class weights, intervals and the seed.
        observer: Told how training goes each `eval_step_interval` steps and after the last, and of the step kept.
        keep: Called with the step and the head each `intermediate_store_frequency` steps.

    Returns:
        Of the last head and those of checkpoints on the way the one that does best on all of validation, after a
        temperature of its own. If few validate, the step and the temperature come from out-of-fold scores, and the head
        learns from validation photos as well, as far as that step. Without validation the last head.

    Raises:
        TrainingError: the weights grew out of all bounds.
    """
    learnt, last = training.learnt, options.steps - 1
    inner = OutOfFold.of(training, validation)
    history = _out_of_fold(inner, classes, options) if inner else []
    # Apart, so that how often training is measured does not change its result.
    validating = np.random.default_rng([options.seed, 1])
    held_out, some = BalancedSampler(validation.label_ids), learnt.thinned(_MOST_MEASURED)
    best: Head | None = None
    for step, head, batch in _descended(learnt, classes, options):
        if step % options.eval_step_interval == 0 or step == last:
            size = options.validation_batch_size
            held_batch = validation if size == ALL else validation.at(held_out.batch(size, validating))
            observer(_evaluated(step, head, batch, held_batch))
        if is_checkpoint(step, last):
            observer(HeadMeasured(step, head.weights, head.biases))
            if len(validation) and not inner:
                with np.errstate(all="ignore"):
                    logits, trained = validation.logits(head), measured(head, some)[0]
                    history.append(Checkpoint.of(step, logits, validation.label_ids, trained))
                if best_of(history) is history[-1]:
                    best = head.copy()
        if options.intermediate_store_frequency and step and step % options.intermediate_store_frequency == 0:
            keep(step, head)
    if history:
        _tell_of(history, inner, options, observer)
    if inner:
        kept = best_of(history)
        before = [one.step for one in history if one.step <= kept.step][-_WAVERING:]
        head = _fitting_best(before, inner.pool.learnt, kept.temperature, classes, options)
        return Descent(head, kept.step, kept.temperature)
    if best is None:
        return Descent(head, last, 1.0)
    # Steps are compared on some of many photos; the temperature that ships is fitted to all.
    return Descent(best, best_of(history).step, temperature_of(validation.logits(best), validation.label_ids))


def _fitting_best(
    steps: Sequence[int], learnt: Examples, temperature: float, classes: int, options: RetrainOptions
) -> Head:
    """The head after one of some steps, ascending, that fits best what it learns from, after a temperature.

    That is the last, unless steps are so large that heads become better and worse by chance.
    """
    some, found = learnt.thinned(_MOST_MEASURED), []
    for step, head, _ in _descended(learnt, classes, options):
        if step in steps:
            found.append((measured(head.calibrated(temperature), some)[1], head.copy()))
        if step == steps[-1]:
            break
    return min(found, key=lambda one: one[0])[1]


def _out_of_fold(inner: OutOfFold, classes: int, options: RetrainOptions) -> list[Checkpoint]:
    """The checkpoints of descents on all folds but one, each measured on that one."""
    last = options.steps - 1
    steps = filter(lambda step: is_checkpoint(step, last), range(last + 1))
    history = []
    # Weights that grow out of bounds are told of when the head itself is fitted.
    with np.errstate(all="ignore"):
        heads = zip(*(_measured_fold(fold, classes, options) for fold in inner.folds), strict=True)
        for step, folds in zip(steps, heads, strict=True):
            logits, accuracies = zip(*folds, strict=True)
            trained = float(np.mean(accuracies))
            history.append(Checkpoint.of(step, np.concatenate(logits), inner.label_ids, trained))
    return history


def _measured_fold(fold: InnerFold, classes: int, options: RetrainOptions) -> Iterator[tuple[Floats, float]]:
    """At each checkpoint the logits of the photos held out, `(n, C)`, and the accuracy on what is learnt."""
    last, some = options.steps - 1, fold.learnt.thinned(_MOST_MEASURED)
    for step, head, _ in _descended(fold.learnt, classes, options):
        if is_checkpoint(step, last):
            yield fold.held_out.logits(head), measured(head, some)[0]


def _tell_of(history: list[Checkpoint], inner: OutOfFold | None, options: RetrainOptions, observer: Observer) -> None:
    """Tells which step is kept, and warns if that means that training did not go well."""
    kept, last = best_of(history), history[-1].step
    choice = f"Kept step {kept.step}"
    observer(Noted(inner.says(choice) if inner else f"{choice} (best on validation)"))
    if kept_among_the_first(history):
        observer(
            Warned(
                f"Step {kept.step} of {last} is kept: later steps do worse on photos that they did not learn from. "
                "Steps are probably too large: lower --learning_rate, now "
                f"{options.rate:g}; 0.01 is usual."
            )
        )
    if overfitting := overfitting_in(history):
        observer(Warned(str(overfitting)))


def _descended(learnt: Examples, classes: int, options: RetrainOptions) -> Iterator[tuple[int, Head, Examples]]:
    """Each step with the head after it, which the next step changes in place, and its batch."""
    generator = np.random.default_rng([options.seed, 0])
    head = initial_head(learnt.matrix.shape[1], classes, generator)
    learning_rate = options.rate
    for step, batch in enumerate(_batches(learnt, options, generator)):
        gradient_step(head, batch.features, batch.label_ids, learning_rate)
        yield step, head, batch


def _batches(training: Examples, options: RetrainOptions, generator: np.random.Generator) -> Iterator[Examples]:
    steps, size = options.steps, options.batch_size
    if size == ALL:
        for _ in range(steps):
            yield training
        return
    balanced = options.class_weight != "none"
    sampler = BalancedSampler(training.label_ids if balanced else np.zeros_like(training.label_ids))
    per_draw = max(1, min(_STEPS_PER_DRAW, _ROWS_PER_DRAW // size))
    for start in range(0, steps, per_draw):
        # Whole draws, so that a longer run begins as a shorter one did.
        for rows in sampler.rows((per_draw, size), generator)[: steps - start]:
            yield training.at(rows)


def _evaluated(step: int, head: Head, batch: Examples, validation: Examples) -> StepEvaluated:
    train_accuracy, loss = measured(head, batch)
    if not math.isfinite(loss):
        raise TrainingError(
            f"Training went out of bounds at step {step}: expected a finite cross entropy, received {loss}.",
            "Lower --learning_rate; 0.01 is usual.",
        )
    return StepEvaluated(step, train_accuracy, loss, *measured(head, validation), len(validation))
