"""`NAME@SIZE`: which networks take pictures of another size, and how the others are refused."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
from conftest import COLOURS
from networks import DEPTH, SIZE, inputs

from retrainer.backbones import resolving
from retrainer.backbones.architectures import KerasApplication
from retrainer.backbones.available import find_bundle
from retrainer.backbones.backbone import Backbone, BundleRequest
from retrainer.backbones.bundle import Bundle, read_bundle, write_bundle
from retrainer.backbones.converting.hints import Hints
from retrainer.backbones.converting.keras_networks import import_keras
from retrainer.backbones.making import bundle_of
from retrainer.backbones.networks.as_graph import as_graph, table_of
from retrainer.backbones.networks.as_tflite import as_tflite
from retrainer.backbones.networks.embedded import DEPTH as DEPTH_OF_POCKET
from retrainer.backbones.networks.embedded import SIZE as SIZE_OF_POCKET
from retrainer.backbones.networks.embedded import weights
from retrainer.backbones.origins import HubOrigin, KerasOrigin
from retrainer.backbones.resolving import resolve
from retrainer.backbones.sizes import at_size, split_size
from retrainer.errors import BackboneError, OptionError
from retrainer.events import Event, Warned, silent
from retrainer.feature_source import cache_name
from retrainer.models.graph import graphdef
from retrainer.models.graph.tensorflow_graph import GraphNetwork, import_tensorflow
from retrainer.models.tflite.litert import Network, tensors_of
from retrainer.options.backbone import BundleOptions


def made(name: str, tmp_path: Path) -> Bundle:
    options = BundleOptions(model_dir=str(tmp_path / "bundles"), offline=True)
    return bundle_of(resolve(name, options), options, inputs, silent)


def assert_computes(bundle: Bundle, reference: Any = networks.expected) -> None:
    """Both files of a bundle give what a network gives for pictures of the bundle's size."""
    graph = GraphNetwork(graphdef.read_graph(bundle.graph_path), "", "input", bundle.feature_node)
    for picture in inputs(bundle.input_size):
        for runner in (graph, Network(bundle.tflite_path)):
            np.testing.assert_allclose(runner.run(picture), reference(picture), atol=1e-4)


def test_the_built_in_network_at_another_size(tmp_path: Path) -> None:
    own, bundle = weights(), made("Pocket@96", tmp_path)
    assert (bundle.name, bundle.input_size, bundle.depth) == ("pocket@96", 96, DEPTH_OF_POCKET)
    assert (bundle.licence, bundle.source) == (own.licence, own.source)
    graph = GraphNetwork(graphdef.read_graph(bundle.graph_path), "", "input", bundle.feature_node)
    lite = Network(bundle.tflite_path)
    for picture in inputs(96):
        np.testing.assert_allclose(lite.run(picture), graph.run(picture), atol=1e-5)
    assert cache_name(bundle, "").startswith("pocket@96-")
    assert resolve("pocket@160", BundleOptions()).name == "pocket"


def test_the_built_in_network_gives_the_means_of_several_maps(tmp_path: Path) -> None:
    bundle, picture = made("pocket", tmp_path), inputs(160)[0]
    assert (bundle.input_size, bundle.depth) == (SIZE_OF_POCKET, DEPTH_OF_POCKET)
    features = Network(bundle.tflite_path).run(picture)
    outputs = {name: value for _, name, value in tensors_of(bundle.tflite_path.read_bytes(), picture)}
    parts = [one.factor * outputs[one.tensor][0].mean(axis=(0, 1)) for one in bundle.maps]
    np.testing.assert_allclose(features, np.concatenate(parts), atol=1e-5)
    # The deepest map alone is what the files in the package give.
    own = weights()
    np.testing.assert_allclose(features[-own.depth :], Network(own.tflite_path).run(picture), atol=1e-5)
    assert find_bundle("pocket", str(tmp_path / "bundles")) == bundle
    assert cache_name(bundle, "") != cache_name(own, "")


def test_the_built_in_files_are_what_their_table_of_layers_gives() -> None:
    own = weights()
    table = table_of(graphdef.read_graph(own.graph_path))
    assert as_graph(table, own.input_size) == own.graph_path.read_bytes()
    assert as_tflite(table, own.input_size) == own.tflite_path.read_bytes()


def test_a_frozen_graph_that_states_another_size(tmp_path: Path) -> None:
    path = networks.frozen_classifier(tmp_path / "net.pb")
    bundle = made(f"{path}@64", tmp_path)
    assert (bundle.input_size, bundle.depth) == (64, DEPTH)
    assert bundle.name.endswith("@64")
    assert_computes(bundle)
    assert resolve(f"{path}@{SIZE + 32 - SIZE}", BundleOptions()).name.endswith("@32")


