import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Configure, Photos, jpeg

from retrainer import Labeler, LabelOptions, Prediction, Retraining, retrain
from retrainer.arrays import Pixels
from retrainer.bottlenecks.inputs import photo_input
from retrainer.errors import ModelError, OptionError, PictureError
from retrainer.photos.images import square, to_input
from retrainer.photos.photo import Photo


@pytest.fixture
def result(photos: Photos, configured: Configure) -> Retraining:
    return retrain(configured(photos(), how_many_training_steps=300))


def label(photo: Path, **given: object) -> tuple[tuple[str, float], ...]:
    return Labeler(LabelOptions(**given)).label(str(photo)).ranking  # type: ignore[arg-type]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a photo.jpg"
    path.write_bytes(jpeg((190, 60, 20)))
    return path


def test_labels_are_ranked_and_cut_to_the_best(result: Retraining, photo: Path) -> None:
    ranking = label(photo, graph=result.graph)
    assert [name for name, _ in ranking] == ["red", "green"]
    assert ranking[0][1] > ranking[1][1]
    assert label(photo, graph=result.graph, top=1) == ranking[:1]


def test_a_labels_file_overrides_the_models_own(result: Retraining, photo: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("grün\nrot\n", encoding="utf-8")
    assert label(photo, graph=result.graph, labels=str(labels))[0][0] == "rot"
    labels.write_text("a\nb\nc\n")
    with pytest.raises(OptionError, match=r"--labels: expected 2 labels, one per score of the model, received 3 in"):
        label(photo, graph=result.graph, labels=str(labels))
    with pytest.raises(OptionError, match=r"--labels: .* does not exist"):
        label(photo, graph=result.graph, labels=str(tmp_path / "absent.txt"))


def test_zero_is_a_mean_and_not_unset(result: Retraining, photo: Path) -> None:
    usual = label(photo, graph=result.graph)
    assert label(photo, graph=result.graph, input_mean=127.5, input_std=127.5) == usual
    assert label(photo, graph=result.graph, input_mean=0.0)[0][1] != usual[0][1]


def test_another_size_than_the_networks_is_an_error(result: Retraining, photo: Path) -> None:
    assert label(photo, graph=result.graph, input_height=8, input_width=8)
    with pytest.raises(OptionError, match="the network takes 8×8, received 224×8"):
        label(photo, graph=result.graph, input_height=224)


def test_a_graph_without_its_twin_is_run_by_tensorflow(result: Retraining, photo: Path) -> None:
    expected = label(photo, graph=result.graph)
    Path(result.tflite).unlink()
    found = label(photo, graph=result.graph)
    assert [name for name, _ in found] == [name for name, _ in expected]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=1e-5)


def test_scores_are_in_the_order_of_the_labels(result: Retraining, photo: Path) -> None:
    labeler = Labeler(LabelOptions(graph=result.graph))
    scores = labeler.scores(photo.read_bytes())
    assert labeler.labels == ("green", "red")
    assert scores.dtype == np.float32
    assert scores.shape == (2,)
    assert scores[1] > scores[0]


def test_an_unreadable_photo_gives_its_error_and_the_others_their_labels(
    result: Retraining, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    labeler = Labeler(LabelOptions(graph=result.graph))
    unreadable, found = labeler.label_all([str(tmp_path / "empty.jpg"), str(photo)])
    assert isinstance(unreadable, PictureError)
    assert isinstance(found, Prediction)
    assert found.ranking == labeler.label(str(photo)).ranking


def test_an_endless_stream_of_photos_is_labelled_in_order_as_it_comes(result: Retraining, photo: Path) -> None:
    content = photo.read_bytes()

    def absent() -> bytes:
        raise PictureError("it is gone")

    def stream() -> Iterator[Any]:
        yield photo
        yield Photo("bytes", lambda: content)
        for number in count(2):
            yield Photo(f"{number}", (lambda: content) if number % 10 else absent)

    found = list(islice(Labeler(LabelOptions(graph=result.graph)).label_all(stream()), 300))
    assert [number for number, one in enumerate(found) if isinstance(one, PictureError)] == list(range(10, 300, 10))
    names = [one.path for one in found if isinstance(one, Prediction)]
    assert names == [str(photo), "bytes", *(f"{number}" for number in range(2, 300) if number % 10)]


def test_a_model_that_is_replaced_while_a_stream_is_labelled_is_an_error(
    result: Retraining, photo: Path, photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.usable_cores", lambda: 2)
    answers = Labeler(LabelOptions(graph=result.graph)).label_all([str(photo)] * 100)
    next(answers)
    retrain(configured(photos({"blue": (20, 20, 200), "red": (200, 30, 30)}, root="others")))
    with pytest.raises(ModelError, match="was replaced by another model while photos were labelled"):
        list(answers)


def test_training_and_labelling_read_pictures_by_the_same_code(
    result: Retraining, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bytes, int]] = []

    def counted(content: bytes, size: int) -> Pixels:
        seen.append((content, size))
        return square(content, size)

    monkeypatch.setattr("retrainer.labeler.square", counted)
    label(photo, graph=result.graph)
    assert seen == [(photo.read_bytes(), 8)]
    np.testing.assert_array_equal(photo_input(photo.read_bytes(), 8), to_input(square(photo.read_bytes(), 8)))


def test_a_model_that_reads_pictures_another_way_is_refused(
    result: Retraining, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.RESIZE_RULE", "crop-1")
    with pytest.raises(ModelError, match="was trained on pictures resized by 'squash-area-2'; expected 'crop-1'"):
        label(photo, graph=result.graph)


def test_a_foreign_graph_needs_labels(result: Retraining, photo: Path, tmp_path: Path) -> None:
    from retrainer.models.graph import graphdef

    graph = graphdef.read_graph(result.graph)
    kept = [node for node in graph.node if not node.name.startswith("retrainer/")]
    del graph.node[:]
    graph.node.extend(kept)
    foreign = tmp_path / "foreign.pb"
    foreign.write_bytes(graph.SerializeToString())
    with pytest.raises(OptionError, match=r"carries no labels(.|\n)*--labels FILE"):
        label(photo, graph=str(foreign))
    ranking = label(photo, graph=str(foreign), labels=result.labels_file, input_mean=127.5, input_std=127.5)
    np.testing.assert_allclose(ranking[0][1], label(photo, graph=result.graph)[0][1], atol=1e-5)


@pytest.fixture
def restless() -> Iterator[None]:
    """Restores how often threads take turns."""
    usual = sys.getswitchinterval()
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize(("kind", "reject"), [("tflite", False), ("tflite", True), ("pb", False)])
def test_threads_share_a_labeler(result: Retraining, tmp_path: Path, kind: str, reject: bool) -> None:
    if kind == "pb":
        Path(result.tflite).unlink()
    photos = [tmp_path / f"{number}.jpg" for number in range(25)]
    for number, path in enumerate(photos):
        path.write_bytes(jpeg((10 * number, 200 - 5 * number, 30)))
    labeler = Labeler(LabelOptions(graph=result.graph, reject=reject))

    def answers() -> list[tuple[object, ...]]:
        return [(found.ranking, found.distance) for found in (labeler.label(str(path)) for path in photos * 4)]

    def take_turns() -> None:
        """As often as Python allows, but not while threads begin: coverage cannot trace two that begin at once."""
        sys.setswitchinterval(1e-6)

    def at_once(_: int) -> list[tuple[object, ...]]:
        together.wait()
        return answers()

    expected, together = answers(), threading.Barrier(8, take_turns, timeout=60)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(at_once, range(8))) == [expected] * 8
