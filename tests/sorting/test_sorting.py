"""Photos are sorted into folders and taken back; nothing is overwritten and nothing is lost."""

import csv
import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from disks import cross_device
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packing import zipped

from retrainer.errors import OptionError, OutputError, PictureError
from retrainer.options.sorting import SortOptions
from retrainer.photos.photo import Photo, held, name_of
from retrainer.prediction import Prediction
from retrainer.sorting.record import COLUMNS, Record
from retrainer.sorting.sorter import Sorter
from retrainer.sorting.undo import Undone, undo

Told = list[str]
BAD = PictureError("expected JPEG")


def found_of(photo: str | Photo, label: str | None) -> Prediction | PictureError:
    """What was found in a photo; None stands for an unreadable one, and the empty label for one of no class."""
    if label is None:
        return BAD
    far = None if label else 2.0
    return Prediction(name_of(photo), ((label, 0.75),), 0.0, far, far and 1.0)


def sort(
    root: Path, photos: Mapping[str | Photo, str | None], told: Told | None = None, **options: bool
) -> "tuple[Sorter, list[tuple[str, str]]]":
    """Sorts photos by their labels."""
    plan: list[tuple[str, str]] = []
    labels = sorted({label for label in photos.values() if label})
    values = [photo for photo in photos if isinstance(photo, str)]
    chosen, told = SortOptions(sort_into=str(root), **options), [] if told is None else told
    sorter = Sorter(chosen, labels, values, rejecting=True, tell=told.append, planned=lambda *one: plan.append(one))
    with sorter:
        given = sorter.inside.left_out((held(photo), True) for photo in photos)
        list(
            sorter.sorted(
                (photo, named, found_of(photo, photos[next(p for p in photos if name_of(p) == name_of(photo))]))
                for photo, named in given
            )
        )
    return sorter, plan


def taken_back(root: Path, told: Told | None = None) -> Undone:
    return undo(str(root), ([] if told is None else told).append)