def test_a_saved_model_that_states_another_size(tmp_path: Path) -> None:
    tf = import_tensorflow()
    for name, size in (("fixed", SIZE), ("any", None)):
        spec = tf.TensorSpec((None, size, size, 3), tf.float32, "inputs")
        folder = networks.saved_model(
            tmp_path / name, lambda inputs: {"y": networks.features_of(inputs * 2.0 - 1.0)}, spec
        )
        bundle = made(f"{folder}@32", tmp_path)
        assert bundle.input_size == 32
        assert_computes(bundle)


def test_a_keras_file_and_its_int8_twin(tmp_path: Path) -> None:
    path = networks.keras_classifier(tmp_path / "net.keras")
    bundle = made(f"{path}@32_quantized", tmp_path)
    assert bundle.name.endswith("@32_quantized")
    floats = read_bundle(tmp_path / "bundles" / bundle.name.removesuffix("_quantized"))
    assert (bundle.input_size, floats.input_size) == (32, 32)
    assert_computes(floats)


def test_a_network_of_keras_applications(tmp_path: Path) -> None:
    keras = import_keras()
    keras.utils.set_random_seed(0)
    models = tmp_path / "bundles" / "keras_models"
    models.mkdir(parents=True)
    model = keras.applications.MobileNet(alpha=0.25, input_shape=(32, 32, 3), include_top=False, weights=None)
    model.save_weights(models / "net.weights.h5")
    application = KerasApplication("MobileNet", {"alpha": 0.25}, "https://host.example/net.weights.h5", "")
    backbone = Backbone("net", (KerasOrigin(application, 128),), Hints(128))
    options = BundleOptions(model_dir=str(tmp_path / "bundles"), offline=True)
    bundle = bundle_of(at_size(backbone, 64, "net@64"), options, inputs, silent)
    assert (bundle.name, bundle.input_size, bundle.depth) == ("net@64", 64, 256)


def test_a_module_that_is_called_for_its_own_size_only_names_the_size_that_was_asked_for(tmp_path: Path) -> None:
    tf = import_tensorflow()
    spec = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "inputs")
    module = tf.Module()
    module.__call__ = tf.function(lambda inputs, training=False: networks.features_of(inputs))
    for training in (True, False):
        module.__call__.get_concrete_function(spec, training)
    folder = tmp_path / "called"
    tf.saved_model.save(module, str(folder))
    assert not tf.saved_model.load(str(folder)).signatures
    with pytest.raises(BackboneError, match=r"cannot be converted for pictures of 32 pixels: ") as error:
        made(f"{folder}@32", tmp_path)
    assert "\n" not in error.value.problem


def flattened(path: Path) -> Path:
    """A frozen graph whose weights fit maps of one size only."""
    tf = import_tensorflow()
    with tf.Graph().as_default() as graph:
        pictures = tf.compat.v1.placeholder(tf.float32, (None, SIZE, SIZE, 3), "input")
        flat = tf.reshape(pictures, (-1, SIZE * SIZE * 3))
        features = tf.nn.relu(tf.matmul(flat, np.ones((SIZE * SIZE * 3, DEPTH), np.float32)))
        tf.nn.softmax(tf.matmul(features, networks.WEIGHTS), name="scores")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.mark.parametrize("kind", ["tflite", "flattened", "squeezed"])
