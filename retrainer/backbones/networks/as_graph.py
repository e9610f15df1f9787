"""A table of layers -> a `.pb` and back, without TensorFlow."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto import types_pb2

from retrainer.backbones.bundle import FEATURE_NODE, FeatureMap
from retrainer.backbones.networks.layers import Layer, LayerTable
from retrainer.models.graph import graphdef
from retrainer.models.metadata import INPUT_NODE
from retrainer.network_input import INPUT_MEAN, INPUT_STD

_FLOAT, _INT = types_pb2.DT_FLOAT, types_pb2.DT_INT32
_CONVOLUTIONS = {"Conv2D": False, "DepthwiseConv2dNative": True}


def as_graph(table: LayerTable, size: int) -> bytes:
    """Returns the network as a frozen GraphDef with a placeholder `input` `(N, size, size, 3)` in [-1, 1]."""
    graph = graphdef.new_graph()
    current = _scaled_picture(graph, graphdef.add_placeholder(graph, INPUT_NODE, (-1, size, size, 3)), table)
    for row in table.rows:
        current = _add_layer(graph, row, current)
    alone = len(table.maps) == 1
    axes = graphdef.add_constant(graph, f"{FEATURE_NODE}/axes", np.array([1, 2], np.int32))
    parts = []
    for one in table.maps:
        name = FEATURE_NODE if alone and one.factor == 1 else f"{one.tensor}/mean"
        part = graphdef.add_node(graph, "Mean", name, (one.tensor, axes), T=_FLOAT, Tidx=_INT, keep_dims=False)
        if one.factor != 1:
            part = _with_constant(graph, "Mul", part, FEATURE_NODE if alone else f"{one.tensor}/weighted", one.factor)
        parts.append(part)
    if not alone:
        axis = graphdef.add_constant(graph, f"{FEATURE_NODE}/axis", np.array(1, np.int32))
        node = graphdef.add_node(graph, "ConcatV2", FEATURE_NODE, (*parts, axis), T=_FLOAT, Tidx=_INT)
        next(one for one in graph.node if one.name == node).attr["N"].i = len(parts)
    serialised: bytes = graph.SerializeToString(deterministic=True)
    return serialised


def _scaled_picture(graph: Any, picture: str, table: LayerTable) -> str:
    """Appends what turns pixels in [-1, 1] into the first layer's range."""
    factor, offset = table.input_scale
    if factor != 1:
        picture = _with_constant(graph, "Mul", picture, f"{INPUT_NODE}/factor", factor)
    if offset:
        picture = _with_constant(graph, "AddV2", picture, f"{INPUT_NODE}/offset", offset)
    return picture


def _with_constant(graph: Any, operation: str, node: str, name: str, number: float) -> str:
    constant = graphdef.add_constant(graph, f"{name}/constant", np.array(number, np.float32))
    return graphdef.add_node(graph, operation, name, (node, constant), T=_FLOAT)


def _add_layer(graph: Any, row: Layer, current: str) -> str:
    operation = "DepthwiseConv2dNative" if row.depthwise else "Conv2D"
    weights = graphdef.add_constant(graph, f"{row.name}/weights", row.kernel)
    biases = graphdef.add_constant(graph, f"{row.name}/biases", row.biases)
    current = graphdef.add_node(
        graph,
        operation,
        f"{row.name}/{operation}",
        (current, weights),
        T=_FLOAT,
        strides=[1, row.stride, row.stride, 1],
        padding="SAME",
        data_format="NHWC",
    )
    last = not row.relu6 and not row.added
    name = row.name if last else f"{row.name}/BiasAdd"
    current = graphdef.add_node(graph, "BiasAdd", name, (current, biases), T=_FLOAT, data_format="NHWC")
    if row.relu6:
        name = f"{row.name}/Relu6" if row.added else row.name
        current = graphdef.add_node(graph, "Relu6", name, (current,), T=_FLOAT)
    if row.added:
        current = graphdef.add_node(graph, "AddV2", row.name, (current, row.added), T=_FLOAT)
    return current


def table_of(graph: Any) -> LayerTable:
    """Returns the table that `as_graph` wrote.

    Args:
        graph: A GraphDef.

    Raises:
        ValueError: it has another structure.
    """
    nodes = {node.name: node for node in graph.node}
    try:
        rows = tuple(_rows(nodes))
        return LayerTable(rows, tuple(_maps(nodes, {row.name: len(row.biases) for row in rows})), *_range(nodes))
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError("expected a graph that was written from a table of layers") from error


def _rows(nodes: Mapping[str, Any]) -> Iterator[Layer]:
    for node in nodes.values():
        if node.op in _CONVOLUTIONS:
            name = node.name.rpartition("/")[0]
            end = nodes[name]
            yield Layer(
                name,
                _constant(nodes[f"{name}/weights"]),
                _constant(nodes[f"{name}/biases"]),
                int(node.attr["strides"].list.i[1]),
                _CONVOLUTIONS[node.op],
                "Relu6" in (end.op, nodes[end.input[0]].op),
                str(end.input[1]) if end.op == "AddV2" else "",
            )


def _maps(nodes: Mapping[str, Any], depths: Mapping[str, int]) -> Iterator[FeatureMap]:
    end = nodes[FEATURE_NODE]
    for name in end.input[:-1] if end.op == "ConcatV2" else [FEATURE_NODE]:
        part, factor = nodes[name], 1.0
        if part.op == "Mul":
            # The shortest decimal that float32 rounds to the same number.
            factor, part = float(str(_constant(nodes[part.input[1]]))), nodes[part.input[0]]
        yield FeatureMap(str(part.input[0]), depths[part.input[0]], factor)


def _range(nodes: Mapping[str, Any]) -> tuple[float, float]:
    """Mean and std of the pixels that the first layer takes."""
    factor, offset = 1.0, 0.0
    if f"{INPUT_NODE}/factor" in nodes:
        factor = float(_constant(nodes[f"{INPUT_NODE}/factor/constant"]))
    if f"{INPUT_NODE}/offset" in nodes:
        offset = float(_constant(nodes[f"{INPUT_NODE}/offset/constant"]))
    std = INPUT_STD / factor
    return INPUT_MEAN - offset * std, std


def _constant(node: Any) -> npt.NDArray[np.float32]:
    tensor = node.attr["value"].tensor
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    return np.frombuffer(tensor.tensor_content, np.float32).reshape(shape)
