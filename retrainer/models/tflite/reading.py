"""What a `.tflite` of another tool tells of itself: its pictures, its labels and how it ends."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from retrainer.arrays import Floats
from retrainer.models.graph.reading import DISTRIBUTION, INDEPENDENT, UNKNOWN, GraphReading
from retrainer.models.metadata import USUAL_MEAN, USUAL_STD
from retrainer.models.ranges import SYMMETRIC_RANGE, Step, range_of
from retrainer.models.tflite.associated_files import file_in
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.tflite_metadata import METADATA_BUFFER, labels_file_in, normalisation_in

_ARITHMETIC = frozenset({"add", "div", "mul", "sub"})
# The number of a type that stands for the darkest pixel, if the whole range of a type is that of pixels.
INTEGERS = {schema.TensorType.UINT8: 0, schema.TensorType.INT8: 128}
_DTYPES: dict[int, type[np.integer[Any]]] = {schema.TensorType.UINT8: np.uint8, schema.TensorType.INT8: np.int8}
_PASSING = frozenset({"RESHAPE", "SQUEEZE", "DEQUANTIZE", "QUANTIZE"})
_ENDINGS = {"SOFTMAX": DISTRIBUTION, "LOGISTIC": INDEPENDENT}


def reading_of(content: bytes) -> GraphReading:
    """What a `.tflite`'s bytes tell.

    Raises:
        Exception: of any kind, as flatbuffers stumbles over damaged bytes.
    """
    return reading_in(TFLiteBuilder.parsed(content), content)


def reading_in(builder: TFLiteBuilder, content: bytes) -> GraphReading:
    """The same of a model that is parsed already; raises as `reading_of`."""
    graph = builder.graph
    first = graph.tensors[graph.inputs[0]]
    (mean, std), told = range_in(builder)
    if not told:
        mean, std = USUAL_MEAN, USUAL_STD
    shape = signature_of(first)
    size = max(shape[1], 0) if len(shape) == 4 else 0
    name = text(graph.tensors[graph.outputs[0]].name)
    return GraphReading(text(first.name), name, size, mean, std, told, _ending_of(builder), labels_in(builder, content))


def range_in(builder: TFLiteBuilder) -> tuple[tuple[float, float], bool]:
    """Mean and std of what a network takes, `(pixel - mean) / std`, and whether anything in it tells them.

    Integers tell by their scale, others by TFLite Metadata or by the network's first steps.
    """
    tensor = builder.graph.tensors[builder.graph.inputs[0]]
    if tensor.type in INTEGERS:
        scale, zero = quantization_of(tensor)
        return (float(zero + INTEGERS[tensor.type]), 1.0 / scale), True
    stated, steps = _stated(builder), list(_first_steps(builder))
    return stated or range_of(steps, SYMMETRIC_RANGE), bool(stated or steps)


def quantization_of(tensor: Any) -> tuple[float, int]:
    """Scale and zero point: a number q stands for `scale * (q - zero)`; 1 and 0 if the tensor states none."""
    stated = tensor.quantization
    if stated is None or stated.scale is None or not len(stated.scale) or not stated.scale[0] > 0:
        return 1.0, 0
    return float(stated.scale[0]), int(stated.zeroPoint[0]) if stated.zeroPoint is not None else 0


def as_integers(real: Floats, tensor: Any) -> npt.NDArray[Any]:
    """Numbers of any shape as a tensor of uint8 or int8 takes them."""
    scale, zero = quantization_of(tensor)
    dtype = _DTYPES[tensor.type]
    limits = np.iinfo(dtype)
    integers: npt.NDArray[Any] = np.rint(real / scale + zero).clip(limits.min, limits.max).astype(dtype)
    return integers


def signature_of(tensor: Any) -> tuple[int, ...]:
    """A tensor's shape, with -1 for what it leaves open."""
    stated = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    return tuple(int(side) for side in stated) if stated is not None else ()


def labels_in(builder: TFLiteBuilder, content: bytes) -> tuple[str, ...]:
    """The labels of the first output that TFLite Metadata names a file of; none if it names none.

    Args:
        builder: The model.
        content: Its bytes, which end with an archive of the files.
    """
    metadata = _metadata(builder)
    name = labels_file_in(metadata) if metadata else ""
    file = file_in(content, "the model", name) if name.isascii() and name else None
    lines = file.decode("utf-8", "replace").splitlines() if file else []
    return tuple(line.strip() for line in lines if line.strip())


def _metadata(builder: TFLiteBuilder) -> bytes | None:
    for entry in builder.model.metadata or []:
        if entry.name in (METADATA_BUFFER, METADATA_BUFFER.encode()):
            return bytes(builder.model.buffers[entry.buffer].data)
    return None


def _stated(builder: TFLiteBuilder) -> tuple[float, float] | None:
    """The range that the model's TFLite Metadata states."""
    metadata = _metadata(builder)
    return normalisation_in(metadata) if metadata else None


def _first_steps(builder: TFLiteBuilder) -> Iterator[Step]:
    """The arithmetic with constants that follows the input; converters fold much of it into the first layer."""
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
    """The mean of a float constant with one number, or one per channel; None of any other tensor."""
    tensor = builder.graph.tensors[number]
    data = builder.model.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT32 or data is None or len(data) not in (4, 12):
        return None
    return float(np.frombuffer(bytes(data), np.float32).mean())


def _ending_of(builder: TFLiteBuilder) -> str:
    maker = {output: operator for operator in builder.graph.operators for output in operator.outputs}
    number, passed = builder.graph.outputs[0], set[int]()
    while number in maker and number not in passed:
        passed.add(number)
        kind = builder.operator_name(maker[number])
        if kind not in _PASSING:
            return _ENDINGS.get(kind, UNKNOWN)
        number = maker[number].inputs[0]
    return UNKNOWN


def text(name: bytes | str | None) -> str:
    """A name of the file."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""
