"""The batches that a head learns from, step by step, and those that it is measured on."""

from collections.abc import Iterator

import numpy as np

from retrainer.arrays import Integers
from retrainer.options.split import ALL
from retrainer.training.examples import Examples

# Rows are drawn for many steps at once, as far as memory allows.
_STEPS_PER_DRAW, _ROWS_PER_DRAW = 256, 2**20


class BalancedSampler:
    """Draws as the 2017 scripts drew: first a class, each as likely, then one of its examples, with replacement.

    Args:
        label_ids: Class ids `(N,)`; if all are the same, each example is as likely.
    """

    def __init__(self, label_ids: Integers) -> None:
        self._order = np.argsort(label_ids, kind="stable")
        self._counts = np.bincount(label_ids)
        self._starts = np.cumsum(self._counts) - self._counts
        self._classes = np.flatnonzero(self._counts)

    def rows(self, shape: tuple[int, ...], generator: np.random.Generator) -> Integers:
        """Returns row numbers of the given shape."""
        classes = self._classes[generator.integers(len(self._classes), size=shape)]
        within = (generator.random(shape) * self._counts[classes]).astype(np.int64)
        drawn: Integers = self._order[self._starts[classes] + within]
        return drawn

    def batch(self, size: int, generator: np.random.Generator) -> Integers:
        """Returns `size` row numbers; all of them if `size` is -1 or there are none."""
        if size == ALL or not len(self._order):
            return np.arange(len(self._order))
        return self.rows((size,), generator)


def training_batches(
    examples: Examples, steps: int, size: int, balanced: bool, generator: np.random.Generator
) -> Iterator[Examples]:
    """Yields the batch of each step.

    Args:
        examples: To draw from.
        steps: How many batches.
        size: Examples of each; -1 takes all.
        balanced: Whether each class is drawn as often as the others.
        generator: Draws.
    """
    if size == ALL:
        for _ in range(steps):
            yield examples
        return
    sampler = BalancedSampler(examples.label_ids if balanced else np.zeros_like(examples.label_ids))
    per_draw = max(1, min(_STEPS_PER_DRAW, _ROWS_PER_DRAW // size))
    for start in range(0, steps, per_draw):
        # Each draw is whole, so that a longer run begins as a shorter one did.
        for rows in sampler.rows((per_draw, size), generator)[: steps - start]:
            yield examples.at(rows)


class ValidationBatches:
    """Draws the photos that a step is measured on.

    It has a generator of its own, so that how often training is measured does not change its result.

    Args:
        validation: The photos to draw from.
        size: Photos of a batch; -1 takes all.
        seed: The seed of the run.
    """

    def __init__(self, validation: Examples, size: int, seed: int) -> None:
        self._validation, self._size = validation, size
        self._sampler, self._generator = BalancedSampler(validation.label_ids), np.random.default_rng([seed, 1])

    def draw(self) -> Examples:
        """Returns the next batch."""
        if self._size == ALL:
            return self._validation
        return self._validation.at(self._sampler.batch(self._size, self._generator))
