"""`retrain` with a list of decisions: it trains as if the photos had been moved, and the model is measured so, too."""

import csv
import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, Configure, Photos, jpeg

from retrainer import evaluate, retrain
from retrainer.comparison import compare
from retrainer.errors import DatasetError, OptionError
from retrainer.events import BackboneReady, Cleaned, Event, Noted, Warned
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.previous_model import metadata_at
from retrainer.results.evaluation import Evaluation
from retrainer.results.retraining import Retraining

Decide = Callable[..., str]


@pytest.fixture
def decide(tmp_path: Path) -> Decide:
    """Writes a list of decisions about files, by their bytes and paths, and returns its path."""

    def write(*decisions: tuple[Path, str], name: str = "clean.csv", hashes: bool = True) -> str:
        with open(tmp_path / name, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "sha256", "action", "new_label"])
            for path, action in decisions:
                verb, _, label = action.partition(":")
                writer.writerow([path, sha256(path) if hashes else "", verb, label])
        return str(tmp_path / name)

    return write


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def warned(events: Sequence[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned)]


def planted(photos: Photos) -> tuple[Path, list[tuple[Path, str]]]:
    """Photos of two classes, of which three are in the wrong one and two do not belong; and what to decide."""
    root = photos({"red": (200, 30, 30), "Green": (30, 200, 30)}, count=30)
    decisions = []
    for number in range(3):
        wrong = root / "red" / f"wrong{number}.jpg"
        wrong.write_bytes(jpeg((31 + number, 190, 33)))
        decisions.append((wrong, "relabel:green"))
    for name, content in (("map.jpg", jpeg((255, 255, 250))), ("broken.jpg", b"no picture")):
        (root / "Green" / name).write_bytes(content)
        decisions.append((root / "Green" / name, "set aside"))
    return root, decisions


def moved_by_hand(root: Path, copy: Path) -> Path:
    """The same photos, moved and removed as the decisions say."""
    shutil.copytree(root, copy)
    for number in range(3):
        (copy / "red" / f"wrong{number}.jpg").rename(copy / "Green" / f"wrong{number}.jpg")
    (copy / "Green" / "map.jpg").unlink()
    (copy / "Green" / "broken.jpg").unlink()
    return copy


def test_decisions_train_the_model_that_moved_photos_train(
    photos: Photos, configured: Configure, decide: Decide, tmp_path: Path
) -> None:
    root, decisions = planted(photos)
    events: list[Event] = []
    clean_list = decide(*decisions)
    before = sorted((path, path.read_bytes()) for path in root.rglob("*.jpg"))
    result = retrain(configured(root, clean_list=clean_list, folds=3), on_progress=events.append)
    said = f"2 photos set aside and 3 relabelled by '{clean_list}'."
    assert [event for event in events if isinstance(event, Cleaned)] == [Cleaned(said, clean_list, 2, 3)]
    assert not [message for message in warned(events) if "broken" in message or clean_list in message]
    assert (result.photos, result.skipped) == (63, 0)
    assert result.to_dict()["clean_list"] == {"path": clean_list, "set_aside": 2, "relabelled": 3}
    assert sorted((path, path.read_bytes()) for path in root.rglob("*.jpg")) == before
    by_hand = retrain(configured(moved_by_hand(root, tmp_path / "moved"), folds=3))
    assert by_hand.to_dict()["clean_list"] is None
    assert result.test
    assert result.test == by_hand.test
    assert np.array_equal(result.confusion, by_hand.confusion)
    assert result.cross_validation
    assert by_hand.cross_validation
    assert np.allclose(sorted(result.cross_validation.scores[:, 0]), sorted(by_hand.cross_validation.scores[:, 0]))


