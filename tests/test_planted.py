"""The benchmark of cleaning counts what is planted and found."""

from pathlib import Path

import numpy as np
import pytest
from pictures import exported, photo

from retrainer.cleaning.looking import clean
from retrainer.photos.clean_list.finding import Finding, Kind
from scripts.benchmark.planted import COPIES, Planted, linked, plant_copies, spoil


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
