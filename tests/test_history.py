"""The file of runs: a line a run, whatever else is in it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Configure, Photos

from retrainer import Retraining, retrain
from retrainer.errors import OptionError, OutputError
from retrainer.events import Event, Figures, RunFinished, Warned
from retrainer.history import append_run, read_runs, require_history
from retrainer.observers.runs import RunHistory

HASHES = ["0" * 64, "1" * 64, "2" * 64]


def finished(**given: Any) -> RunFinished:
    """A run on 1,250 photos without folds."""
    values: dict[str, Any] = {
        "image_dir": "photos",
        "photos": 1250,
        "classes": 5,
        "backbone": "pocket",
        "solver": "lbfgs",
        "test": figures(0.8),
        "folds": None,
        "fold_count": 0,
        "split": HASHES[0],
        "fold_split": "",
        "model_id": "f" * 64,
        "seconds": 1.23456,
    }
    return RunFinished(**{**values, **given})


def figures(accuracy: float) -> Figures:
    return Figures(125, accuracy, (accuracy - 0.0625, min(accuracy + 0.0625, 1.0)), accuracy, 0.5)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "tf_files" / "runs.jsonl")


def no_warning(event: Event) -> None:
    pytest.fail(str(event))


def test_a_run_is_a_line_of_json(path: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    append_run(path, finished(folds=figures(0.9), fold_count=5, fold_split=HASHES[1]), "retrainer retrain")
    append_run(path, finished(test=None), "")
    first, second = Path(path).read_text(encoding="utf-8").splitlines()
    assert json.loads(first)["seconds"] == 1.235
    run, other = read_runs(path, no_warning)
    assert run.record == json.loads(first)
    assert before <= run.time <= datetime.now(UTC)
    assert run.record["folds"] == {
        "number": 5,
        "split": HASHES[1],
        "count": 125,
        "accuracy": 0.9,
        "low": 0.9 - 0.0625,
        "high": 0.9 + 0.0625,
        "mean_of_classes": 0.9,
        "log_loss": 0.5,
    }
    assert run.figures == run.record["folds"]
    assert other.figures is None
    assert json.loads(second)["test"] is None


@pytest.mark.parametrize("name", ["日本語", "a\nb\t\x1b[1m", 'it\'s "so"', "\udcff\udc80"])
def test_odd_names_survive_in_valid_utf8(name: str, path: str) -> None:
    append_run(path, finished(image_dir=name), f"retrainer retrain --image_dir {name}")
    assert Path(path).read_bytes().decode("utf-8").count("\n") == 1
    (run,) = read_runs(path, no_warning)
    assert run.record["image_dir"] == name


def test_a_long_command_is_cut(path: str) -> None:
    append_run(path, finished(), "x" * 3_000_000)
    (run,) = read_runs(path, no_warning)
    assert len(run.record["command"]) == 10_000


def test_what_is_no_line_of_a_run_is_skipped_with_a_warning_and_stays(path: str) -> None:
    append_run(path, finished(), "first")
    good = Path(path).read_bytes()
    document = json.loads(good)
    lines = [
        b"",
        good[:60],
        b'{"format": 1}',
        b"[1, 2]",
        b"\xff\xfe\x00",
        b"x" * 2_000_000,
        json.dumps({**document, "format": 2, "more": 1}).encode(),
        json.dumps({**document, "photos": "many"}).encode(),
        json.dumps({**document, "test": {"accuracy": 2}}).encode(),
        json.dumps({**document, "time": "yesterday"}).encode(),
        b"[" * 100_000,
        good.rstrip()[:-1] + b', "seconds": 2}',
    ]
    Path(path).write_bytes(good + b"\n".join(lines) + b"\n" + good[:80])
    content = Path(path).read_bytes()
    append_run(path, finished(), "last")
    assert Path(path).read_bytes().startswith(content + b"\n")
    events: list[Event] = []
    runs = read_runs(path, events.append)
    assert [run.record["command"] for run in runs] == ["first", "last"]
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert len(warnings) == 4
    assert warnings[0] == f"Skipped line 2 of '{path}': expected JSON, received other or cut text."
    assert warnings[1].startswith(f"Skipped line 3 of '{path}': ")
    assert warnings[2] == f"Skipped line 4 of '{path}': its 'retrainer' is not as expected: text of at most 100 " + (
        "printable characters, received nothing."
    )
    assert warnings[3] == f"Skipped 10 more lines of '{path}'."


def test_a_line_of_a_later_version_says_so(path: str) -> None:
    append_run(path, finished(), "")
    record = json.loads(Path(path).read_bytes())
    Path(path).write_text(json.dumps({**record, "format": 7}) + "\n")
    events: list[Event] = []
    assert read_runs(path, events.append) == []
    assert "it has format 7, of a later version of retrainer; expected 1" in str(events[0])


def test_only_runs_on_the_same_parts_or_folds_are_compared(path: str) -> None:
    folds = {"fold_count": 5, "fold_split": HASHES[2]}
    for run in (
        finished(test=figures(0.7)),
        finished(test=figures(0.99), split=HASHES[1]),
        finished(test=figures(0.9)),
        finished(test=figures(0.95), folds=figures(0.6), **folds),
        finished(test=None),
        finished(test=None, folds=figures(0.65), **folds),
        finished(test=figures(0.9)),
    ):
        append_run(path, run, "")
    runs = read_runs(path, no_warning)
    assert [run.group for run in runs] == ["a", "", "a", "b", "", "b", "a"]
    assert [run.is_best for run in runs] == [False, False, True, False, False, True, True]


def test_there_are_letters_for_many_groups(path: str) -> None:
    for number in range(28):
        for _ in range(2):
            append_run(path, finished(split=f"{number:064x}"), "")
    assert [run.group for run in read_runs(path, no_warning)][-6:] == ["z", "z", "a1", "a1", "b1", "b1"]


def test_another_file_is_never_appended_to(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine\n")
    with pytest.raises(OptionError, match=r"--runs_file: expected a file of runs, which begins with '{', received "):
        RunHistory(str(tmp_path / "notes"), no_warning)
    (tmp_path / "empty").touch()
    require_history(str(tmp_path / "empty"))
    require_history(str(tmp_path / "absent"))
    with pytest.raises(OptionError, match=r"--runs_file: .* does not exist; expected a file of runs"):
        read_runs(str(tmp_path / "absent"), no_warning)


def test_a_file_that_cannot_be_read_is_one_clear_line(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append_run(path, finished(), "")

    def denied(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("retrainer.history.lines_of", denied)
    with pytest.raises(OptionError, match=r"--runs_file: '.*runs.jsonl' cannot be read: Permission denied"):
        require_history(path)


def run_of(options: Any, path: str) -> tuple[Retraining, dict[str, Any]]:
    """Retrains with a history; returns the result and the last line."""
    result = retrain(options, on_progress=RunHistory(path, no_warning, "typed"))
    return result, dict(read_runs(path, no_warning)[-1].record)


def test_a_history_keeps_what_a_run_found(photos: Photos, configured: Configure, path: str) -> None:
    options = configured(photos(count=30), folds=3)
    result, record = run_of(options, path)
    assert result.test
    assert result.cross_validation
    assert record["test"]["accuracy"] == result.accuracy
    assert (record["test"]["low"], record["test"]["high"]) == result.test.interval
    assert record["folds"]["accuracy"] == result.cross_validation.assessment.accuracy
    assert (record["folds"]["number"], record["folds"]["count"]) == (3, 60)
    assert record["model_id"] == result.model_id
    assert (record["photos"], record["classes"], record["solver"]) == (60, 2, "sgd")
    assert (record["image_dir"], record["command"], record["backbone"]) == (options.image_dir, "typed", "colours")
    assert 0 < record["seconds"] < 60


def test_hashes_are_the_same_for_the_same_photos_in_the_same_parts(
    photos: Photos, configured: Configure, path: str
) -> None:
    root = photos(count=40)

    def hashes(**options: Any) -> tuple[str, str]:
        record = run_of(configured(root, folds=3, copies="apart", **options), path)[1]
        return record["split"], record["folds"]["split"]

    split, folds = hashes()
    (root / "red" / "000.jpg").rename(root / "red" / "moved.jpg")
    assert hashes() == (split, folds)
    assert hashes(how_many_training_steps=5) == (split, folds)
    other_split, other_folds = hashes(seed=1)
    assert other_split != split
    assert other_folds != folds
    assert hashes(test_batch_size=2)[0] != split
    assert hashes(testing_percentage=30)[0] != split
    (root / "red" / "moved.jpg").rename(root / "green" / "moved.jpg")
    assert hashes()[0] != split
    (root / "green" / "moved.jpg").unlink()
    assert len(set(hashes()) & {split, folds}) == 0


def test_a_run_that_fails_leaves_no_line(photos: Photos, configured: Configure, path: str) -> None:
    options = configured(photos(), folds=500)
    with pytest.raises(Exception, match="Expected at least 500"):
        retrain(options, on_progress=RunHistory(path, no_warning))
    assert not os.path.exists(path)


def test_a_place_that_cannot_be_written_is_an_error_before_the_work(
    photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"Cannot write '.*runs.jsonl': '.*file' is a file; expected a folder"):
        retrain(configured(photos()), on_progress=RunHistory(str(tmp_path / "file" / "runs.jsonl"), no_warning))
    assert not (tmp_path / "out" / "graph.pb").exists()


def test_a_line_that_cannot_be_written_in_the_end_loses_no_run(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    history = RunHistory(path, events.append)
    Path(path).parent.write_bytes(b"")
    history(finished())
    assert "--runs_file: this run is not listed. Cannot write" in str(events)
