import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize

from retrainer.arrays import Floats, Integers
from retrainer.errors import TrainingError
from retrainer.events import Event, HeadMeasured, Noted, StepEvaluated, silent
from retrainer.options.fit import FitOptions
from retrainer.training.examples import Examples, measured
from retrainer.training.fitting import NO_SNAPSHOTS, Balance, Fitted, Snapshots, fit
from retrainer.training.head import Head, softmax
from retrainer.training.lbfgs import Objective, Search, Vector
from retrainer.training.lbfgs_solver import LbfgsSolver
from retrainer.training.regression import Regression, class_weights
from retrainer.training.solvers import SOLVERS, solver_of

CLASSES, DEPTH = 3, 8
ALIKE = np.ones(CLASSES, np.float32)
LBFGS = LbfgsSolver(Balance(), interval=10)
NONE = Examples(np.empty((0, DEPTH), np.float32), np.empty(0, np.int64), np.empty(0, np.int64))


def blobs(count: int = 90, seed: int = 0, distance: float = 1.5) -> Examples:
    """Three classes that overlap, on features of very different scales and means."""
    generator = np.random.default_rng(seed)
    label_ids: Integers = np.arange(count) % CLASSES
    features = distance * np.eye(CLASSES, DEPTH)[label_ids] + generator.normal(size=(count, DEPTH))
    scales = np.array([1, 5, 0.1, 1, 1, 20, 0.01, 1])
    return Examples((features * scales + 7).astype(np.float32), np.arange(count), label_ids)


def last_of(regression: Regression, strength: float, tolerance: float = 1e-12) -> Vector:
    return regression.search().minimum(regression.penalties(strength), tolerance, 500)


def penalised(regression: Regression, strength: float) -> Objective:
    """The cross entropy and half the squared weights times the strength; biases are free."""

    def value_and_gradient(point: Vector) -> tuple[float, Vector]:
        value, gradient = regression.objective(point)
        weights = np.concatenate([point[: DEPTH * CLASSES], np.zeros(CLASSES)])
        return value + strength / 2 * float(weights @ weights), gradient + strength * weights

    return value_and_gradient


def test_the_gradient_is_that_of_the_objective() -> None:
    regression = Regression(blobs(30), np.array([1.0, 3.0, 0.5], np.float32))
    point = np.random.default_rng(1).normal(size=regression.start().shape)

    def value(at: Vector) -> float:
        return regression.objective(at)[0]

    slopes = approx_fprime(point, value, 1e-3)
    assert regression.objective(point)[1] == pytest.approx(slopes, abs=5e-3)


@pytest.mark.parametrize("strength", [1.0, 0.03, 0.001])
def test_the_minimum_is_scipys(strength: float) -> None:
    regression = Regression(blobs(), ALIKE)
    objective = penalised(regression, strength)
    theirs = minimize(objective, regression.start(), jac=True, method="BFGS", options={"gtol": 1e-5})
    ours = last_of(regression, strength)
    assert objective(ours)[0] == pytest.approx(theirs.fun, rel=1e-4)
    both = [regression.head(point).logits(blobs().features) for point in (ours, theirs.x)]
    shifted = [logits - logits.mean(axis=1, keepdims=True) for logits in both]
    assert shifted[0] == pytest.approx(shifted[1], abs=0.1)


def test_a_path_of_penalties_ends_at_the_minimum_of_each() -> None:
    regression = Regression(blobs(), ALIKE)
    search = regression.search()
    for strength in (10.0, 0.3, 0.01, 1.0):
        along = penalised(regression, strength)(search.minimum(regression.penalties(strength), 1e-9, 500))[0]
        assert along == pytest.approx(penalised(regression, strength)(last_of(regression, strength))[0], rel=1e-4)


