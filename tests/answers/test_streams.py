"""Answers go to files, pipes and full disks row by row, in constant memory."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command, Configure, Photos
from pyarrow import parquet

from retrainer import retrain
from retrainer.answers.formats import FORMATS

# Writes rows of an endless supply, and prints the largest memory that the process had, in KiB.
WRITE = """
import resource, sys
from retrainer.answers.output import write_answers
from retrainer.answers.table import FLAG, NUMBER, TEXT, Column, Table
name, path, count, classes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
columns = [Column("path", TEXT), Column("rejected", FLAG), *(Column(f"score_{n}", NUMBER) for n in range(classes))]
rows = ((f"photos/{n:09}.jpg", n % 2 == 0, *[n / 7] * classes) for n in range(count))
write_answers(Table("tests", columns, rows), name, path)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def write(name: str, path: str, count: int, classes: int = 10, **options: object) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-c", WRITE, name, path, str(count), str(classes)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("where", ["file", "pipe"])
def test_a_hundred_thousand_rows_take_the_memory_of_a_few(name: str, where: str, tmp_path: Path) -> None:
    path = str(tmp_path / "answers") if where == "file" else ""
    few, many = (int(write(name, path, count, encoding="latin-1").stderr) for count in (1_000, 100_000))
    # A row group of Parquet takes 16 MiB, and is there twice while it is written; a document waits in 4 MiB.
    assert many - few < {"parquet": 60_000, "json": 8_000}.get(name, 2_000)
    if path and name == "parquet":
        assert parquet.read_metadata(path).num_rows == 100_000


@pytest.mark.slow
def test_a_thousand_classes_take_the_memory_of_a_few_rows(tmp_path: Path) -> None:
    path = str(tmp_path / "answers.parquet")
    few, many = (int(write("parquet", path, count, 1_000).stderr) for count in (100, 5_000))
    assert many - few < 90_000
    assert 1 < parquet.read_metadata(path).num_row_groups < 4


def whole_rows(name: str, content: bytes) -> int:
    """The number of rows; fails if one is not whole."""
    assert content.endswith(b"\n") or not content
    lines = content.decode().splitlines()
    if name == "csv":
        assert {line.count(",") for line in lines} <= {11}
        return len(lines) - 1
    assert all(len(json.loads(line)) == 12 for line in lines)
    return len(lines)


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_a_full_disk_leaves_whole_rows(name: str, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk; it cuts a row in the middle."""
    path = tmp_path / "answers"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, 10_001))

    done = write(name, str(path), 1_000, preexec_fn=limit)
    assert "OutputError: Cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert 9_000 < path.stat().st_size < 10_001
    assert whole_rows(name, path.read_bytes()) > 10
    path.unlink()
    with path.open("ab") as handle:
        handle.write(b"kept\n")
        handle.flush()
        line = [sys.executable, "-c", WRITE, name, "", "1000", "10"]
        appended = subprocess.run(line, stdout=handle, stderr=subprocess.PIPE, preexec_fn=limit, timeout=60)
    assert b"File too large" in appended.stderr
    kept, _, rows = path.read_bytes().partition(b"\n")
    assert (kept, whole_rows(name, rows) > 10) == (b"kept", True)


@pytest.mark.parametrize("name", ["json", "parquet"])
def test_a_full_disk_leaves_no_part_of_a_document(name: str, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, 10_001))

    done = write(name, str(tmp_path / "answers"), 1_000, preexec_fn=limit)
    assert "Cannot write" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["csv", "json", "jsonl", "parquet"])
def test_a_reader_that_goes_away_and_a_full_device_end_a_label(
    name: str, photos: Photos, configured: Configure, command: Command, tmp_path: Path
) -> None:
    graph = retrain(configured(photos())).graph
    arguments = ("label", "--graph", graph, "--format", name, "photos")
    with open("/dev/full", "wb") as full:
        done = command(*arguments, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device.\n")
    receiver, sender = os.pipe()
    os.close(receiver)
    done = command(*arguments, stdout=sender, stderr=subprocess.PIPE, capture_output=False)
    os.close(sender)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_gets_no_parquet(photos: Photos, configured: Configure, command: Command) -> None:
    graph = retrain(configured(photos())).graph
    master, terminal = os.openpty()
    arguments = ("label", "--graph", graph, "--format", "parquet", "photos")
    done = command(*arguments, stdout=terminal, stderr=subprocess.PIPE, capture_output=False)
    os.close(terminal)
    os.close(master)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: --format parquet: expected a file or a pipe, received a terminal.\n"
        "Name a file: --output answers.parquet\n"
    )
