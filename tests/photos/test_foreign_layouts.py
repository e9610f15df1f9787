"""Folders that are laid out for other tools, and what is said about them."""

from pathlib import Path

import pytest
from packing import tarred, zipped

from retrainer.errors import DatasetError, OptionError
from retrainer.events import Event, FilesLeftOut, Noted, silent
from retrainer.photos.parts import DRAWN, Part
from retrainer.photos.scanning import scan


def files_in(folder: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def fix_for(image_dir: str) -> str:
    with pytest.raises(DatasetError) as error:
        scan(image_dir, silent)
    return error.value.fix


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("YOLO", ["images/train/1.jpg", "images/val/2.jpg", "labels/train/1.txt", "labels/val/2.txt", "data.yaml"]),
        ("YOLO", ["train/images/1.jpg", "train/labels/1.txt", "valid/images/2.jpg", "valid/labels/2.txt"]),
        ("COCO", ["annotations/instances_train2017.json", "train2017/1.jpg"]),
        ("COCO", ["train/_annotations.coco.json", "train/1.jpg", "valid/_annotations.coco.json", "valid/2.jpg"]),
        ("Pascal VOC", ["Annotations/1.xml", "JPEGImages/1.jpg", "ImageSets/Main/train.txt"]),
        ("Pascal VOC", ["1.jpg", "1.xml", "2.jpg", "2.xml"]),
    ],
)
def test_layouts_of_object_detection_are_named(kind: str, names: list[str], here: Path) -> None:
    files_in(here / "photos", *names)
    expected = f"This is a data set for object detection ({kind}), whose labels say where things are in photos. "
    assert fix_for("photos") == expected + "Cut them out into one folder per class, such as photos/daisy."
    (here / "photos.zip").write_bytes(zipped(dict.fromkeys(names, b"x")))
    assert fix_for("photos.zip") == fix_for("photos")


def test_boxes_beside_photos_are_those_of_yolo_and_other_texts_are_not(here: Path) -> None:
    files_in(here / "boxes", "1.jpg", "2.jpg")
    files_in(here / "boxes", "1.txt", "2.txt", content=b"0 0.5 0.5 0.1 0.25\n3 0.1 0.2 0.3 1e-3\n")
    files_in(here / "captions", "1.jpg", "2.jpg", "1.txt", "2.txt", content=b"a cat on a mat")
    assert "(YOLO)" in fix_for("boxes")
    assert "YOLO" not in fix_for("captions")
    (here / "boxes.tar").write_bytes(tarred({"a/1.jpg": b"", "a/1.txt": b"0 0.5 0.5 0.1 0.25"}))
    assert "(YOLO)" in fix_for("boxes.tar")


def test_photos_and_their_masks_are_no_classes(here: Path) -> None:
    files_in(here / "photos", "Images/1.jpg", "masks/1.png")
    with pytest.raises(DatasetError, match="'Images' and 'masks' in 'photos' are photos and their masks; expected"):
        scan("photos", silent)
    files_in(here / "photos", "hats/1.jpg")
    assert scan("photos", silent).labels == ("images", "hats", "masks")


FOUND = "Expected one sub-folder of photos per class, found photos "


def test_names_that_tell_the_class_are_said_with_the_pattern(here: Path) -> None:
    names = [f"{label}.{number}.jpg" for label in ("cat", "dog") for number in range(20)]
    files_in(here / "flat", *names)
    files_in(here / "kaggle", *(f"train/{name}" for name in names), "test1/1.jpg", "sample_submission.csv")
    hint = r"If the names tell the class, give --label_from '([^/]+?)\.\d+\.' for the classes 'cat' (20), 'dog' (20)."
    assert fix_for("flat") == f"{FOUND}directly in it. {hint}"
    (here / "flat.zip").write_bytes(zipped(dict.fromkeys(names, b"")))
    assert fix_for("flat.zip") == f"{FOUND}directly in it. {hint}"
    assert fix_for("kaggle/train") == f"{FOUND}directly in it. {hint}"
    assert fix_for("kaggle") == f"{FOUND}directly in 'train', 'test1'. {hint}"


@pytest.mark.parametrize(
    ("folders", "parts"), [("train test1", True), ("train2017 val2017", True), ("test1 test2", False)]
)
def test_numbered_parts_are_no_classes_if_one_trains(folders: str, parts: bool, here: Path) -> None:
    files_in(here / "photos", *(f"{folder}/{number}.jpg" for folder in folders.split() for number in range(3)))
    if parts:
        assert "Sort the photos into class folders" in fix_for("photos")
    else:
        assert scan("photos", silent).labels == ("test1", "test2")


def test_the_suggested_pattern_can_be_given(here: Path) -> None:
    names = [f"{label}.{number}.jpg" for label in ("Cat", "dog", "cat") for number in range(2)]
    files_in(here / "photos", *names, "notes.jpg", "more/sea lion.7.png", "2.jpg")
    events: list[Event] = []
    files = scan("photos", events.append, label_from=r"([^/]+?)\.\d+\.")
    assert (files.classes, files.labels) == (("Cat", "dog", "sea lion"), ("cat", "dog", "sea lion"))
    assert files.paths == [
        *("photos/Cat.0.jpg", "photos/Cat.1.jpg", "photos/cat.0.jpg", "photos/cat.1.jpg"),
        *("photos/dog.0.jpg", "photos/dog.1.jpg", "photos/more/sea lion.7.png"),
    ]
    assert files.class_ids.tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert [event for event in events if isinstance(event, FilesLeftOut)] == [
        FilesLeftOut(
            "2 files, 'photos/2.jpg' and 'photos/notes.jpg'",
            2,
            "the pattern of --label_from finds no class in their names",
            (),
        )
    ]
    (here / "photos.zip").write_bytes(zipped(dict.fromkeys(names, b"")))
    packed = scan("photos.zip", silent, label_from=r"(?P<label>[a-z]+)\.\d")
    assert (packed.classes, packed.paths[0]) == (("at", "cat", "dog"), "photos.zip/Cat.0.jpg")