def tree(root: Path) -> dict[str, tuple[bytes, int]]:
    """All files below a folder, with their bytes and times; of a link, where it leads."""
    files = [path for path in root.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {
        str(path.relative_to(root)): (os.fsencode(os.readlink(path)), 0)
        if path.is_symlink()
        else (path.read_bytes(), path.stat().st_mtime_ns)
        for path in files
    }


def rows(root: Path) -> list[dict[str, str]]:
    with (root / "sorted.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., list[str]]:
    def make(*names: str) -> list[str]:
        for number, name in enumerate(names):
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"photo %d" % number)
            os.utime(path, ns=(number * 10**9, number * 10**9 + 5))
        return [str(tmp_path / "photos" / name) for name in names]

    return make


def test_each_photo_goes_to_the_folder_of_its_label(photos: Callable[..., list[str]], tmp_path: Path) -> None:
    a, b, c, d = photos("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    before, root = tree(tmp_path), tmp_path / "sorted"
    sorter, _ = sort(root, {a: "cat", b: "", c: None, d: "a/b"})
    assert sorter.counts == {"cat": 1, "none of these": 1, "unreadable": 1, "a_b": 1}
    copied = tree(root)
    assert copied.pop("sorted.csv")
    assert copied == {
        f"{folder}/{name}": before[f"photos/{name}"]
        for folder, name in (("cat", "a.jpg"), ("none of these", "b.jpg"), ("unreadable", "c.jpg"), ("a_b", "d.jpg"))
    }
    listed = rows(root)
    assert list(listed[0]) == [column.name for column in COLUMNS]
    assert [(row["from"], row["to"], row["label"], row["score"], row["how"]) for row in listed] == [
        (a, "cat/a.jpg", "cat", "0.75", "copy"),
        (b, "none of these/b.jpg", "", "", "copy"),
        (c, "unreadable/c.jpg", "", "", "copy"),
        (d, "a_b/d.jpg", "a/b", "0.75", "copy"),
    ]
    assert taken_back(root).counts == {"copy": 4}
    assert tree(tmp_path) == before
    assert not root.exists()


def test_nothing_is_overwritten_and_the_same_bytes_are_left_alone(
    photos: Callable[..., list[str]], tmp_path: Path
) -> None:
    a, b, c, d = photos("1/x.jpg", "2/x.jpg", "3/x.jpg", "4/x.jpg")
    Path(d).write_bytes(Path(a).read_bytes())
    root = tmp_path / "sorted"
    (root / "cat").mkdir(parents=True)
    (root / "cat" / "x.jpg").write_text("mine")
    (root / "cat" / "x-2.jpg").symlink_to("nowhere")
    sorter, _ = sort(root, {a: "cat", b: "cat", c: "cat", d: "cat"})
    assert (sorter.counts.total(), sorter.there) == (3, 1)
    assert [row["to"] for row in rows(root)] == ["cat/x-3.jpg", "cat/x-4.jpg", "cat/x-5.jpg"]
    assert sort(root, {a: "cat", b: "cat", c: "cat"}, move=True)[0].there == 3
    assert len(rows(root)) == 3
    taken_back(root)
    assert {str(path.relative_to(root)) for path in root.rglob("*")} == {"cat", "cat/x.jpg", "cat/x-2.jpg"}


def test_many_photos_of_one_name_are_placed_and_found_again(
    photos: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places of others of the name are looked at again only for photos of their size."""
    paths = photos(*(f"{number}/x.jpg" for number in range(40)))
    for number, path in enumerate(paths):
        Path(path).write_bytes(b"x" * (number + 1 if number < 38 else 7))
    looked, stat_of = list[str](), os.stat

    def looking(path: str, **options: bool) -> os.stat_result:
        looked.append(str(path))
        return stat_of(path, **options)

    root = tmp_path / "sorted"
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", looking)
        first, _ = sort(root, dict.fromkeys(paths, "cat"))
        again, _ = sort(root, dict.fromkeys(paths, "cat"))
    assert (first.counts["cat"], first.there) == (38, 2)
    assert (again.counts["cat"], again.there) == (0, 40)
    assert len([path for path in looked if path.startswith(f"{root}/cat/")]) < 400


def test_links_are_absolute_and_only_links_are_removed(
    photos: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = photos("a.jpg", "b.jpg")
    root, told = tmp_path / "sorted", list[str]()
    monkeypatch.chdir(tmp_path)
    sort(root, {"photos/a.jpg": "cat", "photos/b.jpg": "cat"}, link=True)
    assert os.readlink(root / "cat" / "a.jpg") == a
    (root / "cat" / "b.jpg").unlink()
    (root / "cat" / "b.jpg").write_bytes(Path(b).read_bytes())
    done = taken_back(root, told)
    assert (done.counts["link"], done.left) == (1, 1)
    assert told == [f"'{root}/cat/b.jpg' stays: it is no longer the link that was made."]
    assert [row["to"] for row in rows(root)] == ["cat/b.jpg"]


def test_a_plan_changes_nothing(photos: Callable[..., list[str]], tmp_path: Path) -> None:
    a, b, c = photos("1/x.jpg", "2/x.jpg", "3/x.jpg")
    Path(c).write_bytes(Path(a).read_bytes())
    before = tree(tmp_path)
    sorter, plan = sort(tmp_path / "sorted", {a: "cat", b: "cat", c: "cat"}, move=True, dry_run=True)
    assert plan == [(a, "cat/x.jpg"), (b, "cat/x-2.jpg")]
    assert sorter.there == 1
    assert tree(tmp_path) == before
    assert not (tmp_path / "sorted").exists()


def test_what_is_no_file_is_copied_out_and_never_moved(tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    archive.write_bytes(zipped({"cat/1.jpg": b"one"}))
    member, cell = f"{archive}/cat/1.jpg", Photo("table.parquet#1", lambda: b"\x89PNG\r\n\x1a\ntwo")
    root = tmp_path / "sorted"
    sort(root, {member: "cat", cell: "cat"})
    assert [(row["from"], row["to"], row["how"]) for row in rows(root)] == [
        (member, "cat/1.jpg", "copy"),
        ("table.parquet#1", "cat/table.parquet#1.png", "write"),
    ]
    assert (root / "cat" / "1.jpg").read_bytes() == b"one"
    assert taken_back(root).counts == {"copy": 1, "write": 1}
    for value in (member, str(archive), "https://example.org/a.jpg"):
        with pytest.raises(OptionError, match="what is no file of its own can only be copied"):
            sort(root, {value: "cat"}, move=True)
    told = list[str]()
    absent = str(tmp_path / "absent.jpg")
    sorter, _ = sort(root, {cell: "cat", absent: None}, told, link=True)
    assert sorter.left == 2
    assert told == [
        "'table.parquet#1' is not sorted: what is no file of its own can only be copied.",
        f"'{absent}' is not sorted: cannot be read: No such file or directory.",
    ]
    archive.write_bytes(zipped({"cat/1.jpg": b"other"}))
    sort(root, {member: "cat"})
    archive.unlink()
    assert taken_back(root).left == 1
    assert (root / "cat" / "1.jpg").read_bytes() == b"other"


def test_sorted_files_are_not_sorted_again_unless_they_are_named(
    photos: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = photos("a.jpg", "sorted/cat/b.jpg")
    root = tmp_path / "photos" / "sorted"
    os.symlink(tmp_path / "photos", tmp_path / "alias")
    monkeypatch.chdir(tmp_path)
    sorter, _ = sort(root, {"alias/a.jpg": "cat", "photos/a.jpg": "cat"}, move=False)
    assert sorter.counts == {"cat": 1}

    def left_out(*values: str) -> int:
        inside = Sorter(
            SortOptions(sort_into=str(root)), ["cat"], values, rejecting=True, tell=print, planned=print
        ).inside
        list(inside.left_out((path, False) for path in (a, b, "alias/sorted/cat/b.jpg", f"{root}/other/c.jpg")))
        return inside.count

    assert left_out("photos", "alias") == 2
    assert left_out("photos", str(root / "cat")) == 0
    assert left_out("photos", b) == 0


def test_links_among_the_photos_are_not_moved(photos: Callable[..., list[str]], tmp_path: Path) -> None:
    (a,) = photos("a.jpg")
    link, told = tmp_path / "photos" / "b.jpg", list[str]()
    link.symlink_to("a.jpg")
    sorter, _ = sort(tmp_path / "sorted", {str(link): "cat"}, told, move=True)
    assert sorter.left == 1
    assert told == [f"'{link}' is not sorted: it is a link, whose file lies elsewhere."]
    assert link.read_bytes() == Path(a).read_bytes()


def test_what_changed_or_would_be_overwritten_stays(photos: Callable[..., list[str]], tmp_path: Path) -> None:
    a, b, c, d = photos("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    root, told = tmp_path / "sorted", list[str]()
    sort(root, {a: "cat", b: "cat", d: "cat"}, move=True)
    sort(root, {c: "cat"})
    (root / "cat" / "a.jpg").write_text("edited")
    Path(b).write_text("another")
    Path(c).unlink()
    done = taken_back(root, told)
    assert (done.counts["move"], done.left) == (1, 3)
    assert sorted(told) == [
        f"'{root}/cat/a.jpg' stays: it has changed.",
        f"'{root}/cat/b.jpg' stays: another file is at '{b}'.",
        f"'{root}/cat/c.jpg' stays: the photo that it was copied from, '{c}', is gone or has changed.",
    ]
    assert (Path(b).read_text(), (root / "cat" / "c.jpg").read_bytes()) == ("another", b"photo 2")
    Path(b).unlink()
    (root / "cat" / "a.jpg").write_bytes(b"photo 0")
    assert taken_back(root).counts["move"] == 2
    assert [row["from"] for row in rows(root)] == [c]


def test_a_photo_that_cannot_go_back_does_not_keep_the_others(photos: Callable[..., list[str]], tmp_path: Path) -> None:
    a, b, c = photos("a.jpg", "gone/b.jpg", "c.jpg")
    root, told = tmp_path / "sorted", list[str]()
    sort(root, {a: "cat", b: "cat", c: "cat"}, move=True)
    gone = Path(b).parent
    gone.rmdir()
    gone.write_text("no folder any more")
    done = taken_back(root, told)
    assert (done.counts["move"], done.left) == (2, 1)
    assert told == [f"'{root}/cat/b.jpg' stays: '{gone}': File exists."]
    assert [row["from"] for row in rows(root)] == [b]
    gone.unlink()
    assert taken_back(root).counts["move"] == 1
    assert (Path(b).read_bytes(), root.exists()) == (b"photo 1", False)


def test_photos_that_were_sorted_twice_go_back_all_the_way(photos: Callable[..., list[str]], tmp_path: Path) -> None:
    (a,) = photos("a.jpg")
    before, root = tree(tmp_path), tmp_path / "sorted"
    sort(root, {a: None}, move=True)
    sort(root, {str(root / "unreadable" / "a.jpg"): "cat"}, move=True)
    assert [row["to"] for row in rows(root)] == ["unreadable/a.jpg", "cat/a.jpg"]
    taken_back(root)
    assert tree(tmp_path) == before


def test_a_list_that_somebody_else_made_touches_nothing_outside(
    photos: Callable[..., list[str]], tmp_path: Path
) -> None:
    a, b = photos("a.jpg", "b.jpg")
    root = tmp_path / "sorted"
    sort(root, {a: "cat"})
    good, listed = rows(root)[0], root / "sorted.csv"
    with listed.open("a") as file:
        for to in ("../photos/b.jpg", b, "cat/../../photos/b.jpg", "", "."):
            file.write(f"{a},{to},cat,1,move,{good['sha256']}\n")
        for source, to, score in (
            (r"/\ud800", "cat/a.jpg", "1"),
            (a, r"cat/\ud83d\ude00", "1"),
            (a, "cat/a.jpg", "much"),
        ):
            file.write(f"{source},{to},cat,{score},move,{good['sha256']}\n")
        file.write(f"{root}/cat/a.jpg,cat/a.jpg,cat,1,copy,{good['sha256']}\nhalf a ro")
    told = list[str]()
    done = taken_back(root, told)
    assert (done.bad_lines, done.left, done.counts["copy"]) == (9, 1, 1)
    assert told[0].endswith("is gone or has changed.")
    assert (Path(a).read_bytes(), Path(b).read_bytes()) == (b"photo 0", b"photo 1")
    sort(root, {b: "cat"})
    assert rows(root)[-1]["from"] == b


@pytest.mark.parametrize("content", ["path,label\n", "my notes\n", "\0\xff"])
def test_another_file_of_the_name_is_refused(content: str, tmp_path: Path, photos: Callable[..., list[str]]) -> None:
    (a,) = photos("a.jpg")
    root = tmp_path / "sorted"
    root.mkdir()
    (root / "sorted.csv").write_text(content)
    for work in (
        lambda: sort(root, {a: "cat"}),
        lambda: sort(root, {a: "cat"}, dry_run=True),
        lambda: taken_back(root),
    ):
        with pytest.raises(OptionError, match="expected the list of a sorting"):
            work()
    assert (root / "sorted.csv").read_text() == content


def test_one_process_at_a_time_uses_a_list(photos: Callable[..., list[str]], tmp_path: Path) -> None:
    (a,) = photos("a.jpg")
    root = tmp_path / "sorted"
    root.mkdir()
    with Record(str(root / "sorted.csv"), new=True), pytest.raises(OutputError, match="is in use by another process"):
        sort(root, {a: "cat"})
    assert sort(root, {a: "cat"})[0].counts == {"cat": 1}


def without_hard_links(patch: pytest.MonkeyPatch) -> None:
    def refusing(source: str, target: str, **_: bool) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)

    patch.setattr(os, "link", refusing)


DISKS = [lambda patch: None, cross_device, without_hard_links]


@pytest.mark.parametrize("disk", DISKS, ids=["one disk", "two disks", "no hard links"])
def test_every_disk_moves_and_overwrites_nothing(
    disk: Callable[[pytest.MonkeyPatch], None],
    photos: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk(monkeypatch)
    a, b = photos("1/x.jpg", "2/x.jpg")
    before, root = tree(tmp_path), tmp_path / "sorted"
    sort(root, {a: "cat", b: "cat"}, move=True)
    moved = tree(tmp_path)
    assert {"sorted/cat/x.jpg", "sorted/cat/x-2.jpg", "sorted/sorted.csv"} == set(moved)
    assert moved["sorted/cat/x-2.jpg"] == before["photos/2/x.jpg"]
    assert taken_back(root).counts == {"move": 2}
    assert tree(tmp_path) == before


def test_photos_of_a_disk_that_is_read_only_are_not_moved(
    photos: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (a,) = photos("a.jpg")
    before, root, unlink = tree(tmp_path), tmp_path / "sorted", os.unlink
    cross_device(monkeypatch)

    def refusing(path: str, **options: int) -> None:
        if os.fspath(path) == a:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refusing)
    with pytest.raises(OutputError) as error:
        sort(root, {a: "cat"}, move=True)
    assert str(error.value).splitlines() == [
        f"--move: cannot remove '{a}': Read-only file system.",
        "Leave out --move to copy photos.",
    ]
    taken_back(root)
    assert tree(tmp_path) == before


def test_a_full_disk_ends_clearly_and_loses_nothing(
    photos: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = photos("a.jpg", "b.jpg")
    Path(b).write_bytes(b"x" * 50_000)
    before, root = tree(tmp_path), tmp_path / "sorted"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for move in (False, True):
        with monkeypatch.context() as patch:
            cross_device(patch)
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
                with pytest.raises(OutputError, match=r"Cannot write '.*b\.jpg': File too large") as error:
                    sort(root, {a: "cat", b: "cat"}, move=move)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "Nothing half-written stays" in str(error.value)
        assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["a.jpg", "sorted.csv"]
        assert Path(b).stat().st_size == 50_000
        taken_back(root)
        assert tree(tmp_path) == before


KILLED = """
import os, signal, sys
from retrainer.prediction import Prediction
from retrainer.options.sorting import SortOptions
from retrainer.sorting.sorter import Sorter

root, how, name, count, *photos = sys.argv[1:]
link = os.link

def refusing(source, target, **options):
    if ".unfinished-" not in os.fspath(source):
        raise OSError(18, "Invalid cross-device link", source, None, target)
    link(source, target, **options)

if how == "two disks":
    os.link = refusing
real, left = getattr(os, name), [int(count)]

def killing(*arguments, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)

setattr(os, name, killing)
sorter = Sorter(SortOptions(sort_into=root, move=True), ["cat"], photos, rejecting=False, tell=print, planned=print)
with sorter:
    for _ in sorter.sorted((photo, True, Prediction(photo, (("cat", 1.0),), 0.0)) for photo in photos):
        pass
"""


@pytest.mark.parametrize("how", ["one disk", "two disks"])
@pytest.mark.parametrize("name", ["write", "fsync", "link", "unlink"])
def test_a_move_that_was_killed_is_taken_back_or_goes_on(
    how: str, name: str, photos: Callable[..., list[str]], tmp_path: Path
) -> None:
    """It is killed before the call of a function of the system for a photo in the middle."""
    paths = photos(*(f"{number}/x.jpg" for number in range(5)))
    before = tree(tmp_path)
    for root, goes_on in ((tmp_path / "first", False), (tmp_path / "second", True)):
        line = [sys.executable, "-c", KILLED, str(root), how, name, "3", *paths]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert 1 <= len(list((root / "cat").iterdir())) <= 3
        if goes_on:
            sort(root, {path: "cat" for path in paths if os.path.exists(path)}, move=True)
            assert len({path.read_bytes() for path in (root / "cat").iterdir()}) == 5
        assert taken_back(root).left == 0
        assert tree(tmp_path) == before
        assert not root.exists()


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]) | st.sampled_from("\udcff\n\t=,'\";\u202e"),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in (".", "..") and len(os.fsencode(name)) <= 200)
# Files of these names keep folders from being made.
FOLDERS = {"a", "b", "sorted", "sorted.csv", "cat", "Cat", "Cat_2", "cat_2", "_", "unreadable", "unreadable_2"}
FOLDERS |= {"none of these"}
FILES = st.dictionaries(
    st.tuples(st.sampled_from(["", "a", "a/b", "sorted", "sorted/cat"]), NAMES),
    st.tuples(st.sampled_from([b"", b"1", b"2", b"22"]), st.sampled_from([None, "", "cat", "Cat", "..", "unreadable"])),
    max_size=12,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, st.booleans(), st.sampled_from(["move", "link", ""]))
def test_sorting_and_taking_back_is_the_identity(
    files: "dict[tuple[str, str], tuple[bytes, str | None]]", inside: bool, how: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        labels: dict[str | Photo, str | None] = {}
        for (below, name), (content, label) in files.items():
            path = os.path.join(folder, "photos", below, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if not os.path.lexists(path) and name not in FOLDERS:
                Path(path).write_bytes(content)
                labels[path] = label
        before, root = tree(home), home / "photos" / "sorted" if inside else home / "sorted"
        told = list[str]()
        sorter, _ = sort(root, labels, told, **({how: True} if how else {}))
        assert told == []
        assert sorter.counts.total() + sorter.there + sorter.inside.count == len(labels)
        if sorter.counts:
            assert taken_back(root, told).left == 0, told
        assert tree(home) == before
