"""What a frozen graph that does not describe itself tells all the same: nodes, size and normalisation."""

from dataclasses import dataclass
from typing import Any

from tensorboard.compat.proto import types_pb2

from retrainer.models.metadata import INPUT_NODE, USUAL_MEAN, USUAL_STD

USUAL_INPUT, USUAL_OUTPUT = INPUT_NODE, "final_result"
# The 2017 scripts fed Inception v3 here, behind its own decoding of JPEGs.
_INCEPTION_INPUT, _INCEPTION_SIZE = "Mul", 299
PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderWithDefault"})
_INTEGERS = frozenset({types_pb2.DT_UINT8, types_pb2.DT_INT32, types_pb2.DT_INT64})
_PIXELS = _INTEGERS | {types_pb2.DT_FLOAT, types_pb2.DT_HALF}
_PASSING = frozenset({"Identity", "Reshape", "Squeeze", "Softmax"})


@dataclass(frozen=True)
class GraphReading:
    """How a graph wants its pictures: nodes, size (0 where it takes any) and `(pixel - mean) / std`."""

    input_node: str
    output_node: str
    input_size: int
    mean: float
    std: float


def reading_of(graph: Any, input_node: str = "", output_node: str = "") -> GraphReading:
    """Infers what is not given; a node that cannot be told apart gets the name that 2017 used.

    Args:
        graph: A GraphDef.
        input_node, output_node: Names, where they are known.
    """
    nodes = {node.name: node for node in graph.node}
    input_node = input_node or _input_of(nodes)
    node = nodes.get(input_node)
    if node is not None and _dtype(node) in _INTEGERS:
        mean, std = 0.0, 1.0
    elif any(name.startswith("module") for name in nodes):
        # The scripts that came with TF-Hub gave their modules pixels in [0, 1].
        mean, std = 0.0, 255.0
    else:
        mean, std = USUAL_MEAN, USUAL_STD
    size = _size_of(node) if node is not None else 0
    return GraphReading(input_node, output_node or _output_of(nodes), size, mean, std)


def _input_of(nodes: dict[str, Any]) -> str:
    placeholders = [n for n in nodes.values() if n.op in PLACEHOLDERS and _dtype(n) in _PIXELS]
    # A rank of four is a batch of pictures; an unknown rank may be one.
    pictures = [n.name for n in placeholders if len(_shape(n)) == 4]
    pictures += [n.name for n in placeholders if "shape" not in n.attr or n.attr["shape"].shape.unknown_rank]
    if USUAL_INPUT in pictures or not pictures:
        return _INCEPTION_INPUT if _INCEPTION_INPUT in nodes and USUAL_INPUT not in nodes else USUAL_INPUT
    return str(pictures[0])


def _output_of(nodes: dict[str, Any]) -> str:
    if USUAL_OUTPUT in nodes:
        return USUAL_OUTPUT
    read = {name.split(":")[0].lstrip("^") for node in nodes.values() for name in node.input}
    ends = [name for name, node in nodes.items() if name not in read and node.op in _PASSING]
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
