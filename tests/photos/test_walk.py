import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrainer.events import Detailed, Event, FilesLeftOut, FolderSkipped, Missed, Noted, Observer, PhotoSkipped, silent
from retrainer.photos.file_names import is_no_photo
from retrainer.photos.inputs.kinds import inputs_of
from retrainer.photos.inputs.source import Request
from retrainer.photos.walk import Walk, folders_above

SCANDIR = os.scandir


def files_in(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode("utf-8", "surrogateescape"))


def walked(folder: Path, events: list[Event] | None = None) -> list[str]:
    walk = Walk(silent if events is None else events.append, folders_above(str(folder)))
    names = [name for name, _ in walk.below(str(folder))]
    walk.report()
    return names


def test_files_are_found_at_any_depth_and_sorted_by_their_paths(tmp_path: Path) -> None:
    odd = os.fsdecode(b"o\xffdd\n.jpg")
    files_in(tmp_path, "b.jpg", "a/z.jpg", "a/b/c/deep.jpg", "a.jpg", "no extension", f"a/{odd}")
    assert walked(tmp_path) == sorted(["a.jpg", "a/b/c/deep.jpg", f"a/{odd}", "a/z.jpg", "b.jpg", "no extension"])


def test_links_are_followed_and_each_file_is_taken_once(tmp_path: Path) -> None:
    inside, outside = tmp_path / "photos", tmp_path / "store"
    files_in(inside, "real/1.jpg", "2.jpg")
    files_in(outside, "3.jpg", "deeper/4.jpg", "5.jpg")
    (inside / "again").symlink_to("real")
    (inside / "linked").symlink_to(outside)
    (inside / "within").symlink_to(outside / "deeper")
    (outside / "back").symlink_to(inside)
    (inside / "loop").symlink_to(".")
    (inside / "a link.jpg").symlink_to("2.jpg")
    (inside / "of the store.jpg").symlink_to(outside / "5.jpg")
    (inside / "to another.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    files_in(tmp_path, "elsewhere.jpg")
    events: list[Event] = []
    files = ["2.jpg", "linked/3.jpg", "linked/5.jpg", "linked/deeper/4.jpg", "real/1.jpg", "to another.jpg"]
    assert walked(inside, events) == files
    assert events == []


def test_a_link_to_a_folder_above_is_not_entered(tmp_path: Path) -> None:
    files_in(tmp_path, "elsewhere.jpg", "photos/1.jpg")
    (tmp_path / "photos" / "all").symlink_to("..")
    events: list[Event] = []
    assert walked(tmp_path / "photos", events) == ["1.jpg"]
    assert events == [FilesLeftOut(f"1 folder, '{tmp_path}/photos/all'", 1, "linked in a circle", ())]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "a.jpg:Zone.Identifier",
            "a.jpg\uf03aZone.Identifier",
            "a.XML",
            "a.json",
            "a.txt",
            "Thumbs.db",
            "ehthumbs.db",
            "desktop.ini",
            "Icon\r",
        ),
        *("._a.jpg", ".DS_Store", "LICENSE", "retrained_graph.pb", ".unfinished-a", "events.out.tfevents.1.host.v2"),
    ],
)
def test_files_that_others_leave_beside_photos_are_known_by_their_names(name: str) -> None:
    assert is_no_photo(name)


@pytest.mark.parametrize(
    "name", ["a.jpg", "txt", "a.txt.jpg", "Thumbs.db.png", "archive.zip", "film.mp4", "a.psd", "Icon"]
)
def test_what_could_be_a_photo_is_read(name: str) -> None:
    assert not is_no_photo(name)


def test_sidecars_are_one_line_and_hidden_files_another(tmp_path: Path) -> None:
    files_in(tmp_path, "a.jpg", *(f"{n}.xml" for n in range(1200)), "sub/Icon\r", "__MACOSX/._a.jpg")
    files_in(tmp_path, ".hidden.jpg", ".old/b.jpg", "notes.txt/c.jpg")
    events: list[Event] = []
    assert walked(tmp_path, events) == ["a.jpg", "notes.txt/c.jpg"]
    assert events == [
        Detailed(
            f"Left out 1,202 files or folders, such as '{tmp_path}/0.xml' and '{tmp_path}/1.xml': "
            "their names are not those of photos"
        ),
        FilesLeftOut(
            f"2 files or folders, '{tmp_path}/.hidden.jpg' and '{tmp_path}/.old'",
            2,
            "hidden by a dot before the name",
            (),
        ),
    ]


def test_what_is_no_file_is_skipped_with_the_reason(tmp_path: Path) -> None:
    files_in(tmp_path, "a.jpg")
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    (tmp_path / ".loop").symlink_to(".loop")
    os.mkfifo(tmp_path / "pipe.jpg")
    events: list[Event] = []
    assert walked(tmp_path, events) == ["a.jpg"]
    assert [(Path(e.path).name, e.reason) for e in events if isinstance(e, PhotoSkipped)] == [
        (".loop", "Too many levels of symbolic links"),
        ("gone.jpg", "No such file or directory"),
        ("pipe.jpg", "expected a file, received a pipe, socket or device"),
    ]


class Torn:
    """A folder whose listing fails after its first entry."""

    def __init__(self, path: str) -> None:
        with SCANDIR(path) as entries:
            self._first = next(entries)

    def __enter__(self) -> "Iterator[os.DirEntry[str]]":
        yield self._first
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def __exit__(self, *reason: object) -> None:
        pass


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders named `locked` cannot be listed, those named `torn` only in part; root, who runs tests, may read all."""

    def scan(path: str) -> object:
        name = os.path.basename(path)
        if name == "locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return Torn(path) if name == "torn" else SCANDIR(path)

    monkeypatch.setattr(os, "scandir", scan)


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path, broken: None) -> None:
    files_in(tmp_path, "a.jpg", "in/locked/b.jpg", "torn/c.jpg", "torn/d.jpg")
    events: list[Event] = []
    assert len(walked(tmp_path, events)) == 2
    assert events == [
        FolderSkipped(f"{tmp_path}/torn", "the folder can be listed only in part: Input/output error"),
        FolderSkipped(f"{tmp_path}/in/locked", "the folder cannot be listed: Permission denied"),
    ]
    assert all(isinstance(event, Missed) for event in events)


def test_label_finds_in_folders_what_retrain_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files_in(tmp_path, "photos/a/1.jpg", "photos/2.jpg", "photos/2.xml", "store/3.jpg", "alone.jpg")
    (tmp_path / "photos" / "linked").symlink_to("../store")
    (tmp_path / "photos" / "a" / "loop").symlink_to("..")
    found = ["photos/2.jpg", "photos/a/1.jpg", "photos/linked/3.jpg"]

    def labelled(*values: str, observer: Observer = silent) -> list[object]:
        return list(inputs_of(values, Request(observer)))

    assert labelled("photos", "alone.jpg") == [*((path, False) for path in found), ("alone.jpg", True)]
    assert labelled("photos/**/*.jpg") == [(path, False) for path in found]
    events: list[Event] = []
    assert labelled("photos/**/*", observer=events.append) == [(path, False) for path in found]
    (noted,) = events
    assert isinstance(noted, Noted)
    assert "'photos/2.xml'" in noted.message
