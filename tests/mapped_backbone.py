"""Backbones whose feature vector is the mean of maps, for what explains a photo."""

from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from retrainer.backbones.bundle import Bundle, FeatureMap, write_bundle
from retrainer.models.tflite.flatbuffer import TFLiteBuilder

SIDE = 8
MAPPED = "mapped"


def write_mapped(parent: Path) -> Bundle:
    """Writes the bundle `mapped`: means of two maps, 4×4 and 2×2, which are averages of the picture's areas."""
    builder = TFLiteBuilder.empty()
    picture = builder.add_tensor("input", (1, SIDE, SIDE, 3))
    axes = builder.add_constant("axes", np.array([1, 2], np.int32))
    builder.graph.inputs = [picture]
    means = []
    for name, side in (("fine", 4), ("coarse", 2)):
        options = schema.Pool2DOptionsT()
        options.strideH = options.strideW = options.filterHeight = options.filterWidth = SIDE // side
        options.padding = schema.Padding.VALID
        pooled = builder.add_tensor(name, (1, side, side, 3))
        builder.add_operator("AVERAGE_POOL_2D", (picture,), (pooled,), options)
        mean = builder.add_tensor(f"{name}/mean", (1, 3))
        builder.add_operator("MEAN", (pooled, axes), (mean,), schema.ReducerOptionsT())
        means.append(mean)
    doubled = builder.add_tensor("coarse/weighted", (1, 3))
    factor = builder.add_constant("factor", np.array(2, np.float32))
    builder.add_operator("MUL", (means[1], factor), (doubled,), schema.MulOptionsT())
    features = builder.add_tensor("features", (1, 6))
    options = schema.ConcatenationOptionsT()
    options.axis = 1
    builder.add_operator("CONCATENATION", (means[0], doubled), (features,), options)
    builder.graph.outputs = [features]
    maps = FeatureMap("fine", 3), FeatureMap("coarse", 3, 2.0)
    bundle = Bundle(MAPPED, "made by a test", "Apache-2.0", SIDE, 6, "", map_tensor="coarse", maps=maps)
    return write_bundle(parent, bundle, builder.packed(), None)
