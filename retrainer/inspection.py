"""Looks into a model without running it: inputs, outputs, labels, backbone, training, operations."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrainer.errors import ModelError, OptionError
from retrainer.models.descriptions import graph_input, graph_output, tflite_tensors
from retrainer.models.event_files import write_graph
from retrainer.models.graph import graphdef
from retrainer.models.graph import inference as graph_inference
from retrainer.models.inferred import Inferred
from retrainer.models.kinds import require_no_other_kind
from retrainer.models.metadata import INPUT_NODE, ModelMetadata
from retrainer.models.tflite import associated_files
from retrainer.models.tflite import inference as tflite_inference
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.sizes import sizes_of
from retrainer.models.twins import is_tflite, twin_of, twins
from retrainer.options.model import train_first
from retrainer.system.paths import require_file
from retrainer.text import shown


@dataclass(frozen=True)
class Inspection:
    """Facts about a model's file.

    Attributes:
        path, size: The file and its size in bytes.
        metadata: The metadata in the file; None if it has none.
        input_node, output_node: Names of nodes.
        input_size: S, pixels; 0 if it is unknown.
        inputs, outputs: Name, type and shape of each, in words.
        inferred: Facts that the network itself shows.
        operations: Kind -> number of operations, the most frequent first.
        twin: The path of the other file of the pair; empty unless both are undamaged and were written together.
    """

    path: str
    size: int
    metadata: ModelMetadata | None
    input_node: str
    output_node: str
    input_size: int
    operations: Mapping[str, int]
    twin: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    inferred: Inferred


def inspect(path: str) -> Inspection:
    """Looks into a `.pb` or `.tflite` without running it.

    Raises:
        OptionError: there is no such file.
        ModelError: it is no model.
    """
    try:
        require_file(path, "--graph", "a model, .pb or .tflite", train_first(path))
        metadata, network = _tflite(path) if is_tflite(path) else _graph(path)
    except (ModelError, OptionError):
        require_no_other_kind(path)
        raise
    inferred = network.inferred
    return Inspection(
        path=path,
        size=os.path.getsize(path),
        metadata=metadata,
        input_node=INPUT_NODE if metadata else inferred.input_node,
        output_node=metadata.output_node if metadata else inferred.output_node,
        input_size=metadata.input_size if metadata else inferred.input_size,
        operations=dict(network.operations.most_common()),
        twin=_twin(path) if metadata else "",
        inputs=network.inputs,
        outputs=network.outputs,
        inferred=inferred,
    )


@dataclass(frozen=True)
class _Network:
    """A network without its metadata: kinds of operations, inputs and outputs in words, inferred facts."""

    operations: Counter[str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    inferred: Inferred


def _tflite(path: str) -> tuple[ModelMetadata | None, _Network]:
    content = associated_files.read_tflite(path)
    metadata = associated_files.metadata_in(content, path)
    network = _tflite_network(content, path)
    if metadata:
        metadata.require_fit(path, *sizes_of(content, path))
    return metadata, network


def _tflite_network(content: bytes, path: str) -> _Network:
    try:
        builder = TFLiteBuilder.parsed(content)
        operations = Counter(builder.operator_name(operator) for operator in builder.graph.operators)
        inputs, outputs = (tflite_tensors(builder, ends) for ends in (builder.graph.inputs, builder.graph.outputs))
        return _Network(operations, inputs, outputs, tflite_inference.infer_from(builder, content))
    except Exception as error:  # flatbuffers does not check damaged bytes, so it raises any kind of error
        raise ModelError(
            f"'{shown(path)}' is damaged: expected a TFLite model of pictures.", "Retrain it, or copy it again."
        ) from error


def _graph(path: str) -> tuple[ModelMetadata | None, _Network]:
    graph, metadata = graphdef.read_model(path)
    nodes: dict[str, Any] = {node.name: node for node in graph.node}
    placeholders = [node for node in graph.node if node.op in graph_inference.PLACEHOLDERS]
    inferred = graph_inference.infer(graph)
    inputs, outputs = tuple(map(graph_input, placeholders)), (graph_output(nodes, inferred.output_node),)
    return metadata, _Network(Counter(node.op for node in graph.node), inputs, outputs, inferred)


def _twin(path: str) -> str:
    """The path of the other file of a pair; empty unless both are undamaged and were written together."""
    graph, twin = twins(path)
    if not twin_of(str(graph)):
        return ""
    return str(graph if is_tflite(path) else twin)


def graph_to_tensorboard(path: str, folder: str) -> str:
    """Writes a `.pb`'s graph, without its weights, for TensorBoard; returns the path of the event file.

    Raises:
        OptionError: the file is no `.pb`.
    """
    if is_tflite(path):
        raise OptionError(
            f"--tensorboard: expected a .pb, received '{shown(path)}'; TensorBoard shows TensorFlow's graphs only.",
            "Name the .pb beside it.",
        )
    return str(write_graph(Path(folder), graphdef.read_graph(path)))
