import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Command, Configure, Photos, jpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from retrainer import retrain
from retrainer.errors import DatasetError
from retrainer.events import Event, FoldTested, Warned, silent
from retrainer.measuring.cross_validation import cross_validate, folds_of
from retrainer.measuring.learning_curve import CurvePoint, LearningCurve, expected_accuracy, learning_curve
from retrainer.options.fit import FitOptions
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.splits import stratified_folds
from retrainer.training.examples import Examples, Views
from retrainer.training.fitting import Balance, Solver
from retrainer.training.lbfgs_solver import LbfgsSolver
from retrainer.training.metrics import accuracy_interval
from retrainer.training.solvers import solver_of

LBFGS = LbfgsSolver(Balance(), interval=10)


def solver_for(dataset: Dataset) -> Solver:
    """The solver of a run on a dataset, whose classes may be balanced."""
    return solver_of(FitOptions(), dataset.counts, silent)


def photos_of(counts: list[int], contents: list[str] | None = None) -> Dataset:
    """So many photos of each class, all different unless their contents are given."""
    total = sum(counts)
    contents = contents or [str(number) for number in range(total)]
    digests = np.frombuffer(b"".join(hashlib.sha256(c.encode()).digest() for c in contents), np.uint8).reshape(-1, 32)
    paths = tuple(f"photo {number}.jpg" for number in range(total))
    labels = tuple(f"class {number}" for number in range(len(counts)))
    return Dataset(labels, paths, np.repeat(np.arange(len(counts)), counts), digests)


def blobs(dataset: Dataset, noise: float = 1.0, seed: int = 0) -> Examples:
    generator = np.random.default_rng(seed)
    centres = 2 * np.eye(len(dataset.labels), 6)
    features = centres[dataset.label_ids] + noise * generator.normal(size=(len(dataset.paths), 6))
    return Examples(features.astype(np.float32), np.arange(len(dataset.paths)), dataset.label_ids)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(5, 40), min_size=2, max_size=5), st.integers(2, 5), st.integers(0, 100))
def test_each_photo_is_tested_once_and_each_class_evenly(counts: list[int], count: int, seed: int) -> None:
    dataset = photos_of(counts)
    folds = folds_of(dataset, SplitOptions(seed=seed), count)
    tested = np.concatenate([fold.testing for fold in folds])
    assert sorted(tested) == list(range(sum(counts)))
    for fold in folds:
        rows = np.concatenate([fold.training, fold.validation, fold.testing])
        assert sorted(rows) == list(range(sum(counts)))
        for label_id, photos in enumerate(counts):
            assert abs((dataset.label_ids[fold.testing] == label_id).sum() - photos / count) < 1
    validated = sum(len(fold.validation) for fold in folds) / count
    assert validated == pytest.approx(sum(counts) / 10, abs=0.04 * sum(counts) + 2)


def test_the_same_bytes_are_in_the_same_fold() -> None:
    contents = [str(number % 30) for number in range(60)]
    numbers = stratified_folds(photos_of([30, 30], contents), 5, 0)
    assert (numbers[:30] == numbers[30:]).all()
    assert Counter(numbers.tolist()) == dict.fromkeys(range(5), 12)


def test_without_validation_all_others_train() -> None:
    folds = folds_of(photos_of([20, 20]), SplitOptions(validation_percentage=0), 4)
    assert [(len(f.training), len(f.validation), len(f.testing)) for f in folds] == [(30, 0, 10)] * 4


def test_more_folds_than_photos_are_an_error() -> None:
    with pytest.raises(DatasetError, match=r"Expected at least 7 different photos, one for each fold, received 6"):
        folds_of(photos_of([3, 3]), SplitOptions(), 7)


def test_folds_measure_what_heads_make_of_photos_that_they_did_not_see() -> None:
    dataset = photos_of([100, 100, 100])
    folds = folds_of(dataset, SplitOptions(), 5)
    events: list[Event] = []
    result = cross_validate(folds, blobs(dataset), LBFGS, events.append)
    assert result.assessment.count == 300
    assert np.mean(result.accuracies) == pytest.approx(result.assessment.accuracy)
    assert 0.8 < result.assessment.accuracy < 0.95
    assert result.scores.sum(axis=1) == pytest.approx(1, abs=1e-5)
    heads = [f"Fold {event.number} of {event.folds}" for event in events if isinstance(event, FoldTested)]
    assert heads == [f"Fold {number} of 5" for number in range(1, 6)]
    noise = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    nothing = Examples(noise, np.arange(300), dataset.label_ids)
    assert cross_validate(folds, nothing, LBFGS, silent).assessment.accuracy < 0.45


