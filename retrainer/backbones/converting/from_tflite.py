"""A `.tflite` of another tool -> a bundle without a `backbone.pb`; this needs no TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.backbones.converting.hints import ConversionContext, Hints, refused_size
from retrainer.backbones.converting.pixel_range import PixelRange
from retrainer.backbones.converting.tflite_features import feature_tensor_of
from retrainer.backbones.converting.verification import TOLERANCE, relative_difference
from retrainer.errors import BackboneError, OptionError
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.associated_files import MODEL_IDENTIFIER
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.inference import pixel_range
from retrainer.models.tflite.litert import Network, tensors_of
from retrainer.models.tflite.tensors import INTEGERS, as_integers, quantization_of, text_of
from retrainer.models.tflite.tflite_metadata import METADATA_BUFFER
from retrainer.text import reason_of, shown

# Rounding may fall either way at an int8 input; a step there is a few steps at the output.
_INT8_TOLERANCE = 0.05


@dataclass(frozen=True)
class _Input:
    """A network's input.

    Attributes:
        tensor: Its tensor.
        size: S, pixels.
        range: The range of its pixels.
    """

    tensor: Any
    size: int
    range: PixelRange

    def own_input(self, picture: Floats) -> Any:
        """Converts a picture in [-1, 1] to the network's own input."""
        real = picture if self.range.is_symmetric else self.range.of(picture).astype(np.float32)
        return as_integers(real, self.tensor) if self.tensor.type in INTEGERS else real


def convert_tflite(path: Path, hints: Hints, draft: Bundle, parent: Path, context: ConversionContext) -> Bundle:
    """Makes the bundle of a `.tflite`: input float32 in [-1, 1], output float32, inside whatever the network has.

    Args:
        path: The file.
        hints: What the user says about the network.
        draft: Name, source, licence and the hash of what the source gave; the rest is filled in.
        parent: The folder of bundles.
        context: The pictures to compare on, and the observer.

    Raises:
        OptionError: the network has no layer of the name that the user gave.
        BackboneError: it is no network of pictures, or differs from its bundle.
        OutputError: the bundle cannot be written.
    """
    subject, content = draft.source, path.read_bytes()
    if content[4:8] != MODEL_IDENTIFIER:
        raise BackboneError(
            f"'{shown(subject)}' is no TFLite model: expected '{MODEL_IDENTIFIER.decode()}' in its first eight bytes.",
            "Convert the network again, or copy it again.",
        )
    try:
        original, layer_name, bundle, tflite = _converted(content, hints, draft, context)
    except (BackboneError, OptionError):
        raise
    except Exception as error:  # flatbuffers and LiteRT raise many kinds for damaged bytes
        raise BackboneError(
            f"'{shown(subject)}' cannot be used: {reason_of(error).rstrip('.')}.",
            "Expected a .tflite of pictures with one input and one output, that LiteRT opens.",
        ) from error
    context.report(bundle, layer_name, stated=original.range.stated)
    return write_bundle(parent, bundle, tflite, None)


def _converted(
    content: bytes, hints: Hints, draft: Bundle, context: ConversionContext
) -> tuple[_Input, str, Bundle, bytes]:
    """Returns the network's input, the name of its layer of features, the complete description and the `.tflite`."""
    builder = TFLiteBuilder.parsed(content)
    original = _input_of(builder, hints, draft.source)
    if hints.wanted_size not in (0, original.size):
        raise refused_size(draft.source, original.size, hints.wanted_size)
    layer = feature_tensor_of(builder, hints, draft.source)
    depth = _make_output(builder, layer, draft.source)
    _insert_input_steps(builder, original)
    _remove_unused(builder)
    tflite, tensors = builder.packed(), builder.graph.tensors
    Network(tflite)
    bundle = replace(
        draft,
        input_size=original.size,
        depth=depth,
        input_mean=original.range.mean,
        input_std=original.range.std,
        batches=False,
        difference=_require_agreement((content, tflite), tensors, layer, original, context.compared(original.size)),
    )
    return original, text_of(tensors[layer].name).split(";")[0], bundle, tflite


def _input_of(builder: TFLiteBuilder, hints: Hints, subject: str) -> _Input:
    graph = builder.graph
    tensor = graph.tensors[graph.inputs[0]]
    if hints.input_layer not in ("", text_of(tensor.name)):
        raise OptionError(
            f"--input_layer: expected the only input of '{shown(subject)}', '{shown(text_of(tensor.name))}', "
            f"received '{shown(hints.input_layer)}'.",
            "Leave the flag out.",
        )
    shape = [int(size) for size in tensor.shape] if tensor.shape is not None else []
    if len(shape) == 4 and tensor.shapeSignature is not None and -1 in list(tensor.shapeSignature)[1:3]:
        raise BackboneError(
            f"'{shown(subject)}': expected an input of a known size, received one of any size.",
            "Convert the network again for one size.",
        )
    known = (*INTEGERS, schema.TensorType.FLOAT32)
    if len(graph.inputs) != 1 or len(shape) != 4 or shape[1] != shape[2] or tensor.type not in known:
        raise BackboneError(
            f"'{shown(subject)}': expected one input (1, S, S, 3) of float32, uint8 or int8, "
            f"received {[tuple(map(int, graph.tensors[number].shape)) for number in graph.inputs]}.",
            "Name a feature vector for pictures.",
        )
    if shape[0] != 1 or shape[3] != 3:
        raise BackboneError(f"'{shown(subject)}': expected an input (1, S, S, 3), received {tuple(shape)}.")
    inferred, stated = pixel_range(builder)
    return _Input(tensor, shape[1], hints.pixel_range(inferred, stated=stated))


