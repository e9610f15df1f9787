from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pytest

from retrainer.events import Event, HeadMeasured, Observer
from retrainer.options import fit as fit_options
from retrainer.options.fit import FitOptions
from retrainer.training.examples import Examples, measured
from retrainer.training.fitting import Balance, Fitted, Snapshots, fit
from retrainer.training.head import Head
from retrainer.training.solvers import SOLVERS, solver_of


def blobs(count: int = 60, seed: int = 0) -> Examples:
    """Three classes that lie apart."""
    generator = np.random.default_rng(seed)
    label_ids = np.arange(count) % 3
    features = 4 * np.eye(3, 5)[label_ids] + generator.normal(size=(count, 5))
    return Examples(features.astype(np.float32), np.arange(count), label_ids)


@dataclass(frozen=True)
class Centres:
    """A solver from outside: logits are the products with the mean vector of each class."""

    balance: Balance

    @classmethod
    def of(cls, options: FitOptions, balance: Balance) -> Self:  # noqa: ARG003
        return cls(balance)

    def fit(
        self,
        training: Examples,
        validation: Examples,  # noqa: ARG002
        classes: int,
        observer: Observer,  # noqa: ARG002
        snapshots: Snapshots,  # noqa: ARG002
    ) -> Fitted:
        means = [training.features[training.label_ids == label_id].mean(axis=0) for label_id in range(classes)]
        weights = np.stack(means, axis=1).astype(np.float32)
        head = Head(weights, (-np.square(weights).sum(axis=0) / 2).astype(np.float32))
        return Fitted(head, 2.0, {"solver": "centres"})


def test_a_solver_from_outside_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOLVERS, "centres", Centres)
    monkeypatch.setitem(fit_options.SOLVER_NAMES, "centres", "takes the mean of each class")
    solver = solver_of(FitOptions(solver="centres"), np.array([10, 30]), lambda event: None)
    assert solver == Centres(Balance(losses=True))
    fitted = fit(blobs(), blobs(30, 1), 3, solver)
    assert fitted.facts == {"solver": "centres", "temperature": 2.0}
    assert measured(fitted.head, blobs(300, 2))[0] > 0.95


def test_each_name_has_a_solver() -> None:
    assert set(fit_options.SOLVER_NAMES) == {"auto", *SOLVERS}


@pytest.mark.parametrize("given", [{}, {"how_many_training_steps": 100}])
def test_measured_heads_are_values_that_later_steps_do_not_change(given: dict[str, Any]) -> None:
    events: list[Event] = []
    solver = solver_of(FitOptions(**given), np.array([20, 20, 20]), events.append)
    fit(blobs(), blobs(300, 1), 3, solver, events.append)
    heads = [Head(event.weights, event.biases) for event in events if isinstance(event, HeadMeasured)]
    assert len({head.tobytes() for head in heads}) == len(heads) > 5
