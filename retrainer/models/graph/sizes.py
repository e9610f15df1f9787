"""Checks the sizes that a graph states. TensorFlow would allocate them before it runs anything."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto import types_pb2

from retrainer.errors import ModelError
from retrainer.models.tflite.litert import MOST_NUMBERS
from retrainer.network_input import LARGEST_SIDE
from retrainer.system.trust import TRUST_HINT
from retrainer.text import shown

# A constant may hold one number and state a shape. Networks do this for the zeros and ones of a layer: 256 MB float32.
MOST_REPEATED = 2**26
# Operation -> the operand that holds the shape of its output, or how often it repeats its input.
_SIZED = {
    **dict.fromkeys(("Fill", "Empty", "RandomUniform", "RandomUniformInt", "RandomStandardNormal"), 0),
    **dict.fromkeys(("TruncatedNormal", "StatelessRandomUniform", "StatelessRandomUniformV2"), 0),
    **dict.fromkeys(("StatelessRandomNormal", "StatelessRandomNormalV2", "StatelessTruncatedNormal"), 0),
    **dict.fromkeys(("BroadcastTo", "Tile", "Range", "OneHot", "ResizeArea", "ResizeBicubic"), 1),
    **dict.fromkeys(("ResizeBilinear", "ResizeNearestNeighbor", "ScaleAndTranslate"), 1),
    **dict.fromkeys(("ScatterNd", "LinSpace"), 2),
}
# The deepest network in the list of architectures, EfficientNet B7, has some 3,000 nodes in a row. TensorFlow is slow
# with many more.
DEEPEST_GRAPH = 10_000
_DEEPEST, _MOST_BYTES = 4, 2**10
_REPEATING = ("half_val", "float_val", "double_val", "int_val", "string_val", "int64_val", "bool_val", "uint32_val")


def require_small(bodies: Sequence[Iterable[Any]], subject: str) -> None:
    """Raises ModelError if a graph states inputs, constants or tensors of absurd sizes.

    Args:
        bodies: The nodes of the graph and of each of its functions.
        subject: The name for it in messages.
    """
    _require_stated((node for body in bodies for node in body), subject)
    for body in bodies:
        _require_made(body, subject)
        _require_shallow(body, subject)


def _require_stated(nodes: Iterable[Any], subject: str) -> None:
    """Raises ModelError if constants or inputs state absurd sizes."""
    repeated = 0
    for node in nodes:
        if node.op == "Const":
            repeated += _repeated(node.attr["value"].tensor if "value" in node.attr else None)
        elif node.op in ("Placeholder", "PlaceholderWithDefault") and "shape" in node.attr:
            sides = [dim.size for dim in node.attr["shape"].shape.dim]
            if any(side < -1 for side in sides) or any(side > LARGEST_SIDE for side in sides[1:]):
                raise ModelError(
                    f"'{shown(subject)}': expected an input of at most {LARGEST_SIDE:,} pixels a side, "
                    f"'{shown(node.name)}' takes {tuple(sides)}."
                )
        if repeated > MOST_REPEATED:
            raise ModelError(
                f"'{shown(subject)}': expected constants of at most {MOST_REPEATED:,} numbers that the file does not "
                f"hold, '{shown(node.name)}' states more."
            )


def _require_made(body: Iterable[Any], subject: str) -> None:
    """Raises ModelError if constants of the same body make an operation return more numbers than a network needs."""
    nodes = {node.name: node for node in body}
    for node in nodes.values():
        operand = _SIZED.get(node.op, len(node.input))
        sides = _whole_numbers(nodes, node.input[operand]) if operand < len(node.input) else []
        if math.prod(max(side, 1) for side in sides) > MOST_NUMBERS:
            raise ModelError(
                f"'{shown(subject)}': expected tensors of at most {MOST_NUMBERS:,} numbers, "
                f"'{shown(node.name)}' makes one of {sides[:8]}.",
                TRUST_HINT,
            )


def _require_shallow(body: Iterable[Any], subject: str) -> None:
    """Raises ModelError if nodes wait for one another in a circle, or in a row that no network needs."""
    nodes = {node.name: node for node in body}
    readers: dict[str, list[str]] = {}
    waits = {}
    for name, node in nodes.items():
        operands = {operand.lstrip("^").partition(":")[0] for operand in node.input} & nodes.keys()
        waits[name] = len(operands)
        for operand in operands:
            readers.setdefault(operand, []).append(name)
    ready, depth, done = [name for name, count in waits.items() if not count], 0, 0
    while ready and depth < DEEPEST_GRAPH:
        done, depth, following = done + len(ready), depth + 1, []
        for name in ready:
            for reader in readers.get(name, ()):
                waits[reader] -= 1
                if not waits[reader]:
                    following.append(reader)
        ready = following
    if done < len(nodes):
        received = f"a row of more than {DEEPEST_GRAPH:,}" if ready else "a circle"
        raise ModelError(f"'{shown(subject)}': expected nodes in short rows, received {received}.", TRUST_HINT)


def _whole_numbers(nodes: Mapping[str, Any], name: str, depth: int = 0) -> list[int]:
    """The numbers of an integer constant, or of several packed into one; none for any other tensor."""
    node = nodes.get(name.partition(":")[0])
    if node is None or depth > _DEEPEST:
        return []
    if node.op in ("Identity", "Cast", "Pack", "ConcatV2"):
        return [number for operand in node.input for number in _whole_numbers(nodes, operand, depth + 1)]
    if node.op != "Const" or "value" not in node.attr:
        return []
    tensor = node.attr["value"].tensor
    dtype = np.dtype({types_pb2.DT_INT32: "int32", types_pb2.DT_INT64: "int64"}.get(tensor.dtype, "V1"))
    content = tensor.tensor_content
    if dtype.kind != "i" or len(content) > _MOST_BYTES or len(content) % dtype.itemsize:
        return []
    values = (*np.frombuffer(content, dtype), *tensor.int_val, *tensor.int64_val)
    numbers = [int(value) for value in values]
    count = min(math.prod(max(dim.size, 0) for dim in tensor.tensor_shape.dim), _MOST_BYTES)
    return [*numbers, *numbers[-1:] * max(count - len(numbers), 0)]


def _repeated(tensor: Any) -> int:
    """The number of numbers that a constant states but does not hold."""
    if tensor is None or tensor.tensor_content:
        return 0
    total = 1
    for dim in tensor.tensor_shape.dim:
        total *= max(dim.size, 0)
    return max(total - max(len(getattr(tensor, name)) for name in _REPEATING), 0)
