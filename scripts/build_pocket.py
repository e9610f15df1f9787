"""Builds the bundle of the built-in backbone from its folded weights, and checks it.

    python -m scripts.build_pocket --weights pocket.npz --check check.npz --card CARD.md

The weights are HWIO float32 arrays `conv0_w`, `conv0_b`, then `dwK_*` and `pwK_*` for K = 1 to 13. `meta` is JSON with
their order and the strides. The script needs no TensorFlow: it writes both files through their schemas.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tensorboard.compat.proto import types_pb2

from retrainer.arrays import Floats, Pixels
from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.models.graph import graphdef
from retrainer.models.metadata import INPUT_NODE
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.litert import Network
from retrainer.photos.images import to_input

OUTPUT = Path(__file__).parent.parent / "retrainer" / "backbones"
FEATURES = "feature_vector"
# Largest absolute difference from the reference features; the card states it.
TOLERANCE = 1e-5


def layers(weights: Any, meta: dict[str, Any]) -> list[tuple[str, Floats, Floats, int]]:
    """Name, kernel (HWIO; HWC1 for a depthwise one), bias and stride of each convolution, in order."""
    strides = iter(meta["strides_conv0_dw1_dw13"])
    return [
        (name, weights[f"{name}_w"], weights[f"{name}_b"], 1 if name.startswith("pw") else next(strides))
        for name in meta["order"]
    ]


def as_tflite(convolutions: list[tuple[str, Floats, Floats, int]], size: int) -> bytes:
    """The network as a TFLite model: convolutions with fused ReLU6, then a mean."""
    builder = TFLiteBuilder.empty()
    current = builder.add_tensor(INPUT_NODE, (1, size, size, 3))
    builder.graph.inputs = [current]
    for name, kernel, bias, stride in convolutions:
        depthwise = name.startswith("dw")
        size = -(-size // stride)
        channels = len(bias)
        # Dense kernels are OHWI in TFLite, depthwise ones 1HWC.
        stored = kernel[np.newaxis, :, :, :, 0] if depthwise else kernel.transpose(3, 0, 1, 2)
        inputs = (
            current,
            builder.add_constant(f"{name}/weights", np.ascontiguousarray(stored)),
            builder.add_constant(f"{name}/biases", bias),
        )
        current = builder.add_tensor(name, (1, size, size, channels))
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME
        options.strideH = options.strideW = stride
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        if depthwise:
            options.depthMultiplier = 1
        builder.add_operator("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", inputs, (current,), options)
    axes = builder.add_constant("pooled_axes", np.array([1, 2], np.int32))
    features = builder.add_tensor(FEATURES, (1, channels))
    builder.add_operator("MEAN", (current, axes), (features,), schema.ReducerOptionsT())
    builder.graph.outputs = [features]
    return builder.packed()


def as_graph(convolutions: list[tuple[str, Floats, Floats, int]], size: int) -> bytes:
    """The network as a frozen GraphDef with a placeholder `input` `(N, S, S, 3)`."""
    graph = graphdef.new_graph()
    current = graphdef.add_placeholder(graph, INPUT_NODE, (-1, size, size, 3))
    float_type = types_pb2.DT_FLOAT
    for name, kernel, bias, stride in convolutions:
        operation = "DepthwiseConv2dNative" if name.startswith("dw") else "Conv2D"
        weights = graphdef.add_constant(graph, f"{name}/weights", kernel)
        biases = graphdef.add_constant(graph, f"{name}/biases", bias)
        current = graphdef.add_node(
            graph,
            operation,
            f"{name}/{operation}",
            (current, weights),
            T=float_type,
            strides=[1, stride, stride, 1],
            padding="SAME",
            data_format="NHWC",
        )
        current = graphdef.add_node(
            graph, "BiasAdd", f"{name}/BiasAdd", (current, biases), T=float_type, data_format="NHWC"
        )
        current = graphdef.add_node(graph, "Relu6", name, (current,), T=float_type)
    axes = graphdef.add_constant(graph, f"{FEATURES}/axes", np.array([1, 2], np.int32))
    graphdef.add_node(graph, "Mean", FEATURES, (current, axes), T=float_type, Tidx=types_pb2.DT_INT32, keep_dims=False)
    serialised: bytes = graph.SerializeToString(deterministic=True)
    return serialised


def largest_difference(network: Network, pictures: Pixels, expected: Floats) -> float:
    """The largest absolute difference between the network's features and the expected ones, `(N, D)`."""
    features = np.stack([network.run(to_input(picture)) for picture in pictures])
    return float(np.abs(features - expected).max())


@click.command()
@click.option("--weights", required=True, type=click.Path(exists=True, dir_okay=False), help="The folded weights.")
@click.option("--check", required=True, type=click.Path(exists=True, dir_okay=False), help="Images and their features.")
@click.option("--card", required=True, type=click.Path(exists=True, dir_okay=False), help="The model card.")
def main(weights: str, check: str, card: str) -> None:
    """Writes retrainer/backbones/pocket/ and checks it against the reference features."""
    arrays = np.load(weights)
    meta = json.loads(str(arrays["meta"]))
    convolutions = layers(arrays, meta)
    bundle = write_bundle(
        OUTPUT,
        Bundle(
            name=meta["name"],
            source="trained by this project; see CARD.md",
            licence="Apache-2.0",
            input_size=meta["image_size"],
            depth=meta["depth"],
            feature_node=FEATURES,
            map_tensor=meta["order"][-1],
        ),
        as_tflite(convolutions, meta["image_size"]),
        as_graph(convolutions, meta["image_size"]),
    )
    (bundle.folder / "CARD.md").write_bytes(Path(card).read_bytes())
    reference = np.load(check)
    difference = largest_difference(Network(bundle.tflite_path), reference["images"], reference["features"])
    print(f"largest difference from the reference features: {difference:.1e} (at most {TOLERANCE:.0e})")
    if difference > TOLERANCE:
        sys.exit("The bundle does not reproduce the reference features.")


if __name__ == "__main__":
    main()
