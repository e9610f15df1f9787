"""The list while a process decides: each decision is on the disk at once, and nobody's work is lost."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrainer.errors import DatasetError, OutputError
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.file import read_clean_list, write_clean_list
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.system import files

KEEP = Decision(action=Action.KEEP)


def listed(*names: str) -> CleanList:
    return CleanList(tuple(Row(Finding(kind=Kind.LABEL, path=name)) for name in names))


def decisions(path: Path) -> dict[str, str]:
    return {row.finding.path: row.decision.action.value for row in read_clean_list(path)}


def test_each_decision_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    write_clean_list(path, listed("a", "b", "a"))
    before = path.read_bytes().splitlines()
    with ListFile(path) as file:
        file.update(lambda known: known.decided("", "a", Decision(action=Action.RELABEL, new_label="x", note="n")))
        assert [row.decision.new_label for row in read_clean_list(path)] == ["x", "", "x"]
        file.update(lambda known: known.decided("", "new", KEEP))
        assert decisions(path) == {"a": "relabel", "b": "", "new": "keep"}
        assert file.current.progress() == (2, 3)
        file.update(lambda known: CleanList(known.rows[1:]))
        assert decisions(path) == {"b": "", "a": "relabel", "new": "keep"}
        assert path.read_bytes().splitlines()[1] == before[2]
    assert [one.name for one in tmp_path.iterdir()] == ["clean.csv"]


def test_a_list_that_does_not_exist_is_made_with_the_first_decision(tmp_path: Path) -> None:
    with ListFile(tmp_path / "below" / "clean.csv") as file:
        assert len(file.current) == 0
        assert not (tmp_path / "below" / "clean.csv").exists()
        file.update(lambda known: known.merged([Finding(kind=Kind.DARK, path="a")]))
    assert decisions(tmp_path / "below" / "clean.csv") == {"a": ""}


def test_what_another_program_saved_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    write_clean_list(path, listed("a", "b"))
    with ListFile(path) as file:
        version = file.version
        path.write_text("path;action;mine\nb;keep;1\nc;;2\n")
        file.update(lambda known: known.decided("", "c", KEEP))
        assert decisions(path) == {"b": "keep", "c": "keep"}
        assert file.version == version + 2
        assert [row.extra for row in file.current] == [("1",), ("2",)]
        # A program that removes it, or saves what cannot be read, takes nothing away.
        path.unlink()
        assert len(file.current) == 2
        file.update(lambda known: known)
        assert decisions(path) == {"b": "keep", "c": "keep"}
        path.write_text("path,action\nb,throw away\n")
        with pytest.raises(DatasetError, match="row 2: expected an action"):
            file.update(lambda known: known.decided("", "b", KEEP))
        assert path.read_text() == "path,action\nb,throw away\n"


def test_what_another_program_saves_during_a_change_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clean.csv"
    write_clean_list(path, listed("a", "b", "c"))

    def saved(name: str) -> None:
        write_clean_list(path, read_clean_list(path).decided("", name, KEEP))

    seen: list[int] = []

    def change(known: CleanList) -> CleanList:
        seen.append(known.progress()[0])
        if len(seen) == 1:
            saved("a")
        return known.decided("", "b", KEEP)

    with ListFile(path) as file:
        file.update(change)
        assert seen == [0, 1]
        assert decisions(path) == {"a": "keep", "b": "keep", "c": ""}

        def saved_at_once(folder: Path) -> None:
            monkeypatch.undo()
            saved("c")

        # What it saves when the change has its place, but before the change is known here, is no change of ours.
        monkeypatch.setattr(files, "sync_folder", saved_at_once)
        file.update(lambda known: known.decided("", "a", Decision()))
        assert file.current.decision_of("", "c") == KEEP
        file.update(lambda known: known.decided("", "b", Decision()))
        assert decisions(path) == {"a": "", "b": "", "c": "keep"}

        def always(known: CleanList) -> CleanList:
            seen.append(0)
            path.write_text(f"path,action\na,{'keep' * (len(seen) % 2)}\n")
            return known.decided("", "new", KEEP)

        with pytest.raises(OutputError, match="saved by another program all the time"):
            file.update(always)
        assert "new" not in decisions(path)


def test_a_second_process_is_refused_and_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    write_clean_list(path, listed("a"))
    with ListFile(path):
        with pytest.raises(OutputError, match=r"'.*clean\.csv' is in use by another process"), ListFile(path):
            pass
        assert len(read_clean_list(path)) == 1  # reading is free
    with ListFile(path):
        pass


KILLED = """
import os, signal, sys
from retrainer.photos.clean_list.finding import Action, Decision
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.system import files

path, name, count = sys.argv[1:]
left = [int(count)]
with ListFile(path) as file:
    real = getattr(os, name)

    def killing(*arguments, **options):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    setattr(os, name, killing)
    for photo in "abcdef":
        file.update(lambda known: known.decided("", photo, Decision(action=Action.KEEP)))
        print(photo, flush=True)
"""


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_killed_process_loses_no_decision(name: str, tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    write_clean_list(path, listed(*"abcdef"))
    line = [sys.executable, "-c", KILLED, str(path), name, "4"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    made = done.stdout.split()
    assert made
    found = decisions(path)
    assert all(found[photo] == "keep" for photo in made)
    assert list(found) == list("abcdef")
    with ListFile(path) as file:  # its lock ended with it
        file.update(lambda known: known.decided("", "f", KEEP))
    assert decisions(path)["f"] == "keep"


def test_threads_lose_none_of_each_others_decisions(tmp_path: Path) -> None:
    path, names = tmp_path / "clean.csv", [f"photo {number}" for number in range(40)]
    write_clean_list(path, listed(*names))
    with ListFile(path) as file, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: file.update(lambda known: known.decided("", name, KEEP)), names))
    assert set(decisions(path).values()) == {"keep"}


def test_a_folder_that_cannot_be_written_is_said_and_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    write_clean_list(path, listed("a"))
    with ListFile(path) as file:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.replace", refused)
            with pytest.raises(OutputError, match=r"Cannot write '.*clean\.csv': Read-only"):
                file.update(lambda known: known.decided("", "a", KEEP))
        assert file.current.decision_of("", "a") == Decision()
    assert decisions(path) == {"a": ""}


def refused(*_: object) -> None:
    raise OSError(30, "Read-only file system")
