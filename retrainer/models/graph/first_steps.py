"""Reads the arithmetic with constants at the beginning of a graph."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto import types_pb2

from retrainer.models.ranges import Step

_ARITHMETIC = {"Mul": "mul", "RealDiv": "div", "Sub": "sub", "Add": "add", "AddV2": "add", "BiasAdd": "add"}
# Operations that leave the numbers of a picture as they are.
_AT_THE_START = frozenset(
    {"Cast", "EnsureShape", "Identity", "IdentityN", "MirrorPad", "Pad", "PadV2", "PreventGradient", "ResizeArea"}
    | {"ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "Reshape", "ReverseV2", "Slice", "StopGradient"}
    | {"StridedSlice", "Transpose", "ClipByValue", "Maximum", "Minimum"}
)
_UNREAD = frozenset({"Shape", "NoOp"})
_NUMBERS = {
    types_pb2.DT_FLOAT: ("float32", "float_val"),
    types_pb2.DT_DOUBLE: ("float64", "double_val"),
    types_pb2.DT_INT32: ("int32", "int_val"),
    types_pb2.DT_INT64: ("int64", "int64_val"),
    types_pb2.DT_HALF: ("float16", ""),
}
# A constant has one number, or one per channel.
_COUNTS = (1, 3)
# Constants are computed from other constants in a few steps at most.
_DEEPEST = 20
_OF_ONE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("Identity", "Cast", "Reshape", "ExpandDims", "Squeeze", "StopGradient"), lambda x: x),
    "Sqrt": np.sqrt,
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "Reciprocal": lambda x: 1 / x,
    "Neg": np.negative,
    "Square": np.square,
}
_OF_TWO: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Pow": np.power,
}

Constant = npt.NDArray[np.float64]


def first_steps(graph: Any, input_node: str) -> Iterator[Step]:
    """Yields the operations with constants that follow a node, up to the first other operation.

    Args:
        graph: A GraphDef.
        input_node: The node's name.
    """
    nodes = {node.name: node for node in graph.node}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in {_node_of(name) for name in node.input if not name.startswith("^")}:
            readers.setdefault(name, []).append(node)
    current, passed = input_node, set[str]()
    while current not in passed:
        passed.add(current)
        following = [node for node in readers.get(current, ()) if node.op not in _UNREAD]
        if len(following) != 1:
            return
        (node,) = following
        if node.op not in _AT_THE_START:
            others = [name for name in node.input if _node_of(name) != current and not name.startswith("^")]
            value = constant_of(nodes, others[0]) if len(others) == 1 else None
            if value is None or node.op not in _ARITHMETIC:
                return
            yield _ARITHMETIC[node.op], _node_of(node.input[0]) == current, float(value.mean())
        current = node.name


def constant_of(nodes: Mapping[str, Any], name: str, depth: int = 0) -> Constant | None:
    """The numbers of a constant that has one, or one per channel; None for any other tensor."""
    node = nodes.get(_node_of(name))
    if node is None or depth > _DEEPEST:
        return None
    if node.op == "Const":
        return _numbers(node)
    if node.op in _OF_ONE and node.input:
        value = constant_of(nodes, node.input[0], depth + 1)
        return None if value is None else _finite(_OF_ONE[node.op], value)
    if node.op in _OF_TWO and len(node.input) == 2:
        first, second = (constant_of(nodes, operand, depth + 1) for operand in node.input)
        return None if first is None or second is None else _finite(_OF_TWO[node.op], first, second)
    return None


def _finite(function: Callable[..., Any], *values: Constant) -> Constant | None:
    with np.errstate(all="ignore"):
        result: Constant = np.asarray(function(*values), np.float64)
    return result if np.isfinite(result).all() else None


def _numbers(node: Any) -> Constant | None:
    tensor = node.attr["value"].tensor if "value" in node.attr else None
    if tensor is None or tensor.dtype not in _NUMBERS:
        return None
    count = int(np.prod([max(dim.size, 0) for dim in tensor.tensor_shape.dim], dtype=np.float64))
    dtype, field = _NUMBERS[tensor.dtype]
    if count not in _COUNTS:
        return None
    if tensor.tensor_content:
        if len(tensor.tensor_content) != count * np.dtype(dtype).itemsize:
            return None
        return _finite(np.array, np.frombuffer(tensor.tensor_content, dtype).astype(np.float64))
    values = list(getattr(tensor, field)) if field else []
    # The last number is repeated for those that follow.
    return _finite(np.array, np.array([*values, *values[-1:] * count][:count])) if values else None


def _node_of(name: str) -> str:
    return name.partition(":")[0]
