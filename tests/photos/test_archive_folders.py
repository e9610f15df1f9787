"""An archive as the folder of class folders."""

import gzip
import zipfile
from pathlib import Path

import pytest
from conftest import Configure, Photos, jpeg
from packing import PACKERS, packed_tree, tarred, zipped

from retrainer.errors import DatasetError, OptionError
from retrainer.evaluation import evaluate
from retrainer.events import Event, FilesLeftOut, Noted, silent
from retrainer.photos.packed import files as packed_files
from retrainer.photos.scanning import scan
from retrainer.photos.walk import Walk
from retrainer.preparation import prepare
from retrainer.reporting import Reporter, Stopwatch
from retrainer.retraining import retrain

MEMBERS = {f"{label}/{number}.jpg": b"a" * number for label in ("cat", "dog") for number in range(3)}


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("above", ["", "animals/", "./a/b/"])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_class_folders_lie_in_an_archive_or_in_a_folder_of_it(kind: str, above: str, tmp_path: Path) -> None:
    members = {f"{above}{name}": content for name, content in MEMBERS.items()}
    others = {
        f"{above}README.md": b"",
        f"__MACOSX/{above}cat/._1.jpg": b"",
        ".DS_Store": b"",
        f"{above}dog/.git/a": b"",
    }
    path = written(tmp_path / "a", PACKERS[kind]({**members, **others}))
    files = scan(path, silent)
    assert (files.root, files.classes, files.labels) == (path, ("cat", "dog"), ("cat", "dog"))
    assert files.paths == [f"{path}/{above.removeprefix('./')}{name}" for name in MEMBERS]
    assert files.class_ids.tolist() == [0, 0, 0, 1, 1, 1]
    assert files.stamps[:, 0].tolist() == [0, 1, 2] * 2


def test_what_is_left_out_of_an_archive_is_said(tmp_path: Path) -> None:
    odd = {"../1.jpg": b"", "cat/.2.jpg": b"", "cat/more.zip": b"", "cat/notes.txt": b"", "loose.jpg": b""}
    path = written(tmp_path / "a.zip", zipped({**MEMBERS, **odd}))
    events: list[Event] = []
    assert len(scan(path, events.append).names) == 6
    assert [event.message for event in events if isinstance(event, Noted)] == [
        f"Left out 1 file or folder, '{path}/cat/notes.txt': their names are not those of photos",
        f"Left out 1 file, '{path}/cat/more.zip': archives in an archive are not read",
    ]
    assert [event for event in events if isinstance(event, FilesLeftOut)] == [
        FilesLeftOut(
            f"1 file, '{path}/../1.jpg'", 1, "their names are empty or too long, or lead out of the archive", ()
        ),
        FilesLeftOut(f"1 file or folder, '{path}/cat/.2.jpg'", 1, "hidden by a dot before the name", ()),
        FilesLeftOut(
            f"1 file, '{path}/loose.jpg'",
            1,
            f"in no class folder (if '{path}' is a class itself, give the folder above it)",
            (),
        ),
    ]


def test_a_walk_below_an_archive_is_that_below_a_folder(tmp_path: Path) -> None:
    for name, content in MEMBERS.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(content)
    path = written(tmp_path / "a.tar", tarred(MEMBERS))
    names = [[name for name, _ in Walk(silent).below(folder)] for folder in (path, str(tmp_path / "photos"))]
    assert names[0] == names[1] == sorted(MEMBERS)
    assert [name for name, _ in Walk(silent).below(f"{path}/cat")] == ["0.jpg", "1.jpg", "2.jpg"]
    assert Walk(silent).below(f"{path}/absent") == []


def test_archives_without_class_folders_are_errors_that_say_so(tmp_path: Path) -> None:
    broken = written(tmp_path / "broken.zip", zipped(MEMBERS)[:200])
    one = written(tmp_path / "one.zip", zipped({"cat/1.jpg": b""}))
    empty = written(tmp_path / "empty.zip", zipped({}))
    text = written(tmp_path / "text.zip", b"<html>404")
    for path, problem in (
        (broken, "the ZIP archive is damaged or truncated"),
        (one, "Only one valid folder of images found"),
        (empty, "No valid folders of images found"),
        (text, "the ZIP archive is damaged or truncated"),
        (written(tmp_path / "text.tar.gz", gzip.compress(b"text" * 999)), "or the file is no tar"),
    ):
        with pytest.raises(DatasetError, match=problem):
            scan(path, silent)


