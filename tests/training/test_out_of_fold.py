import numpy as np
import pytest

from retrainer.arrays import Floats, Integers
from retrainer.events import Event, Noted, silent
from retrainer.measuring.calibration import calibration_error, calibration_floor
from retrainer.options.fit import FitOptions
from retrainer.training.examples import Examples, Views
from retrainer.training.fitting import NO_SNAPSHOTS, Balance, Solver, fit
from retrainer.training.head import Head, softmax
from retrainer.training.metrics import correct
from retrainer.training.out_of_fold import OutOfFold, few, fold_numbers
from retrainer.training.outliers import fit_rejection
from retrainer.training.solvers import SOLVERS

DEPTH = 40


def classes_of(counts: list[int], seed: int, distance: float = 2.5) -> Examples:
    """Photos of classes that overlap, `counts` of each."""
    generator = np.random.default_rng(seed)
    label_ids = np.repeat(np.arange(len(counts)), counts)
    features = distance * np.eye(len(counts), DEPTH)[label_ids] + generator.normal(size=(sum(counts), DEPTH))
    return Examples(features.astype(np.float32), np.arange(sum(counts)), label_ids)


def parted(counts: list[int], seed: int, validating: int) -> tuple[Examples, Examples]:
    """Photos that train, and `validating` of each class that validate."""
    examples = classes_of(counts, seed)
    starts = np.cumsum(counts) - counts
    held = np.concatenate([np.arange(start, start + validating) for start in starts])
    return examples.at(np.setdiff1d(np.arange(len(examples)), held)), examples.at(held)


def of_views(training: Examples, validation: Examples, views: Examples) -> list[Examples]:
    """The same photos, with one view each, which lies in the row of the photo."""
    return [
        Examples(part.matrix, part.rows, part.label_ids, None, Views(views.matrix, part.rows[:, np.newaxis]))
        for part in (training, validation)
    ]


def test_each_photo_is_held_out_once_and_classes_are_spread_evenly() -> None:
    inner = OutOfFold.of(*parted([23, 30, 7], 0, 3))
    assert inner
    held_out = np.concatenate([fold.held_out.rows for fold in inner.folds])
    assert sorted(held_out) == list(range(60))
    for fold in inner.folds:
        assert sorted(np.concatenate([fold.held_out.rows, fold.learnt.rows])) == list(range(60))
        assert np.bincount(fold.held_out.label_ids) == pytest.approx([23 / 5, 30 / 5, 7 / 5], abs=1)
    assert inner.label_ids.tolist() == np.repeat([0, 1, 2], [23, 30, 7])[held_out].tolist()


def test_groups_stay_together_and_the_last_group_of_a_class_always_trains() -> None:
    groups: Integers = np.array([5, 5, 7, 7, 8, 9, 3, 3, 3])
    examples = Examples(np.zeros((9, 2), np.float32), np.arange(9), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1]), groups)
    numbers = fold_numbers(examples)
    assert numbers[0] == numbers[1]
    assert numbers[2] == numbers[3]
    assert len(set(numbers[:6].tolist())) == 4
    assert set(numbers[6:].tolist()) == {-1}
    assert OutOfFold.of(examples.at(np.array([0, 1, 6])), examples.at(np.array([7]))) is None


def test_photos_of_the_same_bytes_are_in_one_fold() -> None:
    rows = np.array([0, 0, 1, 2, 3, 3])
    assert np.diff(fold_numbers(Examples(np.zeros((4, 2), np.float32), rows, np.zeros(6, np.int64))))[[0, 4]].any() == 0


def test_few_validation_photos_have_folds_and_others_have_none() -> None:
    examples = classes_of([200, 200], 0)
    training, none = examples.at(np.arange(200)), examples.at(np.arange(0))
    assert OutOfFold.of(training, none) is None
    assert OutOfFold.of(training, examples.at(np.arange(300, 400))) is None
    assert OutOfFold.of(training, examples.at(np.arange(301, 400)))


