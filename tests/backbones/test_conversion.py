"""From every kind of network to a bundle that computes the same."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
from networks import CLASSES, DEPTH, KERNEL, SIZE, WEIGHTS, bundle_from, expected, inputs

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle, read_bundle
from retrainer.backbones.converting import from_tensorflow, tensorflow_networks, to_tflite, verification
from retrainer.backbones.converting.from_tflite import convert_tflite
from retrainer.backbones.converting.hints import ConversionContext, Hints
from retrainer.backbones.converting.quantization import quantize
from retrainer.errors import BackboneError, DownloadError, ModelError, OptionError
from retrainer.events import Event, Noted, Warned, silent
from retrainer.models.graph import graphdef
from retrainer.models.graph.tensorflow_graph import GraphNetwork, import_tensorflow
from retrainer.models.ranges import PIXEL_RANGE, SYMMETRIC_RANGE, UNIT_RANGE, range_of
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.litert import Network

LOGITS = "logits"


def unit(pictures: Any) -> Any:
    """The network that takes pictures in [0, 1]."""
    return networks.features_of(pictures * 2.0 - 1.0)


def assert_computes(bundle: Bundle, reference: Any = expected) -> None:
    """Both files of a bundle give what a network gives for pictures in [-1, 1]."""
    runners = [Network(bundle.tflite_path)]
    if bundle.has_graph:
        graph = graphdef.read_graph(bundle.graph_path)
        runners.append(GraphNetwork(graph, "backbone.pb", "input", bundle.feature_node))  # type: ignore[arg-type]
    for picture in inputs(bundle.input_size):
        for runner in runners:
            np.testing.assert_allclose(runner.run(picture), reference(picture), atol=1e-4)
    assert read_bundle(bundle.folder) == bundle
    assert 0 <= bundle.difference <= verification.TOLERANCE


def logits_of(picture: Floats) -> Floats:
    logits: Floats = expected(picture) @ WEIGHTS
    return logits


@pytest.fixture(scope="module")
def spec() -> Any:
    tf = import_tensorflow()
    return tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "inputs")


def test_a_saved_model_in_the_unit_range(tmp_path: Path, spec: Any) -> None:
    folder = networks.saved_model(tmp_path / "m", lambda inputs: {"feature_vector": unit(inputs)}, spec)
    bundle = bundle_from(folder, tmp_path)
    assert (bundle.input_size, bundle.depth) == (SIZE, DEPTH)
    assert_computes(bundle)


def test_a_saved_model_that_is_called_as_hub_does(tmp_path: Path, spec: Any) -> None:
    tf = import_tensorflow()

    class Module(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(KERNEL)

        @tf.function(input_signature=[spec])  # type: ignore[untyped-decorator]
        def __call__(self, inputs: Any) -> Any:
            maps = tf.nn.relu(tf.nn.conv2d(inputs * 2.0 - 1.0, self.kernel, 1, "SAME"))
            return tf.reduce_mean(maps, [1, 2])

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.__call__)
    assert_computes(bundle_from(tmp_path / "m", tmp_path))


@pytest.mark.parametrize("resource_variables", [False, True])
def test_a_module_of_hubs_first_format(resource_variables: bool, tmp_path: Path) -> None:
    folder = networks.hub_v1(tmp_path / "m", resource_variables=resource_variables)
    assert_computes(bundle_from(folder, tmp_path))


def test_an_output_that_is_named_is_averaged_where_it_is_a_map(tmp_path: Path) -> None:
    folder = networks.hub_v1(tmp_path / "m", resource_variables=True)
    bundle = bundle_from(folder, tmp_path, bottleneck_layer="Conv/maps")
    assert_computes(bundle)
    assert bundle.map_tensor


def test_the_tensor_before_the_pooling_has_one_name_in_both_files(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    bundle = bundle_from(networks.frozen_classifier(tmp_path / "net.pb"), tmp_path)
    assert bundle.map_tensor in [node.name for node in graphdef.read_graph(bundle.graph_path).node]
    (tensor,) = [t for t in Interpreter(str(bundle.tflite_path)).get_tensor_details() if t["name"] == bundle.map_tensor]
    assert tensor["shape"].tolist() == [1, SIZE, SIZE, DEPTH]


def test_a_module_of_any_size_takes_the_size_that_is_known(tmp_path: Path) -> None:
    tf = import_tensorflow()
    free = tf.TensorSpec((None, None, None, 3), tf.float32, "inputs")
    folder = networks.saved_model(tmp_path / "m", lambda inputs: {"y": unit(inputs)}, free)
    assert bundle_from(folder, tmp_path, input_size=16).input_size == 16
    assert bundle_from(folder, tmp_path).input_size == 224


@pytest.mark.parametrize(
    ("function", "shape", "dtype", "message"),
    [
        (lambda x: {"y": x * 2.0}, (None, 10), "float32", r"received serving_default\(x: float32 \(None, 10\)\)"),
        (lambda x: {"y": x[:, 0, 0] + 0}, (None, 8, 8, 3), "uint8", r"received serving_default\(x: uint8 \(None, 8, 8"),
        (lambda x: {"y": x[:, 0]}, (None, 8, 8, 3), "float32", r"of the shape \(N, D\) or \(N, H, H, D\), 'end' has"),
        (lambda x: {"a": x[:, 0, 0], "b": x[:, 1, 1]}, (None, 8, 8, 3), "float32", r"one output, received a, b"),
    ],
)
def test_a_saved_model_that_is_no_feature_vector_is_one_clear_error(
    function: Any, shape: Any, dtype: str, message: str, tmp_path: Path
) -> None:
    tf = import_tensorflow()
    folder = networks.saved_model(tmp_path / "m", function, tf.TensorSpec(shape, dtype, "x"))
    with pytest.raises(BackboneError, match=message) as error:
        bundle_from(folder, tmp_path / "bundles")
    assert "\n" not in error.value.problem
    assert not (tmp_path / "bundles").exists()


def test_a_folder_that_is_no_saved_model_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "saved_model.pb").write_bytes(b"not a graph")
    with pytest.raises(BackboneError, match=r"'from m' cannot be converted: ") as error:
        bundle_from(tmp_path / "m", tmp_path / "bundles")
    assert "\n" not in error.value.problem


@pytest.mark.parametrize("softmax", [True, False])
def test_a_frozen_classifier_gives_what_its_last_layer_takes_or_its_logits(softmax: bool, tmp_path: Path) -> None:
    path = networks.frozen_classifier(tmp_path / "net.pb", softmax=softmax)
    assert_computes(bundle_from(path, tmp_path))
    assert_computes(bundle_from(path, tmp_path, bottleneck_layer=LOGITS), logits_of)
    assert_computes(bundle_from(path, tmp_path, bottleneck_layer="pool"))
    assert_computes(bundle_from(path, tmp_path, bottleneck_layer="add"), logits_of)


def test_a_layer_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    path = networks.frozen_classifier(tmp_path / "net.pb")
    with pytest.raises(
        OptionError, match=r"one node 'pol' in 'from net.pb', found none among \d+\.\nDid you mean pool"
    ):
        bundle_from(path, tmp_path, bottleneck_layer="pol")


def test_features_have_no_logits(tmp_path: Path) -> None:
    folder = networks.hub_v1(tmp_path / "m", resource_variables=True)
    with pytest.raises(OptionError, match="ends with features and has no logits"):
        bundle_from(folder, tmp_path, bottleneck_layer=LOGITS)


def test_an_input_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    tf = import_tensorflow()
    with tf.Graph().as_default() as graph:
        for name in ("left", "right"):
            pictures = tf.compat.v1.placeholder(tf.int64, (), name)
        named = tf.compat.v1.placeholder(tf.float32, (None, 10), "numbers")
        tf.identity(named[:, 0] + tf.cast(pictures, tf.float32), "end")
    (tmp_path / "net.pb").write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(OptionError, match=r"Name it by --input_layer; candidates: left, right, numbers\."):
        bundle_from(tmp_path / "net.pb", tmp_path)
    path = networks.frozen_classifier(tmp_path / "odd.pb", input_name="odd/name")
    assert_computes(bundle_from(path, tmp_path, input_layer="odd/name"))
    with pytest.raises(OptionError, match=r"expected an input of 'from odd.pb', 'other' is not among"):
        bundle_from(path, tmp_path, input_layer="other")


PIXELS = (127.5, 127.5)


@pytest.mark.parametrize(
    ("steps", "seen"),
    [
        (lambda x: x / 127.5 - 1.0, (0, 1)),  # pixels
        (lambda x: (x - 127.5) * (1 / 127.5), (0, 1)),
        (lambda x: x * 2.0 - 1.0, (0, 255)),  # units
        (lambda x: (x - 0.5) / 0.5, (0, 255)),
        (lambda x: ((x + 1.0) / 2.0) * 2.0 - 1.0, PIXELS),  # symmetric already
        (lambda x: x, PIXELS),
    ],
)
def test_what_a_network_does_first_tells_what_it_takes(steps: Any, seen: tuple[float, float], tmp_path: Path) -> None:
    """Whatever range it wants, the bundle takes [-1, 1] and computes the same."""
    path = networks.frozen_classifier(tmp_path / "net.pb", more=steps)
    assert_computes(bundle_from(path, tmp_path))
    lite = networks.as_tflite(tmp_path / "net.tflite", lambda x: networks.features_of(steps(x)))
    assert_computes(tflite_bundle(lite, tmp_path))
    mean, std = seen
    assert_computes(bundle_from(path, tmp_path, input_mean=mean, input_std=std))


def test_only_a_mean_of_imagenet_means_pixels(tmp_path: Path) -> None:
    means = np.array([123.7, 116.8, 103.9], np.float32)
    path = networks.frozen_classifier(tmp_path / "net.pb", more=lambda x: x - means)
    assert_computes(bundle_from(path, tmp_path), lambda picture: networks.expected(picture * 127.5 + 127.5 - means))


def test_what_the_user_says_of_the_range_counts(tmp_path: Path) -> None:
    path = networks.frozen_classifier(tmp_path / "net.pb")
    said = bundle_from(path, tmp_path, input_mean=0.0, input_std=255.0)
    assert_computes(said, lambda picture: networks.expected(picture * 0.5 + 0.5))


@pytest.mark.parametrize("layer", ["", "pool", "maps", LOGITS])
def test_a_keras_model(layer: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    path = networks.keras_classifier(tmp_path / "net.keras", keras.layers.Rescaling(1 / 127.5, -1.0))
    bundle = bundle_from(path, tmp_path, bottleneck_layer=layer)
    if layer == LOGITS:
        assert bundle.depth == CLASSES
    else:
        assert_computes(bundle)


def test_a_keras_model_that_holds_code_is_refused(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    path = networks.keras_classifier(tmp_path / "net.keras", keras.layers.Lambda(lambda x: x * 2))
    with pytest.raises(BackboneError, match=r"cannot be converted: .*(?i:lambda|unsafe)") as error:
        bundle_from(path, tmp_path / "bundles")
    assert "\n" not in error.value.problem
    (tmp_path / "pickle.keras").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(DownloadError, match=r"is no whole \.keras file"):
        bundle_from(tmp_path / "pickle.keras", tmp_path)


def tflite_bundle(path: Path, parent: Path, **said: Any) -> Bundle:
    draft = Bundle(path.stem, f"from {path.name}", "none", 0, 0, "")
    return convert_tflite(path, Hints(**said), draft, parent, ConversionContext(inputs))


def classifier(pictures: Any) -> Any:
    tf = import_tensorflow()
    return tf.nn.softmax(tf.matmul(networks.features_of(pictures), WEIGHTS))


def test_a_tflite_is_cut_as_a_graph_is(tmp_path: Path) -> None:
    path = networks.as_tflite(tmp_path / "net.tflite", classifier)
    bundle = tflite_bundle(path, tmp_path)
    assert not bundle.has_graph
    assert_computes(bundle)
    assert len(bundle.tflite_path.read_bytes()) < len(path.read_bytes())
    assert_computes(tflite_bundle(path, tmp_path, bottleneck_layer=LOGITS), logits_of)


def test_a_tflite_that_ends_with_a_map_is_averaged_and_one_layer_may_be_named(tmp_path: Path) -> None:
    tf = import_tensorflow()

    def maps(pictures: Any) -> Any:
        return tf.nn.relu(tf.nn.conv2d(pictures, KERNEL, 1, "SAME"), name="rectified")

    path = networks.as_tflite(tmp_path / "net.tflite", lambda pictures: maps(pictures) * 2.0)
    assert_computes(tflite_bundle(path, tmp_path), lambda picture: expected(picture) * 2.0)
    assert_computes(tflite_bundle(path, tmp_path, bottleneck_layer="rectified"))
    with pytest.raises(OptionError, match=r"expected a tensor 'rectifed' in .*\nDid you mean rectified"):
        tflite_bundle(path, tmp_path, bottleneck_layer="rectifed")
    with pytest.raises(OptionError, match="has no logits"):
        tflite_bundle(path, tmp_path, bottleneck_layer=LOGITS)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_an_int8_tflite_takes_pixels_and_gives_floats(dtype: str, tmp_path: Path) -> None:
    tf = import_tensorflow()
    generator = np.random.default_rng(0)
    photos = [generator.uniform(-1, 1, (1, SIZE, SIZE, 3)).astype(np.float32) for _ in range(50)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = networks.as_tflite(
            tmp_path / "net.tflite",
            networks.features_of,
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: ([photo] for photo in photos),
            inference_input_type=getattr(tf, dtype),
            inference_output_type=getattr(tf, dtype),
        )
    bundle = tflite_bundle(path, tmp_path)
    for picture in inputs(SIZE):
        np.testing.assert_allclose(Network(bundle.tflite_path).run(picture), expected(picture), atol=0.03)


def test_the_range_that_a_tflite_states_counts(tmp_path: Path) -> None:
    """Retrained models state theirs in TFLite Metadata, as MediaPipe's do."""
    from retrainer.models.metadata import ModelMetadata
    from retrainer.models.tflite.tflite_metadata import METADATA_BUFFER, normalisation_in, packed_metadata

    stated = packed_metadata(ModelMetadata(("a",), SIZE, 10.0, 50.0, "final_result", "squash"))
    assert normalisation_in(stated) == (10.0, 50.0)
    assert normalisation_in(stated[: len(stated) // 2]) is None
    assert normalisation_in(b"") is None
    builder = TFLiteBuilder.opened(networks.as_tflite(tmp_path / "net.tflite", networks.features_of))
    from ai_edge_litert import schema_py_generated as schema

    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA_BUFFER, builder.add_buffer(stated)
    builder.model.metadata = [entry]
    (tmp_path / "stated.tflite").write_bytes(builder.packed())
    bundle = tflite_bundle(tmp_path / "stated.tflite", tmp_path)
    assert_computes(bundle, lambda picture: expected((picture * 127.5 + 127.5 - 10.0) / 50.0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no TFLite model: expected 'TFL3'"),
        (b"\x1c\x00\x00\x00TFL3" + b"\xff" * 100, "cannot be used: "),
    ],
)
def test_a_tflite_that_is_none_is_one_clear_error(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(content)
    with pytest.raises(BackboneError, match=message) as error:
        tflite_bundle(tmp_path / "net.tflite", tmp_path / "bundles")
    assert "\n" not in error.value.problem


@pytest.mark.parametrize(
    ("computed", "shape", "message"),
    [
        (lambda x: x * 2.0, (1, 10), r"expected one input \(1, S, S, 3\) of float32, uint8 or int8, received"),
        (networks.features_of, (1, None, None, 3), "expected an input of a known size, received one of any size"),
    ],
    ids=["no picture", "any size"],
)
def test_a_tflite_of_other_inputs_is_one_clear_error(
    computed: Callable[[Any], Any], shape: tuple[int | None, ...], message: str, tmp_path: Path
) -> None:
    tf = import_tensorflow()
    concrete = tf.function(computed).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    made = tf.lite.TFLiteConverter.from_concrete_functions([concrete], None).convert()
    (tmp_path / "net.tflite").write_bytes(made)
    with pytest.raises(BackboneError, match=message):
        tflite_bundle(tmp_path / "net.tflite", tmp_path)


def test_without_photos_a_ramp_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Floats] = []
    check = verification.require_agreement

    def kept(tflite: bytes, graph: Any, pairs: Any, source: str) -> float:
        compared.extend(picture for picture, _ in pairs)
        return check(tflite, graph, pairs, source)

    monkeypatch.setattr(from_tensorflow, "require_agreement", kept)
    monkeypatch.setattr(networks, "inputs", lambda size, count: [])
    bundle_from(networks.frozen_classifier(tmp_path / "net.pb"), tmp_path)
    assert [picture.shape for picture in compared] == [(SIZE, SIZE, 3)]
    assert [compared[0].min(), compared[0].max()] == [-1.0, 1.0]


def test_a_conversion_that_changes_a_layer_is_refused_and_the_layer_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert_graph = to_tflite.tflite_of

    def wrong(graph: Any, *more: Any) -> bytes:
        builder = TFLiteBuilder.parsed(convert_graph(graph, *more))
        for buffer in builder.model.buffers:
            if buffer.data is not None and len(buffer.data) == KERNEL.nbytes:
                buffer.data = np.frombuffer((np.frombuffer(bytes(buffer.data), np.float32) * 1.01).tobytes(), np.uint8)
        return builder.packed()

    monkeypatch.setattr(from_tensorflow, "tflite_of", wrong)
    path = networks.frozen_classifier(tmp_path / "net.pb")
    with pytest.raises(
        BackboneError,
        match=r"by LiteRT the bundle differs from it by 1.0e-02 of the largest feature, expected at most 1e-03; "
        r"the first layer that differs is 'network/(Relu|Conv2D)'",
    ):
        bundle_from(path, tmp_path / "bundles")
    assert not (tmp_path / "bundles").exists()


def test_a_network_that_freezing_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = networks.hub_v1(tmp_path / "m", resource_variables=True)
    opened = tensorflow_networks.open_network

    def changed(*arguments: Any) -> Any:
        network = opened(*arguments)
        object.__setattr__(network, "run", lambda pictures, run=network.run: run(pictures) * 1.01)
        return network

    monkeypatch.setattr(networks, "open_network", changed)
    with pytest.raises(BackboneError, match=r"by TensorFlow the bundle differs from it by 9\.9e-03"):
        bundle_from(folder, tmp_path)
    path = networks.frozen_classifier(tmp_path / "net.pb")
    with pytest.raises(BackboneError, match="Freezing the network changed the output of 'scores'"):
        bundle_from(path, tmp_path)


def test_numbers_of_another_shape_or_none_differ() -> None:
    assert verification.relative_difference(np.zeros(3), np.zeros(4)) == np.inf
    assert not verification.relative_difference(np.array([np.nan]), np.array([1.0])) <= verification.TOLERANCE


def photos(size: int, count: int) -> list[Floats]:
    generator = np.random.default_rng(5)
    return [generator.uniform(-1, 1, (size, size, 3)).astype(np.float32) for _ in range(min(count, 40))]


def test_an_int8_bundle_computes_nearly_the_same_with_int8(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    floats = bundle_from(networks.frozen_classifier(tmp_path / "net.pb"), tmp_path)
    bundle = quantize(floats, "net_quantized", tmp_path, photos, silent)
    assert not caplog.records  # TensorFlow's log is not for users
    assert (bundle.quantized, bundle.depth, bundle.source) == (True, DEPTH, "from net.pb, int8 by 40 photos")
    assert read_bundle(bundle.folder) == bundle
    for picture in inputs(SIZE):
        np.testing.assert_allclose(Network(bundle.tflite_path).run(picture), expected(picture), atol=0.03)
    builder = TFLiteBuilder.opened(bundle.tflite_path)
    kinds = [builder.operator_name(operator) for operator in builder.graph.operators]
    assert (kinds[0], kinds[-1]) == ("QUANTIZE", "DEQUANTIZE")
    inside = {
        builder.graph.tensors[number].type for operator in builder.graph.operators[1:-1] for number in operator.outputs
    }
    from ai_edge_litert.schema_py_generated import TensorType

    assert inside == {TensorType.INT8}


def test_int8_needs_photos_a_graph_and_a_network_that_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    floats = bundle_from(networks.frozen_classifier(tmp_path / "net.pb"), tmp_path)
    with pytest.raises(BackboneError, match=r"is calibrated on photos; expected some, received none\.\nRetrain with"):
        quantize(floats, "q", tmp_path, lambda size, count: [], silent)
    lite = tflite_bundle(networks.as_tflite(tmp_path / "lite.tflite", networks.features_of), tmp_path)
    with pytest.raises(BackboneError, match=r"expected a backbone with a backbone\.pb"):
        quantize(lite, "q", tmp_path, photos, silent)
    from retrainer.backbones.converting import quantization

    events: list[Event] = []
    for cosine, survives in ((0.7, True), (0.3, False)):
        monkeypatch.setattr(quantization, "_cosines", lambda *_, cosine=cosine: iter([0.99, cosine]))
        if survives:
            quantize(floats, "q", tmp_path, photos, events.append)
        else:
            with pytest.raises(BackboneError, match=r"cannot be made int8: .* received 0.30"):
                quantize(floats, "r", tmp_path, photos, silent)
    assert [event.message.split(":")[0] for event in events if isinstance(event, Warned)] == [
        "int8 changes the features of 'net' a lot"
    ]
    assert not (tmp_path / "r").exists()


def test_a_bundle_of_another_model_is_no_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        Network(b"nothing")


def first(kind: str, value: float) -> tuple[str, bool, float]:
    return kind, True, value


@pytest.mark.parametrize(
    ("steps", "taken"),
    [
        ([first("mul", 1 / 255)], PIXEL_RANGE),
        ([first("div", 128.0), first("sub", 1.0)], PIXEL_RANGE),
        ([first("sub", 114.8)], PIXEL_RANGE),
        ([first("mul", 1 / 255), first("sub", 0.449), first("div", 0.226)], PIXEL_RANGE),
        ([first("mul", 2.0), first("sub", 1.0)], UNIT_RANGE),
        ([first("sub", 0.449), first("div", 0.226)], UNIT_RANGE),
        ([first("mul", 255.0), first("sub", 114.8)], UNIT_RANGE),  # Caffe's weights
        ([first("sub", 0.22), first("div", 0.2)], UNIT_RANGE),  # normalised by dark photos
        ([first("add", 1.0), first("mul", 127.5)], SYMMETRIC_RANGE),
        ([first("mul", 0.5), first("add", 0.5)], SYMMETRIC_RANGE),
        ([first("mul", 2.0), first("add", 0.15)], SYMMETRIC_RANGE),  # a BatchNorm
        ([first("sub", 0.449)], UNIT_RANGE),
        ([("sub", False, 255.0), first("mul", 1 / 255)], PIXEL_RANGE),
        ([first("div", 0.0)], (3.0, 7.0)),
        ([], (3.0, 7.0)),
    ],
)
def test_the_first_steps_are_read_as_people_mean_them(steps: Any, taken: tuple[float, float]) -> None:
    usual = (3.0, 7.0) if taken == (3.0, 7.0) else SYMMETRIC_RANGE
    assert range_of(steps, usual) == taken


@pytest.mark.parametrize("usual", [PIXEL_RANGE, UNIT_RANGE, SYMMETRIC_RANGE])
def test_where_there_are_no_steps_the_usual_range_counts(usual: tuple[float, float]) -> None:
    assert range_of([], usual) == usual


def test_what_does_not_change_numbers_is_passed_over(tmp_path: Path) -> None:
    tf = import_tensorflow()

    def more(pictures: Any) -> Any:
        seen = tf.pad(pictures[..., ::-1], [[0, 0], [1, 1], [1, 1], [0, 0]])
        return tf.clip_by_value(tf.image.resize(seen, (SIZE, SIZE), "nearest"), 0.0, 255.0) / 127.5 - 1.0

    bundle = bundle_from(networks.frozen_classifier(tmp_path / "net.pb", more=more), tmp_path)
    assert (bundle.input_mean, bundle.input_std) == PIXEL_RANGE


@pytest.mark.parametrize(("steps", "kind"), [(lambda x: x, Warned), (lambda x: x * 2.0 - 1.0, Noted)])
def test_what_was_understood_is_told_and_a_guess_is_a_warning(steps: Any, kind: Any, tmp_path: Path) -> None:
    path = networks.frozen_classifier(tmp_path / "net.pb", more=steps)
    lite = networks.as_tflite(tmp_path / "net.tflite", lambda x: networks.features_of(steps(x)))
    events: list[Event] = []
    context = ConversionContext(inputs, events.append)
    draft = Bundle("net", "from net", "none", 0, 0, "")
    from_tensorflow.convert(
        lambda: tensorflow_networks.open_network(path, "net", Hints()), Hints(), draft, tmp_path, context
    )
    convert_tflite(lite, Hints(), draft, tmp_path, context)
    convert_tflite(lite, Hints(input_mean=0.0), draft, tmp_path, context)
    assert [type(event) for event in events] == [kind, kind, Noted]
    mean, std = (127.5, 127.5) if kind is Warned else (0, 255)
    assert events[0].message.startswith(f"'net' takes (pixel - {mean:g}) / {std:g} and gives 5 features, from 'pool'")  # type: ignore[attr-defined]
    from_tensorflow.convert(
        lambda: tensorflow_networks.open_network(path, "net", Hints()),
        Hints(),
        draft,
        tmp_path,
        ConversionContext(inputs, events.append, True),
    )
    assert isinstance(events[-1], Noted)


@pytest.mark.parametrize("ending", ["sigmoid", "log_softmax"])
def test_a_classifier_may_end_otherwise(ending: str, tmp_path: Path) -> None:
    tf = import_tensorflow()

    def scores(pictures: Any) -> Any:
        return getattr(tf.nn, ending)(tf.matmul(networks.features_of(pictures), WEIGHTS))

    assert_computes(tflite_bundle(networks.as_tflite(tmp_path / "net.tflite", scores), tmp_path))
    spec = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "x")
    folder = networks.saved_model(tmp_path / "m", lambda x: {"y": scores(x * 2.0 - 1.0)}, spec)
    assert_computes(bundle_from(folder, tmp_path))


def test_maps_with_their_channels_first_are_refused(tmp_path: Path) -> None:
    tf = import_tensorflow()
    spec = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "x")
    folder = networks.saved_model(tmp_path / "m", lambda x: {"y": tf.transpose(x * 2.0, [0, 3, 1, 2])}, spec)
    with pytest.raises(BackboneError, match=r"or \(N, H, H, D\), .* has \(None, 3, 8, 8\)"):
        bundle_from(folder, tmp_path)
    lite = networks.as_tflite(tmp_path / "net.tflite", lambda x: tf.transpose(x * 2.0, [0, 3, 1, 2]))
    with pytest.raises(BackboneError, match=r"or \(1, H, H, D\), .* has \(1, 3, 8, 8\)"):
        tflite_bundle(lite, tmp_path)


def test_a_layer_that_has_nothing_of_the_picture_is_refused(tmp_path: Path) -> None:
    path = networks.frozen_classifier(tmp_path / "net.pb")
    name = next(
        node.name
        for node in graphdef.read_graph(path).node
        if node.op == "Const" and [d.size for d in node.attr["value"].tensor.tensor_shape.dim] == [DEPTH, CLASSES]
    )
    with pytest.raises(BackboneError, match=r"expected features of the picture, .* has none\."):
        bundle_from(path, tmp_path, bottleneck_layer=name)


def test_a_graph_that_takes_one_picture_at_a_time_is_known_as_such(tmp_path: Path) -> None:
    tf = import_tensorflow()
    with tf.Graph().as_default() as graph:
        pictures = tf.compat.v1.placeholder(tf.float32, (1, SIZE, SIZE, 3), "input")
        tf.squeeze(tf.reshape(networks.features_of(pictures), [1, 1, 1, DEPTH]), [1, 2], "pool")
    (tmp_path / "net.pb").write_bytes(graph.as_graph_def().SerializeToString())
    bundle = bundle_from(tmp_path / "net.pb", tmp_path)
    assert not bundle.batches
    assert_computes(bundle)
    assert bundle_from(networks.frozen_classifier(tmp_path / "other.pb"), tmp_path).batches


def test_the_same_network_gives_the_same_graph(tmp_path: Path, spec: Any) -> None:
    folder = networks.saved_model(tmp_path / "m", lambda inputs: {"feature_vector": unit(inputs)}, spec)
    one, two = (bundle_from(folder, tmp_path / name) for name in ("one", "two"))
    assert one.sha256 == two.sha256


def test_a_saved_model_without_signatures_is_called(tmp_path: Path) -> None:
    tf = import_tensorflow()
    module = tf.Module()
    spec = tf.TensorSpec((None, None, None, 3), tf.float32)
    module.__call__ = tf.function(unit, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={})
    assert_computes(bundle_from(tmp_path / "m", tmp_path, input_size=16))


def test_what_a_node_needs_may_hold_a_loop() -> None:
    graph = graphdef.new_graph()
    graphdef.add_placeholder(graph, "input", (-1, SIZE, SIZE, 3))
    graphdef.add_node(graph, "Merge", "merge", ("input", "next:0"))
    graphdef.add_node(graph, "NextIteration", "next", ("merge", "^input"))
    graphdef.add_node(graph, "Identity", "other", ("input",))
    graphdef.add_node(graph, "Identity", "end", ("next",))
    assert [node.name for node in from_tensorflow._needed(graph, "end").node] == ["input", "merge", "next", "end"]


def test_a_deep_network_that_ends_in_a_sum_is_followed_to_its_picture(tmp_path: Path) -> None:
    tf = import_tensorflow()
    with tf.Graph().as_default() as graph:
        pictures = tf.compat.v1.placeholder(tf.float32, (1, SIZE, SIZE, 3), "input")
        maps = networks.features_of(pictures)
        deep = maps
        for _ in range(1500):
            deep = tf.nn.relu(deep)
        tf.identity(maps + deep, "end")
    (tmp_path / "net.pb").write_bytes(graph.as_graph_def().SerializeToString())
    assert_computes(bundle_from(tmp_path / "net.pb", tmp_path), lambda picture: expected(picture) * 2.0)