def test_a_network_of_one_size_is_refused_by_a_sentence(kind: str, tmp_path: Path) -> None:
    tf = import_tensorflow()
    if kind == "tflite":
        path = networks.as_tflite(tmp_path / "net.tflite", networks.features_of)
    elif kind == "flattened":
        path = flattened(tmp_path / "net.pb")
    else:
        with tf.Graph().as_default() as graph:
            pictures = tf.compat.v1.placeholder(tf.float32, (None, SIZE, SIZE, 3), "input")
            pooled = tf.nn.avg_pool2d(tf.nn.conv2d(pictures, networks.KERNEL, 1, "SAME"), SIZE, 1, "VALID")
            tf.squeeze(pooled, [1, 2], name="features")
        path = tmp_path / "net.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(BackboneError) as error:
        made(f"{path}@32", tmp_path)
    assert error.value.problem == (
        f"'{path}' takes pictures of {SIZE} pixels only; expected a network for any size, received @32."
    )
    assert error.value.fix == "Leave @32 out."
    assert made(str(path), tmp_path).input_size == SIZE


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pocket@100", r"a multiple of 32, from 32 to 1,024 pixels, received 'pocket@100'\.\nThe nearest is @96\."),
        ("pocket@0", r"received 'pocket@0'\.\nThe nearest is @32\."),
        ("pocket@2048", r"\nThe nearest is @1024\."),
        ("pocket@999999999999", r"\nThe nearest is @1024\."),
        ("pocket@96@128", r"expected one @SIZE, received 'pocket@96@128'"),
        ("pocket@96_quantized@128", r"expected one @SIZE"),
        ("pocket@big", r"received 'pocket@big'\.\nDid you mean pocket"),
        ("nonsense@288", r"received 'nonsense'"),
        ("mobilenet_0.5_224@288", r"\nDid you mean .*mobilenet_0.50_224"),
        ("@288", r"received '@288'"),
        ("colours@96", r"'colours' is a bundle for one size, received 'colours@96'\.\nName the network that it was"),
        ("absent/net.pb@96", r"'absent/net.pb' does not exist"),
    ],
)
def test_sizes_and_names_that_are_none(name: str, message: str, model_dir: Path) -> None:
    with pytest.raises(OptionError, match=message) as error:
        resolve(name, BundleOptions(model_dir=str(model_dir)))
    assert "\n" not in error.value.problem


def test_a_name_of_the_table_and_a_handle_keep_their_origins() -> None:
    options = BundleOptions()
    for name in ("mobilenet_1.0_224", "https://tfhub.dev/google/imagenet/mobilenet_v1_100_224/feature_vector/5"):
        sized = resolve(f"{name}@288", options)
        assert (sized.name, sized.hints.wanted_size) == ("mobilenet_1.0_224@288", 288)
        assert sized.origins == resolve(name, options).origins
        assert resolve(f"{name}@224", options).name == "mobilenet_1.0_224"
    assert resolve("efficientnet_lite2@260", options).name == "efficientnet_lite2"
    assert isinstance(resolve("https://host.example/net.tgz@96", options).origins[0], HubOrigin)


@pytest.mark.parametrize("name", ["pocket@96_quantized", "POCKET_Quantized@96"])
def test_both_spellings_of_an_int8_twin_are_one(name: str) -> None:
    twin = resolve(name, BundleOptions())
    assert twin.name == "pocket@96_quantized"
    assert twin.floats == resolve("pocket@96", BundleOptions())
    assert twin.note == ("" if name.startswith("pocket") else f"'{name}' is written 'pocket@96_quantized'")


def test_a_path_with_an_at_sign_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "net@96").mkdir()
    networks.frozen_classifier(tmp_path / "net@96" / "net.pb")
    assert made(str(tmp_path / "net@96"), tmp_path).input_size == SIZE
    assert split_size("net@96") == ("net", 96)
    assert split_size("net@96x") == ("net@96x", None)


def test_a_bundle_that_was_carried_here_is_taken_by_its_name(tmp_path: Path, model_dir: Path) -> None:
    own = find_bundle(COLOURS, str(model_dir))
    content = own.tflite_path.read_bytes(), own.graph_path.read_bytes()
    for name in ("carried@96", "other@96", "other"):
        write_bundle(tmp_path, replace(own, name=name), *content)
        options = BundleOptions(model_dir=str(tmp_path))
        assert bundle_of(resolve(name, options), options, inputs, silent).name == name
    assert resolve("other@96", options) == Backbone("other@96")


def test_an_origin_that_gives_another_size_is_refused(
    tmp_path: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True)
    class Deaf:
        """Gives a copy of `colours`, whatever size is asked for."""

        def bundle(self, request: BundleRequest) -> Bundle:
            own = find_bundle(COLOURS, str(model_dir))
            content = own.tflite_path.read_bytes(), own.graph_path.read_bytes()
            return write_bundle(request.parent, replace(own, name=request.backbone.name), *content)

    def deaf(name: str, options: BundleOptions) -> Backbone | None:
        return Backbone("deaf", (Deaf(),)) if name == "deaf" else None

    monkeypatch.setattr(resolving, "RESOLVERS", (deaf, *resolving.RESOLVERS))
    assert made("deaf", tmp_path).input_size == 8
    options = BundleOptions(model_dir=str(tmp_path / "bundles"))
    events: list[Event] = []
    for _ in range(2):
        with pytest.raises(BackboneError, match=r"'deaf@32' takes pictures of 8 pixels only"):
            bundle_of(resolve("deaf@32", options), options, inputs, events.append)
    assert sum(isinstance(event, Warned) for event in events) == 1