def test_the_model_is_evaluated_by_the_labels_that_it_learnt(
    photos: Photos, configured: Configure, decide: Decide, tmp_path: Path
) -> None:
    root, decisions = planted(photos)
    # Enough photos test for one of the decided ones to be among them.
    options = configured(root, clean_list=decide(*decisions), testing_percentage=45)
    trained = retrain(options)
    metadata = metadata_at(trained.graph)
    assert metadata
    assert (metadata.training["set_aside"], metadata.training["relabelled"]) == (2, 3)
    Path(options.clean_list).unlink()
    events: list[Event] = []
    found = evaluate(trained.graph, on_progress=events.append)
    assert found.assessment.confusion == (trained.test and trained.test.confusion)
    assert any("wrong" in path for path in found.measured.paths)
    assert {"map.jpg", "broken.jpg"}.isdisjoint(Path(path).name for path in found.measured.paths)
    assert found.to_dict()["clean_list"] == {"path": None, "set_aside": 2, "relabelled": 3}
    # By content: also if the folder moved, and the photos' names changed.
    root.rename(tmp_path / "elsewhere")
    for path in (tmp_path / "elsewhere").rglob("*.jpg"):
        path.rename(path.with_name(f"new-{path.name}"))
    assert evaluate(trained.graph, tmp_path / "elsewhere").assessment.confusion == found.assessment.confusion
    # A model that was trained without one knows nothing of it, and may be measured with one.
    plain = retrain(configured(tmp_path / "elsewhere", output_graph=str(tmp_path / "plain.pb"), testing_percentage=45))
    assert RememberedSplit.from_metadata(metadata_at(plain.graph).split).has_decisions is False  # type: ignore[union-attr]
    measured = evaluate(plain.graph, clean_list=decide(), bottleneck_dir=options.bottleneck_dir)
    assert counts(measured) == (0, 0)


def counts(result: Evaluation | Retraining) -> tuple[int, int] | None:
    """How many photos were set aside and relabelled; None without decisions."""
    return (result.cleaned.set_aside, result.cleaned.relabelled) if result.cleaned else None


def test_evaluate_takes_a_list_instead_of_what_the_model_remembers(
    photos: Photos, configured: Configure, decide: Decide
) -> None:
    root, decisions = planted(photos)
    trained = retrain(configured(root, clean_list=decide(*decisions), testing_percentage=45))
    tested = Path(next(path for path in (trained.test_photos.paths if trained.test_photos else ()) if "red" in path))
    other = evaluate(trained.graph, clean_list=decide((tested, "relabel:green"), *decisions[3:]))
    assert trained.test
    assert counts(other) == (2, 1)
    assert other.count == trained.test.count
    assert other.accuracy < trained.test.accuracy


def test_a_copy_of_a_photo_that_was_set_aside_keeps_its_label(
    photos: Photos, configured: Configure, decide: Decide
) -> None:
    root = photos({"red": (200, 30, 30), "green": (30, 200, 30)}, count=30)
    copies = []
    for path in (root / "red").iterdir():
        copies.append(root / "green" / f"copy-{path.name}")
        shutil.copy(path, copies[-1])
    trained = retrain(configured(root, clean_list=decide(*((copy, "set aside") for copy in copies))))
    assert trained.photos == 60
    found = evaluate(trained.graph)
    assert found.accuracy == 1
    assert trained.test
    assert found.to_dict()["clean_list"]["relabelled"] == 30


def test_changes_tell_what_is_set_aside_and_what_no_longer_is(
    photos: Photos, configured: Configure, decide: Decide
) -> None:
    root, decisions = planted(photos)
    (root / "Green" / "broken.jpg").unlink()
    retrain(configured(root))
    result = retrain(configured(root, clean_list=decide(*decisions[:4])))
    assert changes(result) == {"set_aside_photos": 1, "returned_photos": 0, "new_photos": 0, "gone_photos": 0}
    result = retrain(configured(root))
    assert changes(result) == {"set_aside_photos": 0, "returned_photos": 1, "new_photos": 0, "gone_photos": 0}
    assert result.changed
    assert "1 of 64 photos no longer set aside" in result.changed.message


def changes(result: Retraining) -> dict[str, Any]:
    wanted = ("set_aside_photos", "returned_photos", "new_photos", "gone_photos")
    return {name: value for name, value in result.to_dict()["changes"].items() if name in wanted}


