"""From examples to a calibrated head, by the solver that the options choose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.calibration import temperature_of
from retrainer.events import Noted, Observer, silent
from retrainer.head import Head
from retrainer.options.retraining import STEP_FLAGS, RetrainOptions
from retrainer.training.examples import Examples
from retrainer.training.gradient_descent import fit_by_gradient_descent
from retrainer.training.regression import fit_by_regression

_IMBALANCED = 3


@dataclass(frozen=True)
class Trained:
    """A head, and how it came about.

    Attributes:
        head: Calibrated: its logits were divided by the temperature.
        temperature: Fitted on validation; 1 without.
        facts: What a model says of its training.
    """

    head: Head
    temperature: float
    facts: Mapping[str, Any]

    @property
    def uncalibrated(self) -> Head:
        """The head before calibration."""
        return self.head.calibrated(1 / self.temperature)


def keep_none(step: int, head: Head) -> None:
    """Keeps no intermediate heads."""


def fit(
    training: Examples,
    validation: Examples,
    classes: int,
    options: RetrainOptions,
    observer: Observer = silent,
    keep: Callable[[int, Head], None] = keep_none,
) -> Trained:
    """Fits a head.

    Args:
        training, validation: Examples; validation may be empty.
        classes: C.
        options: The solver and its settings.
        observer: Told how training goes.
        keep: Called with the step and the head each `intermediate_store_frequency` steps.

    Raises:
        TrainingError: gradient descent went out of all bounds.
    """
    if options.descends:
        head = fit_by_gradient_descent(training, validation, classes, options, observer, keep)
        temperature = temperature_of(validation.logits(head), validation.label_ids) if len(validation) else 1.0
        facts = {"solver": "sgd"} | {name: options.chosen(name) for name in STEP_FLAGS}
    else:
        weights = class_weights(np.bincount(training.label_ids, minlength=classes), options.class_weight, observer)
        best = fit_by_regression(training, validation, weights, options, observer, keep)
        head, temperature = best.head, best.temperature
        facts = {"solver": "lbfgs", "strength": best.strength}
    return Trained(head.calibrated(temperature), temperature, {**facts, "temperature": temperature})


def class_weights(counts: Integers, choice: str, observer: Observer) -> Floats:
    """What an example of each class counts, `(C,)`, so that they count N together.

    Args:
        counts: Examples of each class, `(C,)`.
        choice: `balanced` lets all classes count as much, `none` all examples, `auto` decides by their imbalance.
        observer: Told where `auto` balances.
    """
    present = counts[counts > 0]
    imbalance = present.max() / present.min()
    if choice == "none" or (choice == "auto" and imbalance < _IMBALANCED):
        return np.ones(len(counts), np.float32)
    if choice == "auto":
        observer(
            Noted(
                f"The largest class has {imbalance:.1f} times as many photos as the smallest; each class counts as "
                "much as the others. --class_weight none lets each photo count as much."
            )
        )
    weights: Floats = (counts.sum() / (len(present) * np.maximum(counts, 1))).astype(np.float32)
    return weights