def test_a_search_remembers_the_curvature_from_one_penalty_to_the_next() -> None:
    asked = []
    regression = Regression(blobs(300), ALIKE)

    def counted(point: Vector) -> tuple[float, Vector]:
        asked.append(point)
        return regression.objective(point)

    def evaluations(searches: list[Search]) -> int:
        asked.clear()
        for search, strength in zip(searches, (1.0, 0.3, 0.1, 0.03, 0.01, 0.003), strict=True):
            search.minimum(regression.penalties(strength), 1e-6, 500)
        return len(asked)

    one, several = Search(counted, regression.start()), [Search(counted, regression.start()) for _ in range(6)]
    assert evaluations([one] * 6) < 0.7 * evaluations(several)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_quadratics_are_minimised_and_never_rise(seed: int, size: int) -> None:
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(size, size))
    matrix, goal = root @ root.T + 0.1 * np.eye(size), generator.normal(size=size)

    def objective(point: Vector) -> tuple[float, Vector]:
        slope = matrix @ (point - goal)
        return float((point - goal) @ slope) / 2 + 1.0, slope

    search = Search(objective, np.zeros(size))
    for penalties in (np.full(size, 3.0), generator.uniform(0, 2, size), np.zeros(size)):
        values = [iterate.value for iterate in search.minimise(penalties, 1e-14, 1000)]
        assert all(np.diff(values) <= 0)
        lowest = np.asarray(np.linalg.solve(matrix + np.diag(penalties), matrix @ goal), np.float64)
        assert values[-1] == pytest.approx(objective(lowest)[0] + float(penalties @ lowest**2) / 2, abs=1e-6)


def test_a_search_ends_if_nothing_is_lower() -> None:
    search = Search(lambda point: (1.0, np.ones_like(point)), np.zeros(3))
    assert len(list(search.minimise(np.zeros(3), 1e-9, 50))) == 1


def test_the_exported_weights_take_features_as_they_are() -> None:
    examples = blobs()
    regression = Regression(examples, ALIKE)
    point = last_of(regression, 0.1)
    value = regression.objective(point)[0]
    assert measured(regression.head(point), examples)[1] == pytest.approx(value, rel=1e-5)
    assert regression.start(regression.head(point)) == pytest.approx(point, abs=1e-4)


def few_examples(count: int, depth: int = 120) -> Examples:
    """Examples with many features each; the first two are equal."""
    rng = np.random.default_rng(count)
    features = rng.normal(size=(count, depth)).astype(np.float32) * rng.uniform(0.1, 3, depth).astype(np.float32)
    features[1] = features[0]
    return Examples(features, np.arange(count), np.arange(count) % 3)


