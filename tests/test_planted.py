"""The benchmark of cleaning counts what is planted and found."""

from pathlib import Path

import numpy as np
import pytest
from pictures import exported, photo
from PIL import Image

from retrainer.cleaning.looking import clean
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.clean_list.finding import Finding, Kind
from retrainer.preparation import prepare
from retrainer.reporting import Reporter, Stopwatch
from scripts.benchmark.planted import COPIES, Planted, linked, mislabel, plant_copies, plant_strange, spoil
from scripts.benchmark.regained import accuracies


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    for seed in range(24):
        path = tmp_path / "sound" / ("one", "other")[seed % 2] / f"{seed}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(exported(photo(seed).resize((480, 320)), 95))
    return tmp_path / "sound"


def test_planted_copies_of_each_sort_and_dark_photos_are_found(sound: Path, tmp_path: Path, model_dir: Path) -> None:
    generator = np.random.default_rng(0)
    paths = linked(sound, tmp_path / "photos")
    copies = plant_copies(paths[:20], 2 * len(COPIES), generator)
    dark = spoil(paths[20:], Kind.DARK, 3, generator)
    bottlenecks = str(tmp_path / "bottlenecks")
    found = clean(
        str(tmp_path / "photos"), architecture="colours", model_dir=str(model_dir), bottleneck_dir=bottlenecks
    )
    assert copies.found(found.findings) == (1, 1)
    assert dark.found(found.findings) == (1, 1)
    assert Path(paths[0]).resolve().parent == (sound / "one").resolve()


def test_recall_and_precision_count_planted_photos_and_wrong_findings() -> None:
    planted = Planted(Kind.COPY, {"a": "b", "c": "d", "e": "f", "g": "h"})
    findings = [
        Finding(kind=Kind.COPY, path="a", compared_with=("b",)),
        Finding(kind=Kind.COPY, path="d", compared_with=("x", "c")),
        Finding(kind=Kind.COPY, path="e", compared_with=("d",)),
        Finding(kind=Kind.DARK, path="g"),
    ]
    assert planted.found(findings) == (2 / 4, 2 / 3)
    assert planted.found([]) == (0, 0)


def test_mislabelled_and_strange_photos_lie_where_they_are_planted(sound: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    paths = linked(sound, tmp_path / "photos")
    moved = mislabel(paths, 0.25, generator)
    assert (moved.kind, len(moved.photos)) == (Kind.LABEL, 6)
    for path in moved.photos:
        assert Path(path).resolve().parent.name != Path(path).parent.name
    left = sorted(map(str, (tmp_path / "photos").glob("*/*")))
    assert len(left) == len(paths)
    strange = plant_strange(left, sound, 5, generator)
    assert (strange.kind, len(strange.photos)) == (Kind.OUTLIER, 5)
    assert all(Path(path).is_file() for path in strange.photos)


def test_regained_is_near_all_if_wrong_labels_are_obvious(tmp_path: Path, model_dir: Path) -> None:
    for number, colour in enumerate([(200, 30, 30), (30, 200, 30)] * 60):
        path = tmp_path / "photos" / ("red", "green")[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = tuple(min(channel + number // 4, 255) for channel in colour)
        Image.new("RGB", (16, 16), shade).save(path)
    options = RetrainOptions(
        image_dir=str(tmp_path / "photos"),
        architecture="colours",
        model_dir=str(model_dir),
        bottleneck_dir=str(tmp_path / "bottlenecks"),
    )
    with Reporter(None) as report:
        prepared = prepare(options, report, Stopwatch(report))
    sound, _, after = np.mean(accuracies(prepared, 0.1, 0), axis=0)
    assert sound == 1
    assert after > 0.98
