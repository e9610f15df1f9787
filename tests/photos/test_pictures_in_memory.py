"""Pictures with labels in the place of a folder: `retrain((pictures, labels))`."""

import io
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from conftest import COLOURS, Photos
from PIL import Image

from retrainer import Photo, compare, evaluate, retrain
from retrainer.errors import DatasetError, OptionError, RetrainerError

KINDS: dict[str, Callable[[Path], Any]] = {
    "text": str,
    "path": Path,
    "bytes": Path.read_bytes,
    "image": Image.open,
    "array": lambda path: np.array(Image.open(path)),
    "open": lambda path: io.BytesIO(path.read_bytes()),
    "photo": lambda path: Photo("same name", path.read_bytes),
}


@pytest.fixture
def files(photos: Photos) -> list[Path]:
    return sorted(photos(count=20).rglob("*.jpg"))


@pytest.fixture
def options(model_dir: Path) -> dict[str, Any]:
    return {"model_dir": model_dir, "architecture": COLOURS, "folds": 2}


def labels_of(files: list[Path]) -> list[str]:
    return [path.parent.name for path in files]


def of_all_kinds(files: list[Path]) -> Iterator[Any]:
    kinds = list(KINDS.values())
    return (kinds[number % len(kinds)](path) for number, path in enumerate(files))


def test_pictures_of_all_kinds_learn_as_files_do(files: list[Path], options: dict[str, Any]) -> None:
    result = retrain((of_all_kinds(files), labels_of(files)), testing_percentage=20, **options)
    assert (result.photos, result.labels, result.skipped) == (40, ("green", "red"), 0)
    assert (result.accuracy, result.count, result.image_dir) == (1.0, 40, "pictures in memory")
    assert result.fold_photos
    names = {"picture 2", "picture 4", "picture 5", "same name", "same name (picture 13)", str(files[0])}
    assert names < set(result.fold_photos.paths)
    assert len(set(result.fold_photos.paths)) == 40
    assert result.test
    again = evaluate(result.tflite, (of_all_kinds(files), labels_of(files)))
    assert (again.part, again.count, again.image_dir) == ("test", result.test.count, "pictures in memory")


def test_vectors_of_bytes_are_those_of_their_files(files: list[Path], options: dict[str, Any]) -> None:
    of_files = retrain(files[0].parents[1], **options)
    assert of_files.fold_photos
    labels = [path.split(os.sep)[-2] for path in of_files.fold_photos.paths]
    pictures = [Path(path).read_bytes() for path in of_files.fold_photos.paths]
    of_bytes = retrain((pictures, labels), **options)
    assert (of_bytes.computed, of_bytes.accuracy, of_bytes.test) == (0, of_files.accuracy, of_files.test)


def test_pictures_are_cached_by_their_content_and_not_by_their_name(
    files: list[Path], options: dict[str, Any], here: Path
) -> None:
    options["bottleneck_dir"] = "cache"
    contents = [path.read_bytes() for path in files]
    assert retrain((contents, labels_of(files)), **options).computed == 40
    assert retrain((contents[::-1], labels_of(files)[::-1]), **options).computed == 0
    assert not list(here.glob("cache/files/part-*"))
    shutil.copy(files[0], "picture 1")
    assert retrain((["picture 1", *contents[1:]], labels_of(files)), **options).computed == 0
    (names,) = (pyarrow.parquet.read_table(part)["path"].to_pylist() for part in here.glob("cache/files/part-*"))
    assert names == [str(here / "picture 1")]


def test_mistakes_and_problems_name_pictures_by_their_place(files: list[Path], options: dict[str, Any]) -> None:
    contents = [path.read_bytes() for path in files]
    labels = labels_of(files)
    contents[3], labels[30] = b"no picture", "green"
    pictures: list[Any] = [*contents[:39], files[0].with_name("absent.jpg")]
    result = retrain((pictures, labels), **options)
    assert [one.path for one in result.mistakes] == ["picture 30"]
    assert result.to_dict()["folds"]["mistakes"][0]["path"] == "picture 30"
    missed = {one.path: one.problem for one in result.problems if one.kind == "skipped"}
    assert list(missed) == [str(files[0].with_name("absent.jpg")), "picture 3"]
    assert missed[str(files[0].with_name("absent.jpg"))] == f"{os.strerror(2)} (picture 39)"
    assert "data:image/jpeg" in result._repr_html_()
    assert pickle.loads(pickle.dumps(result)).mistakes[0].path == "picture 30"


