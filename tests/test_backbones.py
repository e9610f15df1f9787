"""From a SavedModel, wherever it comes from, to a bundle."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SHARED, Command, Configure, Photos
from test_downloads import Server, sends, server

from retrainer import retrain
from retrainer.architectures import ARCHITECTURES
from retrainer.arrays import Floats
from retrainer.backbones import conversion
from retrainer.backbones.bundle import Bundle, read_bundle
from retrainer.backbones.conversion import convert
from retrainer.backbones.sources import BackboneSource, bundle_of, source_of
from retrainer.downloads import hub_folder
from retrainer.errors import BackboneError, DownloadError, OptionError
from retrainer.events import Event, Noted, Warned, silent
from retrainer.images import square, to_input
from retrainer.models.litert import Network
from retrainer.models.tensorflow_graph import GraphNetwork, import_tensorflow

SIZE = 8
__all__ = ["server"]


def inputs(size: int) -> Sequence[Floats]:
    generator = np.random.default_rng(0)
    return [generator.uniform(-1, 1, (size, size, 3)).astype(np.float32) for _ in range(3)]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SavedModels that TensorFlow wrote: a good one, and some that are no feature vectors."""
    tf = import_tensorflow()
    parent = tmp_path_factory.mktemp("modules")
    picture = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "inputs")

    class Good(tf.Module):  # type: ignore[misc, name-defined]
        """A convolution, its mean, and that times two."""

        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(np.random.default_rng(1).normal(size=(3, 3, 3, 5)).astype(np.float32))

        @tf.function(input_signature=[picture])  # type: ignore[untyped-decorator]
        def __call__(self, inputs: Any) -> Any:
            pixels = tf.nn.relu(tf.nn.conv2d(inputs, self.kernel, 1, "SAME"))
            return {"feature_vector": tf.reduce_mean(pixels, [1, 2])}

    def save(name: str, module: Any, function: Any, *specification: Any) -> None:
        concrete = tf.function(function).get_concrete_function(*specification)
        tf.saved_model.save(module, str(parent / name), signatures={"serving_default": concrete})

    good = Good()
    save("good", good, good.__call__, picture)
    tf.saved_model.save(tf.Module(), str(parent / "no signature"), signatures={})
    flat = tf.TensorSpec((None, 10), tf.float32, "numbers")
    save("flat", tf.Module(), lambda numbers: {"y": numbers * 2.0}, flat)
    save("map", tf.Module(), lambda inputs: {"y": inputs * 2.0}, picture)
    save("two", tf.Module(), lambda inputs: {"a": inputs[:, 0, 0], "b": inputs[:, 1, 1]}, picture)
    integers = tf.TensorSpec((None, SIZE, SIZE, 3), tf.uint8, "inputs")
    save("integers", tf.Module(), lambda inputs: {"y": tf.cast(inputs[:, 0, 0], tf.float32)}, integers)
    save("constant", tf.Module(), lambda inputs: {"y": tf.zeros((tf.shape(inputs)[0], 4))}, picture)
    free = tf.TensorSpec((None, None, None, 3), tf.float32, "inputs")
    save("any size", tf.Module(), lambda inputs: {"y": tf.reduce_mean(inputs, [1, 2])}, free)
    return parent


def described(name: str, size: int = 0) -> Bundle:
    return Bundle(name, f"from {name}", "none", size, 0, "")


def test_a_bundle_computes_what_its_module_computes(modules: Path, tmp_path: Path) -> None:
    bundle = convert(modules / "good", described("good"), tmp_path, inputs)
    assert (bundle.input_size, bundle.depth) == (SIZE, 5)
    assert read_bundle(bundle.folder) == bundle
    import tensorflow as tf

    from retrainer.models import graphdef

    module = tf.saved_model.load(str(modules / "good"))
    litert = Network(bundle.tflite_path)
    graph = GraphNetwork(graphdef.read_graph(bundle.graph_path), "backbone.pb", "input", bundle.feature_node)
    for picture in inputs(SIZE):
        expected = module((picture * 0.5 + 0.5)[np.newaxis])["feature_vector"].numpy()[0]
        np.testing.assert_allclose(litert.run(picture), expected, atol=1e-5)
        np.testing.assert_allclose(graph.run(picture), expected, atol=1e-5)


