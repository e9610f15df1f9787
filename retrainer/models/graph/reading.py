"""What a frozen graph that does not describe itself tells all the same: nodes, size and normalisation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tensorboard.compat.proto import types_pb2

from retrainer.arrays import Floats
from retrainer.models.graph.first_steps import first_steps
from retrainer.models.metadata import INPUT_NODE, USUAL_MEAN, USUAL_STD
from retrainer.models.ranges import SYMMETRIC_RANGE, range_of

USUAL_INPUT, USUAL_OUTPUT = INPUT_NODE, "final_result"
# The 2017 scripts fed Inception v3 here, behind its own decoding of JPEGs.
_INCEPTION_INPUT, _INCEPTION_SIZE = "Mul", 299
PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderWithDefault"})
_INTEGERS = frozenset({types_pb2.DT_UINT8, types_pb2.DT_INT32, types_pb2.DT_INT64})
_PIXELS = _INTEGERS | {types_pb2.DT_FLOAT, types_pb2.DT_HALF}
_PASSING = frozenset({"Identity", "Reshape", "Squeeze", "Softmax"})
# What a network ends with: scores that sum to 1, scores of one class each, or what only a softmax makes scores of.
DISTRIBUTION, INDEPENDENT, UNKNOWN = "distribution", "independent", "unknown"
_TOLERANCE = 1e-3
_ENDINGS = {"Softmax": DISTRIBUTION, "Sigmoid": INDEPENDENT}


@dataclass(frozen=True)
class GraphReading:
    """What a network that does not describe itself tells all the same.

    Attributes:
        input_node, output_node: Names.
        input_size: S, pixels; 0 if it takes any.
        mean, std: It sees `(pixel - mean) / std`.
        told: Whether anything in it tells mean and std; they are taken for granted otherwise.
        ending: `DISTRIBUTION`, `INDEPENDENT` or `UNKNOWN`.
        labels: Those that it carries.
    """

    input_node: str
    output_node: str
    input_size: int
    mean: float
    std: float
    told: bool = field(default=False, compare=False)
    ending: str = field(default=UNKNOWN, compare=False)
    labels: tuple[str, ...] = field(default=(), compare=False)

    def said(self, mean: float | None, std: float | None) -> "GraphReading":
        """The same with what the user says of mean and std."""
        if mean is None and std is None:
            return self
        return replace(self, mean=self.mean if mean is None else mean, std=self.std if std is None else std, told=True)


def reading_of(graph: Any, input_node: str = "", output_node: str = "") -> GraphReading:
    """Infers what is not given; a node that cannot be told apart gets the name that 2017 used.

    Args:
        graph: A GraphDef.
        input_node, output_node: Names, where they are known.
    """
    nodes = {node.name: node for node in graph.node}
    input_node = input_node or _input_of(nodes)
    node = nodes.get(input_node)
    output_node = output_node or _output_of(nodes)
    (mean, std), told = _range_of(graph, nodes, input_node)
    size = _size_of(node) if node is not None else 0
    return GraphReading(input_node, output_node, size, mean, std, told, _ending_of(nodes, output_node))


def is_distribution(scores: Floats) -> bool:
    """Whether scores `(C,)` are at least 0 and sum to 1."""
    return bool(scores.min(initial=0) >= 0 and abs(float(scores.sum()) - 1) <= _TOLERANCE)


def _range_of(graph: Any, nodes: Mapping[str, Any], input_node: str) -> tuple[tuple[float, float], bool]:
    """Mean and std of what a graph takes, and whether it tells them: by its type, or by what it does first."""
    if input_node in nodes and _dtype(nodes[input_node]) in _INTEGERS:
        return (0.0, 1.0), True
    steps = list(first_steps(graph, input_node))
    if steps:
        return range_of(steps, SYMMETRIC_RANGE), True
    if any(name.startswith("module") for name in nodes):
        # The scripts that came with TF-Hub gave their modules pixels in [0, 1].
        return (0.0, 255.0), False
    return (USUAL_MEAN, USUAL_STD), False


def _ending_of(nodes: Mapping[str, Any], name: str) -> str:
    node, seen = nodes.get(name), set[str]()
    while node is not None and node.op in _PASSING - set(_ENDINGS) and node.input and node.name not in seen:
        seen.add(node.name)
        node = nodes.get(node.input[0].split(":")[0])
    return _ENDINGS.get(node.op, UNKNOWN) if node is not None else UNKNOWN


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
