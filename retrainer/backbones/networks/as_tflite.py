"""A table of layers -> a `.tflite`, without TensorFlow."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from retrainer.backbones.bundle import FEATURE_NODE
from retrainer.backbones.networks.layers import Layer, LayerTable
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.flatbuffer import TFLiteBuilder


def as_tflite(table: LayerTable, size: int) -> bytes:
    """Returns the network for pictures `(1, size, size, 3)` in [-1, 1] as a TFLite model."""
    builder = TFLiteBuilder.empty()
    picture = builder.add_tensor(INPUT_NODE, (1, size, size, 3))
    builder.graph.inputs = [picture]
    outputs: dict[str, int] = {}
    sides = table.sides(size)
    current = _scaled_picture(builder, picture, table)
    for row in table.rows:
        current = _add_layer(builder, row, current, (1, sides[row.name], sides[row.name], len(row.biases)))
        if row.added:
            current = _added(builder, row.name, current, outputs[row.added])
        outputs[row.name] = current
    axes = builder.add_constant("pooled_axes", np.array([1, 2], np.int32))
    alone = len(table.maps) == 1
    parts = []
    for one in table.maps:
        ends_here = alone and one.factor == 1
        part = builder.add_tensor(FEATURE_NODE if ends_here else f"{one.tensor}/mean", (1, one.depth))
        builder.add_operator("MEAN", (outputs[one.tensor], axes), (part,), schema.ReducerOptionsT())
        if one.factor != 1:
            name = FEATURE_NODE if alone else f"{one.tensor}/weighted"
            part = _with_constant(builder, "MUL", schema.MulOptionsT(), part, (name, one.factor))
        parts.append(part)
    builder.graph.outputs = [parts[0] if alone else _joined(builder, parts, table.depth)]
    return builder.packed()


def _scaled_picture(builder: TFLiteBuilder, picture: int, table: LayerTable) -> int:
    """Appends what turns pixels in [-1, 1] into the first layer's range."""
    factor, offset = table.input_scale
    if factor != 1:
        picture = _with_constant(builder, "MUL", schema.MulOptionsT(), picture, (f"{INPUT_NODE}/factor", factor))
    if offset:
        picture = _with_constant(builder, "ADD", schema.AddOptionsT(), picture, (f"{INPUT_NODE}/offset", offset))
    return picture


def _with_constant(builder: TFLiteBuilder, operator: str, options: Any, tensor: int, value: tuple[str, float]) -> int:
    """Appends an operator of a tensor and a number; `value` is the name of its output, and the number."""
    name, number = value
    constant = builder.add_constant(f"{name}/constant", np.array(number, np.float32))
    output = builder.add_tensor(name, builder.graph.tensors[tensor].shape)
    builder.add_operator(operator, (tensor, constant), (output,), options)
    return output


def _add_layer(builder: TFLiteBuilder, row: Layer, current: int, shape: tuple[int, ...]) -> int:
    """Appends a convolution whose ReLU6, if it has one, is fused."""
    # Dense kernels are OHWI in TFLite, depthwise ones 1HWC.
    stored = row.kernel[np.newaxis, :, :, :, 0] if row.depthwise else row.kernel.transpose(3, 0, 1, 2)
    inputs = (
        current,
        builder.add_constant(f"{row.name}/weights", np.ascontiguousarray(stored)),
        builder.add_constant(f"{row.name}/biases", row.biases),
    )
    output = builder.add_tensor(f"{row.name}/linear" if row.added else row.name, shape)
    options = schema.DepthwiseConv2DOptionsT() if row.depthwise else schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH = options.strideW = row.stride
    if row.relu6:
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    if row.depthwise:
        options.depthMultiplier = 1
    builder.add_operator("DEPTHWISE_CONV_2D" if row.depthwise else "CONV_2D", inputs, (output,), options)
    return output


def _added(builder: TFLiteBuilder, name: str, current: int, earlier: int) -> int:
    output = builder.add_tensor(name, builder.graph.tensors[current].shape)
    builder.add_operator("ADD", (current, earlier), (output,), schema.AddOptionsT())
    return output


def _joined(builder: TFLiteBuilder, parts: list[int], depth: int) -> int:
    options = schema.ConcatenationOptionsT()
    options.axis = 1
    features = builder.add_tensor(FEATURE_NODE, (1, depth))
    builder.add_operator("CONCATENATION", parts, (features,), options)
    return features
