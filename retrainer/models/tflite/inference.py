"""Infers size, normalisation, ending and labels from a `.tflite` that does not describe itself."""

from collections.abc import Iterator

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from retrainer.models.inferred import Ending, Inferred
from retrainer.models.metadata import USUAL_MEAN, USUAL_STD
from retrainer.models.ranges import SYMMETRIC_RANGE, Step, range_of
from retrainer.models.tflite.associated_files import file_in
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.tensors import INTEGERS, quantization_of, shape_of, text_of
from retrainer.models.tflite.tflite_metadata import METADATA_BUFFER, labels_file_in, normalisation_in

_ARITHMETIC = frozenset({"add", "div", "mul", "sub"})
_PASSING = frozenset({"RESHAPE", "SQUEEZE", "DEQUANTIZE", "QUANTIZE"})
_ENDINGS = {"SOFTMAX": Ending.DISTRIBUTION, "LOGISTIC": Ending.INDEPENDENT}


def infer(content: bytes) -> Inferred:
    """Infers everything from the bytes of a `.tflite`.

    Raises:
        Exception: any kind, since flatbuffers does not check damaged bytes.
    """
    return infer_from(TFLiteBuilder.parsed(content), content)


def infer_from(builder: TFLiteBuilder, content: bytes) -> Inferred:
    """Infers everything from a model that is parsed already; raises like `infer`."""
    graph = builder.graph
    first = graph.tensors[graph.inputs[0]]
    (mean, std), known = pixel_range(builder)
    if not known:
        mean, std = USUAL_MEAN, USUAL_STD
    shape = shape_of(first)
    size = max(shape[1], 0) if len(shape) == 4 else 0
    output = text_of(graph.tensors[graph.outputs[0]].name)
    labels = labels_in(builder, content)
    return Inferred(text_of(first.name), output, size, mean, std, known, _ending_of(builder), labels)


def pixel_range(builder: TFLiteBuilder) -> tuple[tuple[float, float], bool]:
    """Mean and std of a network's input, `(pixel - mean) / std`, and whether the file states or shows them.

    The scale of an integer input gives them; otherwise TFLite Metadata does, or else the network's first operations.
    """
    tensor = builder.graph.tensors[builder.graph.inputs[0]]
    if tensor.type in INTEGERS:
        scale, zero = quantization_of(tensor)
        return (float(zero + INTEGERS[tensor.type]), 1.0 / scale), True
    stated, steps = _stated_range(builder), list(_first_steps(builder))
    return stated or range_of(steps, SYMMETRIC_RANGE), bool(stated or steps)


def labels_in(builder: TFLiteBuilder, content: bytes) -> tuple[str, ...]:
    """The labels in the file that TFLite Metadata names for the first output; none if it names no file.

    Args:
        builder: The model.
        content: Its bytes; an archive of the files stands at their end.
    """
    metadata = _metadata_buffer(builder)
    name = labels_file_in(metadata) if metadata else ""
    file = file_in(content, "the model", name) if name.isascii() and name else None
    lines = file.decode("utf-8", "replace").splitlines() if file else []
    return tuple(line.strip() for line in lines if line.strip())


def _metadata_buffer(builder: TFLiteBuilder) -> bytes | None:
    for entry in builder.model.metadata or []:
        if entry.name in (METADATA_BUFFER, METADATA_BUFFER.encode()):
            return bytes(builder.model.buffers[entry.buffer].data)
    return None


def _stated_range(builder: TFLiteBuilder) -> tuple[float, float] | None:
    """Mean and std in the model's TFLite Metadata."""
    metadata = _metadata_buffer(builder)
    return normalisation_in(metadata) if metadata else None


def _first_steps(builder: TFLiteBuilder) -> Iterator[Step]:
    """The arithmetic with constants that follows the input. Converters fold much of it into the first layer."""
    graph, number, passed = builder.graph, builder.graph.inputs[0], set[int]()
    while number not in passed:
        passed.add(number)
        readers = [operator for operator in graph.operators if number in operator.inputs]
        others = [other for operator in readers for other in operator.inputs if other != number]
        value = _constant(builder, others[0]) if len(readers) == len(others) == 1 else None
        kind = builder.operator_name(readers[0]).lower() if readers else ""
        if value is None or kind not in _ARITHMETIC:
            return
        yield kind, readers[0].inputs[0] == number, value
        number = readers[0].outputs[0]


def _constant(builder: TFLiteBuilder, number: int) -> float | None:
    """The mean of a float32 constant with one number or one per channel; None for any other tensor."""
    tensor = builder.graph.tensors[number]
    data = builder.model.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT32 or data is None or len(data) not in (4, 12):
        return None
    return float(np.frombuffer(bytes(data), np.float32).mean())


def _ending_of(builder: TFLiteBuilder) -> Ending:
    producers = {output: operator for operator in builder.graph.operators for output in operator.outputs}
    number, passed = builder.graph.outputs[0], set[int]()
    while number in producers and number not in passed:
        passed.add(number)
        kind = builder.operator_name(producers[number])
        if kind not in _PASSING:
            return _ENDINGS.get(kind, Ending.UNKNOWN)
        number = producers[number].inputs[0]
    return Ending.UNKNOWN
