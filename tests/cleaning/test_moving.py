"""`clean --apply` moves photos that are set aside into a sister folder, and `--undo` moves them back."""

import csv
import errno
import hashlib
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Photos
from disks import cross_device
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packing import zipped

from retrainer.cleaning.moving import Moved, bring_back, set_aside
from retrainer.decided_files import decided_files
from retrainer.errors import OptionError, OutputError
from retrainer.events import Event, Noted, Warned, silent
from retrainer.options.in_memory import TableInMemory
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.photos.scanning import scan
from retrainer.sorting.record import Record

Tree = dict[str, tuple[bytes, int]]


def tree(root: Path) -> Tree:
    """All files below a folder, with their bytes and times."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def decided(*paths: Path, action: Action = Action.SET_ASIDE) -> CleanList:
    """A list that decides the same about photos."""
    return CleanList(tuple(Row(finding(path), Decision(action=action, new_label="green")) for path in paths), "c.csv")


def finding(path: Path) -> Finding:
    return Finding(kind=Kind.OTHER, path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def moved(clean_list: CleanList, root: Path, bottlenecks: Path) -> tuple[Moved, list[str]]:
    """What was moved, and what was said about it."""
    events: list[Event] = []
    done = set_aside(clean_list, str(root), events.append, bottleneck_dir=str(bottlenecks))
    return done, [event.message for event in events if isinstance(event, Warned | Noted)]


def back(root: Path) -> tuple[Moved, list[str]]:
    events: list[Event] = []
    return bring_back(str(root), events.append), [event.message for event in events if isinstance(event, Warned)]


def test_photos_move_into_the_sister_folder_and_back(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    (root / "red" / "more").mkdir()
    (root / "red" / "more" / "000.jpg").write_bytes(b"no picture")
    before = tree(tmp_path)
    aside = [root / "red" / "000.jpg", root / "red" / "more" / "000.jpg", root / "green" / "011.jpg"]
    red = root / "red"
    others = (*decided(red / "001.jpg", action=Action.KEEP), *decided(red / "002.jpg", action=Action.RELABEL))
    done, said = moved(CleanList((*decided(*aside), *others)), root, tmp_path / "cache")
    sister = tmp_path / "photos.set_aside"
    assert (done, said) == (Moved(str(sister), 3, 0), [])
    after = tree(tmp_path)
    assert {name for name in after if name not in before} == {
        "photos.set_aside/sorted.csv",
        "photos.set_aside/red/000.jpg",
        "photos.set_aside/red/000-2.jpg",
        "photos.set_aside/green/011.jpg",
    }
    assert len(before) - len(after) == 3 - 4
    with (sister / "sorted.csv").open(newline="") as file:
        assert [(row["from"], row["how"]) for row in csv.DictReader(file)] == [
            (str(path), "move") for path in (aside[2], aside[0], aside[1])
        ]
    assert moved(decided(*[root / "red" / "003.jpg"]), root, tmp_path / "cache")[0].moved == 1  # it goes on
    assert back(root) == (Moved(str(sister), 4, 0), [])
    assert tree(tmp_path) == before
    assert not sister.exists()
    with pytest.raises(OptionError, match=r"--undo: nothing was moved from '.*photos': '.*sorted.csv' does not exist"):
        back(root)


def test_moving_again_takes_no_copy_of_what_was_moved(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    copy = root / "green" / "copy.jpg"
    copy.write_bytes((root / "red" / "000.jpg").read_bytes())
    clean_list = decided(copy)
    assert moved(clean_list, root, tmp_path / "cache")[0].moved == 1
    done, _ = moved(clean_list, root, tmp_path / "cache")
    assert done.moved == 0
    assert (root / "red" / "000.jpg").exists()
    back(root)
    assert copy.exists()


def test_photos_that_were_moved_are_said_to_lie_beside_the_folder(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    copy, other = root / "green" / "copy.jpg", root / "red" / "001.jpg"
    copy.write_bytes((root / "red" / "000.jpg").read_bytes())
    clean_list, cache = decided(copy, other), str(tmp_path / "cache")
    relabelled = CleanList((*clean_list, *decided(root / "red" / "002.jpg", action=Action.RELABEL)), "c.csv")
    lost, other_decision = decided(other), decided(other, action=Action.RELABEL)
    moved(clean_list, root, tmp_path / "cache")
    (tmp_path / "link").symlink_to(root)
    lie = "2 photos that 'c.csv' sets aside lie in '{}.set_aside'."

    def said(decisions: CleanList, image_dir: Path = root) -> list[str]:
        events: list[Event] = []
        files = scan(str(image_dir), silent)
        left = decided_files(files, decisions, cache, events.append)
        assert len(left.names) == len(files.names)  # the other copy stays
        return [event.message for event in events if isinstance(event, Warned | Noted)]

    for image_dir in (root, tmp_path / "link"):
        assert said(clean_list, image_dir) == [lie.format(root)]
    assert said(relabelled) == [f"{lie.format(root)[:-1]}; 0 more set aside and 1 relabelled."]
    assert "relabels cannot be found" in said(other_decision)[0]
    record = tmp_path / "photos.set_aside" / "sorted.csv"
    record.write_bytes(record.read_bytes() + b'"half a r\n\xff,,,,,\n')
    assert said(clean_list) == [lie.format(root)]
    record.unlink()
    assert "1 photo that 'c.csv' sets aside cannot be found" in said(lost)[0]


def test_nothing_is_overwritten_either_way(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    first, second, third = (root / "red" / name for name in ("000.jpg", "001.jpg", "002.jpg"))
    clean_list = decided(first, second, third)
    (tmp_path / "photos.set_aside" / "red").mkdir(parents=True)
    (tmp_path / "photos.set_aside" / "red" / "000.jpg").write_bytes(b"somebody else's")
    contents = [path.read_bytes() for path in (first, second, third)]
    assert moved(clean_list, root, tmp_path / "cache")[0].moved == 3
    assert (tmp_path / "photos.set_aside" / "red" / "000.jpg").read_bytes() == b"somebody else's"
    first.write_bytes(b"new")
    (tmp_path / "photos.set_aside" / "red" / "001.jpg").write_bytes(b"changed")
    done, said = back(root)
    assert (done.moved, done.left) == (1, 2)
    assert third.read_bytes() == contents[2]
    assert first.read_bytes() == b"new"
    assert (tmp_path / "photos.set_aside" / "red" / "000-2.jpg").read_bytes() == contents[0]
    assert [line.partition("stays: ")[2] for line in said] == ["it has changed.", f"another file is at '{first}'."]
    first.unlink()
    (tmp_path / "photos.set_aside" / "red" / "001.jpg").write_bytes(contents[1])
    assert (back(root)[0].moved, first.read_bytes(), second.read_bytes()) == (2, contents[0], contents[1])


def test_photos_that_changed_or_are_links_stay(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    first, link, gone = (root / "red" / name for name in ("000.jpg", "link.jpg", "001.jpg"))
    (tmp_path / "elsewhere.jpg").write_bytes(b"elsewhere")
    link.symlink_to(tmp_path / "elsewhere.jpg")
    clean_list = decided(first, link, gone, root / "red" / "002.jpg")
    first.write_bytes(b"changed")
    gone.unlink()
    done, said = moved(clean_list, root, tmp_path / "cache")
    assert (done.moved, done.left) == (1, 1)
    assert said == [
        f"1 photo of 'c.csv' changed since: '{first}'. Decisions about other bytes are not honoured.",
        f"1 photo that 'c.csv' sets aside cannot be found: '{gone}'",
        f"1 photo cannot be moved: it is a link, whose file lies elsewhere: '{link}'.",
    ]


def test_a_folder_that_is_a_link_has_its_sister_beside_its_file(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    (tmp_path / "link").symlink_to(root)
    before = tree(tmp_path)
    done, _ = moved(decided(tmp_path / "link" / "red" / "000.jpg"), tmp_path / "link", tmp_path / "cache")
    assert (done.folder, done.moved) == (str(tmp_path / "photos.set_aside"), 1)
    assert back(root)[0].moved == 1
    assert tree(tmp_path) == before


def test_class_folders_and_names_that_differ_in_capitals_stay_apart(photos: Photos, tmp_path: Path) -> None:
    root = photos({"red": (200, 30, 30), "green": (30, 200, 30)}, count=3)
    for folder, name in (("red/a", "X.jpg"), ("red/b", "x.jpg")):
        (root / folder).mkdir()
        (root / folder / name).write_bytes(folder.encode())
    before = tree(tmp_path)
    moved(decided(root / "red/a/X.jpg", root / "red/b/x.jpg"), root, tmp_path / "cache")
    names = [path.name for path in (tmp_path / "photos.set_aside" / "red").iterdir()]
    assert len({name.casefold() for name in names}) == 2
    back(root)
    assert tree(tmp_path) == before


def test_only_files_in_a_folder_are_moved(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    (tmp_path / "photos.csv").write_text("path,label\na.jpg,a\n")
    archive = tmp_path / "photos.zip"
    archive.write_bytes(zipped({"red/1.jpg": b"1"}))
    table = TableInMemory({"path": ["a"], "label": ["a"]})
    for source in (tmp_path / "photos.csv", archive, archive / "red", table):
        with pytest.raises(OptionError, match=r"--apply: photos (of a table|in an archive)") as error:
            set_aside(decided(root / "red" / "000.jpg"), source if source is table else str(source), silent)
        assert "retrain --clean_list" in error.value.fix
        with pytest.raises(OptionError, match=r"--undo: photos (of a table|in an archive)"):
            bring_back(source if source is table else str(source), silent)
    assert not list(tmp_path.glob("*.set_aside"))


def test_another_list_of_the_name_and_another_process_are_refused(photos: Photos, tmp_path: Path) -> None:
    root, sister = photos(), tmp_path / "photos.set_aside"
    sister.mkdir()
    (sister / "sorted.csv").write_text("another,file\n")
    with pytest.raises(OptionError, match="expected the list of a sorting"):
        moved(decided(root / "red" / "000.jpg"), root, tmp_path / "cache")
    (sister / "sorted.csv").unlink()
    with Record(str(sister / "sorted.csv"), new=True), pytest.raises(OutputError, match="is in use by another process"):
        moved(decided(root / "red" / "000.jpg"), root, tmp_path / "cache")
    sister.rmdir()
    sister.write_text("")
    with pytest.raises(OutputError, match="expected a folder"):
        moved(decided(root / "red" / "000.jpg"), root, tmp_path / "cache")
    assert (root / "red" / "000.jpg").exists()


def test_another_disk_and_a_full_one(photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = photos()
    large = root / "red" / "large.jpg"
    large.write_bytes(b"x" * 50_000)
    before = tree(tmp_path)
    clean_list = decided(root / "green" / "000.jpg", large)
    cross_device(monkeypatch)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(OutputError, match="File too large"):
            moved(clean_list, root, tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert large.stat().st_size == 50_000
    names = {path.name for path in (tmp_path / "photos.set_aside").rglob("*") if path.is_file()}
    assert names == {"000.jpg", "sorted.csv"}
    assert moved(clean_list, root, tmp_path / "cache")[0].moved == 1
    assert back(root)[0].moved == 2
    assert tree(tmp_path) == before


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_folder_that_is_read_only_is_one_line(
    code: int, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, unlink = photos(), os.unlink
    before = tree(tmp_path)

    def keeping(path: str, **options: int) -> None:
        if os.fspath(path).startswith(f"{root}{os.sep}"):
            raise OSError(code, os.strerror(code), path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", keeping)
    aside = sorted((root / "red").iterdir())[:5]
    with pytest.raises(OutputError) as error:
        moved(decided(*aside), root, tmp_path / "cache")
    first, second = str(error.value).splitlines()
    named = ", ".join(f"'{path}'" for path in aside[:3])
    assert first == f"--apply: 5 photos cannot be moved: {os.strerror(code)}: {named} and 2 more."
    assert second == "`retrain --clean_list` leaves them out where they are."
    assert tree(tmp_path) == before
    assert not (tmp_path / "photos.set_aside").exists()


KILLED = """
import os, signal, sys
from retrainer.cleaning.moving import set_aside
from retrainer.events import silent
from retrainer.photos.clean_list.file import read_clean_list

