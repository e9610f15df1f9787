import copy
import io
import json
import os
import pickle
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Configure, Photos, jpeg, wait_until
from pictures import noise
from PIL import Image

from retrainer import Labeler, LabelOptions, Picture, Prediction, Retraining, retrain
from retrainer.arrays import Pixels
from retrainer.bottlenecks.inputs import photo_input
from retrainer.errors import ModelError, OptionError, PictureError
from retrainer.photos.images import square, to_input
from retrainer.photos.photo import Photo


@pytest.fixture
def result(photos: Photos, configured: Configure) -> Retraining:
    return retrain(configured(photos(), how_many_training_steps=300))


def label(photo: Path, **given: object) -> tuple[tuple[str, float], ...]:
    return Labeler(LabelOptions(**given))(str(photo)).ranking  # type: ignore[arg-type]


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
    unreadable, found = labeler.many([str(tmp_path / "empty.jpg"), str(photo)])
    assert isinstance(unreadable, PictureError)
    assert isinstance(found, Prediction)
    assert found.ranking == labeler(str(photo)).ranking


def test_an_endless_stream_of_photos_is_labelled_in_order_as_it_comes(result: Retraining, photo: Path) -> None:
    content = photo.read_bytes()

    def absent() -> bytes:
        raise PictureError("it is gone")

    def stream() -> Iterator[Any]:
        yield photo
        yield Photo("bytes", lambda: content)
        for number in count(2):
            yield Photo(f"{number}", (lambda: content) if number % 10 else absent)

    found = list(islice(Labeler(LabelOptions(graph=result.graph)).many(stream()), 300))
    assert [number for number, one in enumerate(found) if isinstance(one, PictureError)] == list(range(10, 300, 10))
    names = [one.path for one in found if isinstance(one, Prediction)]
    assert names == [str(photo), "bytes", *(f"{number}" for number in range(2, 300) if number % 10)]


def test_a_model_that_is_replaced_while_a_stream_is_labelled_is_an_error(
    result: Retraining, photo: Path, photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.usable_cores", lambda: 2)
    answers = Labeler(LabelOptions(graph=result.graph)).many([str(photo)] * 100)
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
    ranking = label(photo, graph=str(foreign), labels=result.files["labels"], input_mean=127.5, input_std=127.5)
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
        return [(found.ranking, found.distance) for found in (labeler(str(path)) for path in photos * 4)]

    def take_turns() -> None:
        """As often as Python allows, but not while threads begin: coverage cannot trace two that begin at once."""
        sys.setswitchinterval(1e-6)

    def at_once(_: int) -> list[tuple[object, ...]]:
        together.wait()
        return answers()

    expected, together = answers(), threading.Barrier(8, take_turns, timeout=60)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(at_once, range(8))) == [expected] * 8


def forms_of(path: Path) -> dict[str, Picture]:
    content = path.read_bytes()
    image = Image.open(io.BytesIO(content))
    pixels = np.asarray(image)
    return {
        "text": str(path),
        "path": path,
        "bytes": content,
        "memoryview": memoryview(content),
        "image": image,
        "array": pixels,
        "file": io.BytesIO(content),
        "photo": Photo(str(path), lambda: content),
    }


