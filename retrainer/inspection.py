"""What a model is: its inputs, outputs and labels, its backbone, how it was trained, its operations."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retrainer.errors import ModelError, OptionError
from retrainer.models import tensors
from retrainer.models.event_files import write_graph
from retrainer.models.graph import graphdef
from retrainer.models.graph import inference as graph_inference
from retrainer.models.inferred import Inferred
from retrainer.models.kinds import require_no_other_kind
from retrainer.models.metadata import INPUT_NODE, ModelMetadata
from retrainer.models.tflite import associated_files, flatbuffer
from retrainer.models.tflite import inference as tflite_inference
from retrainer.models.twins import is_tflite, twin_of, twins
from retrainer.system.files import require_file, shown


@dataclass(frozen=True)
class Inspection:
    """What a model's file tells.

    Attributes:
        path, size: The file and its bytes.
        metadata: What the model says of itself, None if it says nothing.
        input_node, output_node: Names of nodes.
        input_size: S, pixels; 0 if the graph does not tell.
        inputs, outputs: Name, type and shape of each, in words.
        inferred: Facts that the network itself states or shows.
        operations: Kind -> how many there are, the most frequent first.
        twin: The other file of the pair, if both are whole and were written together.
    """

    path: str
    size: int
    metadata: ModelMetadata | None
    input_node: str
    output_node: str
    input_size: int
    operations: Mapping[str, int]
    twin: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    inferred: Inferred | None = None


def inspect(path: str) -> Inspection:
    """Looks into a `.pb` or `.tflite` without running it.

    Raises:
        OptionError: there is no such file.
        ModelError: it is no model.
    """
    try:
        return _inspected(path)
    except (ModelError, OptionError):
        require_no_other_kind(path)
        raise


def _inspected(path: str) -> Inspection:
    require_file(path, "--graph", "a model, .pb or .tflite")
    graph_path, twin_path = twins(path)
    if is_tflite(path):
        content = associated_files.read_tflite(path)
        metadata = associated_files.metadata_in(content, path)
        operations, inputs, outputs, inferred = _of_tflite(content, path)
        if metadata:
            metadata.require_fit(path, *flatbuffer.sizes_of(content, path))
        other = graph_path
    else:
        graph, metadata = graphdef.read_model(path)
        operations = Counter(node.op for node in graph.node)
        inferred = graph_inference.infer(graph)
        nodes = {node.name: node for node in graph.node}
        placeholders = [node for node in graph.node if node.op in graph_inference.PLACEHOLDERS]
        inputs = tuple(tensors.graph_input(node) for node in placeholders)
        outputs = (tensors.graph_output(nodes, inferred.output_node),)
        other = twin_path
    return Inspection(
        path,
        os.path.getsize(path),
        metadata,
        INPUT_NODE if metadata else inferred.input_node,
        metadata.output_node if metadata else inferred.output_node,
        metadata.input_size if metadata else inferred.input_size,
        dict(operations.most_common()),
        str(other) if metadata and twin_of(str(graph_path)) else "",
        inputs,
        outputs,
        inferred,
    )


def graph_to_tensorboard(path: str, folder: str) -> str:
    """Writes a `.pb`'s graph, without its weights, for TensorBoard; returns the events' path.

    Raises:
        OptionError: the file is no `.pb`.
    """
    if is_tflite(path):
        raise OptionError(
            f"--tensorboard: expected a .pb, received '{shown(path)}'; TensorBoard shows TensorFlow's graphs only.",
            "Name the .pb beside it.",
        )
    return str(write_graph(Path(folder), graphdef.read_graph(path)))


def _of_tflite(content: bytes, path: str) -> tuple[Counter[str], tuple[str, ...], tuple[str, ...], Inferred]:
    """A `.tflite`'s operations by kind, its inputs, its outputs, and what it tells."""
    try:
        builder = flatbuffer.TFLiteBuilder.parsed(content)
        operations = Counter(builder.operator_name(operator) for operator in builder.graph.operators)
        inputs, outputs = (tensors.tflite_tensors(builder, of) for of in (builder.graph.inputs, builder.graph.outputs))
        return operations, inputs, outputs, tflite_inference.infer_from(builder, content)
    except Exception as error:  # flatbuffers raises whatever the bytes make it stumble over
        raise ModelError(
            f"'{shown(path)}' is damaged: expected a TFLite model of pictures.", "Retrain it, or copy it again."
        ) from error
