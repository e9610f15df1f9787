"""Small sets are cross-validated by default, unless that cannot be done or takes long."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Configure, Photos
from test_cross_validation import blobs, photos_of

from retrainer import RetrainOptions, retrain
from retrainer.events import Event, Noted, silent
from retrainer.measuring.automatic_folds import automatic_folds
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split, split_by_content
from retrainer.training.examples import Examples


def split_of(dataset: Dataset, testing: int = 10) -> Split:
    return split_by_content(dataset, 10, testing, 0, silent)


def decided(dataset: Dataset, split: Split | None = None, **options: object) -> tuple[int, list[str]]:
    """The number of folds, and what the user reads about it."""
    events: list[Event] = []
    run = RetrainOptions(**options)  # type: ignore[arg-type]
    folds = automatic_folds(dataset, blobs(dataset), split or split_of(dataset), run, events.append)
    return folds, [event.message for event in events if isinstance(event, Noted)]


def test_sets_that_one_split_cannot_measure_have_five_folds() -> None:
    large = photos_of([600, 600])
    enough = Split(np.where(np.arange(1200) % 10, Part.TRAINING, Part.TESTING).astype(np.int8))
    few = Split(np.where(np.arange(1200) % 13, Part.TRAINING, Part.TESTING).astype(np.int8))
    assert decided(photos_of([15, 15])) == (5, [])
    assert decided(photos_of([499, 500])) == (5, [])
    assert decided(large, enough) == (0, [])
    assert decided(large, few) == (5, [])
    assert decided(large, split_of(large, testing=0)) == (5, [])


def test_copies_count_as_one_photo() -> None:
    dataset = photos_of([600, 600])
    enough = Split(np.where(np.arange(1200) % 10, Part.TRAINING, Part.TESTING).astype(np.int8))
    copies = replace(dataset, groups=np.arange(1200) // 2)
    examples = replace(blobs(dataset), groups=copies.groups)
    assert automatic_folds(dataset, blobs(dataset), enough, RetrainOptions(), silent) == 0
    assert automatic_folds(copies, examples, enough, RetrainOptions(), silent) == 5


def test_a_split_by_path_has_no_folds_by_default() -> None:
    assert decided(photos_of([15, 15]), split_by="path") == (0, [])


def test_given_test_photos_are_not_mixed_with_others_by_default() -> None:
    photos = photos_of([15, 15])
    for part, folds in ((Part.TESTING, 0), (Part.VALIDATION, 5)):
        given = np.where(np.arange(30) % 3, Part.TRAINING, part).astype(np.int8)
        assert decided(replace(photos, given=given), Split(given)) == (folds, [])


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ([2, 2], "Expected at least 5 different photos, one for each fold, received 4."),
        (
            [20, 20, 1],
            "'class 2' has too few different photos for folds. --folds 5 counts them as wrong and measures the other "
            "classes.",
        ),
    ],
)
def test_folds_that_cannot_be_made_are_left_out_with_a_line(counts: list[int], reason: str) -> None:
    assert decided(photos_of(counts)) == (0, [f"No cross-validation: {reason}"])


def test_folds_that_would_take_minutes_are_left_out_with_a_line() -> None:
    def of(count: int, depth: int, classes: int, **options: object) -> tuple[int, list[str]]:
        dataset = photos_of([count // classes] * classes)
        examples = Examples(np.zeros((1, depth), np.float32), np.arange(count), dataset.label_ids)
        events: list[Event] = []
        run = RetrainOptions(**options)  # type: ignore[arg-type]
        folds = automatic_folds(dataset, examples, split_of(dataset), run, events.append)
        return folds, [event.message for event in events if isinstance(event, Noted)]

    assert of(990, 1792, 99) == (5, [])
    assert of(990, 1792, 5, flip_left_right=True) == (5, [])
    assert of(200, 1792, 5, solver="sgd") == (5, [])
    advice = "--folds 5 does it all the same."
    many = "No cross-validation: it might take minutes with"
    assert of(990, 1792, 495) == (0, [f"{many} 990 photos in 495 classes. {advice}"])
    distorted = {"random_crop": 5, "distortion_views": 100}
    assert of(990, 1792, 5, **distorted) == (0, [f"{many} 990 photos in 5 classes, with 101 views each. {advice}"])
    assert of(200, 1792, 5, how_many_training_steps=20_000)[0] == 0


def test_a_run_takes_folds_by_default_and_zero_takes_none(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    measured = retrain(configured(root, folds=None, flip_left_right=True))
    assert measured.cross_validation
    assert len(measured.cross_validation.accuracies) == 5
    # The heads of folds learn from the views of all photos.
    assert measured.distorted == 40
    assert list(measured.seconds)[3:] == ["folds", "training", "writing"]
    assert retrain(configured(root, folds=0)).cross_validation is None
    assert RetrainOptions().folds is None


def test_a_run_that_folds_are_impossible_for_goes_on_without(photos: Photos, configured: Configure) -> None:
    root = photos(count=2)
    events: list[Event] = []
    assert retrain(configured(root, folds=None), on_progress=events.append).cross_validation is None
    (line,) = (e.message for e in events if isinstance(e, Noted) and e.message.startswith("No cross-validation"))
    assert line.endswith("received 4.")
    assert Path(root).is_dir()
