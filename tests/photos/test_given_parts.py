from collections import Counter
from pathlib import Path

import pytest
from pictures import classes_in, files_in

from retrainer.errors import DatasetError
from retrainer.events import Event, FilesFound, FilesLeftOut, Noted, silent
from retrainer.photos.files import PhotoFiles
from retrainer.photos.parts import Part
from retrainer.photos.scanning import scan


def rows_of(files: PhotoFiles) -> list[tuple[str, str, Part]]:
    """The path, the label and the part of each file."""
    assert files.parts is not None
    labels = [files.labels[label_id] for label_id in files.class_ids]
    return list(zip(files.paths, labels, map(Part, files.parts), strict=True))


def noted(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted)]


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("train", "val", "test"), (Part.TRAINING, Part.VALIDATION, Part.TESTING)),
        (("Training", "Validation", "TESTING"), (Part.TRAINING, Part.VALIDATION, Part.TESTING)),
        (("dev", "train"), (Part.VALIDATION, Part.TRAINING)),
        (("train", "testing", "test"), (Part.TRAINING, Part.TESTING, Part.TESTING)),
    ],
)
def test_folders_of_parts_are_parts(here: Path, names: tuple[str, ...], parts: tuple[Part, ...]) -> None:
    for name in names:
        classes_in(here / "data" / name, "daisy", "roses")
    files = scan("data", silent)
    assert (files.classes, files.labels) == (("daisy", "roses"), ("daisy", "roses"))
    wanted = {
        (f"data/{name}/{label}/{number}.jpg", label, part)
        for name, part in zip(names, parts, strict=True)
        for label in ("daisy", "roses")
        for number in range(2)
    }
    assert set(rows_of(files)) == wanted
    assert files.class_ids.tolist() == sorted(files.class_ids.tolist())


def test_a_class_has_one_name_in_any_case_and_may_be_missing_in_a_part(here: Path) -> None:
    classes_in(here / "data" / "train", "Daisy", "roses", "tulips")
    classes_in(here / "data" / "test", "daisy", "ROSES")
    files = scan("data", silent)
    assert (files.classes, files.labels) == (("ROSES", "daisy", "tulips"), ("roses", "daisy", "tulips"))
    assert Counter((label, part) for _, label, part in rows_of(files)) == {
        **{(label, Part.TRAINING): 2 for label in ("daisy", "roses", "tulips")},
        **{(label, Part.TESTING): 2 for label in ("daisy", "roses")},
    }
    classes_in(here / "data" / "test", "tulips!")
    with pytest.raises(DatasetError, match="'tulips' and 'tulips!' would both become the label 'tulips'"):
        scan("data", silent)


def test_the_parts_and_what_is_missing_are_said_in_a_line(here: Path) -> None:
    classes_in(here / "data" / "Test", "daisy", "roses")
    classes_in(here / "data" / "train", "daisy", "roses", "tulips")
    events: list[Event] = []
    scan("data", events.append)
    assert noted(events) == [
        "'data' is split already, into 'train' (6 files), 'Test' (4 files): --split_by folders keeps that; "
        "validation photos are drawn from those of training"
    ]
    assert events[-1] == FilesFound(10, 3)


def test_another_split_ignores_the_parts_and_says_so(here: Path) -> None:
    for part in ("train", "test"):
        classes_in(here / "data" / part, "daisy", "roses")
    events: list[Event] = []
    files = scan("data", events.append, split_by="content")
    assert (files.parts, files.labels, len(files.names)) == (None, ("daisy", "roses"), 8)
    assert noted(events) == ["The parts in 'data' are not kept, because --split_by content is given"]


def test_photos_without_a_class_and_folders_that_are_no_parts_are_left_out(here: Path) -> None:
    classes_in(here / "data" / "train", "daisy", "roses")
    files_in(here / "data", "test/1.jpg", "test/2.jpg")
    events: list[Event] = []
    assert {part for _, _, part in rows_of(scan("data", events.append))} == {Part.TRAINING}
    both = "2 files, 'data/test/1.jpg' and 'data/test/2.jpg'"
    assert [event for event in events if isinstance(event, FilesLeftOut)] == [
        FilesLeftOut(both, 2, "in no class folder", ())
    ]
    classes_in(here / "data" / "test", "daisy", "roses")
    files_in(here / "data", "sample/1.jpg", "loose.jpg")
    events.clear()
    assert len(scan("data", events.append).names) == 8
    reasons = [event.reason for event in events if isinstance(event, FilesLeftOut)]
    assert reasons[:2] == ["beside the parts", "in no class folder"]
    assert reasons[2].startswith("in no class folder")


def test_classes_may_have_the_names_of_parts(here: Path) -> None:
    classes_in(here / "vehicles", "train", "bus")
    classes_in(here / "nested" / "train", "steam", "electric")
    classes_in(here / "nested" / "bus", "steam", "electric")
    for folder in ("vehicles", "nested"):
        files = scan(folder, silent)
        assert (files.parts, files.classes) == (None, ("bus", "train"))


def test_one_part_is_enough_if_parts_are_asked_for(here: Path) -> None:
    classes_in(here / "data" / "train", "daisy", "roses")
    assert {part for _, _, part in rows_of(scan("data", silent, split_by="folders"))} == {Part.TRAINING}
    classes_in(here / "flat", "daisy", "roses")
    with pytest.raises(
        DatasetError, match="expected a folder 'train' with class folders in 'flat', received 'daisy', 'r"
    ):
        scan("flat", silent, split_by="folders")


def test_to_measure_a_model_one_class_and_no_training_part_are_enough(here: Path) -> None:
    for part in ("val", "test"):
        classes_in(here / "data" / part, "daisy", "roses")
    with pytest.raises(DatasetError, match="are parts of a dataset; expected classes"):
        scan("data", silent)
    assert {part for _, _, part in rows_of(scan("data", silent, fewest=1))} == {Part.VALIDATION, Part.TESTING}
