"""Feature vectors of pictures for models of others."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, Configure, Photos, jpeg
from PIL import Image

import retrainer
from retrainer.arrays import Floats
from retrainer.errors import OptionError, PictureError
from retrainer.events import Event, ExtractionAdvanced
from retrainer.models.tflite.litert import Network
from retrainer.options.features import FeatureOptions
from retrainer.preparation import prepare
from retrainer.reporting import Reporter, Stopwatch

Features = Callable[..., Floats]


@pytest.fixture
def features(tmp_path: Path, model_dir: Path) -> Features:
    """The function, with the backbone `colours` and the test's cache."""

    def vectors(pictures: Any, **options: Any) -> Floats:
        given = {"architecture": COLOURS, "model_dir": str(model_dir), "bottleneck_dir": str(tmp_path / "cache")}
        return retrainer.features(pictures, **{**given, **options})

    return vectors


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each picture that goes through the network."""
    counts: list[int] = []
    run = Network.run

    def counted(network: Network, picture: Floats) -> Floats:
        counts.append(1)
        return run(network, picture)

    monkeypatch.setattr(Network, "run", counted)
    return counts


def colour(*rgb: int) -> Any:
    """A picture `(8, 8, 3)` of one colour."""
    return np.full((8, 8, 3), rgb, np.uint8)


def test_a_vector_says_what_the_network_sees(features: Features) -> None:
    vectors = features([colour(255, 0, 0), colour(0, 0, 255)])
    assert (str(vectors.dtype), vectors.shape) == ("float32", (2, 3))
    np.testing.assert_allclose(vectors, [[1, -1, -1], [-1, -1, 1]], atol=1e-6)


def test_every_kind_of_picture_keeps_its_place(features: Features, tmp_path: Path) -> None:
    """Grey levels stand for the places 0 to 8; files are read after the other pictures."""
    pixels = [np.full((6, 7), 20 * place, np.uint8) for place in range(9)]
    files = []
    for place, content in enumerate(pixels):
        Image.fromarray(content).save(path := tmp_path / f"{place}.png")
        files.append(path)
    pictures: list[Any] = [
        str(files[0]),
        files[1].read_bytes(),
        files[2],
        Image.fromarray(pixels[3]),
        pixels[4],
        io.BytesIO(files[5].read_bytes()),
        retrainer.Photo("six", files[6].read_bytes),
        np.str_(files[7]),
        np.repeat(pixels[8][:, :, np.newaxis], 3, axis=2),
    ]
    in_order = np.array([20 * place / 127.5 - 1 for place in range(9)])
    np.testing.assert_allclose(features(iter(pictures))[:, 1], in_order, atol=0.02)
    np.testing.assert_array_equal(features(files[::-1] + files[:1]), features(files)[[*range(8, -1, -1), 0]])


def test_vectors_are_those_that_retrain_caches(features: Features, photos: Photos, configured: Configure) -> None:
    options = configured(photos())
    report = Reporter()
    prepared = prepare(options, report, Stopwatch(report))
    paths = list(prepared.dataset.paths)
    of_retrain = prepared.examples.matrix[prepared.examples.rows]
    np.testing.assert_array_equal(features(paths), of_retrain)
    events: list[Event] = []
    kept = features(paths, bottleneck_dir=options.bottleneck_dir, on_progress=events.append)
    np.testing.assert_array_equal(kept, of_retrain)
    assert not any(isinstance(event, ExtractionAdvanced) for event in events)


def test_known_bytes_are_not_computed_again(features: Features, photos: Photos, runs: list[int]) -> None:
    paths = sorted(photos(count=3).glob("*/*.jpg"))
    first = features(paths)
    assert len(runs) == 6
    np.testing.assert_array_equal(features([path.read_bytes() for path in paths]), first)
    moved = [path.rename(path.with_name(f"new {path.name}")) for path in paths]
    np.testing.assert_array_equal(features([*moved, moved[0].read_bytes(), colour(1, 2, 3)])[:6], first)
    assert len(runs) == 7


def test_progress_counts_files_and_other_pictures(features: Features, photos: Photos) -> None:
    paths = sorted(photos(count=2).glob("*/*.jpg"))
    events: list[Event] = []
    features([*paths, colour(1, 2, 3), colour(4, 5, 6)], on_progress=events.append)
    advanced = [event for event in events if isinstance(event, ExtractionAdvanced)]
    assert [(event.done, event.total) for event in advanced if event.done == event.total] == [(2, 2), (4, 4)]
    events.clear()
    features((colour(7, 8, number) for number in range(3)), on_progress=events.append)
    assert not any(isinstance(event, ExtractionAdvanced) for event in events)


def test_files_in_archives_are_read(features: Features, photos: Photos, tmp_path: Path) -> None:
    from shutil import make_archive

    root = photos(count=2)
    archive = make_archive(str(tmp_path / "set"), "zip", root)
    inside = [os.path.join(archive, "red", name) for name in ("000.jpg", "001.jpg")]
    np.testing.assert_array_equal(features(inside), features([root / "red" / "000.jpg", root / "red" / "001.jpg"]))


def test_no_pictures_give_no_vectors(features: Features) -> None:
    nothing: list[Any] = [[], iter(()), np.empty((0, 8, 8, 3), np.uint8)]
    for none in nothing:
        assert features(none).shape == (0, 3)


def test_pictures_are_taken_one_by_one(features: Features) -> None:
    """Among 3,000 pictures only some are alive at a time."""
    alive: set[int] = set()
    most = 0

    class Fleeting:
        def __init__(self, number: int) -> None:
            self.number = number
            alive.add(number)

        def __array__(self, *_: Any, **__: Any) -> Any:
            return np.full((4, 4), self.number % 251, np.uint8)

        def __del__(self) -> None:
            alive.discard(self.number)

    def endless() -> Iterator[Fleeting]:
        nonlocal most
        for number in range(3000):
            yield Fleeting(number)
            most = max(most, len(alive))

    assert features(endless()).shape == (3000, 3)
    assert most < 100


def test_an_iterator_may_change_a_picture_before_the_next(features: Features) -> None:
    buffer = colour(0, 0, 0)

    def frames() -> Iterator[Any]:
        for number in range(50):
            buffer[:] = number
            yield buffer

    np.testing.assert_array_equal(features(frames()), features([colour(*(number,) * 3) for number in range(50)]))


def test_pictures_are_found_by_their_names_in_a_result(features: Features, model_dir: Path) -> None:
    pictures = [colour(number % 7, number, number) for number in range(40)]
    labels = [number % 2 for number in range(40)]
    mistakes = retrainer.retrain((pictures, labels), architecture=COLOURS, model_dir=model_dir, folds=2).mistakes
    rows = [int(one.path.removeprefix("picture ")) for one in mistakes]
    assert rows
    np.testing.assert_array_equal(features([one.path for one in mistakes]), features([pictures[row] for row in rows]))


BROKEN: list[tuple[Any, str]] = [
    ("absent.jpg", "absent.jpg"),
    (Path("text.jpg"), "text.jpg"),
    (".", "."),
    ("http://localhost/1.jpg", "http://localhost/1.jpg"),
    (b"Dear diary", "picture 1"),
    (None, "picture 1"),
    (3.5, "picture 1"),
    ([[1, 2], [3]], "picture 1"),
    (np.zeros((4, 4, 3)), "picture 1"),
    (np.zeros((3, 5, 5), np.uint8), "picture 1"),
    (retrainer.Photo("cell", lambda: b""), "cell"),
]


@pytest.mark.parametrize(("picture", "name"), BROKEN)
def test_a_picture_that_cannot_be_read_is_named(
    features: Features, picture: Any, name: str, here: Path, runs: list[int]
) -> None:
    (here / "text.jpg").write_text("Dear diary")
    (here / "good.jpg").write_bytes(jpeg((9, 9, 9)))
    with pytest.raises(PictureError) as caught:
        features(["good.jpg", picture, colour(1, 1, 1)])
    assert str(caught.value).startswith(f"'{name}': ")
    assert caught.value.path == name


@pytest.mark.parametrize(
    ("pictures", "received"),
    [
        ("photos", "'photos'"),
        (Path("a.jpg"), "'a.jpg'"),
        (b"bytes", "bytes"),
        (Image.new("RGB", (2, 2)), "Image"),
        (colour(1, 1, 1), r"ndarray \(8, 8, 3\)"),
        (io.BytesIO(b"x"), "BytesIO"),
        ({"a": 1}, "dict"),
        (None, "NoneType"),
        (7, "int"),
    ],
)
def test_one_picture_is_not_several(features: Features, pictures: Any, received: str) -> None:
    with pytest.raises(OptionError, match=rf"^pictures: expected several, .* received {received}\.\n") as caught:
        features(pictures)
    assert "[p" in caught.value.fix


def test_a_table_is_asked_for_its_column(features: Features, photos: Photos) -> None:
    import pyarrow

    paths = [str(path) for path in photos(count=1).glob("*/*.jpg")]
    table = pyarrow.table({"path": paths})
    np.testing.assert_array_equal(features(table["path"]), features(paths))
    with pytest.raises(OptionError, match=r"received a table\.\nGive its column of paths"):
        features(table)


def test_an_error_keeps_its_fix(features: Features) -> None:
    with pytest.raises(PictureError, match=r"\nIf its numbers are 0 to 1, convert it"):
        features([np.zeros((4, 4, 3))])


def test_presets_choose_the_backbone_and_options_are_checked(features: Features) -> None:
    assert FeatureOptions(preset="best").backbone.network == "efficientnet_lite0@352"
    with pytest.raises(OptionError, match="--runtime: expected one of"):
        features([], runtime="gpu")
    with pytest.raises(OptionError, match=r"^features\(\): .* received 'presett'\.\nDid you mean 'preset'"):
        features([], presett="best")


def test_an_iterator_that_fails_raises_its_own_error(features: Features) -> None:
    def failing() -> Iterator[Any]:
        yield colour(1, 1, 1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        features(failing())
