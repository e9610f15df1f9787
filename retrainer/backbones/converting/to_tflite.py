"""A bundle's GraphDef -> its `.tflite`, and the name of the map before the pooling in both."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import FEATURE_NODE
from retrainer.models.graph.tensorflow_graph import import_tensorflow
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.flatbuffer import TFLiteBuilder

# Operators behind a pooling that leave its numbers, and those that scale them.
_SHAPES, _SCALES = frozenset({"RESHAPE", "SQUEEZE", "DEQUANTIZE"}), frozenset({"MUL", "QUANTIZE"})


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
    with _warnings_of_absl_hidden():  # it says that functions without an object are deprecated
        converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([imported.prune(feeds, fetches)], None)
    if representative:
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[np.newaxis]] for picture in representative)
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converted: bytes = converter.convert()
    return converted


@contextmanager
def _warnings_of_absl_hidden() -> Iterator[None]:
    log = logging.getLogger("absl")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


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


def with_maps_named(tflite: bytes, names: Sequence[str]) -> tuple[bytes, bool]:
    """Names the tensors whose means are the features; returns the TFLite model, and whether it has such tensors.

    Args:
        tflite: The model.
        names: A name for each tensor, in the order of the features.
    """
    builder = TFLiteBuilder.parsed(tflite)
    maker = {output: operator for operator in builder.graph.operators for output in operator.outputs}

    def made_by(tensor: int, passing: Collection[str]) -> tuple[str, Any]:
        operator = maker.get(tensor)
        while operator is not None and builder.operator_name(operator) in passing:
            operator = maker.get(operator.inputs[0])
        return ("", None) if operator is None else (builder.operator_name(operator), operator)

    kind, end = made_by(builder.graph.outputs[0], _SHAPES)
    parts = end.inputs if kind == "CONCATENATION" else builder.graph.outputs
    pooled = [made_by(part, _SHAPES if len(parts) == 1 else _SHAPES | _SCALES) for part in parts]
    known = len(pooled) == len(names) and all(kind in ("MEAN", "AVERAGE_POOL_2D") for kind, _ in pooled)
    if not known or not all(names):
        return tflite, False
    for (_, operator), name in zip(pooled, names, strict=True):
        builder.graph.tensors[operator.inputs[0]].name = name
    return builder.packed(), True