def test_a_folder_in_an_archive_is_scanned_as_the_error_suggests(tmp_path: Path) -> None:
    members = {f"data/train/{label}/{number}.jpg": b"" for label in ("cat", "dog") for number in range(2)}
    path = written(tmp_path / "data.zip", zipped({**members, "data/1.jpg": b""}))
    with pytest.raises(DatasetError, match=f"Did you mean '{path}/data/train'?"):
        scan(path, silent)
    assert scan(f"{path}/data/train", silent).paths == [f"{path}/{name}" for name in members]
    assert scan(f"{path}/data/train/", silent).classes == ("cat", "dog")
    for absent in (f"{path}/data/test", f"{path}/data/train/cat/1.jpg"):
        with pytest.raises(OptionError, match="does not exist"):
            scan(absent, silent)


@pytest.mark.parametrize("kind", ["zip", "tar.xz"])
def test_an_archive_trains_and_measures_as_its_folder_does(
    kind: str, photos: Photos, configured: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = photos(count=30)
    path = Path(written(tmp_path / f"photos.{kind}", PACKERS[kind](packed_tree(folder))))
    from_folder = retrain(configured(folder))
    options = configured(path, bottleneck_dir=str(tmp_path / "new"), output_graph=str(tmp_path / "new.pb"))
    from_archive = retrain(options)
    assert from_archive.test is not None
    assert from_archive.test == from_folder.test
    figures = evaluate(str(from_archive.graph), bottleneck_dir=str(tmp_path / "new"))
    assert (figures.part, figures.image_dir, figures.skipped) == ("test", str(path), 0)
    inner = configured(path / "photos", bottleneck_dir=str(tmp_path / "new"), output_graph=str(tmp_path / "inner.pb"))
    assert retrain(inner).test == from_folder.test
    assert evaluate(str(tmp_path / "inner.pb"), bottleneck_dir=str(tmp_path / "new")).part == "test"
    # An unchanged archive is listed, and its photos are not read again.
    monkeypatch.setattr("retrainer.engines.photo_worker.content_of", None)
    prepared = prepare(options, Reporter(), Stopwatch(Reporter()))
    assert prepared.computed == 0
    assert prepared.dataset.paths[0] == f"{path}/photos/green/000.jpg"


def test_a_compressed_tar_is_unpacked_twice_for_a_run(
    configured: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its order is not that of the classes; far from sorted.
    members = {
        f"{label}/{number}.jpg": jpeg((number, 9, 250 * place)) + bytes(70_000)
        for number in range(60)
        for place, label in enumerate(("b", "a"))
    }
    path = Path(written(tmp_path / "a.tar.gz", gzip.compress(tarred(members), 1)))
    monkeypatch.setattr(packed_files, "_BLOCKS", 3)
    rewinds: list[packed_files.Unpacked] = []
    rewind = packed_files.Unpacked._rewind

    def count(unpacked: packed_files.Unpacked) -> None:
        rewinds.append(unpacked)
        rewind(unpacked)

    monkeypatch.setattr(packed_files.Unpacked, "_rewind", count)
    retrain(configured(path))
    assert 2 <= len(rewinds) <= 3


def test_a_large_compressed_archive_says_why_it_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.tar.gz", gzip.compress(tarred(MEMBERS)))
    plain = written(tmp_path / "a.tar", tarred(MEMBERS))
    monkeypatch.setattr("retrainer.photos.archives._LARGE", 100)
    events: list[Event] = []
    scan(path, events.append)
    scan(plain, events.append)
    assert [event.message for event in events if isinstance(event, Noted)] == [
        f"Unpacking '{path}' in memory to list it; a ZIP or a plain tar is listed at once"
    ]


def test_an_encrypted_archive_has_no_photos_and_says_why(tmp_path: Path) -> None:
    content = bytearray(zipped(dict.fromkeys(MEMBERS, b"x"), zipfile.ZIP_STORED))
    at = -1
    while (at := content.find(b"PK\1\2", at + 1)) >= 0:
        content[at + 8] |= 1
    events: list[Event] = []
    with pytest.raises(DatasetError, match="No valid folders of images found"):
        scan(written(tmp_path / "a.zip", bytes(content)), events.append)
    (left_out,) = [event for event in events if isinstance(event, FilesLeftOut)]
    assert (left_out.count, left_out.reason) == (6, "they are encrypted")
