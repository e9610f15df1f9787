"""What decisions bring, measured on fabricated vectors."""

import numpy as np
import pytest

from retrainer.events import Began, Event, FoldTested, silent
from retrainer.measuring.cleaning_effect import Outcomes, cleaning_effect
from retrainer.measuring.cross_validation import Folds, folds_of
from retrainer.options.fit import FitOptions
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.training.examples import Examples
from retrainer.training.solvers import solver_of

COUNT, WRONG = 300, 90


@pytest.fixture
def world() -> tuple[Folds, Examples, np.ndarray]:
    """Photos of three classes, of which some have wrong labels, in five folds; and their true classes."""
    generator = np.random.default_rng(0)
    true = np.arange(COUNT) % 3
    given = true.copy()
    given[:WRONG] = (true[:WRONG] + 1) % 3
    vectors = (np.eye(16)[true] * 3 + generator.normal(size=(COUNT, 16))).astype(np.float32)
    digests = generator.integers(0, 256, (COUNT, 32), np.uint8)
    dataset = Dataset(("a", "b", "c"), tuple(map(str, range(COUNT))), given, digests)
    return folds_of(dataset, SplitOptions(), 5), Examples(vectors, np.arange(COUNT), given), true


def test_right_decisions_help_and_are_measured_on_the_photos_that_stay(
    world: tuple[Folds, Examples, np.ndarray],
) -> None:
    folds, examples, true = world
    solver, events = solver_of(FitOptions(), folds.dataset.counts, silent), list[Event]()
    labels = examples.label_ids.copy()
    labels[:60] = true[:60]
    set_aside = (np.arange(COUNT) >= 60) & (np.arange(COUNT) < WRONG)
    effect = cleaning_effect(folds, examples, Outcomes(set_aside, labels), solver, events.append)
    assert (effect.set_aside, effect.relabelled, effect.count, effect.folds) == (30, 60, 210, 5)
    assert effect.after > effect.before + 0.02
    assert effect.pair.difference == pytest.approx(effect.after - effect.before)
    assert not effect.pair.is_chance
    assert effect.pair.interval[0] > 0
    assert [type(one) for one in events if isinstance(one, Began | FoldTested)] == [Began, *[FoldTested] * 5] * 2
    assert sum(one.count for one in events if isinstance(one, FoldTested)) == 2 * 210


def test_no_decisions_change_nothing(world: tuple[Folds, Examples, np.ndarray]) -> None:
    folds, examples, _ = world
    solver = solver_of(FitOptions(), folds.dataset.counts, silent)
    nothing = Outcomes(np.zeros(COUNT, np.bool_), examples.label_ids)
    effect = cleaning_effect(folds, examples, nothing, solver, silent)
    assert (effect.before, effect.pair.difference, effect.count) == (effect.after, 0.0, COUNT)
    assert effect.pair.is_chance


def test_a_class_may_lose_all_its_photos(world: tuple[Folds, Examples, np.ndarray]) -> None:
    folds, examples, _ = world
    solver = solver_of(FitOptions(), folds.dataset.counts, silent)
    effect = cleaning_effect(folds, examples, Outcomes(examples.label_ids == 2, examples.label_ids), solver, silent)
    assert effect.count == 200
    assert effect.after >= effect.before
