"""Gradient descent, as the tutorial did it; the weights that validation liked best are kept."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Integers
from retrainer.errors import TrainingError
from retrainer.events import HeadMeasured, Observer, StepEvaluated, Warned
from retrainer.head import Head, gradient_step, initial_head
from retrainer.options.retraining import RetrainOptions
from retrainer.training.examples import Examples, measured

ALL = -1
# So many heads of a run, spread evenly, are told of and measured on all of validation: both take their time.
_CHECKPOINTS = 40
# Rows are drawn for many steps at once, as far as memory allows.
_STEPS_PER_DRAW, _ROWS_PER_DRAW = 256, 2**20


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
) -> Head:
    """Fits a head as the 2017 scripts did: plain gradient descent from small random weights.

    Args:
        training, validation: Examples; validation may be empty.
        classes: C.
        options: Steps, rates, batch sizes, class weights, intervals and the seed.
        observer: Told how training goes each `eval_step_interval` steps and after the last.
        keep: Called with the step and the head each `intermediate_store_frequency` steps.

    Returns:
        Of the last head and those of checkpoints on the way the one whose cross entropy on all of validation is
        lowest; without validation the last.

    Raises:
        TrainingError: the weights grew out of all bounds.
    """
    # Apart, so that how often training is measured does not change its result.
    generator, validating = np.random.default_rng([options.seed, 0]), np.random.default_rng([options.seed, 1])
    head = initial_head(training.matrix.shape[1], classes, generator)
    best, lowest = head, math.inf
    last = options.chosen("how_many_training_steps") - 1
    learning_rate = options.chosen("learning_rate")
    held_out = BalancedSampler(validation.label_ids)
    history: list[StepEvaluated] = []
    for step, batch in enumerate(_batches(training, options, generator)):
        gradient_step(head, batch.features, batch.label_ids, learning_rate)
        if step % options.eval_step_interval == 0 or step == last:
            size = options.validation_batch_size
            held_batch = validation if size == ALL else validation.chosen(held_out.batch(size, validating))
            history.append(_evaluated(step, head, batch, held_batch))
            observer(history[-1])
        if step == last or step % (1 + last // _CHECKPOINTS) == 0:
            observer(HeadMeasured(step, head.weights, head.biases))
            loss = measured(head, validation)[1]
            if not loss >= lowest:
                best, lowest = head.copy(), loss
        if options.intermediate_store_frequency and step and step % options.intermediate_store_frequency == 0:
            keep(step, head)
    if overfitting := overfitting_in(history):
        observer(Warned(str(overfitting)))
    return best


@dataclass(frozen=True)
class Overfitting:
    """Since which step, and the accuracies then and now, each 0 to 1 and a mean over a tenth of the run."""

    step: int
    training: tuple[float, float]
    validation: tuple[float, float]

    def __str__(self) -> str:
        """What a user reads."""
        trained, others = (f"{then:.1%} then and is {now:.1%} now" for then, now in (self.training, self.validation))
        return (
            f"Training is overfitting since step {self.step}: its accuracy on the photos that it trains on was "
            f"{trained}, on others it was {others}. The weights of the best step are kept; more photos or "
            "distortions such as --flip_left_right would do more."
        )


def overfitting_in(history: Sequence[StepEvaluated]) -> Overfitting | None:
    """Whether training held or improved while validation grew worse, None where that is not so.

    All figures are means over a tenth of the run, because batches are small. Validation grew worse where its cross
    entropy rose by a tenth from its lowest and its accuracy fell by a point.
    """
    width = max(3, len(history) // 10)
    if not history or not history[0].validation_count or len(history) < 3 * width:
        return None
    figures = np.array(
        [(e.validation_cross_entropy, e.validation_accuracy, e.train_accuracy) for e in history], np.float64
    )
    means = np.stack([np.convolve(column, np.full(width, 1 / width), "valid") for column in figures.T])
    lowest = int(means[0].argmin())
    (loss, accuracy, trained), (loss_now, accuracy_now, trained_now) = means[:, lowest], means[:, -1]
    if loss_now > 1.1 * loss and accuracy_now < accuracy - 0.01 and trained_now >= trained:
        return Overfitting(history[lowest + width // 2].step, (trained, trained_now), (accuracy, accuracy_now))
    return None


def _batches(training: Examples, options: RetrainOptions, generator: np.random.Generator) -> Iterator[Examples]:
    steps, size = options.chosen("how_many_training_steps"), options.chosen("train_batch_size")
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
            yield training.chosen(rows)


def _evaluated(step: int, head: Head, batch: Examples, validation: Examples) -> StepEvaluated:
    train_accuracy, loss = measured(head, batch)
    if not math.isfinite(loss):
        raise TrainingError(
            f"Training went out of bounds at step {step}: expected a finite cross entropy, received {loss}.",
            "Lower --learning_rate; 0.01 is usual.",
        )
    return StepEvaluated(step, train_accuracy, loss, *measured(head, validation), len(validation))