@pytest.mark.parametrize("count", [3, 24])
def test_few_examples_give_the_head_that_a_search_in_all_directions_finds(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples, others = few_examples(count), few_examples(40)
    small = Regression(examples, ALIKE)
    assert len(small.start()) <= (count + 1) * 3
    found = small.head(last_of(small, 0.01))
    monkeypatch.setattr("retrainer.training.regression._FEATURES_PER_EXAMPLE", 121)
    large = Regression(examples, ALIKE)
    assert len(large.start()) == 121 * 3
    expected = large.head(last_of(large, 0.01))
    # Logits may differ by a number that is the same for all classes.
    np.testing.assert_allclose(softmax(others.logits(found)), softmax(others.logits(expected)), atol=1e-3)


def test_a_search_among_few_examples_begins_with_the_logits_of_any_head() -> None:
    examples = few_examples(20)
    rng = np.random.default_rng(1)
    head = Head(rng.normal(size=(120, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32))
    regression = Regression(examples, ALIKE)
    started = regression.head(regression.start(head))
    np.testing.assert_allclose(examples.logits(started), examples.logits(head), atol=1e-3)
    assert np.square(started.weights).sum() < np.square(head.weights).sum()


def test_few_equal_examples_give_a_head() -> None:
    equal = Examples(np.full((6, 120), 7.0, np.float32), np.arange(6), np.arange(6) % 3)
    regression = Regression(equal, ALIKE)
    assert measured(regression.head(last_of(regression, 0.1)), equal)[1] == pytest.approx(math.log(3))


def test_a_feature_that_never_varies_does_no_harm() -> None:
    examples = blobs()
    examples.matrix[:, 3] = 4.0
    head = Regression(examples, ALIKE).head(last_of(Regression(examples, ALIKE), 0.1))
    assert np.isfinite(head.weights).all()
    assert head.weights[3] == pytest.approx(0, abs=1e-6)
    equal = Examples(np.full((6, DEPTH), 2.0, np.float32), np.arange(6), np.arange(6) % 3)
    assert measured(Regression(equal, ALIKE).head(last_of(Regression(equal, ALIKE), 0.1)), equal)[1] == pytest.approx(
        math.log(3), abs=1e-5
    )


def regressed(training: Examples, validation: Examples, events: list[Event], interval: int = 10) -> Fitted:
    return LbfgsSolver(Balance(), interval).fit(training, validation, CLASSES, events.append, NO_SNAPSHOTS)


def test_validation_chooses_the_strength_and_the_best_head_is_reported_last() -> None:
    events: list[Event] = []
    training, validation = blobs(60), blobs(600, seed=1)
    fitted = regressed(training, validation, events)
    tried = [event for event in events if isinstance(event, HeadMeasured)]
    losses = [measured(Head(event.weights, event.biases), validation)[1] for event in tried]
    assert losses[0] > min(losses) < losses[-1]
    assert measured(fitted.head, validation)[1] < min(losses) + 0.02
    last = [event for event in events if isinstance(event, StepEvaluated)][-1]
    assert (last.train_accuracy, last.cross_entropy) == measured(fitted.head, training)
    assert (last.validation_accuracy, last.validation_cross_entropy) == measured(fitted.head, validation)
    assert last.validation_count == 600


def test_steps_are_iterations_reported_at_each_interval() -> None:
    events: list[Event] = []
    regressed(blobs(), blobs(30, 1), events, interval=7)
    steps = [event.step for event in events if isinstance(event, StepEvaluated)]
    assert steps[:3] == [0, 7, 14]
    assert all(step % 7 == 0 for step in steps[:-1])
    kept: list[int] = []
    LBFGS.fit(blobs(), NONE, CLASSES, silent, Snapshots(5, lambda step, head: kept.append(step)))
    assert kept[:2] == [5, 10]


def test_without_validation_the_usual_strength_is_taken() -> None:
    fitted = regressed(blobs(), NONE, [])
    assert fitted.facts["strength"] == pytest.approx(0.1)
    assert fitted.temperature == 1
    assert measured(fitted.head, blobs(300, 1))[0] > 0.6


def test_the_same_examples_give_the_same_head() -> None:
    heads = [regressed(blobs(), blobs(30, 1), []).head for _ in range(2)]
    assert heads[0].tobytes() == heads[1].tobytes()


def test_examples_of_many_chunks_are_fitted_as_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    training, validation = blobs(300), blobs(300, 1)
    whole = regressed(training, validation, [])
    regression = Regression(training, ALIKE)
    point = regression.start(whole.head)
    value, gradient = regression.objective(point)
    for module in ("examples", "regression", "lbfgs_solver"):
        monkeypatch.setattr(f"retrainer.training.{module}.ROWS_PER_CHUNK", 100)
    of_chunks = Regression(training, ALIKE)
    assert of_chunks.start(whole.head) == pytest.approx(point, rel=1e-6)
    assert of_chunks.objective(point)[0] == pytest.approx(value, rel=1e-5)
    assert of_chunks.objective(point)[1] == pytest.approx(gradient, abs=1e-5)
    in_chunks = regressed(training, validation, [])
    assert measured(in_chunks.head, validation)[1] < measured(whole.head, validation)[1] + 0.05


def test_thinned_examples_keep_each_classs_share() -> None:
    examples = Examples(np.zeros((100, 1), np.float32), np.arange(100), np.repeat([0, 1, 2], [10, 30, 60]))
    assert examples.thinned(100) is examples
    thinned = examples.thinned(20)
    assert len(thinned) == 20
    assert np.bincount(thinned.label_ids) == pytest.approx([2, 6, 12], abs=1)


def test_classes_count_alike_if_one_has_three_times_the_photos_of_another() -> None:
    events: list[Event] = []
    assert not solver_of(FitOptions(), np.array([10, 29]), events.append).balance.losses
    assert not events
    assert solver_of(FitOptions(), np.array([10, 30]), events.append).balance.losses
    (noted,) = events
    assert isinstance(noted, Noted)
    assert "has 3.0 times as many photos as the smallest" in noted.message
    for options, balance in (
        (FitOptions(class_weight="none"), Balance(batches=False)),
        (FitOptions(class_weight="balanced"), Balance(losses=True)),
        (FitOptions(how_many_training_steps=9), Balance()),
    ):
        assert solver_of(options, np.array([10, 90]), events.append).balance == balance
    assert len(events) == 1


def test_balanced_weights_sum_to_the_examples_and_are_alike_for_classes() -> None:
    weights = class_weights(np.array([10, 30, 0]))
    assert weights[:2] * [10, 30] == pytest.approx([20, 20])
    assert class_weights(np.array([10, 20])) == pytest.approx([1.5, 0.75])


def test_balanced_classes_are_balanced_in_the_choice_of_the_strength_too() -> None:
    """Validation of a large class and three small ones: what is best for the large is not best for the mean."""
    generator = np.random.default_rng(0)

    def examples(counts: list[int]) -> Examples:
        label_ids = np.repeat(np.arange(4), counts)
        features = 2 * np.eye(4, 40)[label_ids] + generator.normal(size=(sum(counts), 40))
        return Examples(features.astype(np.float32), np.arange(sum(counts)), label_ids)

    training, validation, held_out = examples([900, 9, 9, 9]), examples([300, 3, 3, 3]), examples([300] * 4)
    fits = {
        choice: LbfgsSolver(Balance(losses=choice == "balanced"), 10).fit(training, validation, 4, silent, NO_SNAPSHOTS)
        for choice in ("balanced", "none")
    }
    accuracies = {choice: measured(found.head, held_out)[0] for choice, found in fits.items()}
    assert accuracies["balanced"] > accuracies["none"] + 0.1
    assert fits["balanced"].facts["strength"] > fits["none"].facts["strength"]


def test_features_that_are_no_numbers_are_an_error() -> None:
    for part in (0, 1):
        training, validation = blobs(), blobs(30, 1)
        (training, validation)[part].matrix[3, 2] = np.nan
        with pytest.raises(TrainingError, match="are damaged: expected numbers, received NaN or infinity"):
            fit(training, validation, CLASSES, LBFGS)


def test_balanced_classes_find_more_of_the_few() -> None:
    many = blobs(900)
    few = many.at(np.flatnonzero((many.label_ids != 0) | (np.arange(900) % 30 == 0)))
    held_out = blobs(900, 2)

    def recall(choice: str) -> float:
        head = fit(few, NONE, CLASSES, LbfgsSolver(Balance(losses=choice == "balanced"), 10)).head
        return float((held_out.logits(head).argmax(axis=1) == 0)[held_out.label_ids == 0].mean())

    assert recall("balanced") > recall("none") + 0.1


@pytest.mark.parametrize("given", [{}, {"how_many_training_steps": 300}])
def test_a_head_is_calibrated_on_validation(given: dict[str, int]) -> None:
    training, validation = blobs(60, distance=3), blobs(900, 1, distance=3)
    options = FitOptions(**given)  # type: ignore[arg-type]
    trained = fit(training, validation, CLASSES, SOLVERS[options.solver_name].of(options, Balance()))
    uncalibrated = trained.head.calibrated(1 / trained.temperature)
    assert measured(trained.head, validation)[1] <= measured(uncalibrated, validation)[1]
    assert measured(trained.head, validation)[0] == measured(uncalibrated, validation)[0]
    assert trained.facts["temperature"] == trained.temperature
    assert trained.facts["solver"] == ("sgd" if given else "lbfgs")


def test_a_float_of_extremes_stays_finite() -> None:
    features: Floats = np.array([[1e6], [-1e6], [3e5], [0]], np.float32)
    examples = Examples(features, np.arange(4), np.array([0, 1, 0, 1]))
    trained = fit(examples, examples, 2, LBFGS)
    assert measured(trained.head, examples)[0] == 1.0
    assert np.isfinite(trained.head.weights).all()
