"""`retrainer runs`, and the line that `retrainer retrain` appends."""

import json
from pathlib import Path

import pytest
from conftest import COLOURS, Command, Photos
from test_history import HASHES, figures, finished

from retrainer.cli.runs import RunsFlags, run
from retrainer.history import append_run

HEADING = "time             photos  backbone              accuracy   95 % interval"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "runs.jsonl")


def listed(capsys: pytest.CaptureFixture[str], path: str, **flags: object) -> list[str]:
    run(RunsFlags(runs_file=path, **flags))  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


def test_runs_are_a_table_with_the_best_marked(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    append_run(path, finished(test=figures(0.9), backbone="efficientnet_lite0@288"), "")
    append_run(path, finished(photos=999_999), "")
    append_run(path, finished(test=None, backbone="a backbone with quite a long name"), "")
    append_run(path, finished(folds=figures(0.7), fold_count=5, fold_split=HASHES[1], backbone="x" * 55), "")
    lines = listed(capsys, path)
    assert lines[0] == HEADING
    without_time = [line[16:] for line in lines[1:8]]
    assert without_time == [
        "  1,250  efficientnet_lite0@288  90.0 %  83.8 to 96.2 % test  a*",
        " 999,999  pocket                  80.0 %  73.8 to 86.2 % test  a",
        "  1,250  a backbone with quite a long name",
        f"{'':<31} unknown: no test photos",
        f"  1,250  {'x' * 55}",
        f"{'':<31}  70.0 %  63.7 to 76.2 % folds",
        "",
    ]
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("*            the most accurate of its letter") for line in lines)


def test_the_newest_are_the_last(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    for accuracy in (0.9, 0.5, 0.6):
        append_run(path, finished(test=figures(accuracy)), "")
    lines = listed(capsys, path, last=2)
    # The best is none of these two.
    assert [line[48:] for line in lines[1:3]] == [
        " 50.0 %  43.8 to 56.2 % test  a",
        " 60.0 %  53.8 to 66.2 % test  a",
    ]
    records = json.loads("\n".join(listed(capsys, path, last=9, json=True)))["runs"]
    assert [record["test"]["accuracy"] for record in records] == [0.9, 0.5, 0.6]
    assert [record["is_best"] for record in records] == [True, False, False]


def test_a_file_without_runs_is_said(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(path).touch()
    assert listed(capsys, path)[0] == f"No runs in '{path}'."
    assert json.loads("\n".join(listed(capsys, path, json=True)))["runs"] == []


def test_a_run_of_the_command_line_is_listed_with_its_command(
    command: Command, photos: Photos, model_dir: Path, tmp_path: Path
) -> None:
    root = photos(root="my photos")
    line = ("retrain", "--image_dir", root, "--model_dir", model_dir, "--architecture", COLOURS)
    done = command(*line)
    assert done.returncode == 0, done.stderr
    (record,) = map(json.loads, (tmp_path / "tf_files" / "runs.jsonl").read_text().splitlines())
    assert record["command"] == (
        f"retrainer retrain --image_dir '{root}' --model_dir {model_dir} --architecture {COLOURS}"
    )
    done = command("runs")
    assert done.stdout.splitlines()[0] == HEADING
    assert done.stderr == ""
    with (tmp_path / "tf_files" / "runs.jsonl").open("a") as handle:
        handle.write("damage")
    done = command("runs", "--json")
    assert len(json.loads(done.stdout)["runs"]) == 1
    assert "Warning: Skipped line 2 of 'tf_files/runs.jsonl': " in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tf_files/retrained_labels.txt", "--runs_file: expected a file of its own, received"),
        ("photo.jpg", "--runs_file: expected a file of JSON lines, received 'photo.jpg', the name of a picture."),
        ("runs.json", "Name it 'runs.jsonl'."),
        ("", "--runs_file: expected a path, received ''"),
        (".", "--runs_file: expected a file's name, received the folder '.'"),
    ],
)
def test_a_bad_name_is_one_clear_line(name: str, message: str, command: Command, photos: Photos) -> None:
    done = command("retrain", "--image_dir", photos(), "--runs_file", name)
    assert done.returncode == 2
    assert message in done.stderr
