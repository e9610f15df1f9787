"""Infers nodes, size and normalisation from a frozen graph that does not describe itself."""

from collections.abc import Mapping
from typing import Any

from tensorboard.compat.proto import types_pb2

from retrainer.models.graph.first_steps import first_steps
from retrainer.models.inferred import Ending, Inferred
from retrainer.models.metadata import INPUT_NODE, USUAL_MEAN, USUAL_STD
from retrainer.models.ranges import SYMMETRIC_RANGE, UNIT_RANGE, range_of

USUAL_INPUT, USUAL_OUTPUT = INPUT_NODE, "final_result"
# The 2017 scripts fed Inception v3 behind its own JPEG decoder, here.
_INCEPTION_INPUT, _INCEPTION_SIZE = "Mul", 299
PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderWithDefault"})
_INTEGERS = frozenset({types_pb2.DT_UINT8, types_pb2.DT_INT32, types_pb2.DT_INT64})
_PIXELS = _INTEGERS | {types_pb2.DT_FLOAT, types_pb2.DT_HALF}
_ENDINGS = {"Softmax": Ending.DISTRIBUTION, "Sigmoid": Ending.INDEPENDENT}
_PASSING = frozenset({"Identity", "Reshape", "Squeeze"})
_LAST = _PASSING | {"Softmax"}


def infer(graph: Any, input_node: str = "", output_node: str = "") -> Inferred:
    """Infers everything that is not given. A node that cannot be found gets the name that the 2017 scripts used.

    Args:
        graph: A GraphDef.
        input_node, output_node: Names of nodes; empty if they are unknown.
    """
    nodes = {node.name: node for node in graph.node}
    input_node = input_node or _input_of(nodes)
    node = nodes.get(input_node)
    output_node = output_node or _output_of(nodes)
    (mean, std), known = _pixel_range(graph, nodes, input_node)
    size = _size_of(node) if node is not None else 0
    return Inferred(input_node, output_node, size, mean, std, known, _ending_of(nodes, output_node))


def _pixel_range(graph: Any, nodes: Mapping[str, Any], input_node: str) -> tuple[tuple[float, float], bool]:
    """Mean and std of a graph's input, and whether its type or its first operations show them."""
    if input_node in nodes and _dtype(nodes[input_node]) in _INTEGERS:
        return (0.0, 1.0), True
    steps = list(first_steps(graph, input_node))
    if steps:
        return range_of(steps, SYMMETRIC_RANGE), True
    if any(name.startswith("module") for name in nodes):
        # The scripts that came with TF-Hub gave their modules pixels in [0, 1].
        return UNIT_RANGE, False
    return (USUAL_MEAN, USUAL_STD), False


def _ending_of(nodes: Mapping[str, Any], name: str) -> Ending:
    node, seen = nodes.get(name), set[str]()
    while node is not None and node.op in _PASSING and node.input and node.name not in seen:
        seen.add(node.name)
        node = nodes.get(node.input[0].split(":")[0])
    return _ENDINGS.get(node.op, Ending.UNKNOWN) if node is not None else Ending.UNKNOWN


def _input_of(nodes: Mapping[str, Any]) -> str:
    placeholders = [n for n in nodes.values() if n.op in PLACEHOLDERS and _dtype(n) in _PIXELS]
    # Four dimensions are a batch of pictures; an unknown shape may be one.
    pictures = [n.name for n in placeholders if len(_shape(n)) == 4]
    pictures += [n.name for n in placeholders if "shape" not in n.attr or n.attr["shape"].shape.unknown_rank]
    if USUAL_INPUT in pictures or not pictures:
        return _INCEPTION_INPUT if _INCEPTION_INPUT in nodes and USUAL_INPUT not in nodes else USUAL_INPUT
    return str(pictures[0])


def _output_of(nodes: Mapping[str, Any]) -> str:
    if USUAL_OUTPUT in nodes:
        return USUAL_OUTPUT
    read = {name.split(":")[0].lstrip("^") for node in nodes.values() for name in node.input}
    ends = [name for name, node in nodes.items() if name not in read and node.op in _LAST]
    return ends[-1] if ends else USUAL_OUTPUT


def _size_of(node: Any) -> int:
    if node.name == _INCEPTION_INPUT:
        return _INCEPTION_SIZE
    shape = _shape(node)
    return max(shape[1], 0) if len(shape) == 4 and shape[1] == shape[2] else 0


def _shape(node: Any) -> list[int]:
    # Asking for an attribute that is absent would add it to the node.
    return [dim.size for dim in node.attr["shape"].shape.dim] if "shape" in node.attr else []


def _dtype(node: Any) -> int:
    return int(node.attr["dtype"].type) if "dtype" in node.attr else types_pb2.DT_INVALID
