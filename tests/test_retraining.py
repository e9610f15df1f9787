import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import COLOURS, Configure, Photos, jpeg, lock_folders
from threadpoolctl import threadpool_info, threadpool_limits

from retrainer import Labeler, LabelOptions, RetrainOptions, feature_source, retrain
from retrainer.arrays import Floats
from retrainer.backbones.available import find_bundle
from retrainer.backbones.networks.embedded import weights
from retrainer.comparison import compare
from retrainer.errors import DatasetError, OutputError, RetrainerError
from retrainer.events import Event, ExtractionAdvanced, ModelKept, PhotoMisclassified, TestEvaluated, Warned, in_turn
from retrainer.feature_source import cache_name
from retrainer.models.graph import graphdef
from retrainer.observers.tensorboard import TensorBoard
from retrainer.photos.distortions import Distortion
from retrainer.photos.images import square, to_input


def test_a_run_learns_colours_and_labels_with_them(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    events: list[Event] = []
    root = photos({"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}, count=30)
    result = retrain(configured(root), on_progress=events.append)
    assert result.labels == ("blue", "green", "red")
    assert (result.photos, result.computed, result.skipped) == (90, 90, 0)
    assert result.accuracy == 1.0
    assert result.test
    assert result.count == sum(figures.support for figures in result.test.classes) > 3
    assert list(result.seconds) == ["scan", "backbone", "bottlenecks", "training", "writing"]
    assert Path(result.files["labels"]).read_text() == "blue\ngreen\nred\n"
    assert [e for e in events if isinstance(e, TestEvaluated)] == [TestEvaluated(1.0, result.count)]
    (tmp_path / "new.jpg").write_bytes(jpeg((20, 190, 60)))
    for graph in (result.graph, result.tflite):
        labelled = Labeler(LabelOptions(graph=graph))(str(tmp_path / "new.jpg"))
        assert labelled.ranking[0][0] == "green"
        assert labelled.ranking[0][1] > 0.8
        assert sum(score for _, score in labelled.ranking) == pytest.approx(1, abs=1e-5)


def test_scores_may_underflow_though_the_caller_has_numpy_raise_it(photos: Photos, configured: Configure) -> None:
    options, states = configured(photos(), folds=2), set[str]()
    with np.errstate(all="raise"):
        retrain(options, on_progress=lambda _: states.add(np.geterr()["under"]))
        compare([COLOURS], options, on_progress=lambda _: states.add(np.geterr()["under"]))
        assert (states, np.geterr()["under"]) == ({"ignore"}, "raise")


def test_the_same_run_gives_the_same_bytes(photos: Photos, configured: Configure) -> None:
    options = configured(photos())
    first = retrain(options)
    contents = [Path(path).read_bytes() for path in (first.graph, first.tflite, first.files["labels"])]
    again = retrain(options)
    assert [Path(path).read_bytes() for path in (again.graph, again.tflite, again.files["labels"])] == contents


def test_the_model_says_how_it_was_trained(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos(), seed=7))
    metadata = graphdef.metadata_of(graphdef.read_graph(result.graph), result.graph)
    assert metadata is not None
    assert metadata.backbone["name"] == COLOURS
    assert metadata.training["seed"] == 7
    assert metadata.training["photos"] == 24
    assert metadata.training["test_accuracy"] == result.accuracy
    json.loads(metadata.to_json())


def test_unreadable_photos_are_counted_and_strict_makes_them_fatal(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    (root / "red" / "broken.jpg").write_bytes(b"")
    assert retrain(configured(root)).skipped == 1
    with pytest.raises(DatasetError, match=r"--strict: '.*broken.jpg': the file is empty"):
        retrain(configured(root, strict=True))


def test_folders_and_files_that_are_missed_are_counted_and_strict_minds_them(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = photos(count=20)
    (root / "red" / "locked").mkdir()
    with monkeypatch.context() as patch:
        lock_folders(patch)
        result = retrain(configured(root))
        assert (result.unlisted, result.left_out, result.skipped, result.photos) == (1, 0, 0, 40)
        for run in (retrain, partial(compare, [COLOURS])):
            with pytest.raises(DatasetError, match=r"--strict: '.*red/locked': the folder cannot be listed: Input/out"):
                run(configured(root, strict=True, folds=None))
    shutil.copy(root / "red" / "000.jpg", root / "red" / ".hidden.jpg")
    shutil.copy(root / "red" / "001.jpg", root)
    (root / "red" / "000.xml").write_text("<annotation/>")
    result = retrain(configured(root))
    assert (result.unlisted, result.left_out, result.skipped, result.photos) == (0, 2, 0, 40)
    with pytest.raises(DatasetError, match=r"--strict: 1 file or folder, '.*red/.hidden.jpg': hidden by a dot"):
        retrain(configured(root, strict=True))
    (root / "red" / ".hidden.jpg").unlink()
    with pytest.raises(DatasetError, match=r"--strict: 1 file, '.*photos/001.jpg': in no class folder"):
        retrain(configured(root, strict=True))
    (root / "001.jpg").rename(root / "red" / "locked" / "another.jpg")
    assert retrain(configured(root, strict=True)).photos == 41


def test_relabelling_everything_costs_no_network(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    retrain(configured(root))
    (root / "red").rename(root / "crimson")
    result = retrain(configured(root))
    assert result.labels == ("crimson", "green")
    assert result.computed == 0


def test_misclassified_test_photos_are_told_of(photos: Photos, configured: Configure) -> None:
    # The classes cannot be told apart.
    root = photos({"one": (100, 100, 100), "two": (100, 100, 100)}, count=40)
    events: list[Event] = []
    result = retrain(configured(root, testing_percentage=30), on_progress=events.append)
    wrong = [e for e in events if isinstance(e, PhotoMisclassified)]
    assert result.accuracy is not None
    assert len(wrong) == round((1 - result.accuracy) * result.count) > 0
    assert all(e.predicted in ("one", "two") and f"/{e.predicted}/" not in e.path for e in wrong)


def test_a_test_batch_takes_each_of_its_photos_once(photos: Photos, configured: Configure) -> None:
    # Every photo lies in both classes, so that of each two one is told as wrong.
    root = photos({"one": (100, 100, 100), "two": (100, 100, 100)}, count=40)
    options = configured(root, testing_percentage=50)
    count = retrain(options).count
    assert count > 30
    for size, expected in ((count - 2, count - 2), (5, 5), (count, count), (1000, count), (-1, count)):
        events: list[Event] = []
        result = retrain(replace(options, test_batch_size=size), on_progress=events.append)
        wrong = [event.path for event in events if isinstance(event, PhotoMisclassified)]
        assert result.count == expected
        assert len(wrong) >= expected // 2 - 1
        assert len(set(wrong)) == len(wrong)


def test_without_test_photos_the_accuracy_is_unknown(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos(), testing_percentage=0, validation_percentage=0))
    assert result.accuracy is None
    assert result.count == 0


def test_split_by_path_warns_of_empty_categories_and_goes_on(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos(count=1).parent)
    events: list[Event] = []
    options = configured(Path("photos"), split_by="path", testing_percentage=1, validation_percentage=1)
    retrain(options, on_progress=events.append)
    messages = [e.message for e in events if isinstance(e, Warned)]
    assert "Label green has no images in the category testing." in messages
    assert "Label red has no images in the category validation." in messages


def test_a_class_without_training_photos_is_an_error(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos(count=1).parent)
    options = configured(Path("photos"), split_by="path", testing_percentage=99, validation_percentage=0)
    with pytest.raises(DatasetError, match="Label green has no images in the category training"):
        retrain(options)


def test_intermediate_models_are_written(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    events: list[Event] = []
    retrain(configured(photos(), intermediate_store_frequency=80), on_progress=events.append)
    kept = [Path(e.path) for e in events if isinstance(e, ModelKept)]
    assert [path.name for path in kept] == ["intermediate_80.pb", "intermediate_160.pb"]
    metadata = graphdef.metadata_of(graphdef.read_graph(kept[0]), "")
    assert metadata is not None
    assert metadata.training["step"] == 80


def test_the_final_tensor_can_be_named(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos(), final_tensor_name="scores"))
    assert "scores" in {node.name for node in graphdef.read_graph(result.graph).node}


@pytest.mark.parametrize("option", ["output_graph", "output_labels", "bottleneck_dir", "summaries_dir"])
def test_an_output_that_cannot_be_written_is_an_error_before_the_work(
    option: str, photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    events: list[Event] = []
    place = str(tmp_path / "file" / "x")
    options = configured(photos(), **({} if option == "summaries_dir" else {option: place}))
    observers = [TensorBoard(place)] if option == "summaries_dir" else []
    with pytest.raises(OutputError, match="Cannot write"):
        retrain(options, on_progress=in_turn(events.append, *observers))
    assert not list((tmp_path).glob("out/bottlenecks/*/part-*"))


def test_a_cache_part_that_was_cut_is_rebuilt(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    options = configured(photos())
    first = Path(retrain(options).graph).read_bytes()
    for part in (tmp_path / "out" / "bottlenecks").glob("*/part-*.parquet"):
        part.write_bytes(part.read_bytes()[:100])
    events: list[Event] = []
    result = retrain(options, on_progress=events.append)
    assert result.computed == 24
    assert sum("is set aside" in e.message for e in events if isinstance(e, Warned)) == 3
    assert Path(result.graph).read_bytes() == first


def test_caches_of_other_networks_and_looks_are_apart(model_dir: Path) -> None:
    bundle, pocket = find_bundle(COLOURS, str(model_dir)), weights()
    assert len({cache_name(bundle, ""), cache_name(bundle, "flip"), cache_name(pocket, "")}) == 3


@pytest.mark.parametrize("name", ["INPUT_MEAN", "INPUT_STD", "RESIZE_RULE", "_READING"])
def test_whatever_shapes_vectors_is_part_of_the_key_of_their_cache(
    name: str, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = find_bundle(COLOURS, str(model_dir))
    before = cache_name(bundle, "")
    monkeypatch.setattr(feature_source, name, "another")
    assert cache_name(bundle, "") != before


def test_a_backbone_of_the_same_name_and_other_weights_has_a_cache_of_its_own(model_dir: Path) -> None:
    bundle = find_bundle(COLOURS, str(model_dir))
    others = [
        replace(bundle, sha256={**bundle.sha256, "backbone.tflite": "0" * 64}),
        replace(bundle, input_size=bundle.input_size + 1),
    ]
    assert len({cache_name(one, "") for one in (bundle, *others)}) == 3
    # The graph gives the same features.
    assert cache_name(replace(bundle, sha256={**bundle.sha256, "backbone.pb": "0" * 64}), "") == cache_name(bundle, "")


@pytest.mark.parametrize("run", [retrain, partial(compare, [COLOURS])])
def test_one_thread_multiplies_matrices_however_many_there_may_be(
    run: Callable[..., object], photos: Photos, configured: Configure
) -> None:
    options = configured(photos(count=20), folds=2)
    seen: list[int] = []

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with threadpool_limits(limits=2, user_api="blas"):
        assert set(threads()) == {2}
        run(options, on_progress=lambda event: seen.extend(threads()))
        assert set(threads()) == {2}
    assert set(seen) == {1}


DISTORTED = {"flip_left_right": True, "random_crop": 20, "random_scale": 10, "random_brightness": 30}


def test_distorted_views_are_computed_once(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)
    plain = retrain(configured(root))
    distorted = retrain(configured(root, **DISTORTED, distortion_views=3))
    assert distorted.accuracy == 1.0
    assert Path(plain.graph).exists()
    folder = Path(configured(root).bottleneck_dir)
    parts = set(folder.glob("*/part-*"))
    retrain(configured(root, **DISTORTED, distortion_views=3))
    assert set(folder.glob("*/part-*")) == parts
    # Fewer views are there already, more are not.
    retrain(configured(root, **DISTORTED, distortion_views=2))
    assert set(folder.glob("*/part-*")) == parts
    retrain(configured(root, **DISTORTED, distortion_views=4))
    assert len(set(folder.glob("*/part-*")) - parts) == 1


def test_photos_that_vanish_before_their_views_are_read_are_an_error(photos: Photos, configured: Configure) -> None:
    root = photos(count=20)

    def remove(event: Event) -> None:
        if isinstance(event, ExtractionAdvanced) and event.done == event.total == 40:
            shutil.rmtree(root / "red")

    with pytest.raises(DatasetError, match="Label red has no images in the category training"):
        retrain(configured(root, **DISTORTED), on_progress=remove)


def half_and_half() -> bytes:
    """Black on the left, white on the right."""
    import io

    from PIL import Image

    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, 32:] = 255
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def views(seed: int = 0, **given: int) -> list[Floats]:
    defaults = {"flip_left_right": 0, "random_crop": 0, "random_scale": 0, "random_brightness": 0}
    settings = {**defaults, **given}
    distortion = Distortion(
        bool(settings["flip_left_right"]),
        settings["random_crop"],
        settings["random_scale"],
        settings["random_brightness"],
        40,
        seed,
    )
    return list(distortion.inputs(half_and_half(), 16))[-distortion.views :]


def test_each_distortion_does_what_it_says() -> None:
    original = to_input(square(half_and_half(), 16))
    assert all(np.array_equal(view, original) for view in views())
    for place, view in enumerate(views(flip_left_right=1)):
        np.testing.assert_array_equal(view, original[:, ::-1] if place % 2 else original)
    white = [(view[0, -1, 0] + 1) / 2 for view in views(random_brightness=30)]
    assert 0.7 <= min(white) < 0.8
    assert 1.2 < max(white) <= 1.3
    # A window of 1/1.5 of the picture: the edge moves by up to a quarter of the window to either side.
    edges = [int((view[0, :, 0] < 0).sum()) for view in views(random_crop=50)]
    assert min(edges) in (3, 4, 5)
    assert max(edges) in (11, 12, 13)
    scaled = views(random_scale=50)
    assert all(view.shape == (16, 16, 3) for view in scaled)
    assert len({view.tobytes() for view in scaled}) > 5


def test_the_first_views_are_the_photo_itself_and_its_mirror_image() -> None:
    original = to_input(square(half_and_half(), 16))
    flipped = Distortion.of(RetrainOptions(flip_left_right=True))
    cropped = Distortion.of(RetrainOptions(flip_left_right=True, random_crop=50, distortion_views=3))
    bright = Distortion.of(RetrainOptions(random_brightness=5, distortion_views=3))
    for distortion, plain, count in ((flipped, 2, 2), (cropped, 2, 5), (bright, 1, 4)):
        assert distortion is not None
        inputs = distortion.inputs(half_and_half(), 16)
        assert (distortion.count, len(inputs)) == (count, count)
        for view, expected in zip(inputs[:plain], (original, original[:, ::-1]), strict=False):
            np.testing.assert_array_equal(view, expected)
    assert Distortion.of(RetrainOptions()) is None


def test_views_depend_on_the_photo_their_number_and_the_seed_alone() -> None:
    first, again, other = views(random_crop=50), views(random_crop=50), views(1, random_crop=50)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_an_unreadable_folder_is_one_clear_line(photos: Photos, configured: Configure) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    root = photos()
    root.chmod(0)
    with pytest.raises(RetrainerError, match="permission denied"):
        retrain(configured(root))


def test_tensorflow_extracts_what_litert_does(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    root = photos(count=30)
    vectors = {}
    for runtime in ("litert", "tensorflow"):
        options = configured(root, runtime=runtime, bottleneck_dir=str(tmp_path / runtime))
        result = retrain(options)
        assert (result.computed, result.accuracy) == (60, 1.0)
        (folder,) = (tmp_path / runtime).glob("colours-*")
        table = pq.read_table(folder).sort_by("sha256")
        vectors[runtime] = np.stack(table["vector"].to_numpy())
    np.testing.assert_allclose(vectors["tensorflow"], vectors["litert"], atol=1e-5)


@pytest.mark.parametrize(("sees", "used"), [(True, True), (False, False)])
def test_auto_extracts_by_tensorflow_where_it_sees_a_gpu(
    sees: bool, used: bool, photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrainer.models.graph import tensorflow_graph

    monkeypatch.setattr(tensorflow_graph, "sees_gpu", lambda: sees)
    ran: list[int] = []
    run_all = tensorflow_graph.GraphNetwork.run_all

    def counted(self: tensorflow_graph.GraphNetwork, pictures: Floats) -> Floats:
        ran.append(len(pictures))
        return run_all(self, pictures)

    monkeypatch.setattr(tensorflow_graph.GraphNetwork, "run_all", counted)
    options = configured(photos(count=30))
    retrain(options)
    assert bool(ran) == used
    assert sum(ran) == (60 if used else 0)
    ran.clear()
    retrain(options)
    assert ran == []  # all is cached


def test_where_there_is_no_device_tensorflow_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from retrainer.models.graph import tensorflow_graph

    asked: list[str] = []

    class TensorFlow:
        class config:  # noqa: N801
            @staticmethod
            def list_physical_devices(kind: str) -> list[str]:
                asked.append(kind)
                return ["/physical_device:GPU:0"]

    monkeypatch.setattr(tensorflow_graph, "import_tensorflow", lambda: TensorFlow)
    monkeypatch.setattr(tensorflow_graph, "_GPU_DEVICES", ("/dev/no such device",))
    assert not tensorflow_graph.sees_gpu()
    assert asked == []
    monkeypatch.setattr(tensorflow_graph, "_GPU_DEVICES", ("/dev/no such device", "/dev/null"))
    assert tensorflow_graph.sees_gpu()
    assert asked == ["GPU"]


def test_a_cache_that_is_mapped_gives_the_same_model(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = photos(count=30)
    options = configured(root, validation_batch_size=-1, random_brightness=10)
    read = retrain(options)
    monkeypatch.setattr("retrainer.bottlenecks.cache.MAPPED_BYTES", 0)
    monkeypatch.setattr("retrainer.training.examples.ROWS_PER_CHUNK", 3)
    model = Path(read.tflite).read_bytes()
    for folder in (options.bottleneck_dir, str(tmp_path / "anew")):
        mapped = retrain(replace(options, bottleneck_dir=folder))
        assert Path(mapped.tflite).read_bytes() == model
        assert mapped.accuracy == read.accuracy
        assert len(list(Path(folder).glob("*/_vectors.npy"))) == 2  # of the photos and of their views
