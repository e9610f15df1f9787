"""The constants that a graph computes before its first layer."""

from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto import types_pb2

from retrainer.models.graph import graphdef
from retrainer.models.graph.first_steps import constant_of, first_steps

FLOAT = types_pb2.DT_FLOAT


def constant(graph: Any, name: str, *numbers: float) -> str:
    return graphdef.add_constant(graph, name, np.array(numbers if len(numbers) > 1 else numbers[0], np.float32))


@pytest.mark.parametrize(
    ("operation", "numbers", "expected"),
    [
        ("Identity", (4.0,), 4.0),
        ("Sqrt", (4.0,), 2.0),
        ("Rsqrt", (4.0,), 0.5),
        ("Reciprocal", (4.0,), 0.25),
        ("Neg", (4.0,), -4.0),
        ("Square", (4.0,), 16.0),
        ("Sub", (4.0, 3.0), 1.0),
        ("RealDiv", (4.0, 8.0), 0.5),
        ("Pow", (4.0, 2.0), 16.0),
        ("Maximum", (4.0, 8.0), 8.0),
        # Neither is a number.
        ("Sqrt", (-4.0,), None),
        ("RealDiv", (4.0, 0.0), None),
        # An operation that is not computed here.
        ("Tanh", (4.0,), None),
    ],
)
def test_constants_are_computed(operation: str, numbers: tuple[float, ...], expected: float | None) -> None:
    graph = graphdef.new_graph()
    operands = [constant(graph, f"c{number}", value) for number, value in enumerate(numbers)]
    graphdef.add_node(graph, operation, "result", operands, T=FLOAT)
    found = constant_of({node.name: node for node in graph.node}, "result:0")
    assert (None if found is None else found.tolist()) == (None if expected is None else [expected])


def test_constants_of_pictures_have_one_number_or_one_per_channel() -> None:
    graph = graphdef.new_graph()
    constant(graph, "channels", 1.0, 2.0, 3.0)
    constant(graph, "four", 1.0, 2.0, 3.0, 4.0)
    graphdef.add_constant(graph, "text", b"1")
    constant(graph, "cut", 1.0)
    graph.node[-1].attr["value"].tensor.tensor_content = b"123"
    last = constant(graph, "deep", 1.0)
    for number in range(30):
        last = graphdef.add_node(graph, "Identity", f"deep{number}", (last,), T=FLOAT)
    nodes = {node.name: node for node in graph.node}
    channels = constant_of(nodes, "channels")
    assert channels is not None
    assert channels.tolist() == [1, 2, 3]
    for name in ("four", "text", "cut", last, "absent"):
        assert constant_of(nodes, name) is None


def test_steps_end_before_the_first_layer() -> None:
    graph = graphdef.new_graph()
    graphdef.add_placeholder(graph, "input", (-1, 8, 8, 3))
    # Integers of an earlier layout: the value is a field of its own, and stands for all channels.
    node = graph.node.add(op="Const", name="half")
    node.attr["value"].tensor.dtype = types_pb2.DT_DOUBLE
    node.attr["value"].tensor.tensor_shape.dim.add(size=3)
    node.attr["value"].tensor.double_val.append(0.5)
    graphdef.add_node(graph, "Cast", "cast", ("input",))
    graphdef.add_node(graph, "Mul", "scaled", ("cast", "half"), T=FLOAT)
    graphdef.add_node(graph, "Sub", "moved", ("half", "scaled"), T=FLOAT)
    weights = graphdef.add_constant(graph, "weights", np.zeros((1, 1, 3, 2), np.float32))
    graphdef.add_node(graph, "Conv2D", "layer", ("moved", weights), T=FLOAT)
    assert list(first_steps(graph, "input")) == [("mul", True, 0.5), ("sub", False, 0.5)]


def test_a_graph_that_reads_itself_has_steps_that_end() -> None:
    graph = graphdef.new_graph()
    half = constant(graph, "half", 0.5)
    graphdef.add_node(graph, "Mul", "a", ("b", half), T=FLOAT)
    graphdef.add_node(graph, "Mul", "b", ("a", half), T=FLOAT)
    assert len(list(first_steps(graph, "a"))) == 2
