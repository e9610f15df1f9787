"""Reads and writes TensorFlow's frozen graphs (`.pb`) without TensorFlow.

tensorboard ships the messages of GraphDef. Importing them takes milliseconds; importing TensorFlow takes seconds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import graph_pb2, types_pb2

from retrainer.errors import ModelError, OptionError
from retrainer.models.graph.wire import node_in
from retrainer.models.metadata import INPUT_NODE, METADATA_NODE, PROTOTYPES_NODE, SEAL_NODE, TWIN_NODE, ModelMetadata
from retrainer.models.seal import UNSEALED, content_of, damaged, require_undamaged, seal_of, sealed
from retrainer.text import shown
from retrainer.training.head import Head
from retrainer.training.rejection import Prototypes, checked_prototypes

# The version of graphs of TensorFlow 1.15, the last one for the tools of 2017. TensorFlow 2 reads it, too.
PRODUCER = 134

_WEIGHTS, _BIASES = "final_training_ops/weights/final_weights", "final_training_ops/biases/final_biases"
_PRODUCT, _LOGITS = "final_training_ops/Wx_plus_b/MatMul", "final_training_ops/Wx_plus_b/add"
_HEAD_NODES = (_WEIGHTS, _BIASES, _PRODUCT, _LOGITS, METADATA_NODE, PROTOTYPES_NODE, TWIN_NODE, SEAL_NODE)
_TYPES = {"float32": types_pb2.DT_FLOAT, "int32": types_pb2.DT_INT32, "float16": types_pb2.DT_HALF}

GraphDef = Any
"""tensorboard's GraphDef message; the generated module carries no types."""


def new_graph() -> GraphDef:
    """Returns an empty GraphDef with its version set."""
    graph = graph_pb2.GraphDef()
    graph.versions.producer = PRODUCER
    return graph


def read_graph(path: str | Path) -> GraphDef:
    """Reads a frozen graph.

    Raises:
        ModelError: the file is no GraphDef, or it is damaged or truncated.
    """
    return parsed(_content(path), path)


def read_own_graph(path: str | Path) -> GraphDef:
    """Reads a frozen graph that this process has just written, and does not check its seal; see `read_graph`."""
    return _parsed(_content(path), path)


def read_model(path: str | Path) -> tuple[GraphDef, ModelMetadata | None]:
    """Reads a frozen graph and its metadata, None for a graph of another tool.

    Raises:
        ModelError: the file is no GraphDef, or is damaged or truncated.
    """
    content = _content(path)
    graph = parsed(content, path)
    metadata = metadata_of(graph, str(path))
    if metadata and metadata.is_sealed and not seal_of(content):
        raise damaged(str(path), f"expected '{SEAL_NODE}' at its end")
    if metadata:
        picture, biases = _shape(graph, INPUT_NODE, "shape"), _shape(graph, _BIASES, "value")
        metadata.require_fit(str(path), picture[1] if len(picture) == 4 else 0, biases[0] if biases else 0)
    return graph, metadata


def _content(path: str | Path) -> bytes:
    try:
        return content_of(path)
    except OSError as error:
        raise _not_a_graph(path) from error


def parsed(content: bytes, path: str | Path) -> GraphDef:
    """Parses the bytes of a frozen graph; raises like `read_graph`."""
    require_undamaged(content, str(path))
    return _parsed(content, path)


def _parsed(content: bytes, path: str | Path) -> GraphDef:
    graph = graph_pb2.GraphDef()
    try:
        graph.ParseFromString(content)
    except DecodeError as error:
        raise _not_a_graph(path) from error
    if not graph.node:
        raise _not_a_graph(path)
    return graph


def _not_a_graph(path: str | Path) -> ModelError:
    return ModelError(
        f"'{shown(path)}' is no frozen graph: expected a GraphDef (.pb), received something else or a truncated file.",
        "Retrain it, or copy it again.",
    )


def add_node(graph: GraphDef, op: str, name: str, inputs: Sequence[str] = (), **attributes: Any) -> str:
    """Appends one node.

    Args:
        graph: The graph; it is changed.
        op: The operation's name in TensorFlow.
        name: The node's name, unique in the graph.
        inputs: The names of the nodes that it reads.
        attributes: Its attributes: str, bool, list of int; `types_pb2.DataType` for `T`, `dtype` and `Tidx`.

    Returns:
        The name.
    """
    node = graph.node.add(op=op, name=name, input=list(inputs))
    for key, value in attributes.items():
        attribute = node.attr[key]
        if key in ("T", "dtype", "Tidx"):
            attribute.type = value
        elif isinstance(value, bool):
            attribute.b = value
        elif isinstance(value, str):
            attribute.s = value.encode("utf-8")
        else:
            attribute.list.i.extend(value)
    return name