def test_each_kind_of_picture_gets_the_scores_of_its_png(result: Retraining, tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.fromarray(noise(31, 47)).save(path)
    labeler = Labeler(result.graph)
    expected = labeler(str(path))
    assert (expected.label, expected.score) == expected.ranking[0]
    for name, form in forms_of(path).items():
        found = labeler(form)
        assert found.scores.tobytes() == expected.scores.tobytes(), name
        assert found.path == (str(path) if name in ("text", "path", "photo") else None)
        assert found.ranking == expected.ranking
    for (name, form), one in zip(forms_of(path).items(), labeler.many(forms_of(path).values()), strict=True):
        assert isinstance(one, Prediction)
        assert one.scores.tobytes() == expected.scores.tobytes() == labeler.scores(form).tobytes(), name
        assert one.picture == (str(path) if name in ("text", "path") else None)
    assert labeler(Image.open(path)).path == str(path)


def test_an_answer_keeps_what_shows_its_picture(result: Retraining, photo: Path) -> None:
    labeler, content = Labeler(result.graph), photo.read_bytes()
    assert labeler(photo).picture is photo
    assert labeler(io.BytesIO(content)).picture == content
    with photo.open("rb") as file:
        found = labeler(file)
        assert (found.picture, found.path) == (content, str(photo))


def test_an_answer_is_a_line_and_values_of_json(result: Retraining, photo: Path) -> None:
    labeler = Labeler(result.graph)
    answer = labeler(photo)
    score, other = answer.score, answer.ranking[1][1]
    assert repr(replace(answer, path="a.jpg", distance=None)) == (
        f"Prediction('a.jpg': 'red' {score:.3f}, 'green' {other:.3f})"
    )
    document = answer.to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["ranking"] == [{"label": "red", "score": score}, {"label": "green", "score": other}]
    assert (document["label"], document["score"], document["path"]) == ("red", score, str(photo))
    assert document["rejected"] is (None if answer.distance is None else answer.rejected)
    assert labeler(photo.read_bytes()).to_dict()["path"] is None
    hostile = Prediction("a\n\x1b[31m", (("<b>\n" * 50, 0.5), ("b", 0.25), ("c", 0.125), ("d", 0.1)), 0.0, 0.9, 0.5)
    assert repr(hostile).isprintable()
    assert repr(hostile).endswith("'b' 0.250, 'c' 0.125 and 1 more; rejected, distance 0.900, limit 0.500)")
    assert len(repr(hostile)) < 300
    assert repr(labeler) == f"Labeler('{result.graph}', 2 labels: 'green', 'red'; colours, 8×8)"


def test_an_unreadable_picture_names_its_path(result: Retraining, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    labeler, path = Labeler(result.graph), str(tmp_path / "text.jpg")
    for given, named in ((path, path), (Path(path), path), (Photo("a cell", lambda: b""), "a cell"), (b"text", None)):
        with pytest.raises(PictureError) as caught:
            labeler(given)
        assert caught.value.path == named
        (error,) = labeler.many([given])
        assert isinstance(error, PictureError)
        assert (error.path, str(error)) == (named, str(caught.value))
        assert error.__traceback__ is None  # its frames would keep the picture in memory
        with pytest.raises(PictureError) as caught:
            labeler.scores(given)
        assert caught.value.path == named


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        np.array("photo.jpg"),
        None,
        "photo.jpg",
        b"\xff\xd8",
        Path("photos"),
        Photo("a", lambda: b""),
        io.BytesIO(b""),
        Image.new("L", (9, 9)),
        noise(9, 9),
    ],
)
def test_many_takes_pictures_one_after_another(result: Retraining, wrong: Any) -> None:
    with pytest.raises(OptionError, match=r"^pictures: expected several, such as a list of paths, received "):
        Labeler(result.graph).many(wrong)


def test_an_array_of_paths_is_answered_with_texts(result: Retraining, photo: Path) -> None:
    (answer,) = Labeler(result.graph).many(np.array([photo.name, str(photo)])[1:])
    assert (type(answer.path), answer.path) == (str, str(photo))


def test_a_photo_may_be_named_by_a_path(result: Retraining, photo: Path) -> None:
    named: Any = Photo(photo, photo.read_bytes)  # type: ignore[arg-type]
    assert Labeler(result.graph)(named).to_dict()["path"] == str(photo)