def test_folds_learn_from_views_and_are_tested_on_photos() -> None:
    """The views of each photo are of the next class: heads that learn from them take photos for the next class."""
    dataset = photos_of([40, 40, 40])
    examples, others = blobs(dataset, 0.2), np.roll(np.arange(120), -40)
    misleading = replace(examples, views=Views(examples.matrix, np.stack([others, others], axis=1)))
    folds = folds_of(dataset, SplitOptions(), 5)
    result = cross_validate(folds, misleading, LBFGS, silent)
    assert result.assessment.accuracy == 0
    assert np.trace(np.roll(result.assessment.confusion, 1, axis=1)) in (0, 120)
    assert cross_validate(folds, examples, LBFGS, silent).assessment.accuracy == 1


def test_a_learning_curve_rises_and_names_the_class_that_needs_photos() -> None:
    """Two classes are far from all others; the third and fourth overlap, and the third has few photos."""
    dataset = photos_of([80, 80, 24, 80])
    centres = np.zeros((4, 60))
    centres[range(4), range(4)] = (9, 9, 2, 2)
    generator = np.random.default_rng(0)
    features = (centres[dataset.label_ids] + generator.normal(size=(264, 60))).astype(np.float32)
    examples = Examples(features, np.arange(264), dataset.label_ids)
    folds = folds_of(dataset, SplitOptions(), 5)
    full = cross_validate(folds, examples, LBFGS, silent)
    curve = learning_curve(folds, examples, LBFGS, full, silent)
    counts = [point.photos for point in curve.points]
    # All but those that test: few validate, so that heads learn from these as well.
    assert counts == pytest.approx([211 / 8, 211 / 4, 211 / 2, 211], abs=2)
    assert curve.points[0].accuracy < curve.points[-1].accuracy == full.assessment.accuracy
    assert curve.twice[0] == 2 * counts[-1]
    assert full.assessment.accuracy <= curve.twice[1] < 1
    assert {worth.label for worth in curve.classes} == set(dataset.labels)
    assert curve.classes[0].label in ("class 2", "class 3")
    assert [worth.loss for worth in curve.classes] == sorted((w.loss for w in curve.classes), reverse=True)
    assert set(curve.help_most) <= {"class 2", "class 3"}


def curve_of(counts: list[int], centres: np.ndarray[tuple[int, ...], np.dtype[np.float64]], seed: int) -> LearningCurve:
    dataset = photos_of(counts)
    generator = np.random.default_rng(seed)
    features = (centres[dataset.label_ids] + generator.normal(size=(sum(counts), 60))).astype(np.float32)
    examples = Examples(features, np.arange(sum(counts)), dataset.label_ids)
    solver, folds = solver_for(dataset), folds_of(dataset, SplitOptions(), 5)
    return learning_curve(folds, examples, solver, cross_validate(folds, examples, solver, silent), silent)


def test_classes_that_are_alike_are_hardly_ever_named() -> None:
    named = [curve_of([30] * 6, 3 * np.eye(6, 60), seed).help_most for seed in range(5)]
    assert sum(map(bool, named)) <= 1


def test_a_small_class_is_named_among_large_ones() -> None:
    named = curve_of([120, 120, 120, 12], 3 * np.eye(4, 60), 0).help_most
    assert named == ("class 3",)


def test_if_all_is_right_nothing_helps() -> None:
    curve = curve_of([40, 40, 40], 20 * np.eye(3, 60), 0)
    assert curve.points[-1].accuracy == 1.0
    assert curve.help_most == ()


def test_tiny_sets_have_a_curve_too() -> None:
    for counts in ([2, 1], [1, 1, 1], [2, 2], [5, 5]):
        dataset = photos_of(counts)
        for seed in range(8):
            folds = folds_of(dataset, SplitOptions(seed=seed), 2)
            assert all(len(fold.training) for fold in folds)
            full = cross_validate(folds, blobs(dataset), LBFGS, silent)
            curve = learning_curve(folds, blobs(dataset), LBFGS, full, silent)
            assert 0 <= curve.twice[1] <= 1
            assert len({point.photos for point in curve.points}) == len(curve.points)


def points(*accuracies: float) -> list[CurvePoint]:
    return [CurvePoint(100 * 2**n, accuracy, (0.0, 1.0), accuracy) for n, accuracy in enumerate(accuracies)]


def test_the_expected_accuracy_follows_a_power_law_and_never_falls() -> None:
    assert expected_accuracy(points(0.2, 0.6, 0.8, 0.9), 1600) == pytest.approx(0.95, abs=0.01)
    assert expected_accuracy(points(0.6, 0.68, 0.744, 0.7952), 1600) == pytest.approx(1 - 0.4 * 0.8**4)
    assert expected_accuracy(points(0.9, 0.88, 0.86, 0.84), 1600) == 0.84
    assert expected_accuracy(points(1.0, 1.0, 1.0, 1.0), 1600) == 1.0