def test_parts_of_named_photos_are_kept(here: Path) -> None:
    names = [f"{part}/{label}_{number}.jpg" for part in ("train", "Valid") for label in "ab" for number in range(2)]
    files_in(here / "photos", *names, "a_9.jpg", "test/1.jpg")
    pattern = r"([^/]+)_\d+\."
    events: list[Event] = []
    files = scan("photos", events.append, label_from=pattern)
    assert files.parts is not None
    assert [event.message for event in events if isinstance(event, Noted)] == [
        "'photos' is split already, into training (4 files), validation (4 files), of 9: --split_by folders keeps "
        "that; the others are drawn; testing photos are drawn from those of training"
    ]
    assert [(name, part) for name, part in zip(files.names, files.parts.tolist(), strict=True)][:5] == [
        ("Valid/a_0.jpg", Part.VALIDATION),
        ("Valid/a_1.jpg", Part.VALIDATION),
        ("a_9.jpg", DRAWN),
        ("train/a_0.jpg", Part.TRAINING),
        ("train/a_1.jpg", Part.TRAINING),
    ]
    assert scan("photos", silent, label_from=pattern, split_by="content").parts is None
    assert scan("photos/train", silent, label_from=pattern).parts is None
    with pytest.raises(DatasetError, match="--split_by folders: expected folders 'train' and 'val'"):
        scan("photos/train", silent, label_from=pattern, split_by="folders")


def test_a_pattern_that_finds_too_few_classes_is_an_error_with_a_better_one(here: Path) -> None:
    files_in(here / "photos", *(f"{label}-{number}.jpg" for label in ("cat", "dog") for number in range(5)))
    (here / "empty").mkdir()
    for pattern, problem in (
        (r"(.+)_\d", r"--label_from '\(\.\+\)_\\d' finds no class in any of 10 names, such as 'cat-0\.jpg'\."),
        (r"(cat)", r"finds only one class in the names, 'cat'; expected at least 2\."),
    ):
        with pytest.raises(DatasetError, match=problem) as error:
            scan("photos", silent, label_from=pattern)
        assert "give --label_from '([^/]+?)-\\d+\\.'" in error.value.fix
    assert scan("photos", silent, 1, label_from="(cat)").classes == ("cat",)
    with pytest.raises(DatasetError, match="No photos found at empty"):
        scan("empty", silent, label_from="(cat)")
    with pytest.raises(OptionError, match="--label_from: expected a regular expression"):
        scan("photos", silent, label_from="(cat")


def test_a_table_beside_the_photos_is_suggested(here: Path) -> None:
    files_in(here / "inside", *(f"{number}.jpg" for number in range(9)), "my labels.csv")
    hint = "If a table says the classes, in columns path and label, give it: --image_dir "
    assert fix_for("inside") == f"{FOUND}directly in it. {hint}'inside/my labels.csv'"
    files_in(here / "beside", "train/1.jpg", "other.csv", "train.csv")
    assert fix_for("beside/train") == f"{FOUND}directly in it. {hint}beside/train.csv"
    assert fix_for("beside") == f"{FOUND}directly in 'train'. {hint}beside/other.csv"


def test_photos_that_nothing_tells_about_are_counted_and_no_photos_are_said(here: Path) -> None:
    files_in(here / "flat", "1.jpg", "2.jpg")
    assert fix_for("flat").endswith("received 2 files and no sub-folder with photos.")
    files_in(here / "films", "a.mp4", "b.mp4")
    assert fix_for("films").endswith("received 2 files and no sub-folder with photos.")
    (here / "empty").mkdir()
    expected = "Expected one sub-folder of photos per class, such as photos/daisy and photos/roses."
    assert fix_for("empty") == f"{expected} To try without photos: retrainer sample empty"
    files_in(here / "one", "cat/a.jpg", "cat/b.jpg")
    assert fix_for("one") == "Expected two or more sub-folders with photos, received only 'cat'."


def test_a_table_in_an_archive_is_not_suggested_as_it_cannot_be_read_there(here: Path) -> None:
    members = {f"images/{number}.jpg": b"" for number in range(9)}
    (here / "photos.zip").write_bytes(zipped({**members, "labels.csv": b"path,label"}))
    fix = fix_for("photos.zip")
    assert fix.endswith("If a table in the archive says the classes, unpack the archive and give the table.")


def test_names_that_become_one_class_are_said(here: Path) -> None:
    files_in(here / "photos", "c#.1.jpg", "c++.2.jpg", "Java.3.jpg", "java.4.jpg")
    events: list[Event] = []
    assert scan("photos", events.append, label_from=r"([^/]+?)\.\d+\.").labels == ("c", "java")
    assert [event.message for event in events if isinstance(event, Noted)] == [
        "Names that differ only in signs are one class, such as 'c#' and 'c++': 'c'"
    ]
