"""Fits a calibrated head by any solver, and defines the protocol of solvers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from retrainer.events import Observer, silent
from retrainer.options.fit import FitOptions
from retrainer.training.examples import Examples
from retrainer.training.head import Head


@dataclass(frozen=True)
class Fitted:
    """A head, and how it was fitted.

    Attributes:
        head: Weights `(D, C)` and biases.
        temperature: The number to divide its logits by; 1 without validation.
        facts: The solver and its settings, for a model's metadata.
    """

    head: Head
    temperature: float
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Snapshots:
    """Which heads of a fit are kept on the way.

    Attributes:
        every: The number of steps from one to the next; 0 keeps none.
        keep: Called with the step and the head.
    """

    every: int
    keep: Callable[[int, Head], None]

    def due(self, step: int) -> bool:
        """Whether the head after a step is kept."""
        return bool(self.every and step and step % self.every == 0)


NO_SNAPSHOTS = Snapshots(0, lambda _step, _head: None)


@dataclass(frozen=True)
class Balance:
    """Where each class counts as much as the others: the option `class_weight`, without `auto`.

    Attributes:
        losses: Whether it does when the losses of photos are added.
        batches: Whether it does when batches are drawn.
    """

    losses: bool = False
    batches: bool = True


class Solver(Protocol):
    """Fits heads, each with the same settings. `solvers.SOLVERS` has a row for each."""

    @property
    def balance(self) -> Balance:
        """Where each class counts as much as the others."""

    @classmethod
    def of(cls, options: FitOptions, balance: Balance) -> Self:
        """Returns the solver with its settings.

        Args:
            options: The settings.
            balance: Where each class counts as much as the others.
        """

    def fit(
        self, training: Examples, validation: Examples, classes: int, observer: Observer, snapshots: Snapshots
    ) -> Fitted:
        """Fits a head.

        Args:
            training, validation: Examples; validation may be empty.
            classes: C.
            observer: Is called as training goes on, and with the choice at the end.
            snapshots: Which heads are kept on the way.

        Returns:
            The head before calibration.

        Raises:
            TrainingError: the features or the weights are not finite.
        """


def fit(
    training: Examples,
    validation: Examples,
    classes: int,
    solver: Solver,
    observer: Observer = silent,
    snapshots: Snapshots = NO_SNAPSHOTS,
) -> Fitted:
    """Fits a head by a solver and divides its logits by its temperature; see `Solver.fit`."""
    found = solver.fit(training, validation, classes, observer, snapshots)
    facts = {**found.facts, "temperature": found.temperature}
    return Fitted(found.head.calibrated(found.temperature), found.temperature, facts)
