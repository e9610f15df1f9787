import os
from pathlib import Path

import pytest
from packing import zipped
from pictures import classes_in, files_in

from retrainer.errors import DatasetError, OptionError, RetrainerError
from retrainer.events import Event, FilesLeftOut, Noted, Warned, silent
from retrainer.photos.layouts import where_photos_belong
from retrainer.photos.scanning import scan

FLOWERS = ("daisy", "roses", "tulips")


def fix_for(image_dir: str) -> str:
    with pytest.raises(RetrainerError) as error:
        scan(image_dir, silent)
    return error.value.fix


def test_the_parent_of_the_class_folders_is_named_whatever_lies_beside_it(here: Path) -> None:
    classes_in(here / "tf_files" / "flower_photos", *FLOWERS)
    files_in(here / "tf_files", "bottlenecks/a/part-1.parquet", "bottlenecks/b/part-1.parquet", "models/x/backbone.pb")
    hint = "Did you mean 'tf_files/flower_photos'? Photos lie in its sub-folders 'daisy', 'roses', 'tulips'."
    assert fix_for("tf_files") == hint
    classes_in(here / "one" / "two" / "photos", *FLOWERS)
    assert "'one/two/photos'" in fix_for("one")
    assert "'one/two/photos'" in fix_for("one/two")


def test_of_folders_with_folders_below_their_classes_the_upper_one_is_named(here: Path) -> None:
    for kind in FLOWERS:
        classes_in(here / "data" / "photos" / kind, "site_a", "site_b", "site_c")
    hint = "Did you mean 'data/photos'? Photos lie in its sub-folders 'daisy', 'roses', 'tulips'."
    assert fix_for("data") == hint


def test_a_class_folder_leads_to_the_folder_above(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes_in(here / "photos", *FLOWERS)
    expected = "Expected a sub-folder of photos for each class, received 2 photos."
    hint = expected + " If they are one class, give the folder above: '{}'."
    assert fix_for("photos/roses") == hint.format("photos")
    monkeypatch.chdir(here / "photos")
    assert fix_for("roses") == hint.format(".")
    monkeypatch.chdir(here / "photos" / "roses")
    assert fix_for(".") == hint.format("..")


def test_photos_without_class_folders_are_counted(here: Path) -> None:
    files_in(here / "flat", "1.jpg", "2.jpg")
    assert fix_for("flat").endswith("received 2 files and no sub-folder with photos.")


def test_an_archive_in_a_folder_is_named(here: Path) -> None:
    files_in(here / "data", "flowers.rar", "README.md")
    assert fix_for("data") == "Unpack 'data/flowers.rar' and give the unpacked folder."
    with pytest.raises(OptionError, match=r"expected a folder, a ZIP or a tar archive, .* 'data/flowers\.rar'"):
        scan("data/flowers.rar", silent)
    (here / "data" / "flowers.rar").rename(here / "data" / "README.md")
    (here / "data" / "1 flowers.zip").write_bytes(zipped({}))
    assert fix_for("data") == "Give the archive: --image_dir 'data/1 flowers.zip'"
    files_in(here / "data", "2 flowers.zip")
    each = "'data/1 flowers.zip', 'data/2 flowers.zip'"
    assert fix_for("data") == f"If each archive is a class, unpack each of {each} into a folder of its own."


def test_parts_of_other_names_are_no_classes(here: Path) -> None:
    for part in ("seg_test/seg_test", "seg_train/seg_train"):
        classes_in(here / "data" / part, *FLOWERS)
    classes_in(here / "data", "extra")
    with pytest.raises(DatasetError, match=r"are parts of a dataset; expected classes\.") as error:
        scan("data", silent, fewest=1)
    fix = "Give one of them: --image_dir data/seg_train/seg_train to train on it, "
    assert error.value.fix == f"{fix}--image_dir data/seg_test/seg_test to evaluate on it."
    assert scan("data/seg_train/seg_train", silent).classes == FLOWERS


def test_a_training_part_is_named_alone_and_parts_below_another_folder_together(here: Path) -> None:
    classes_in(here / "single" / "train", *FLOWERS)
    assert "'single/train'" in fix_for("single")
    for part in ("val", "train"):
        classes_in(here / "data" / "images" / part, *FLOWERS)
    assert fix_for("data") == "Did you mean 'data/images'? Photos lie in its sub-folders 'train', 'val'."


def test_parts_without_classes(here: Path) -> None:
    files_in(here / "flat", "train/1.jpg", "test/1.jpg")
    assert fix_for("flat") == "Sort the photos into class folders, such as 'flat/train/daisy'."


def test_photos_of_parts_without_classes_lead_nowhere(here: Path) -> None:
    files_in(here / "data", "images/train/1.jpg", "images/val/2.jpg")
    assert fix_for("data") == "Expected two or more sub-folders with photos, received only 'images'."


def test_a_path_to_type_is_quoted(here: Path) -> None:
    for part in ("seg_train", "seg_test"):
        classes_in(here / "it's data" / part, *FLOWERS)
    assert """--image_dir 'it'"'"'s data/seg_train' to train""" in fix_for("it's data")


def test_a_train_may_be_a_class(here: Path) -> None:
    classes_in(here / "vehicles", "train", "bus")
    classes_in(here / "trains", "steam_train", "training_ship")
    classes_in(here / "nested" / "train", "steam", "electric")
    classes_in(here / "nested" / "bus", "steam", "electric")
    for folder in ("vehicles", "trains", "nested"):
        assert len(scan(folder, silent).classes) == 2


def test_files_below_class_folders_are_said_to_be_read(here: Path) -> None:
    classes_in(here / "photos", *FLOWERS)
    classes_in(here / "photos" / "daisy", "site_a", "site_b/more")
    events: list[Event] = []
    files = scan("photos", events.append)
    assert files.classes == FLOWERS
    assert files.names[:4] == [f"daisy/{name}" for name in ("0.jpg", "1.jpg", "site_a/0.jpg", "site_a/1.jpg")]
    assert (files.paths[4], files.class_ids.tolist()) == (
        "photos/daisy/site_b/more/0.jpg",
        [0] * 6 + [1] * 2 + [2] * 2,
    )
    assert [event.message for event in events if isinstance(event, Noted)] == [
        "4 of 10 files are read from 2 folders, 'photos/daisy/site_a' and 'photos/daisy/site_b/more', "
        "below the class folders"
    ]


def test_if_all_files_lie_deeper_other_folders_may_be_the_classes(here: Path) -> None:
    classes_in(here / "tf_files" / "flower_photos", *FLOWERS)
    classes_in(here / "tf_files" / "elephant_photos", "african", "asian")
    events: list[Event] = []
    assert scan("tf_files", events.append).classes == ("elephant_photos", "flower_photos")
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "All files of the classes 'elephant_photos', 'flower_photos' lie deeper, in 5 folders, such as "
        "'tf_files/elephant_photos/african' and 'tf_files/elephant_photos/asian'. "
        "If these folders are the classes, give --image_dir tf_files/flower_photos"
    ]


