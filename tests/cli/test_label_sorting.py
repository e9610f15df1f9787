"""`retrainer label --sort_into` and `retrainer unsort`."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command, Configure, Photos, heeding_ctrl_c, jpeg
from packing import zipped

from retrainer import Retraining, retrain

RED, BLUE = (220, 60, 60), (30, 30, 200)


@pytest.fixture
def result(photos: Photos, configured: Configure) -> Retraining:
    return retrain(configured(photos(count=30)))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """A red photo, another of the same name below, a text, and a blue photo, which no class is like."""
    (tmp_path / "new" / "more").mkdir(parents=True)
    (tmp_path / "new" / "red.jpg").write_bytes(jpeg(RED))
    (tmp_path / "new" / "more" / "red.jpg").write_bytes(jpeg((215, 50, 50)))
    (tmp_path / "new" / "text.jpg").write_text("Dear diary")
    (tmp_path / "new" / "blue.jpg").write_bytes(jpeg(BLUE))
    return tmp_path / "new"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_sorted_and_taken_back(result: Retraining, new: Path, command: Command, tmp_path: Path) -> None:
    before, label = files(new), ("label", "--graph", result.graph, "--reject", "new", "--sort_into", "new/sorted")
    planned = command(*label, "--move", "--dry_run")
    assert planned.stdout.splitlines() == [
        "new/blue.jpg -> none of these/blue.jpg",
        "new/more/red.jpg -> red/red.jpg",
        "new/red.jpg -> red/red-2.jpg",
        "new/text.jpg -> unreadable/text.jpg",
        "Would sort 4 photos into 'new/sorted': 2 red, 1 none of these, 1 unreadable.",
    ]
    assert files(new) == before
    done = command(*label, "--move")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "Sorted 4 photos into 'new/sorted': 2 red, 1 none of these, 1 unreadable.",
            "To undo it: retrainer unsort new/sorted/sorted.csv",
        ],
    )
    assert done.stderr.startswith("Skipped 'new/text.jpg': expected JPEG")
    assert (new / "sorted" / "red" / "red-2.jpg").read_bytes() == before["red.jpg"]
    (new / "late.jpg").write_bytes(jpeg(RED))
    again = command(*label, "--format", "csv")
    assert [row["path"] for row in csv.DictReader(io.StringIO(again.stdout))] == ["new/late.jpg"]
    assert again.stderr.splitlines()[-3:] == [
        "Sorted 1 photo into 'new/sorted': 1 red.",
        "Left out 4 photos in the folders that are sorted into, such as 'new/sorted/none of these/blue.jpg'.",
        "To undo it: retrainer unsort new/sorted/sorted.csv",
    ]
    (new / "late.jpg").unlink()
    left = command("unsort", "new/sorted")
    assert (left.returncode, left.stdout) == (1, "Moved back 4 photos.\n")
    assert "late.jpg' stays: the photo that it was copied from" in left.stderr
    (new / "sorted" / "red" / "late.jpg").unlink()
    assert command("unsort", "new/sorted/sorted.csv").stdout == "Nothing was taken back.\n"
    assert files(new) == before


def test_answers_are_written_beside_the_folders(
    result: Retraining, new: Path, command: Command, tmp_path: Path
) -> None:
    done = command("label", "--graph", result.graph, "new", "--sort_into", "s", "--link", "--output", "a.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    with (tmp_path / "s" / "sorted.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert [(row["label"] or "") for row in rows] == [row["label"] for row in listed]
    assert [row["score"] and pytest.approx(row["score"]) for row in rows] == [
        float(row["score"]) if row["score"] else None for row in listed
    ]
    assert all(os.readlink(tmp_path / "s" / row["to"]) == row["from"] for row in listed)
    words = command("label", "--graph", result.graph, new / "red.jpg", "--sort_into", "s2", "--format", "text")
    document = json.loads(
        command("label", "--graph", result.graph, new / "red.jpg", "--sort_into", "s3", "--json").stdout
    )
    assert document["rows"][0]["label"] == "red"
    assert words.stdout.startswith("\nEvaluation time")
    assert command("unsort", "s").stdout == "Removed 4 links.\n"


def test_archives_and_standard_input_are_copied_out(result: Retraining, command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"x/1.jpg": jpeg(RED), "y/..\\1.jpg": jpeg(BLUE)}))
    done = command("label", "--graph", result.graph, "a.zip", "--sort_into", "s")
    assert done.returncode == 0, done.stderr
    sorted_photos = files(tmp_path / "s")
    sorted_photos.pop("sorted.csv")
    assert jpeg(RED) in sorted_photos.values()
    assert all(re.fullmatch(r"(red|green)/[\w. -]+\.jpg", name) for name in sorted_photos)
    line = f"retrainer() {{ '{sys.executable}' -c 'from retrainer.cli.main import main; main()' \"$@\"; }}; "
    line += f"retrainer label --graph '{result.graph}' - --sort_into p < photos/red/001.jpg"
    piped = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert piped.stdout.startswith("Sorted 1 photo into 'p': 1 red."), piped.stderr
    assert (tmp_path / "p" / "red" / "photo.jpg").exists()
    assert command("unsort", "p").stdout == "Removed 1 copy.\n"


BAD = [
    (["--move"], 2, r"--move: expected --sort_into DIR, received none"),
    (["--dry_run"], 2, r"--dry_run: expected --sort_into DIR"),
    (["--sort_into", "s", "--move", "--link"], 2, r"--move and --link contradict each other"),
    (["--sort_into", "s", "--output", "./s/sorted.csv"], 2, r"--output: expected another file than the list of"),
    (["--sort_into", ""], 2, r"--sort_into: expected a path, received ''"),
    (["--sort_into", "/"], 2, r"--sort_into: expected a folder of its own, received '/'"),
    (["--sort_into", "new/red.jpg"], 2, r"--sort_into: expected a folder, received the file 'new/red\.jpg'"),
    (["--sort_into", "new/red.jpg/s"], 1, r"Cannot write '.*new/red\.jpg/s': Not a directory"),
    (["--sort_into", "mine"], 2, r"'.*/mine/sorted\.csv': expected the list of a sorting, .*; received another file"),
    (["--sort_into", "s", "--move", "a.zip"], 2, r"--move: 'a\.zip' is refused, since what is no file of its own"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), BAD, ids=lambda value: str(value)[:40])
@pytest.mark.usefixtures("new")
def test_what_cannot_be_sorted_is_refused_before_any_work(
    arguments: list[str], code: int, message: str, result: Retraining, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"x/1.jpg": jpeg(RED)}))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sorted.csv").write_text("name,price\n")
    before = files(tmp_path)
    done = command("label", "--graph", result.graph, "new", *arguments)
    assert (done.returncode, done.stdout) == (code, ""), done
    assert re.search(message, done.stderr), done.stderr
    assert files(tmp_path) == before
    for argument, problem in (
        ("absent", "does not exist; expected a folder that photos were sorted into"),
        ("new/red.jpg", "received another file"),
        ("", "a path"),
    ):
        undone = command("unsort", argument)
        assert (undone.returncode, problem in undone.stderr) == (2, True), undone


STOPPED = """
import os, signal, sys
import retrainer.sorting.sorter as sorter
place, left = sorter.move, [2]
def stopped(*arguments):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGINT)
    place(*arguments)
sorter.move = stopped
from retrainer.cli.main import main
main()
"""


def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(
    result: Retraining, new: Path, command: Command, tmp_path: Path
) -> None:
    before = files(new)
    label = ["label", "--graph", result.graph, "new", "--sort_into", "s", "--move"]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, *label],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=heeding_ctrl_c,
    )
    assert done.returncode == 128 + signal.SIGINT
    assert "\nSorted 1 photo into 's': 1 red.\nTo undo it: retrainer unsort s/sorted.csv\nError: " in f"\n{done.stderr}"
    assert done.stderr.endswith("Error: Interrupted. Run the same command again to continue.\n")
    assert len(files(new)) == 3
    command(*label)
    assert files(new) == {}
    command("unsort", "s")
    assert files(new) == before
    assert not (tmp_path / "s").exists()


def test_the_folder_to_take_back_is_asked_for(command: Command) -> None:
    done = command("unsort")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "Error: DIR is missing: expected the folder that photos were sorted into, or its sorted.csv.\n"
    )
