"""A bundle's GraphDef -> its `.tflite`, and the name of the map before the pooling in both."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import FEATURE_NODE
from retrainer.models.graph.tensorflow_graph import import_tensorflow
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.flatbuffer import TFLiteBuilder


def tflite_of(graph: Any, representative: Sequence[Floats] = (), feature_node: str = FEATURE_NODE) -> bytes:
    """Converts a bundle's GraphDef to a `.tflite`.

    Args:
        graph: TensorFlow's GraphDef, whose input is `input`.
        representative: Network inputs `(S, S, 3)` to calibrate int8 on; without any, the network stays float32.
        feature_node: Its node of the features.
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


def pooled_node(graph: Any) -> str:
    """The node whose output is pooled; empty if the network does not end with a pooling."""
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
    """Gives the tensor before the pooling a name; returns the TFLite model, and whether it has such a tensor."""
    builder = TFLiteBuilder.parsed(tflite)
    maker = {output: operator for operator in builder.graph.operators for output in operator.outputs}
    operator = maker.get(builder.graph.outputs[0])
    while operator is not None and builder.operator_name(operator) in ("RESHAPE", "SQUEEZE", "DEQUANTIZE"):
        operator = maker.get(operator.inputs[0])
    if not name or operator is None or builder.operator_name(operator) not in ("MEAN", "AVERAGE_POOL_2D"):
        return tflite, False
    builder.graph.tensors[operator.inputs[0]].name = name
    return builder.packed(), True