def test_photos_beside_the_class_folders_are_left_out_and_named(here: Path) -> None:
    classes_in(here / "photos", *FLOWERS)
    files_in(here / "photos", "LICENSE.txt", "loose.jpg", "odd\nname.jpg")
    events: list[Event] = []
    assert len(scan("photos", events.append).names) == 6
    assert [event for event in events if isinstance(event, FilesLeftOut)] == [
        FilesLeftOut(
            "2 files, 'photos/loose.jpg' and 'photos/odd\\nname.jpg'",
            2,
            "in no class folder (if 'photos' is a class itself, give the folder above it)",
            (),
        )
    ]


def test_an_archive_beside_its_class_folders_is_no_photo(here: Path) -> None:
    classes_in(here / "photos", *FLOWERS)
    files_in(here / "photos", "photos.zip", "notes")
    events: list[Event] = []
    scan("photos", events.append)
    assert (
        Noted("Left out 1 file, 'photos/photos.zip': archives are read only if they are given as --image_dir") in events
    )
    assert FilesLeftOut("1 file, 'photos/notes'", 1, "in no class folder", ()) in events


def test_a_class_folder_with_folders_below_leads_above(here: Path) -> None:
    classes_in(here / "photos" / "daisy", "site_a", "site_b")
    files_in(here / "photos", "daisy/1.jpg")
    events: list[Event] = []
    assert scan("photos/daisy", events.append).classes == ("site_a", "site_b")
    (left_out,) = [event for event in events if isinstance(event, FilesLeftOut)]
    assert left_out.reason == "in no class folder (if 'photos/daisy' is a class itself, give the folder above it)"


def test_a_hint_does_not_read_a_whole_disk(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        files_in(here / "wide", f"{number}/a/b/c/notes.txt")
    listed: list[str] = []
    scandir = os.scandir

    def count(path: str) -> object:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", count)
    assert where_photos_belong("wide", ()).startswith("Expected one sub-folder of photos per class")
    assert max(path.count("/") for path in listed) == 4
    assert len(set(listed)) <= 1 + 4 * 200


def test_one_class_folder_is_no_reason_to_look_above(here: Path) -> None:
    classes_in(here / "project" / "photos", "roses")
    files_in(here / "project", "docs/1.png", "icons/2.png")
    assert fix_for("project/photos") == "Expected two or more sub-folders with photos, received only 'roses'."
