import os
from pathlib import Path

import numpy as np
import pytest
from conftest import Photos

from retrainer.errors import DatasetError, OptionError
from retrainer.events import Event, FolderScanned, PhotoSkipped, Warned, silent
from retrainer.photos.dataset import dataset_of
from retrainer.photos.scanning import scan


def warnings_of(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned)]


def test_classes_are_sorted_folders_and_files_keep_their_order(photos: Photos) -> None:
    root = photos({"b": (1, 1, 1), "a": (2, 2, 2), "C": (3, 3, 3)}, count=2)
    (root / "loose.jpg").write_bytes(b"not in a class")
    (root / ".hidden").mkdir()
    (root / "a" / ".DS_Store").write_bytes(b"")
    (root / "a" / "Thumbs.db").write_bytes(b"")
    events: list[Event] = []
    files = scan(str(root), events.append)
    assert files.classes == ("C", "a", "b")
    assert files.names == [f"{folder}/{number:03d}.jpg" for folder in "Cab" for number in range(2)]
    assert files.class_ids.tolist() == [0, 0, 1, 1, 2, 2]
    assert files.paths[2] == f"{root}/a/000.jpg"
    assert files.stamps[0, 0] == (root / "C" / "000.jpg").stat().st_size
    assert next(e for e in events if isinstance(e, FolderScanned)) == FolderScanned(f"{root}/C", 2)


def test_paths_are_spelt_as_typed(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos(count=1).parent)
    assert scan("photos", silent).paths == ["photos/green/000.jpg", "photos/red/000.jpg"]
    assert scan("./photos/", silent).paths == ["./photos/green/000.jpg", "./photos/red/000.jpg"]


def test_an_empty_class_is_skipped_with_a_warning(photos: Photos) -> None:
    root = photos()
    (root / "empty").mkdir()
    events: list[Event] = []
    assert scan(str(root), events.append).classes == ("green", "red")
    assert warnings_of(events) == ["No files found in 'empty': the folder is skipped."]


def test_links_that_lead_in_a_circle_are_reported(photos: Photos) -> None:
    root = photos(count=2)
    (root / "red" / "loop.jpg").symlink_to("loop.jpg")
    (root / "loop").symlink_to("loop")
    (root / "up").symlink_to(root)
    events: list[Event] = []
    files = scan(str(root), events.append)
    assert files.classes == ("green", "red")
    skipped = [e for e in events if isinstance(e, PhotoSkipped)]
    assert [e.path for e in skipped] == [f"{root}/loop", f"{root}/red/loop.jpg"]
    assert all("symbolic links" in e.reason for e in skipped)
    assert warnings_of(events) == ["No files found in 'up': the folder is skipped."]


def test_a_pipe_is_no_photo(photos: Photos) -> None:
    root = photos(count=2)
    os.mkfifo(root / "red" / "pipe.jpg")
    events: list[Event] = []
    assert len(scan(str(root), events.append).names) == 4
    assert [e.reason for e in events if isinstance(e, PhotoSkipped)] == [
        "expected a file, received a pipe, socket or device"
    ]


def test_no_class_and_one_class_are_the_errors_of_2017(photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=f"^No valid folders of images found at {tmp_path}/empty\n"):
        scan(str(tmp_path / "empty"), silent)
    root = photos({"red": (200, 0, 0)})
    with pytest.raises(
        DatasetError,
        match=f"^Only one valid folder of images found at {root} - multiple classes are needed for classification.\n",
    ):
        scan(str(root), silent)
    with pytest.raises(DatasetError, match="received 12 files and no sub-folder with photos"):
        scan(str(root / "red"), silent)


def test_two_folders_of_one_label_are_an_error_before_any_photo_is_read(photos: Photos) -> None:
    with pytest.raises(DatasetError, match="'C#' and 'c\\+' would both become the label 'c'"):
        scan(str(photos({"C#": (0, 0, 0), "c+": (9, 9, 9)})), silent)


@pytest.mark.parametrize(("path", "reason"), [("", "--image_dir is missing"), ("photo", "does not exist")])
def test_a_wrong_path_is_an_error(path: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(OptionError, match=reason):
        scan(path and str(tmp_path / path), silent)


def test_small_classes_are_warned_of_in_the_words_of_2017(photos: Photos) -> None:
    files = scan(str(photos(count=19)), silent)
    events: list[Event] = []
    digests = np.zeros((38, 32), np.uint8)
    dataset_of(files, np.ones(38, np.bool_), digests, events.append)
    assert warnings_of(events) == [
        "Folder has less than 20 images, which may cause issues. 'green' has 19.",
        "Folder has less than 20 images, which may cause issues. 'red' has 19.",
    ]


def test_a_class_without_a_readable_photo_falls_away(photos: Photos) -> None:
    root = photos({"a": (0, 0, 0), "b": (1, 1, 1), "c": (2, 2, 2)}, count=25)
    files = scan(str(root), silent)
    readable = files.class_ids != 1
    readable[0] = False
    events: list[Event] = []
    dataset = dataset_of(files, readable, np.zeros((75, 32), np.uint8), events.append)
    assert dataset.labels == ("a", "c")
    assert dataset.counts.tolist() == [24, 25]
    assert dataset.paths[0] == f"{root}/a/001.jpg"
    assert set(dataset.label_ids[24:].tolist()) == {1}
    assert warnings_of(events) == ["No readable photos in 'b': the folder is skipped."]
    with pytest.raises(DatasetError, match="Only one valid folder"):
        dataset_of(files, files.class_ids == 1, np.zeros((75, 32), np.uint8), silent)
