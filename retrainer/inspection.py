"""What a model is: its inputs, outputs and labels, its backbone, how it was trained, its operations."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retrainer.errors import ModelError, OptionError
from retrainer.files import require_file, shown
from retrainer.models import foreign, graphdef, tflite, tflite_reader
from retrainer.models.metadata import INPUT_NODE, ModelMetadata
from retrainer.models.retrained import is_tflite, twin_of, twins
from retrainer.summaries import write_graph


@dataclass(frozen=True)
class Inspection:
    """What a model's file tells.

    Attributes:
        path, size: The file and its bytes.
        metadata: What the model says of itself, None where it says nothing.
        input_node, output_node: Names of nodes.
        input_size: S, pixels; 0 where the graph does not tell.
        operations: Kind -> how many there are, the most frequent first.
        twin: The other file of the pair, where both are whole and were written together.
    """

    path: str
    size: int
    metadata: ModelMetadata | None
    input_node: str
    output_node: str
    input_size: int
    operations: Mapping[str, int]
    twin: str


def inspect(path: str) -> Inspection:
    """Looks into a `.pb` or `.tflite` without running it.

    Raises:
        OptionError: there is no such file.
        ModelError: it is no model.
    """
    require_file(path, "--graph", "a model, .pb or .tflite")
    graph_path, twin_path = twins(path)
    if is_tflite(path):
        content = tflite_reader.read_tflite(path)
        metadata = tflite_reader.metadata_in(content, path)
        operations, size = _of_tflite(content, path)
        if metadata:
            metadata.require_fit(path, *tflite.sizes_of(content, path))
        reading = foreign.GraphReading(INPUT_NODE, "", size, 0, 1)
        other = graph_path
    else:
        graph, metadata = graphdef.read_model(path)
        operations = Counter(node.op for node in graph.node)
        reading = foreign.reading_of(graph)
        other = twin_path
    return Inspection(
        path,
        os.path.getsize(path),
        metadata,
        reading.input_node,
        metadata.output_node if metadata else reading.output_node,
        metadata.input_size if metadata else reading.input_size,
        dict(operations.most_common()),
        str(other) if metadata and twin_of(str(graph_path)) else "",
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


def _of_tflite(content: bytes, path: str) -> tuple[Counter[str], int]:
    """A `.tflite`'s operations by kind, and the size of its input."""
    try:
        builder = tflite.TFLiteBuilder.parsed(content)
        operations = Counter(builder.operator_name(operator) for operator in builder.graph.operators)
        return operations, int(builder.graph.tensors[builder.graph.inputs[0]].shape[1])
    except Exception as error:  # flatbuffers raises whatever the bytes make it stumble over
        raise ModelError(
            f"'{shown(path)}' is damaged: expected a TFLite model of pictures.", "Retrain it, or copy it again."
        ) from error