def test_a_labeler_is_pickled_by_the_path_of_its_model(
    result: Retraining, photo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    labeler = Labeler(os.path.relpath(result.graph), top=1)
    pickled = pickle.dumps(labeler)
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(pickled)(photo).ranking == copy.deepcopy(labeler)(photo).ranking == labeler(photo).ranking


def test_a_batch_of_arrays_is_many_pictures(result: Retraining) -> None:
    batch = np.stack([noise(9, 9), noise(9, 9)[::-1]])
    for pictures in (batch, batch[..., 0], tuple(batch), {1: batch[0].tobytes()}.values()):
        assert len(list(Labeler(result.graph).many(pictures))) == len(pictures)


@pytest.mark.parametrize("before", [0, 3, 40])
def test_the_error_of_an_iterator_is_its_own(
    result: Retraining, photo: Path, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.usable_cores", lambda: 2)

    def stream() -> Iterator[Path]:
        yield from [photo] * before
        raise LookupError("my own")

    found: list[object] = []
    with pytest.raises(LookupError, match=r"^my own$"):
        found.extend(Labeler(result.graph).many(stream()))
    assert len(found) == before


def test_a_stream_is_read_a_bounded_number_of_pictures_ahead(
    result: Retraining, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.usable_cores", lambda: 2)
    content, read = photo.read_bytes(), list[int]()

    def frames() -> Iterator[bytes]:
        for number in count():
            read.append(number)
            yield content

    answers = Labeler(result.graph).many(frames())
    assert len(list(islice(answers, 40))) == 40
    wait_until(lambda: len(read) > 500)
    threading.Event().wait(0.2)
    assert len(read) < 700
    answers.close()  # type: ignore[attr-defined]


def test_an_iterator_may_change_or_close_a_picture_before_the_next(
    result: Retraining, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.usable_cores", lambda: 2)
    labeler, buffer = Labeler(result.graph), np.zeros((8, 8, 3), np.uint8)

    def frames() -> Iterator[Picture]:
        for number in range(200):
            buffer[:] = number
            yield buffer
            with photo.open("rb") as file, Image.open(photo) as picture:
                yield file
                yield picture

    expected = [labeler(picture).scores.tolist() for picture in frames()]
    found = list(labeler.many(frames()))
    assert [one.scores.tolist() for one in found] == expected  # type: ignore[union-attr]
    assert [one.path for one in found[:3]] == [None, str(photo), str(photo)]


def test_threads_that_share_a_labeler_label_many_at_once(
    result: Retraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.usable_cores", lambda: 2)
    photos = [tmp_path / f"{number}.jpg" for number in range(50)]
    for number, path in enumerate(photos):
        path.write_bytes(jpeg((5 * number, 200 - 3 * number, 30)))
    labeler = Labeler(result.graph)
    expected = [labeler(path).ranking for path in photos]

    def answers(pictures: list[Path]) -> list[object]:
        return [found.ranking for found in labeler.many(pictures) if isinstance(found, Prediction)]

    with ThreadPoolExecutor(4) as pool:
        both = list(pool.map(answers, [photos, photos[::-1]] * 2))
    assert both == [expected, expected[::-1]] * 2


def test_a_model_is_found_by_any_path_and_from_any_folder(
    result: Retraining, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrainer.labeler.usable_cores", lambda: 2)
    folder = Path(result.graph).parent
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.chdir(folder)
    name = Path(result.tflite).name
    expected = Labeler(result.tflite)(photo).ranking
    labelers = [Labeler(name), Labeler(Path(name)), Labeler(f"~/{name}"), Labeler(name, labels="labels.txt")]
    monkeypatch.chdir(tmp_path)
    for labeler in labelers:
        found = [one.ranking for one in labeler.many([photo] * 40) if isinstance(one, Prediction)]
        assert found == [expected] * 40


def test_what_is_wrong_with_a_model_names_its_file(result: Retraining, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(Path(result.tflite).read_bytes()[:-100])
    with pytest.raises(ModelError) as caught:
        Labeler(damaged)
    assert caught.value.path == str(damaged)
    with pytest.raises(OptionError) as missing:
        Labeler(tmp_path / "absent.tflite")
    assert missing.value.path == str(tmp_path / "absent.tflite")