def add_placeholder(graph: GraphDef, name: str, shape: Sequence[int]) -> str:
    """Appends a float32 placeholder; -1 stands for any size. Returns its name."""
    node = graph.node.add(op="Placeholder", name=name)
    node.attr["dtype"].type = types_pb2.DT_FLOAT
    dims = node.attr["shape"].shape
    dims.SetInParent()  # a scalar has a shape without dimensions
    for size in shape:
        dims.dim.add(size=size)
    return name


def add_constant(graph: GraphDef, name: str, value: Any) -> str:
    """Appends a constant: a float32, int32 or float16 array, or bytes as a scalar string. Returns its name."""
    node = graph.node.add(op="Const", name=name)
    tensor = node.attr["value"].tensor
    if isinstance(value, bytes):
        tensor.dtype = types_pb2.DT_STRING
        tensor.string_val.append(value)
    else:
        tensor.dtype = _TYPES[str(value.dtype)]
        for size in value.shape:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = value.tobytes()
    node.attr["dtype"].type = tensor.dtype
    return name


def require_new_name(backbone: Path, name: str) -> None:
    """Raises OptionError if another node of a model, in its backbone or its head, has the name of the output."""
    if name in _HEAD_NODES or node_in(backbone, name) is not None:
        raise OptionError(
            f"--final_tensor_name: expected a new name, received '{shown(name)}', which another node has.",
            "Choose another name, such as final_result.",
        )


def with_head(
    backbone: Path,
    feature_node: str,
    head: Head,
    metadata: ModelMetadata,
    prototypes: Prototypes | None = None,
    twin: bytes = b"",
) -> bytes:
    """Returns a backbone's graph with a head and the metadata, serialised and sealed; see FORMATS.md.

    The nodes of the head are named as in the 2017 scripts. The name of the output must be new, see `require_new_name`.

    Args:
        backbone: The bundle's `backbone.pb`.
        feature_node: Its node of shape `(N, D)`.
        head: Weights `(D, C)` and biases `(C,)`.
        metadata: For the node `retrainer/metadata`.
        prototypes: For the node `retrainer/prototypes`, float16 `(M, P)`; None if there are none.
        twin: The content of the `.tflite` written with it; empty if there is none.
    """
    graph = graph_pb2.GraphDef()
    # It stands before the head, so that a file that lost its metadata has lost its head, too.
    add_constant(graph, METADATA_NODE, metadata.to_bytes())
    weights = add_constant(graph, _WEIGHTS, head.weights)
    biases = add_constant(graph, _BIASES, head.biases)
    product = add_node(graph, "MatMul", _PRODUCT, (feature_node, weights), T=types_pb2.DT_FLOAT)
    logits = add_node(graph, "Add", _LOGITS, (product, biases), T=types_pb2.DT_FLOAT)
    add_node(graph, "Softmax", metadata.output_node, (logits,), T=types_pb2.DT_FLOAT)
    if prototypes is not None:
        add_constant(graph, PROTOTYPES_NODE, prototypes)
    if twin:
        add_constant(graph, TWIN_NODE, seal_of(twin))
    # The content of a constant is at its end, so the file ends with the seal.
    add_constant(graph, SEAL_NODE, UNSEALED)
    # Two serialised graphs, one after the other, are one graph with the nodes of both.
    return sealed(backbone.read_bytes(), graph.SerializeToString(deterministic=True))


def metadata_of(graph: GraphDef, path: str) -> ModelMetadata | None:
    """The metadata inside a graph; None for a graph of another tool."""
    node = _node(graph, METADATA_NODE)
    return ModelMetadata.from_json((*node.attr["value"].tensor.string_val, b"")[0], path) if node else None


def prototypes_of(graph: GraphDef) -> Prototypes:
    """The prototypes inside a graph.

    Raises:
        ValueError: there are none, or they are damaged.
    """
    node = _node(graph, PROTOTYPES_NODE)
    if not node:
        raise ValueError(f"expected a node '{PROTOTYPES_NODE}', found none")
    shape, content = _shape(graph, PROTOTYPES_NODE, "value"), node.attr["value"].tensor.tensor_content
    return checked_prototypes(content, shape)


def ends_of(graph: GraphDef) -> list[str]:
    """The names of nodes that compute something that no other node reads."""
    read = {name.split(":")[0].lstrip("^") for node in graph.node for name in node.input}
    return [node.name for node in graph.node if node.name not in read and node.input]


def feature_node_of(graph: GraphDef) -> str:
    """The node that gives the features of a retrained model; empty if it has no head of retrainer."""
    node = _node(graph, _PRODUCT)
    return str(node.input[0]) if node else ""


def _shape(graph: GraphDef, name: str, attribute: str) -> list[int]:
    """The shape in an attribute of a node, `value` for a constant; empty if there is none."""
    node = _node(graph, name)
    if not node or attribute not in node.attr:
        return []
    stated = node.attr[attribute]
    shape = stated.tensor.tensor_shape if attribute == "value" else stated.shape
    return [dimension.size for dimension in shape.dim]


def _node(graph: GraphDef, name: str) -> Any:
    """The last node of a name; None if there is none."""
    return next((node for node in reversed(graph.node) if node.name == name), None)