root, listed, how, name, count = sys.argv[1:]
link = os.link

def refusing(source, target, **options):
    if ".unfinished-" not in os.fspath(source):
        raise OSError(18, "Invalid cross-device link", source, None, target)
    link(source, target, **options)

if how == "two disks":
    os.link = refusing
clean_list = read_clean_list(listed)
real, left = getattr(os, name), [int(count)]

def killing(*arguments, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)

setattr(os, name, killing)
set_aside(clean_list, root, silent, bottleneck_dir=root + ".cache")
"""


@pytest.mark.parametrize("how", ["one disk", "two disks"])
@pytest.mark.parametrize("name", ["write", "fsync", "link", "unlink"])
def test_a_move_that_was_killed_goes_on_or_is_taken_back(how: str, name: str, photos: Photos, tmp_path: Path) -> None:
    root = photos(count=5)
    paths = sorted((root / "red").iterdir())[:4]
    from retrainer.photos.clean_list.file import write_clean_list

    write_clean_list(tmp_path / "clean.csv", decided(*paths))
    before = tree(tmp_path)
    for goes_on in (False, True):
        line = [sys.executable, "-c", KILLED, str(root), str(tmp_path / "clean.csv"), how, name, "3"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60)
        assert done.returncode == -signal.SIGKILL, done.stderr
        if goes_on:
            moved(decided_as(tmp_path), root, tmp_path / "cache")
            assert not [path for path in paths if path.exists()]
            sister = tmp_path / "photos.set_aside" / "red"
            assert sorted(path.read_bytes() for path in sister.iterdir()) == sorted(
                before[f"photos/red/{path.name}"][0] for path in paths
            )
        assert back(root)[0].left == 0
        assert tree(tmp_path) == before
        assert not (tmp_path / "photos.set_aside").exists()


def decided_as(folder: Path) -> CleanList:
    from retrainer.photos.clean_list.file import read_clean_list

    return read_clean_list(folder / "clean.csv")


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]) | st.sampled_from("\udcff\n\t=,'\";\u202e"),
    min_size=1,
    max_size=12,
).map(lambda name: f"a{name}.jpg")
FILES = st.dictionaries(
    st.tuples(st.sampled_from(["a", "a/b", "A", "b"]), NAMES),
    st.tuples(st.sampled_from([b"", b"1", b"2", b"22"]), st.booleans()),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES)
def test_moving_and_bringing_back_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, str], tuple[bytes, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("moving")
    root = folder / "photos"
    for (inner, name), (content, _) in {**files, ("a", "one.jpg"): (b"1", False)}.items():
        (root / inner).mkdir(parents=True, exist_ok=True)
        (root / inner / name).write_bytes(content)
    before = tree(folder)
    aside = [root / inner / name for (inner, name), (_, is_aside) in files.items() if is_aside]
    done = set_aside(decided(*aside), str(root), silent, bottleneck_dir=str(folder / "cache"))
    assert done.moved == len(aside) == len([path for path in aside if not path.exists()])
    assert sorted(content for content, _ in before.values()) == sorted(
        content for name, (content, _) in tree(folder).items() if not name.endswith("sorted.csv")
    )
    if done.moved:
        assert bring_back(str(root), silent) == Moved(str(root) + ".set_aside", done.moved, 0)
    assert tree(folder) == before