def test_copies_count_as_one_validation_photo() -> None:
    examples = classes_of([200, 200], 0)
    pairs = Examples(examples.matrix, examples.rows, examples.label_ids, np.arange(400) // 2)
    training = examples.at(np.arange(200))
    for count, is_few in ((198, True), (200, False)):
        validation = pairs.at(np.arange(200, 200 + count))
        assert few(validation) == is_few
        assert (OutOfFold.of(training, validation) is not None) == is_few
        assert not few(examples.at(np.arange(200, 200 + count)))


def test_folds_learn_from_views_and_are_measured_on_photos() -> None:
    training, validation = parted([20, 20], 0, 2)
    learning, held = of_views(training, validation, classes_of([20, 20], 9))
    inner = OutOfFold.of(learning, held)
    assert inner
    assert all(fold.learnt.matrix is not training.matrix for fold in inner.folds)
    assert all(fold.held_out.matrix is training.matrix for fold in inner.folds)
    without = Views(classes_of([20, 20], 9).matrix, np.full((40, 1), -1))
    assert not len(Examples(training.matrix, np.arange(40), np.repeat([0, 1], 20), None, without).learnt)


def figures(head: Head, held_out: Examples) -> tuple[float, float]:
    """Accuracy, and by how much the calibration error is above what chance explains."""
    scores: Floats = softmax(held_out.logits(head))
    right, highest = correct(scores, held_out.label_ids), scores.max(axis=1)
    return float(right.mean()), calibration_error(highest, right) - calibration_floor(highest)


SETTINGS = [{}, {"how_many_training_steps": 300}]


def solver_with(given: dict[str, float]) -> Solver:
    options = FitOptions(**given)  # type: ignore[arg-type]
    return SOLVERS[options.solver_name].of(options, Balance())


@pytest.mark.parametrize(("given", "most"), [(SETTINGS[0], 0.032), (SETTINGS[1], 0.045)], ids=["lbfgs", "sgd"])
def test_scores_of_small_sets_mean_what_they_say(given: dict[str, float], most: float) -> None:
    """15 photos of each of two classes; with the temperature of the two that validate 0.036 and 0.056."""
    held_out = classes_of([2000, 2000], 999)
    solver = solver_with(given)
    heads = [fit(*parted([15, 15], seed, 1), 2, solver).head for seed in range(20)]
    accuracies, errors = zip(*(figures(head, held_out) for head in heads), strict=True)
    assert np.mean(errors) < most
    assert np.mean(accuracies) > 0.87


@pytest.mark.parametrize("given", SETTINGS, ids=["lbfgs", "sgd"])
def test_a_head_learns_from_few_validation_photos_too_and_says_so(given: dict[str, float]) -> None:
    """All photos of the third class that are of another kind validate."""
    training, validation = parted([20, 20, 20], 0, 4)
    odd = classes_of([0, 0, 200], 7)
    for rows, matrix in ((validation.rows[8:], validation.matrix), (odd.rows, odd.matrix)):
        matrix[rows, 2] -= 2.5
        matrix[rows, DEPTH - 1] += 8
    events: list[Event] = []
    solver = solver_with(given)
    head = fit(training, validation, 3, solver, events.append).head
    alone = fit(training, validation.at(np.arange(0)), 3, solver).head
    assert correct(odd.logits(head), odd.label_ids).mean() > 0.9
    assert correct(odd.logits(alone), odd.label_ids).mean() < 0.7
    noted = [event.message for event in events if isinstance(event, Noted)]
    assert any("60 photos" in message for message in noted)


def test_a_head_of_enough_validation_photos_does_not_learn_from_them() -> None:
    training, validation = parted([120, 120], 0, 80)
    validation.matrix[validation.rows[80:], DEPTH - 1] += 8
    events: list[Event] = []
    first = fit(training, validation, 2, solver_with({}), events.append)
    assert abs(first.head.weights[DEPTH - 1]).max() < 0.5
    assert [event.message for event in events if isinstance(event, Noted)] == [
        f"Chose penalty {first.facts['strength']:.2g} (best on validation)"
    ]


def test_the_threshold_of_small_sets_keeps_95_of_100() -> None:
    """The farthest of two validation photos kept 70."""
    held_out = classes_of([1000, 1000], 999)
    kept = []
    for seed in range(20):
        rejection = fit_rejection(*parted([15, 15], seed, 1))
        assert rejection
        kept.append((rejection.distances(held_out.features) <= rejection.threshold).mean())
    assert 0.93 < np.mean(kept) < 0.985


@pytest.mark.parametrize("validating", [2, 90])
@pytest.mark.parametrize("given", SETTINGS, ids=["lbfgs", "sgd"])
def test_a_heads_logits_are_divided_by_its_temperature(given: dict[str, float], validating: int) -> None:
    """Its weights and its biases are; with few validation photos and with enough."""
    training, validation = parted([100, 100], 3, validating)
    solver = solver_with(given)
    found = solver.fit(training, validation, 2, silent, NO_SNAPSHOTS)
    trained = fit(training, validation, 2, solver)
    assert trained.temperature == found.temperature
    assert abs(trained.temperature - 1) > 0.01
    assert np.abs(found.head.biases).max() > 1e-3
    assert trained.head.weights * trained.temperature == pytest.approx(found.head.weights, rel=1e-5)
    assert trained.head.biases * trained.temperature == pytest.approx(found.head.biases, rel=1e-5)
    logits = validation.logits(found.head)
    assert validation.logits(trained.head) * trained.temperature == pytest.approx(logits, rel=1e-3, abs=1e-3)


def test_a_calibrated_head_divides_weights_and_biases() -> None:
    head = Head(np.array([[2, 4], [6, 8]], np.float32), np.array([10, -12], np.float32)).calibrated(2.0)
    assert head.weights.tolist() == [[1, 2], [3, 4]]
    assert head.biases.tolist() == [5, -6]
