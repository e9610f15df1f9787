"""Describes the inputs and outputs of a model in words: name, type, shape."""

from collections.abc import Iterable, Mapping
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from tensorboard.compat.proto import types_pb2

from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.tensors import quantization_of, shape_of, text_of
from retrainer.text import shown

_TFLITE_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_SPELT = {"float": "float32", "half": "float16", "double": "float64"}
# Operations whose output has as many numbers per row as their input.
_SAME_WIDTH = frozenset(
    {"Identity", "Softmax", "LogSoftmax", "Sigmoid", "Squeeze", "Add", "AddV2", "BiasAdd", "Mul", "Sub", "Mean", "Relu"}
    | {"Relu6", "AvgPool", "MaxPool", "Cast", "StopGradient"}
)
_DEEPEST = 100


def tflite_tensors(builder: TFLiteBuilder, numbers: Iterable[int]) -> tuple[str, ...]:
    """Describes tensors of a `.tflite`: name, type, shape, and how integers stand for numbers.

    Args:
        builder: The model.
        numbers: The numbers of the tensors.
    """
    return tuple(_of_tflite(builder.graph.tensors[number]) for number in numbers)


def _of_tflite(tensor: Any) -> str:
    words = f"{shown(text_of(tensor.name))}, {_TFLITE_TYPES.get(tensor.type, 'unknown')} {_shape(shape_of(tensor))}"
    stated = tensor.quantization
    if stated is None or stated.scale is None or not len(stated.scale):
        return words
    scale, zero = quantization_of(tensor)
    return f"{words}, q stands for {scale:g} * (q - {zero})"


def graph_input(node: Any) -> str:
    """Describes a placeholder of a GraphDef: name, type and shape."""
    stated = node.attr["shape"].shape if "shape" in node.attr else None
    known = stated is not None and not stated.unknown_rank
    shape = _shape([dim.size for dim in stated.dim]) if stated is not None and known else "of any shape"
    return f"{shown(node.name)}, {_type(node, ('dtype', 'T'))} {shape}"


def graph_output(nodes: Mapping[str, Any], name: str) -> str:
    """Describes a node of a GraphDef: name, type, and numbers per row if the weights before it show them."""
    if name not in nodes:
        return shown(name)
    count = _width(nodes, name)
    shape = f"(N, {count})" if count else "of a shape that only running it shows"
    return f"{shown(name)}, {_type(nodes[name], ('DstT', 'T', 'dtype'))} {shape}"


def _width(nodes: Mapping[str, Any], name: str, depth: int = 0) -> int:
    """The numbers per row of a node's output; 0 if they are unknown."""
    node = nodes.get(name.partition(":")[0])
    if node is None or depth > _DEEPEST:
        return 0
    if node.op == "Const":
        sides = [dim.size for dim in node.attr["value"].tensor.tensor_shape.dim] if "value" in node.attr else []
        return int(sides[-1]) if sides else 0
    if "shape" in node.attr:
        sides = [dim.size for dim in node.attr["shape"].shape.dim]
        return max(int(sides[-1]), 0) if sides else 0
    if node.op in ("MatMul", "Conv2D") and len(node.input) == 2:
        transposed = "transpose_b" in node.attr and node.attr["transpose_b"].b
        return 0 if transposed else _width(nodes, node.input[1], depth + 1)
    if node.op in _SAME_WIDTH and node.input:
        return _width(nodes, node.input[0], depth + 1)
    return 0


def _type(node: Any, attributes: Iterable[str]) -> str:
    """The type of a node's output."""
    for name in attributes:
        if name in node.attr:
            code = node.attr[name].type
            spelt = types_pb2.DataType.Name(code)[3:].lower() if code in types_pb2.DataType.values() else "unknown"
            return _SPELT.get(spelt, spelt)
    return "unknown"


def _shape(sides: Iterable[int]) -> str:
    """A shape in words. An open first side is N, other open sides are ?."""
    words = [
        "N" if position == 0 and side < 0 else "?" if side < 0 else str(side) for position, side in enumerate(sides)
    ]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"
