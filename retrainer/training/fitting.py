"""From examples to a calibrated head, by the solver that the options choose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from retrainer.arrays import Integers
from retrainer.events import Noted, Observer, silent
from retrainer.options.retraining import RetrainOptions
from retrainer.training.examples import Examples
from retrainer.training.gradient_descent import fit_by_gradient_descent
from retrainer.training.head import Head
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
        options: The solver and its settings; `settled`, where classes are to be balanced by their sizes.
        observer: Told how training goes.
        keep: Called with the step and the head each `intermediate_store_frequency` steps.

    Raises:
        TrainingError: gradient descent went out of all bounds.
    """
    if options.descends:
        kept = fit_by_gradient_descent(training, validation, classes, options, observer, keep)
        head, temperature = kept.head, kept.temperature
        facts = {"solver": "sgd"} | options.stepping | {"step": kept.step}
    else:
        best = fit_by_regression(training, validation, classes, options, observer, keep)
        head, temperature = best.head, best.temperature
        facts = {"solver": "lbfgs", "class_weight": options.class_weight, "strength": best.strength}
    return Trained(head.calibrated(temperature), temperature, {**facts, "temperature": temperature})


def settled(options: RetrainOptions, counts: Integers, observer: Observer) -> RetrainOptions:
    """The options with `class_weight` decided by all photos, for all fits of a run.

    Args:
        options: The run's.
        counts: Photos of each class, `(C,)`.
        observer: Told where classes are balanced because of their sizes.
    """
    if options.descends or options.class_weight != "auto":
        return options
    imbalance = counts.max() / counts.min()
    if imbalance < _IMBALANCED:
        return replace(options, class_weight="none")
    observer(
        Noted(
            f"The largest class has {imbalance:.1f} times as many photos as the smallest; each class counts as much as "
            "the others. --class_weight none lets each photo count as much."
        )
    )
    return replace(options, class_weight="balanced")
