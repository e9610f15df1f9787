"""Photos that are split already, from the folder to the model and its figures."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import Configure, jpeg
from pictures import exported, photo

from retrainer.comparison import compare
from retrainer.evaluation import evaluate
from retrainer.events import Event, Noted, RunFinished, Warned
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.models.graph import graphdef
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split
from retrainer.retraining import retrain

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30)}


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """30 training, 6 validation and 8 test photos of each of two classes, all different."""
    monkeypatch.chdir(tmp_path)
    for label, colour in COLOURS.items():
        for number in range(44):
            part = "train" if number < 30 else "val" if number < 36 else "Test"
            path = tmp_path / "data" / part / label / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg(tuple(min(c + number, 255) for c in colour)))  # type: ignore[arg-type]
    return Path("data")


def messages(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted | Warned)]


def leaks(events: list[Event]) -> list[str]:
    return [message for message in messages(events) if "leaks" in message]


def split_of(graph: str) -> RememberedSplit:
    metadata = graphdef.metadata_of(graphdef.read_graph(graph), graph)
    assert metadata
    remembered = RememberedSplit.from_metadata(metadata.split)
    assert remembered
    return remembered


def test_given_parts_train_validate_and_test(split: Path, configured: Configure) -> None:
    events: list[Event] = []
    result = retrain(configured(split), events.append)
    assert (result.photos, result.test_count, leaks(events)) == (88, 16, [])
    remembered = split_of(result.graph)
    assert (remembered.split_by, remembered.moved) == ("folders", {})
    (finished,) = [event for event in events if isinstance(event, RunFinished)]
    anew: list[Event] = []
    retrain(configured(split, split_by="content"), anew.append)
    (other,) = [event for event in anew if isinstance(event, RunFinished)]
    assert finished.split != other.split
    assert "Since the last model: " in "".join(messages(anew))
    assert "earlier test photos in another part" in "".join(messages(anew))


def test_the_test_part_is_measured_with_every_model(split: Path, configured: Configure, tmp_path: Path) -> None:
    result = retrain(configured(split))
    assert result.test
    for image_dir in ("", "data", "./data/"):
        events: list[Event] = []
        measured = evaluate(result.graph, events.append, image_dir=image_dir)
        assert (measured.part, measured.left_out, measured.learnt) == ("given", 0, 0)
        assert measured.assessment.count == 16
        assert measured.assessment.log_loss == pytest.approx(result.test.log_loss, abs=1e-4)
        assert any(f"Only the given test photos of '{image_dir or 'data'}' are measured" in m for m in messages(events))
    trained = evaluate(result.graph, image_dir="data/Test")
    assert (trained.part, trained.assessment.count) == ("test", 16)
    shutil.copytree("data/Test", "new/test")
    shutil.copytree("data/train", "new/train")
    (tmp_path / "new" / "test" / "red" / "new.jpg").write_bytes(jpeg((210, 60, 70)))
    grown = evaluate(result.graph, image_dir="new")
    assert (grown.part, grown.assessment.count) == ("given", 17)


def test_a_model_that_split_parts_anew_is_measured_on_its_own_test_photos(split: Path, configured: Configure) -> None:
    result = retrain(configured(split, split_by="content"))
    measured = evaluate(result.graph)
    assert (measured.part, measured.assessment.count) == ("test", result.test_count)


def test_copies_across_given_parts_are_counted_and_named_and_stay(
    split: Path, configured: Configure, tmp_path: Path
) -> None:
    for number in range(40):
        path = tmp_path / "data" / ("train" if number < 30 else "Test") / "red" / f"photo{number}.jpg"
        path.write_bytes(exported(photo(number)))
    shutil.copy("data/train/red/photo3.jpg", "data/Test/red/same.jpg")
    Path("data/Test/red/saved again.jpg").write_bytes(exported(photo(5), 60))
    shutil.copy("data/train/green/7.jpg", "data/val/green/7 again.jpg")
    shutil.copy("data/train/green/8.jpg", "data/train/green/8 again.jpg")
    events: list[Event] = []
    options = configured(split)
    result = retrain(options, events.append)
    assert result.test_count == 16 + 10 + 2
    assert leaks(events) == [
        "The given split leaks: 2 of 28 test photos are copies of training or validation photos: "
        "'data/Test/red/same.jpg' of 'data/train/red/photo3.jpg', "
        "'data/Test/red/saved again.jpg' of 'data/train/red/photo5.jpg'. That flatters the figures. "
        f"'{options.duplicates}' lists all copies.",
        "The given split leaks: 1 of 13 validation photos is a copy of training photos: "
        "'data/val/green/7 again.jpg' of 'data/train/green/7.jpg'. That flatters the figures. "
        f"'{options.duplicates}' lists all copies.",
    ]
    measured = evaluate(result.graph)
    assert (measured.part, measured.assessment.count, measured.left_out) == ("given", 28, 0)
    assert measured.learnt == pytest.approx(1 / 28)
    away = evaluate(result.graph, image_dir=str(shutil.copytree("data/Test", "away")))
    assert (away.assessment.count, away.left_out) == (27, 1)


def test_a_missing_validation_part_is_drawn_from_training(split: Path, configured: Configure) -> None:
    shutil.rmtree("data/val")
    result = retrain(configured(split, validation_percentage=20))
    remembered = split_of(result.graph)
    assert remembered.validated
    assert (result.photos, result.test_count) == (76, 16)
    assert evaluate(result.graph).assessment.count == 16
    drawn = evaluate(result.graph, image_dir="data/Test")
    assert drawn.left_out == 0


def test_backbones_are_compared_on_all_photos_of_given_parts(split: Path, configured: Configure) -> None:
    (compared,) = compare(["colours"], configured(split, folds=3)).backbones
    assert compared.assessment.count == 88


def test_given_parts_beyond_the_hashes_that_are_kept_are_known_by_the_folders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("retrainer.measuring.remembered_split._KEPT", 10)
    digests = np.random.default_rng(0).integers(0, 256, (40, 32), np.uint8)
    given = np.repeat(np.array([Part.TRAINING, Part.TESTING], np.int8), 20)
    dataset = Dataset(("a",), tuple(map(str, range(40))), np.zeros(40, np.int64), digests, given=given)
    remembered = RememberedSplit.of(dataset, Split(given), SplitOptions(split_by="folders", validation_percentage=0))
    assert (remembered.known_parts(digests) < 0).any()
    assert remembered.parts(dataset).tolist() == given.tolist()
    assert not remembered.parts(Dataset(("a",), dataset.paths, dataset.label_ids, digests)).any()
