"""The layouts of other tools are read as they are, from folders and from archives."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from packing import PACKERS, packed_tree

from retrainer.events import silent
from retrainer.photos.parts import Part
from retrainer.photos.scanning import scan

TRAINING, VALIDATION, TESTING = Part
NAMES = r"([^/]+?)\.\d+\."


@dataclass(frozen=True)
class Layout:
    """What a tool writes: photos, other files, and the parts that it gives."""

    photos: Sequence[str]
    others: Sequence[str] = ()
    parts: tuple[Part, ...] = ()
    label_from: str = ""


def classes_in(folder: str, count: int = 3, names: Sequence[str] = ("cat", "dog")) -> list[str]:
    return [f"{folder}{name}/{number}.jpg" for name in names for number in range(count)]


LAYOUTS = {
    "Keras": Layout([*classes_in("train/"), *classes_in("validation/", 2)], parts=(TRAINING, VALIDATION)),
    "Keras, one folder": Layout(classes_in("PetImages/"), ["readme[1].txt", "PetImages/cat/Thumbs.db"]),
    "torchvision": Layout([*classes_in("train/"), *classes_in("val/", 2)], parts=(TRAINING, VALIDATION)),
    "fastai": Layout(
        [*classes_in("train/"), *classes_in("valid/", 2)], ["noisy_imagewoof.csv"], parts=(TRAINING, VALIDATION)
    ),
    "fastai with a test": Layout(
        [*classes_in("train/"), *classes_in("valid/", 1), *classes_in("test/", 2)],
        ["models/tmp.pth", "labels.csv"],
        parts=(TRAINING, VALIDATION, TESTING),
    ),
    "Kaggle, names": Layout(
        [f"train/{name}.{number}.jpg" for name in ("cat", "dog") for number in range(3)],
        ["sample_submission.csv"],
        label_from=NAMES,
    ),
    "Kaggle, folders": Layout(
        [*classes_in("Training/"), *classes_in("Testing/", 2)], ["Training/cat/desktop.ini"], parts=(TRAINING, TESTING)
    ),
    "Teachable Machine": Layout(classes_in("", 3), ["__MACOSX/cat/._0.jpg", "cat/.DS_Store"]),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("kind", ["", "zip", "tar.gz"])
def test_a_layout_is_read_as_it_is(kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = LAYOUTS[name]
    monkeypatch.chdir(tmp_path)
    for path in (*layout.photos, *layout.others):
        (tmp_path / "photos" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / path).write_bytes(path.encode())
    given = "photos"
    if kind:
        given = f"photos.{kind}"
        (tmp_path / given).write_bytes(PACKERS[kind](packed_tree(tmp_path / "photos")))
    elif name == "Keras, one folder":
        given = "photos/PetImages"
    files = scan(given, silent, label_from=layout.label_from)
    assert (files.labels, files.root) == (("cat", "dog"), given)
    assert sorted(path.partition("photos/")[2] for path in files.paths) == sorted(layout.photos)
    found = Counter(Part(part) for part in files.parts.tolist()) if files.parts is not None else Counter()
    assert tuple(sorted(found)) == layout.parts
    own = [next(number for number, label in enumerate(("cat", "dog")) if label in path) for path in files.names]
    assert files.class_ids.tolist() == own
