from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrainer.errors import OptionError, OutputError, RetrainerError
from retrainer.options.sampling import SampleOptions
from retrainer.photos.flowers import KINDS
from retrainer.photos.sample import draw_sample


def test_the_set_is_five_folders_of_pictures(tmp_path: Path) -> None:
    assert draw_sample(str(tmp_path / "set"), SampleOptions(per_class=3)) == 15
    folders = sorted(path.name for path in (tmp_path / "set").iterdir())
    assert folders == sorted(KINDS) == ["daisy", "dandelion", "rose", "sunflower", "tulip"]
    pictures = [Image.open(path) for path in (tmp_path / "set").rglob("*.jpg")]
    assert len(pictures) == 15
    assert len({picture.size for picture in pictures}) > 5
    assert all(200 <= side <= 320 for picture in pictures for side in picture.size)
    light = [np.asarray(picture).mean() for picture in pictures]
    assert np.std(light) > 10
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_the_seed_decides_the_pictures(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_sample(str(tmp_path / name), SampleOptions(per_class=1, seed=seed))
    a, b, c = ((tmp_path / name / "rose" / "rose_000.jpg").read_bytes() for name in "abc")
    assert a == b != c


def test_a_larger_set_begins_like_a_smaller_one(tmp_path: Path) -> None:
    for name, count in (("small", 1), ("large", 2)):
        draw_sample(str(tmp_path / name), SampleOptions(per_class=count))
    small, large = ((tmp_path / name / "tulip" / "tulip_000.jpg").read_bytes() for name in ("small", "large"))
    assert small == large


@pytest.mark.parametrize(
    ("folder", "error", "message"),
    [
        ("", OptionError, "expected a new or an empty folder"),
        ("photo.jpg", OptionError, "expected a new or an empty folder"),
        ("photo.jpg/set", OutputError, "Cannot write"),
    ],
)
def test_nothing_is_overwritten(folder: str, error: type[RetrainerError], message: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("mine")
    with pytest.raises(error, match=message):
        draw_sample(str(tmp_path / folder), SampleOptions(per_class=1))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