def _make_output(builder: TFLiteBuilder, layer: int, subject: str) -> int:
    """Makes a tensor the only output, as float32 `(1, D)`; averages a map. Returns D."""
    tensor = builder.graph.tensors[layer]
    shape = [int(size) for size in tensor.shape]
    if len(shape) not in (2, 4) or (len(shape) == 4 and shape[1] != shape[2]):
        raise BackboneError(
            f"'{shown(subject)}': expected features of the shape (1, D) or (1, H, H, D), "
            f"'{shown(text_of(tensor.name))}' has {tuple(shape)}.",
            "Name the tensor of the features by --bottleneck_layer.",
        )
    if tensor.type != schema.TensorType.FLOAT32:
        floats = builder.add_tensor("features_dequantized", shape)
        builder.add_operator("DEQUANTIZE", (layer,), (floats,), schema.DequantizeOptionsT())
        layer = floats
    if len(shape) == 4:
        axes = builder.add_constant("spatial_axes", np.array([1, 2], np.int32))
        pooled = builder.add_tensor("features_pooled", (1, shape[3]))
        builder.add_operator("MEAN", (layer, axes), (pooled,), schema.ReducerOptionsT())
        layer = pooled
    builder.graph.outputs = [layer]
    return shape[-1]


def _insert_input_steps(builder: TFLiteBuilder, original: _Input) -> None:
    """Inserts operators that convert a picture in [-1, 1] to the network's own input."""
    graph = builder.graph
    (own,) = graph.inputs
    shape = (1, original.size, original.size, 3)
    steps: list[tuple[str, tuple[int, ...], Any]] = []
    factor, offset = original.range.step
    if not np.isclose(factor, 1.0):
        steps.append(
            ("MUL", (builder.add_constant("input_factor", np.array([factor], np.float32)),), schema.MulOptionsT())
        )
    if not np.isclose(offset, 0.0, atol=1e-6):
        steps.append(
            ("ADD", (builder.add_constant("input_offset", np.array([offset], np.float32)),), schema.AddOptionsT())
        )
    if original.tensor.type in INTEGERS:
        steps.append(("QUANTIZE", (), schema.QuantizeOptionsT()))
    if not steps:
        return
    number = builder.add_tensor(INPUT_NODE, shape)
    graph.inputs = [number]
    for position, (operator, constants, options) in enumerate(steps):
        following = own if position == len(steps) - 1 else builder.add_tensor(f"{INPUT_NODE}_{position}", shape)
        builder.insert_operator(position, operator, (number, *constants), (following,), options)
        number = following


def _remove_unused(builder: TFLiteBuilder) -> None:
    """Removes what the output does not need, and metadata and signatures that no longer hold."""
    graph, needed, kept = builder.graph, set(builder.graph.outputs), []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            needed |= set(operator.inputs)
            kept.append(operator)
    graph.operators = kept[::-1]
    used = {graph.tensors[number].buffer for number in needed if number >= 0}
    for number, tensor in enumerate(graph.tensors):
        if number not in needed and tensor.buffer not in used:
            builder.model.buffers[tensor.buffer].data = None
    others = (METADATA_BUFFER, METADATA_BUFFER.encode())
    builder.model.metadata = [entry for entry in builder.model.metadata or [] if entry.name not in others]
    builder.model.signatureDefs = None


def _require_agreement(
    models: tuple[bytes, bytes],
    tensors: Sequence[Any],
    layer: int,
    original: _Input,
    pictures: Sequence[Floats],
) -> float:
    """Compares the bundle's features with the network's own; returns the largest difference.

    Args:
        models: The bytes of the network as it came, and of the bundle's.
        tensors: The network's tensors.
        layer: The number of the tensor of the features.
        original: The network's input.
        pictures: The pictures to compare on, `(S, S, 3)` in [-1, 1].

    Raises:
        ValueError: the difference is too large.
    """
    content, tflite = models
    tensor = tensors[layer]
    tolerance = _INT8_TOLERANCE if any(t.type in INTEGERS for t in tensors) else TOLERANCE
    scale, zero = (1.0, 0) if tensor.type == schema.TensorType.FLOAT32 else quantization_of(tensor)
    differences = []
    for picture in pictures:
        own = next(value for number, _, value in tensors_of(content, original.own_input(picture)) if number == layer)
        expected = (own.astype(np.float32) - zero) * scale
        (*_, (_, _, received)) = tensors_of(tflite, picture)
        expected = expected if expected.ndim == 2 else expected.mean(axis=(1, 2))
        difference = relative_difference(received, expected)
        if not difference <= tolerance:
            raise ValueError(
                f"the bundle's features differ by {difference:.1e} of the largest, expected at most {tolerance:.0e}"
            )
        differences.append(difference)
    return max(differences)