def test_a_run_measures_by_folds_before_it_fits(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    plain = retrain(configured(root))
    assert (plain.cross_validation, plain.learning_curve) == (None, None)
    assert "folds" not in plain.seconds
    measured = retrain(configured(root, folds=4))
    assert measured.cross_validation
    assert len(measured.cross_validation.accuracies) == 4
    assert measured.cross_validation.assessment.count == 40
    assert measured.learning_curve is None
    both = retrain(configured(root, learning_curve=True, flip_left_right=True))
    assert both.cross_validation
    assert len(both.cross_validation.accuracies) == 5
    assert both.learning_curve
    assert [point.accuracy for point in both.learning_curve.points][-1] == 1.0


def hues(root: Path) -> Path:
    """Photos whose brightness and colour vary within their classes, so that the folds' scores depend on distortions."""
    generator = np.random.default_rng(0)
    for label, colour in (("dark", (90, 80, 80)), ("light", (130, 110, 80))):
        (root / label).mkdir(parents=True)
        for number in range(24):
            shade = tuple((np.array(colour) + generator.normal(0, 20, 3)).astype(int).tolist())
            (root / label / f"{number}.jpg").write_bytes(jpeg(shade))
    return root


def test_folds_of_other_distortions_have_other_results(tmp_path: Path, configured: Configure) -> None:
    root = hues(tmp_path / "hues")
    lbfgs = {"folds": 4, "how_many_training_steps": None, "learning_rate": None}
    distortions: list[dict[str, object]] = [{}, {"random_brightness": 20}, {"random_brightness": 90}]
    found = [retrain(configured(root, **lbfgs, **distortion)).cross_validation for distortion in distortions]
    losses = [result.assessment.log_loss for result in found if result]
    assert len({round(loss, 4) for loss in losses}) == 3
    # Half-black views leave less of the colours than a little of brightness.
    assert losses[2] > losses[1] + 0.01


def test_folds_take_the_views_of_all_photos_from_the_cache(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    first = retrain(configured(root, folds=4, flip_left_right=True))
    again = retrain(configured(root, folds=4, flip_left_right=True))
    assert (first.distorted, again.distorted) == (40, 0)
    assert first.cross_validation
    assert again.cross_validation
    assert (first.cross_validation.scores == again.cross_validation.scores).all()


def test_folds_are_printed(photos: Photos, configured: Configure, command: Command, model_dir: object) -> None:
    options = configured(photos(count=20))
    line = ("--image_dir", options.image_dir, "--model_dir", options.model_dir, "--architecture", options.architecture)
    done = command("retrain", *line, "--learning_curve")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("\nAccuracy          100.0 % of 40 photos, 91.2 to 100.0 % with 95 % confidence\n")
    assert "(5 folds of unseen photos: 100.0 to 100.0 %)\n" in done.stdout
    assert "Learning curve       photos  accuracy    95 % interval  balanced\n" in done.stdout
    assert "\nCross-validated in " in done.stderr
    assert ": 100.0 % of 40 photos right, 5 folds\n" in done.stderr
    # The commands below "Next:" hold paths.
    assert max(map(len, done.stdout.split("\nNext:")[0].splitlines())) <= 80
    refused = command("retrain", *line, "--folds", "1")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (
        2,
        "Error: --folds: expected a whole number at least 2 and at most 1,000, or 0, received 1.",
    )


def test_a_class_that_one_fold_tests_whole_is_reported() -> None:
    dataset = photos_of([20, 20], ["copies"] * 20 + [str(number) for number in range(20)])
    events: list[Event] = []
    folds = folds_of(dataset, SplitOptions(), 5)
    result = cross_validate(folds, blobs(dataset), solver_for(dataset), events.append)
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert "All photos of 'class 0' stay together in fold" in warned[0]
    assert "its 20 photos count as wrong" in warned[0]
    assert result.assessment.classes[0].correct == 0


def test_the_interval_of_folds_counts_copies_as_one_photo() -> None:
    dataset = photos_of([40, 40])
    examples = blobs(dataset)
    copies = replace(dataset, groups=np.arange(80) // 4)
    grouped = replace(examples, groups=copies.groups)
    figures = cross_validate(folds_of(copies, SplitOptions(), 5), grouped, solver_for(dataset), silent).assessment
    assert figures.interval == pytest.approx(accuracy_interval(figures.accuracy * 20, 20))