def test_an_iterator_may_close_a_picture_before_the_next(files: list[Path], options: dict[str, Any]) -> None:
    def pictures() -> Iterator[Any]:
        for path in files:
            with Image.open(path) as picture:
                yield picture

    result = retrain((pictures(), labels_of(files)), **options)
    assert (result.photos, result.skipped, result.accuracy) == (40, 0, 1.0)


class Item:
    """As PyTorch's number, whose `size` is a method."""

    def __init__(self, number: int) -> None:
        self._number = number

    def size(self) -> tuple[()]:
        return ()

    def item(self) -> int:
        return self._number


@pytest.mark.parametrize(
    "labels",
    [
        np.repeat([0, 1], 20),
        list(np.repeat([0, 1], 20)),
        pyarrow.array(["0"] * 20 + ["1"] * 20).to_pylist(),
        [0.0] * 20 + [1.0] * 20,
        ("0",) * 20 + ("1",) * 20,
        iter([0] * 20 + [1] * 20),
        [Item(0)] * 20 + [Item(1)] * 20,
    ],
)
def test_labels_are_texts_or_numbers_of_any_sequence(labels: Any, files: list[Path], options: dict[str, Any]) -> None:
    assert retrain((files, labels), **options).labels == ("0", "1")


@pytest.mark.parametrize(
    ("pictures", "labels", "message"),
    [
        ([], [], "pictures: expected at least one, received none."),
        (["a.jpg"], ["a", "b"], "labels: expected 1, one for each picture, received 2."),
        (["a.jpg", "b.jpg"], "ab", "labels: expected one for each picture, received 'ab'."),
        (["a.jpg", "b.jpg"], None, "labels: expected one for each picture, received None."),
        (["a.jpg", "b.jpg"], ["a", None], "labels: expected a text or a number for picture 1, received None."),
        (["a.jpg", "b.jpg"], [np.nan, "a"], "labels: expected a text or a number for picture 0, received nan."),
        (["a.jpg", "b.jpg"], ["a", " "], "labels: expected a text or a number for picture 1, received ' '."),
        (["a.jpg", "b.jpg"], np.eye(2), "labels: expected a text or a number for picture 0, received array([1., 0.])."),
        (["a.jpg", "b.jpg"], [["a"], "b"], "labels: expected a text or a number for picture 0, received ['a']."),
        ("photos", ["a"], "pictures: expected several, such as a list of paths, received 'photos'."),
        (b"bytes", ["a"], "pictures: expected several, such as a list of paths, received bytes."),
        ([b"1", b"2"], ["a", "a"], "'pictures in memory': expected at least 2 classes among the labels, received only"),
        (["a.jpg", "a.jpg"], ["a", "b"], "'pictures in memory', picture 1: 'a.jpg' is listed in picture 0, too, with"),
    ],
)
def test_wrong_pictures_and_labels_are_one_line(
    pictures: Any, labels: Any, message: str, options: dict[str, Any], here: Path, files: list[Path]
) -> None:
    shutil.copy(files[0], "a.jpg")
    shutil.copy(files[-1], "b.jpg")
    for call in (retrain, lambda photos, **options: compare([COLOURS], photos, **options)):
        with pytest.raises((OptionError, DatasetError)) as error:
            call((pictures, labels), **options)
        assert error.value.problem.startswith(message)
        assert error.value.path is None


def test_a_tuple_of_something_else_is_one_line(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"^expected \(pictures, labels\), received a tuple of 3\.\nGive a list"):
        retrain(([], [], []), **options)  # type: ignore[arg-type]


def test_a_model_of_pictures_asks_for_photos(files: list[Path], options: dict[str, Any]) -> None:
    result = retrain(([path.read_bytes() for path in files], labels_of(files)), **options)
    message = r"^'.*' learnt from pictures in memory; expected photos to measure it on, received none\.\nGive"
    with pytest.raises(RetrainerError, match=message) as error:
        evaluate(result.graph)
    assert error.value.path == result.graph


def test_backbones_are_compared_on_open_files(files: list[Path], options: dict[str, Any]) -> None:
    opened = [io.BytesIO(path.read_bytes()) for path in files]
    del options["architecture"]
    compared = compare([COLOURS, "pocket"], (opened, labels_of(files)), **options)
    assert [len(one.measured.paths) for one in compared.backbones if one.measured] == [40, 40]
    assert {one.accuracy for one in compared.backbones} == {1.0}