def test_what_cannot_be_honoured_is_named_and_the_rest_is_honoured(
    photos: Photos, configured: Configure, decide: Decide, tmp_path: Path
) -> None:
    root, decisions = planted(photos)
    red = root / "red"
    others = [(red / "000.jpg", "relabel:green"), (red / "001.jpg", "set aside"), (red / "002.jpg", "relabel:purple")]
    twice = [(red / "003.jpg", "set aside"), (red / "003.jpg", "relabel:green")]
    clean_list = decide(*decisions, *others, *twice)
    (red / "000.jpg").write_bytes(jpeg((199, 1, 1)))
    (red / "001.jpg").unlink()
    (red / "wrong0.jpg").rename(root / "Green" / "wrong0.jpg")
    (red / "wrong1.jpg").rename(red / "renamed.jpg")
    events: list[Event] = []
    result = retrain(configured(root, clean_list=clean_list), on_progress=events.append)
    assert counts(result) == (2, 2)  # the one that moved is green already
    warnings = [message for message in warned(events) if clean_list in message]
    assert warnings == [
        f"'{clean_list}' has several decisions for 1 photo: '{red}/003.jpg'. None of them is honoured: decide on one.",
        f"1 photo of '{clean_list}' changed since: '{red}/000.jpg'. Decisions about other bytes are not honoured.",
        f"'{clean_list}' relabels '{red}/002.jpg' as 'purple', which is no class; expected one of 'Green', 'red'. "
        "This is not honoured.",
    ]
    notes = [event.message for event in events if isinstance(event, Noted)]
    assert f"1 photo that '{clean_list}' sets aside cannot be found: '{red}/001.jpg'" in notes


def test_decisions_that_leave_a_class_empty_end_before_long_work(
    photos: Photos, configured: Configure, decide: Decide
) -> None:
    root = photos({"a": (200, 30, 30), "b": (30, 200, 30), "c": (0, 0, 200)}, count=3)
    cases = {
        "leaves no photo in 'a'; expected one or more in each class": ["a"],
        "leaves photos of one class; expected at least two": ["a", "b"],
        "leaves photos of no class; expected at least two": ["a", "b", "c"],
    }
    for problem, classes in cases.items():
        aside = [(path, "set aside") for name in classes for path in sorted((root / name).iterdir())]
        events: list[Event] = []
        with pytest.raises(DatasetError, match=problem):
            retrain(configured(root, clean_list=decide(*aside)), on_progress=events.append)
        assert not [event for event in events if isinstance(event, BackboneReady)]


def test_a_list_that_is_absent_ends_the_run_at_once(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(OptionError, match="does not exist"):
        retrain(configured(photos(), clean_list=str(tmp_path / "none.csv")), on_progress=events.append)
    assert not [event for event in events if isinstance(event, BackboneReady)]


def test_tables_archives_and_pictures_in_memory_have_decisions_too(
    photos: Photos, configured: Configure, decide: Decide, tmp_path: Path
) -> None:
    root, decisions = planted(photos)
    (root / "Green" / "broken.jpg").unlink()
    clean_list = decide(*decisions[:4])
    table = tmp_path / "photos.csv"
    rows = [(path, path.parent.name.lower()) for path in sorted(root.rglob("*.jpg"))]
    table.write_text("path,label\n" + "".join(f"{path},{label}\n" for path, label in rows))
    archive = shutil.make_archive(str(tmp_path / "archive"), "zip", root)
    pictures = [path.read_bytes() for path, _ in rows], [label for _, label in rows]
    for source in (str(table), archive, pictures):
        result = retrain(configured(source, clean_list=clean_list))
        assert (result.photos, counts(result)) == (63, (1, 3))


def test_backbones_are_compared_on_the_decided_photos(photos: Photos, configured: Configure, decide: Decide) -> None:
    root, decisions = planted(photos)
    comparison = compare([COLOURS], configured(root, clean_list=decide(*decisions), folds=3))
    assert comparison.backbones[0].assessment.count == 63
    assert comparison.to_dict()["clean_list"]["set_aside"] == 2
