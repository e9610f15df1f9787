"""The record of a run says what the run found out, belongs to its model, and comes back as it was written."""

import json
from pathlib import Path

import pytest
from conftest import Configure, Photos

from retrainer import retrain
from retrainer.measuring.run_record import RunRecord, read_record


def test_a_run_comes_back_as_it_was(photos: Photos, configured: Configure) -> None:
    root = photos(count=30)
    (root / "red" / "notes.jpg").write_text("Dear diary")
    (root / "red" / "copy.jpg").write_bytes((root / "red" / "000.jpg").read_bytes())
    steps = {"how_many_training_steps": None, "learning_rate": None}
    result = retrain(configured(root, folds=4, learning_curve=True, **steps))
    model_id, record = read_record(Path(result.files["run"]).read_bytes())
    assert model_id == result.model_id
    assert result.cross_validation
    assert (record.test, record.folds) == (result.test, result.cross_validation.assessment)
    assert record.fold_accuracies == result.cross_validation.accuracies
    assert record.learning_curve == result.learning_curve
    assert repr(record.training_curve) == repr(result.training_curve)
    assert list(record.split) == list(result.labels)
    assert sum(map(sum, record.split.values())) == result.photos == 61
    assert record.split["red"][2] + record.split["green"][2] == (result.test.count if result.test else 0)
    assert (record.copies.photos, record.copies.leaked, record.copies.together) == (1, 0, True)
    assert record.warnings == result.warnings
    assert [tuple(one) for one in record.problems] == [tuple(one) for one in result.problems if one.kind != "warning"]
    assert record.problem_count == 1
    assert record.command.startswith(f"retrainer retrain {root} ")
    assert " --folds 4 --learning_curve " in record.command
    assert record.options["folds"] == 4


def test_the_same_run_leaves_the_same_bytes_and_tells_no_times(photos: Photos, configured: Configure) -> None:
    options = configured(photos(count=20), folds=2)
    first = Path(retrain(options).files["run"]).read_bytes()
    assert Path(retrain(options).files["run"]).read_bytes() == first
    assert set(json.loads(first)) & {"time", "seconds"} == set()


def test_pictures_in_memory_are_reproduced_by_a_call(photos: Photos, model_dir: Path) -> None:
    paths = sorted(photos().rglob("*.jpg"))
    pair = [path.read_bytes() for path in paths], [path.parent.name for path in paths]
    result = retrain(pair, model_dir=model_dir, architecture="colours", folds=2)
    _, record = read_record(Path(result.files["run"]).read_bytes())
    assert record.command == (
        f"retrainer.retrain(photos, folds=2, architecture='colours', model_dir={str(model_dir)!r})"
    )


EMPTY = RunRecord(command="", options={}, versions={}, split={"a": (1, 0, 0), "b": (1, 0, 0)})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 2}, "format 2, of a later version"),
        ({"warnings": [3]}, "'warnings' is not as expected"),
        ({"split": {"a": [1, 2]}}, "'split' is not as expected"),
        ({"model_id": "abc"}, "'model_id' is not as expected"),
        ({"more": 1}, "'more' is not as expected: no such field"),
        ({"copies": {}}, "'copies.photos' is not as expected"),
        ({"test": {"count": 1}}, "'test.accuracy' is not as expected"),
    ],
)
def test_what_is_no_record_is_refused(changes: dict[str, object], problem: str) -> None:
    document = json.loads(EMPTY.to_json("0" * 64))
    with pytest.raises(ValueError, match=problem):
        read_record(json.dumps({**document, **changes}).encode())


def test_a_confusion_of_classes_that_are_not_there_is_refused(photos: Photos, configured: Configure) -> None:
    document = json.loads(Path(retrain(configured(photos(count=30))).files["run"]).read_bytes())
    document["test"]["confusion"][0][0] = 7
    with pytest.raises(ValueError, match="classes below 2"):
        read_record(json.dumps(document).encode())