def test_the_tensor_before_the_pooling_has_one_name_in_both_files(modules: Path, tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    from retrainer.models import graphdef

    bundle = convert(modules / "good", described("good"), tmp_path, inputs)
    names = [node.name for node in graphdef.read_graph(bundle.graph_path).node]
    assert bundle.map_tensor in names
    (tensor,) = [t for t in Interpreter(str(bundle.tflite_path)).get_tensor_details() if t["name"] == bundle.map_tensor]
    assert tensor["shape"].tolist() == [1, SIZE, SIZE, 5]


def test_a_module_of_any_size_takes_the_size_that_is_known(modules: Path, tmp_path: Path) -> None:
    assert convert(modules / "any size", described("a", 16), tmp_path, inputs).input_size == 16
    assert convert(modules / "any size", described("b"), tmp_path, inputs).input_size == 224


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no signature", r"expected a signature that takes one float image \(N, S, S, 3\), received none"),
        ("flat", r"received serving_default\(numbers: float32 \(None, 10\)\)"),
        ("integers", r"received serving_default\(inputs: uint8 \(None, 8, 8, 3\)\)"),
        ("map", r"expected pooled features of the shape \(N, D\), received \(None, 8, 8, 3\)"),
        ("two", r"expected one output, received a, b"),
        ("absent", r"cannot be converted"),
    ],
)
def test_what_is_no_feature_vector_is_one_clear_error(name: str, message: str, modules: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=message) as error:
        convert(modules / name, described(name), tmp_path, inputs)
    assert "\n" not in error.value.problem
    assert list(tmp_path.iterdir()) == []


def test_a_constant_output_has_no_map_and_without_photos_a_ramp_is_compared(modules: Path, tmp_path: Path) -> None:
    bundle = convert(modules / "constant", described("constant"), tmp_path, lambda size: [])
    assert (bundle.depth, bundle.map_tensor) == (4, "")


def test_a_bundle_that_computes_something_else_is_refused(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(Network):
        def run(self, picture: Floats) -> Floats:
            return super().run(picture) * np.float32(1.01)

    monkeypatch.setattr(conversion, "Network", Wrong)
    with pytest.raises(
        BackboneError, match=r"differs from it by 1.0e-02 of the largest feature; expected at most 1e-03"
    ):
        convert(modules / "good", described("good"), tmp_path, inputs)
    assert list(tmp_path.iterdir()) == []


def test_all_names_of_the_tutorial_are_known() -> None:
    names = [f"mobilenet_{w}_{s}" for w in ("1.0", "0.75", "0.50", "0.25") for s in (224, 192, 160, 128)]
    assert set(ARCHITECTURES) == {*names, "inception_v3"}
    handle = "https://tfhub.dev/google/imagenet/mobilenet_v1_050_224/feature_vector/5"
    assert source_of("MobileNet_0.50_224", "") == BackboneSource("mobilenet_0.50_224", handle, 224)
    assert source_of(handle, "") == source_of("mobilenet_0.50_224", "")
    assert source_of("mobilenet_1.0_128", "").place.endswith("/mobilenet_v1_100_128/feature_vector/5")
    assert source_of("inception_v3", "").input_size == 299


def test_a_handle_or_a_path_becomes_a_name_of_its_own(modules: Path) -> None:
    first = source_of("https://tfhub.dev/google/imagenet/mobilenet_v2_100_96/feature_vector/5", "")
    other = source_of("https://other.example/google/imagenet/mobilenet_v2_100_96/feature_vector/5", "")
    assert first.name.startswith("mobilenet_v2_100_96-feature_vector-5-")
    assert first.name != other.name
    assert first.input_size == 96
    assert source_of(str(modules / "good"), "").name.startswith("good-")
    kaggle = source_of("google/mobilenet-v1/tensorFlow2/050-160-feature-vector/1", "")
    assert kaggle.place == "https://www.kaggle.com/models/google/mobilenet-v1/tensorFlow2/050-160-feature-vector/1"
    assert kaggle.input_size == 160
    assert source_of("tfhub.dev/google/imagenet/resnet_v2_152/feature_vector/5", "").input_size == 0
    assert source_of("tfhub.dev/google/imagenet/mobilenet_v1_050_224/feature_vector/5", "").name == "mobilenet_0.50_224"


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("mobilenet_0.5_224", r"received 'mobilenet_0.5_224'\.\nDid you mean .*mobilenet_0.50_224"),
        ("mobilenet_1.00_128", r"Did you mean mobilenet_1.0_128"),
        ("quite different", r"expected pocket, a name of the tutorial such as mobilenet_0.50_224, a TF-Hub handle or"),
        ("{folder}", r"expected 'saved_model.pb' in the folder '.*', found none"),
    ],
)
def test_a_name_that_is_none_lists_the_nearest(architecture: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        source_of(architecture.format(folder=tmp_path), str(tmp_path))


def test_retrain_on_a_folder_an_archive_and_a_handle(
    modules: Path, photos: Photos, configured: Configure, tmp_path: Path, server: Server
) -> None:
    root = photos(count=20)
    archive = tmp_path / "good.tar.gz"
    with tarfile.open(archive, "w:gz") as members:
        members.add(modules / "good", ".")
    server.answers = [sends(archive.read_bytes())]
    model_dir = tmp_path / "bundles"
    for architecture in (str(modules / "good"), str(archive), server.handle):
        events: list[Event] = []
        options = configured(root, architecture=architecture, model_dir=str(model_dir))
        first, again = retrain(options, events.append), retrain(options, events.append)
        assert (first.computed, again.computed) == (40, 0)
        assert first.test_accuracy == 1.0
        assert sum(isinstance(event, Noted) for event in events) == 1
    assert len(server.asked) == 1
    assert len(list(model_dir.glob("*/backbone.json"))) == 3


def test_a_bundle_that_is_there_is_never_converted_again(
    modules: Path, photos: Photos, command: Command, tmp_path: Path
) -> None:
    root = photos(count=20)
    arguments = ("retrain", "--image_dir", root, "--architecture", modules / "good", "--how_many_training_steps", "9")
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("INFO:tensorflow:") for line in done.stderr.splitlines()), done.stderr
    program = (
        "import sys\nfrom retrainer.cli.main import main\n"
        "try:\n    main()\nfinally:\n    print('tensorflow' in sys.modules)"
    )
    line = [sys.executable, "-c", program, *map(str, arguments)]
    again = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert again.stdout.splitlines()[-1] == "False"


