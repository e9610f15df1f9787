"""An open network -> a bundle. TensorFlow is needed here, once per network."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.agreement import require_agreement, require_close
from retrainer.backbones.bundle import MEAN, STD, Bundle, write_bundle
from retrainer.backbones.cutting import feature_tensor, picture_range
from retrainer.backbones.naming import COMPARED, Naming, Pictures, ramp
from retrainer.backbones.opening import OpenNetwork
from retrainer.errors import BackboneError, DownloadError
from retrainer.files import shown
from retrainer.models.foreign import PLACEHOLDERS
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tensorflow_graph import first_line, import_tensorflow
from retrainer.models.tflite import TFLiteBuilder
from retrainer.native import native_stderr_hidden

FEATURE_NODE = "feature_vector"


def convert(
    opened: Callable[[], OpenNetwork], naming: Naming, described: Bundle, parent: Path, pictures: Pictures
) -> Bundle:
    """Makes the bundle of a network.

    Args:
        opened: Opens it; what it raises is told in one line.
        naming: What the user says of it.
        described: Name, source, licence and the source's hash.
        parent: The folder of bundles.
        pictures: What the bundle's features are compared on with the network's own.

    Raises:
        BackboneError: the network cannot be loaded or is no feature vector, or the bundle computes something else.
        OutputError: the bundle cannot be written.
    """
    source = described.source
    try:
        with native_stderr_hidden(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what TensorFlow and Keras deprecate is not the user's to mend
            network = opened()
            graph, reference = _assembled(network, naming, source)
            map_node = _pooled_node(graph)
            tflite, named = with_map_named(tflite_of(graph), map_node)
            compared = pictures(network.input_size, COMPARED) or [ramp(network.input_size)]
            pairs = [(picture, reference(picture)) for picture in compared]
            difference = require_agreement(tflite, graph, pairs, source)
    except (BackboneError, DownloadError):
        raise
    except Exception as error:  # TensorFlow and Keras raise many kinds for a network that they cannot take
        raise BackboneError(
            f"'{shown(source)}' cannot be converted: {first_line(error)}",
            "Expected a feature vector for pictures, whole and of a format that TensorFlow reads.",
        ) from error
    bundle = replace(
        described,
        input_size=network.input_size,
        depth=len(pairs[0][1]),
        difference=difference,
        feature_node=FEATURE_NODE,
        map_tensor=map_node if named else "",
    )
    return write_bundle(parent, bundle, tflite, graph.SerializeToString(deterministic=True))


def _assembled(network: OpenNetwork, naming: Naming, source: str) -> tuple[Any, Callable[[Floats], Floats]]:
    """The bundle's GraphDef, from [-1, 1] to pooled features, and what the network itself makes of a picture."""
    tensorflow = import_tensorflow()
    as_it_came, start = _imported(network), f"{network.input_node}:0"
    mean, std = picture_range(as_it_came, network, naming)
    taken = feature_tensor(as_it_came, network, source, naming.bottleneck_layer)
    _require_features(taken, source)
    graph = tensorflow.Graph()
    with graph.as_default():
        size = network.input_size
        picture = tensorflow.compat.v1.placeholder(tensorflow.float32, (None, size, size, 3), INPUT_NODE)
        seen = picture if (mean, std) == (MEAN, STD) else picture * (STD / std) + (MEAN - mean) / std
        dtype = as_it_came.get_tensor_by_name(start).dtype
        seen = seen if dtype.is_floating else tensorflow.round(seen)
        (maps,) = tensorflow.import_graph_def(
            network.graph, {start: tensorflow.cast(seen, dtype)}, [taken.name], name="network"
        )
        tensorflow.identity(_pooled(tensorflow, tensorflow.cast(maps, tensorflow.float32)), FEATURE_NODE)
    definition = tensorflow.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), [FEATURE_NODE])
    return definition, _reference(network, as_it_came, taken, (mean, std))


def _imported(network: OpenNetwork) -> Any:
    """The network's `tf.Graph`, its batch free and its size known whatever it says of them."""
    tensorflow = import_tensorflow()
    definition = type(network.graph).FromString(network.graph.SerializeToString())
    for node in definition.node:
        if node.name == network.input_node and node.op in PLACEHOLDERS:
            shape = tensorflow.TensorShape((None, network.input_size, network.input_size, 3))
            node.attr["shape"].shape.CopyFrom(shape.as_proto())
        # Shapes that an exporter noted down belong to another batch or size.
        node.attr.pop("_output_shapes", None)
    graph = tensorflow.Graph()
    with graph.as_default():
        tensorflow.import_graph_def(definition, name="")
    return graph


