"""EfficientNet-Lite: PyTorch's tensors -> a table of layers.

The network is described in github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. A stem is followed
by blocks in seven stages, and a head. A block expands, convolves each channel, and projects. Within a stage its input
is added. Stages differ in depth, so that the tensors themselves tell where one begins.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import FeatureMap
from retrainer.backbones.networks.as_tflite import as_tflite
from retrainer.backbones.networks.layers import Layer, LayerTable
from retrainer.backbones.packages.tensor_file import Arrays
from retrainer.errors import BackboneError
from retrainer.models.tflite.litert import Network
from retrainer.network_input import INPUT_MEAN, INPUT_STD
from retrainer.text import shown

# Of the first block of each stage; the other blocks have stride 1.
STRIDES = (1, 2, 2, 2, 1, 2, 1)
# Features are also taken behind these stages, counted from 0: with them the error on photos of waste falls from 9.8 to
# 7.7 %, on flowers from 7.0 to 6.5 %, at no cost in time.
MAP_STAGES = (3, 4, 6)
EPSILON = 1e-3
# The network takes (pixel - 127) / 128.
MEAN, STD = 127.0, 128.0
_HEAD = "head"
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Facts:
    """Numbers that were measured of one network.

    Attributes:
        factors: What the means behind `MAP_STAGES` are multiplied by. They make the mean variance of each part that of
            the last map, measured on 1,250 photos of flowers at 288 pixels.
        checked_size: S of the two pictures that a new table is checked on.
        zeros_norm: The norm of the last map's mean for a picture whose pixels are all `MEAN`.
        ramp_first: The first three of the last map's means for the ramp, whose pixels count to 254 again and again.
        ramp_norm, ramp_sum: Norm and sum of all of them.
    """

    factors: tuple[float, ...]
    checked_size: int
    zeros_norm: float
    ramp_first: tuple[float, float, float]
    ramp_norm: float
    ramp_sum: float


# Computed once in float32 with the packages' weights. With their last layers they find ImageNet's daisy in
# 209, 208 and 204 of 250 photos of daisies.
FACTS: Mapping[str, Facts] = {
    "efficientnet_lite0": Facts((0.129, 0.186, 0.2085), 224, 0.00521, (1.1072, 0.0, 0.10922), 15.4866, 170.827),
    "efficientnet_lite1": Facts((0.115, 0.158, 0.205), 240, 0.14007, (0.0, 0.0, 0.0), 15.6432, 173.856),
    "efficientnet_lite2": Facts((0.118, 0.162, 0.225), 260, 8.95785, (0.0, 0.0, 0.20438), 16.2951, 173.268),
}


def table_of_tensors(tensors: Arrays, factors: tuple[float, ...]) -> LayerTable:
    """Returns the network as a table of layers, with its batch norms folded into the convolutions.

    Args:
        tensors: PyTorch's, by their names.
        factors: What the means behind `MAP_STAGES` are multiplied by.

    Raises:
        KeyError: a tensor is missing.
    """
    rows = [Layer("stem", *_folded(tensors, "_conv_stem", "_bn0"), 2)]
    last_of_stage: list[Layer] = []
    for number, first in _blocks(tensors):
        stride = STRIDES[len(last_of_stage)] if first else 1
        rows += _block(tensors, number, stride, "" if first else rows[-1].name)
        last_of_stage[len(last_of_stage) - (not first) :] = [rows[-1]]
    rows.append(Layer(_HEAD, *_folded(tensors, "_conv_head", "_bn1")))
    taken = [last_of_stage[stage] for stage in MAP_STAGES]
    maps = [FeatureMap(row.name, len(row.biases), factor) for row, factor in zip(taken, factors, strict=True)]
    return LayerTable(tuple(rows), (*maps, FeatureMap(_HEAD, len(rows[-1].biases))), MEAN, STD)


def _blocks(tensors: Arrays) -> Iterator[tuple[int, bool]]:
    """The number of each block, and whether it is the first of its stage."""
    number, depth = 0, 0
    while f"_blocks.{number}._project_conv.weight" in tensors:
        before, depth = depth, len(tensors[f"_blocks.{number}._project_conv.weight"])
        yield number, depth != before
        number += 1


def _block(tensors: Arrays, number: int, stride: int, added: str) -> Iterator[Layer]:
    name, folded = f"block{number}", partial(_folded, tensors)
    own = f"_blocks.{number}."
    if f"{own}_expand_conv.weight" in tensors:
        yield Layer(f"{name}/expand", *folded(f"{own}_expand_conv", f"{own}_bn0"))
    yield Layer(f"{name}/depthwise", *folded(f"{own}_depthwise_conv", f"{own}_bn1"), stride, depthwise=True)
    yield Layer(name, *folded(f"{own}_project_conv", f"{own}_bn2"), relu6=False, added=added)


def _folded(tensors: Arrays, convolution: str, norm: str) -> tuple[Floats, Floats]:
    """Kernel and biases of a convolution with its batch norm."""
    # PyTorch has (O, I, K, K), and (C, 1, K, K) of depthwise ones.
    kernel = tensors[f"{convolution}.weight"].astype(np.float64)
    kernel = kernel.transpose(2, 3, 0, 1) if "depthwise" in convolution else kernel.transpose(2, 3, 1, 0)
    weight, bias, mean, variance = (
        tensors[f"{norm}.{one}"].astype(np.float64) for one in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + EPSILON)
    along = scale[:, np.newaxis] if "depthwise" in convolution else scale
    return np.ascontiguousarray(kernel * along, np.float32), (bias - mean * scale).astype(np.float32)


def require_check_values(table: LayerTable, facts: Facts, subject: str) -> None:
    """Raises BackboneError unless a network gives the features that it is known for.

    Args:
        table: The network.
        facts: The features of two pictures.
        subject: The network's name in messages.
    """
    size = facts.checked_size
    network, last = Network(as_tflite(table, size), named=subject), table.maps[-1].depth
    counting = (np.arange(size * size * 3) % 255).reshape(size, size, 3)
    zeros, ramp = (
        network.run(((pixels - INPUT_MEAN) / INPUT_STD).astype(np.float32))[-last:]
        for pixels in (np.full((size, size, 3), MEAN), counting)
    )
    received = np.array([np.linalg.norm(zeros), *ramp[:3], np.linalg.norm(ramp), ramp.sum()])
    expected = np.array([facts.zeros_norm, *facts.ramp_first, facts.ramp_norm, facts.ramp_sum])
    if not np.allclose(received, expected, rtol=_TOLERANCE, atol=1e-5):
        raise BackboneError(
            f"'{shown(subject)}' cannot be built: its features of two check pictures are not the known ones.",
            "Update ai-edge-litert, or take another backbone, and report this one.",
        )