def test_a_damaged_bundle_is_made_again(modules: Path, tmp_path: Path) -> None:
    source = source_of(str(modules / "good"), str(tmp_path))
    bundle = bundle_of(source, str(tmp_path), inputs, silent)
    content = bundle.tflite_path.read_bytes()
    bundle.tflite_path.write_bytes(content[:-1])
    events: list[Event] = []
    again = bundle_of(source, str(tmp_path), inputs, events.append)
    assert again == read_bundle(bundle.folder)
    assert bundle.tflite_path.read_bytes() == content
    messages = [event.message for event in events if isinstance(event, Warned)]
    assert len(messages) == 1
    assert "is damaged: its SHA-256 differs. It is made again." in messages[0]


def test_two_runs_that_want_the_same_backbone_make_it_once(modules: Path, tmp_path: Path, server: Server) -> None:
    archive = tmp_path / "good.tar.gz"
    with tarfile.open(archive, "w:gz") as members:
        members.add(modules / "good", ".")
    server.answers = [sends(archive.read_bytes())]
    source = source_of(server.handle, str(tmp_path))
    events: list[Event] = []
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: bundle_of(source, str(tmp_path / "models"), inputs, events.append), range(4)))
    assert len({bundle.sha256["backbone.pb"] for bundle in made}) == 1
    assert sum(isinstance(event, Noted) for event in events) == 1
    assert len(server.asked) == 1


def test_a_folder_that_changed_is_another_backbone(modules: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(modules / "good", tmp_path / "good")
    assert source_of(str(changed), "") == BackboneSource(source_of(str(modules / "good"), "").name, str(changed))
    (changed / "assets" / "note.txt").write_text("changed")
    assert source_of(str(changed), "").name != source_of(str(modules / "good"), "").name


def test_a_name_of_the_tutorial_works_offline_once_tf_hub_has_it(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of("mobilenet_0.25_128", str(tmp_path))
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub"))
    shutil.copytree(modules / "good", hub_folder(source.place, tmp_path / "hub"))
    assert bundle_of(source, str(tmp_path), inputs, silent).name == "mobilenet_0.25_128"
    shutil.rmtree(tmp_path / "hub")
    assert bundle_of(source, str(tmp_path), inputs, silent).depth == 5


def test_offline_and_not_here_names_what_works(
    modules: Path, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = convert(modules / "good", described("mine"), tmp_path, inputs)
    source = BackboneSource("net", "http://127.0.0.1:9/net")
    with pytest.raises(DownloadError, match=r"\nWithout a network --architecture takes pocket, mine, or the path of"):
        bundle_of(source, str(tmp_path), inputs, silent)
    assert bundle_of(source_of("mine", str(tmp_path)), str(tmp_path), inputs, silent) == bundle


REAL = SHARED / "modules" / "google" / "imagenet"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real modules are not beside the project")
@pytest.mark.parametrize("name", ["mobilenet_v1_050_160", "mobilenet_v1_025_224", "mobilenet_v1_075_224"])
def test_real_modules_convert_and_agree_on_real_photos(name: str, tmp_path: Path, server: Server) -> None:
    server.answers = [sends((REAL / name / "feature_vector" / "5").read_bytes())]
    photos = sorted((SHARED / "photos" / "flowers").glob("*/*.jpg"))[::60]

    def pictures(size: int) -> list[Floats]:
        return [to_input(square(photo.read_bytes(), size)) for photo in photos]

    source = BackboneSource(name, server.handle)
    bundle = bundle_of(source, str(tmp_path), pictures, silent)
    assert bundle.input_size == int(name[-3:])
    assert bundle.depth == {"050": 512, "025": 256, "075": 768}[name[13:16]]
    import tensorflow as tf

    module = tf.saved_model.load(str(hub_folder(server.handle, tmp_path / "tfhub_modules")))
    network = Network(bundle.tflite_path)
    for picture in pictures(bundle.input_size):
        expected = module((picture * 0.5 + 0.5)[np.newaxis]).numpy()[0]
        assert np.abs(network.run(picture) - expected).max() / expected.max() < 1e-3