def _require_features(taken: Any, source: str) -> None:
    """Raises BackboneError unless a tensor is `(N, D)`, or `(N, H, W, D)` to be averaged."""
    if taken.shape.rank not in (2, 4) or taken.shape[-1] is None:
        raise BackboneError(
            f"'{shown(source)}': expected features of the shape (N, D) or (N, H, W, D), "
            f"'{shown(taken.op.name)}' has {tuple(taken.shape) if taken.shape.rank is not None else 'an unknown one'}.",
            "Name a feature vector, or the layer of the features by --bottleneck_layer.",
        )


def _pooled(tensorflow: Any, maps: Any) -> Any:
    """A map `(N, H, W, D)` averaged, features `(N, D)` as they are."""
    if maps.shape.rank == 2:
        return maps
    if tuple(maps.shape[1:3]) == (1, 1):  # pooled already
        return tensorflow.squeeze(maps, [1, 2])
    return tensorflow.reduce_mean(maps, [1, 2])


def _reference(network: OpenNetwork, graph: Any, taken: Any, seen: tuple[float, float]) -> Callable[[Floats], Floats]:
    """What makes features `(D,)` of a picture in [-1, 1] by the network as it came."""
    session = import_tensorflow().compat.v1.Session(graph=graph)
    start, end = (graph.get_tensor_by_name(f"{name}:0") for name in (network.input_node, network.output_node))
    mean, std = seen

    def features(picture: Floats) -> Floats:
        pictures = ((picture * STD + MEAN - mean) / std)[np.newaxis]
        if start.dtype.is_integer:
            pictures = np.rint(pictures)
        whole = network.run(pictures.astype(start.dtype.as_numpy_dtype))
        if taken is not end:
            # What lies inside is seen in the frozen graph only, which must give what the network gives.
            frozen, value = session.run([end, taken], {start: pictures})
            require_close(whole, frozen, network.output_node)
            whole = value
        vector: Floats = (whole[0] if whole.ndim == 2 else whole[0].mean(axis=(0, 1))).astype(np.float32)
        return vector

    return features


def tflite_of(graph: Any, representative: Sequence[Floats] = (), feature_node: str = FEATURE_NODE) -> bytes:
    """A bundle's GraphDef as a `.tflite`.

    Args:
        graph: TensorFlow's GraphDef, whose input is `input`.
        feature_node: Its node of the features.
        representative: Network inputs `(S, S, 3)` to calibrate on, which makes it int8 inside; none for float32.
    """
    tensorflow = import_tensorflow()
    imported = tensorflow.compat.v1.wrap_function(lambda: tensorflow.import_graph_def(graph, name=""), [])
    feeds, fetches = (imported.graph.get_tensor_by_name(f"{name}:0") for name in (INPUT_NODE, feature_node))
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([imported.prune(feeds, fetches)], None)
    if representative:
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[np.newaxis]] for picture in representative)
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converted: bytes = converter.convert()
    return converted


def _pooled_node(graph: Any) -> str:
    """The node whose output the pooling takes, empty where the network does not end with one."""
    nodes = {node.name: node for node in graph.node}
    node = nodes[FEATURE_NODE]
    while node.op in ("Identity", "Squeeze", "Reshape", "Cast"):
        node = nodes[node.input[0].split(":")[0]]
    if node.op not in ("Mean", "AvgPool"):
        return ""
    node = nodes[node.input[0].split(":")[0]]
    while node.op == "Identity":
        node = nodes[node.input[0].split(":")[0]]
    return str(node.name)


def with_map_named(tflite: bytes, name: str) -> tuple[bytes, bool]:
    """The TFLite model with the tensor before the pooling under that name, and whether it has one."""
    builder = TFLiteBuilder.parsed(tflite)
    maker = {output: operator for operator in builder.graph.operators for output in operator.outputs}
    operator = maker.get(builder.graph.outputs[0])
    while operator is not None and builder.operator_name(operator) in ("RESHAPE", "SQUEEZE", "DEQUANTIZE"):
        operator = maker.get(operator.inputs[0])
    if not name or operator is None or builder.operator_name(operator) not in ("MEAN", "AVERAGE_POOL_2D"):
        return tflite, False
    builder.graph.tensors[operator.inputs[0]].name = name
    return builder.packed(), True
