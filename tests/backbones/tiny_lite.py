"""A tiny network of EfficientNet-Lite's structure with random weights, and a package that holds them."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensor_files import of_arrays

from retrainer.arrays import Floats
from retrainer.backbones import architectures as known
from retrainer.backbones import catalogue
from retrainer.backbones.networks.as_tflite import as_tflite
from retrainer.backbones.packages import efficientnet_lite
from retrainer.backbones.packages.efficientnet_lite import EPSILON, MEAN, STD, STRIDES, Facts, table_of_tensors
from retrainer.backbones.packages.installed import WeightPackage
from retrainer.models.graph.tensorflow_graph import import_tensorflow
from retrainer.models.tflite.litert import Network

NAME, SIZE, HEAD, STEM = "efficientnet_lite0", 32, 24, 4
# Depth and kernel of each block; stages differ in depth.
BLOCKS = ((3, 3), (5, 3), (5, 3), (6, 5), (7, 3), (8, 5), (8, 5), (9, 5), (10, 3))
FACTORS = (0.5, 0.25, 2.0)
DEPTH = 7 + 8 + 10 + HEAD


def tensors() -> dict[str, Any]:
    """PyTorch's tensors of the network."""
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {}

    def convolution(name: str, norm: str, out: int, taken: int, kernel: int) -> None:
        scale = (2 / (taken * kernel * kernel)) ** 0.5
        arrays[f"{name}.weight"] = generator.normal(0, scale, (out, taken, kernel, kernel)).astype(np.float32)
        for key, low, high in (("weight", 0.5, 1.5), ("bias", -0.5, 0.5), ("running_mean", -0.5, 0.5)):
            arrays[f"{norm}.{key}"] = generator.uniform(low, high, out).astype(np.float32)
        arrays[f"{norm}.running_var"] = generator.uniform(0.5, 1.5, out).astype(np.float32)
        arrays[f"{norm}.num_batches_tracked"] = np.array(7, np.int64)

    convolution("_conv_stem", "_bn0", STEM, 3, 3)
    taken = STEM
    for number, (depth, kernel) in enumerate(BLOCKS):
        own, inner = f"_blocks.{number}.", taken
        if number:
            inner = 2 * taken
            convolution(f"{own}_expand_conv", f"{own}_bn0", inner, taken, 1)
        convolution(f"{own}_depthwise_conv", f"{own}_bn1", inner, 1, kernel)
        convolution(f"{own}_project_conv", f"{own}_bn2", depth, inner, 1)
        taken = depth
    convolution("_conv_head", "_bn1", HEAD, taken, 1)
    return arrays


def in_tensorflow(arrays: Mapping[str, Any], pictures: Floats) -> Floats:
    """The features of pictures `(N, S, S, 3)` in [-1, 1], layer by layer with batch norms as they are."""
    tf = import_tensorflow()

    def layer(x: Any, name: str, norm: str, stride: int = 1) -> Any:
        kernel, strides = arrays[f"{name}.weight"].transpose(2, 3, 1, 0), [1, stride, stride, 1]
        if "depthwise" in name:
            x = tf.nn.depthwise_conv2d(x, kernel.transpose(0, 1, 3, 2), strides, "SAME")
        else:
            x = tf.nn.conv2d(x, kernel, strides, "SAME")
        mean, variance, offset, scale = (
            arrays[f"{norm}.{key}"] for key in ("running_mean", "running_var", "bias", "weight")
        )
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, EPSILON)

    x = tf.nn.relu6(layer((pictures * 127.5 + 127.5 - MEAN) / STD, "_conv_stem", "_bn0", 2))
    stage, maps = -1, {}
    for number, (depth, _) in enumerate(BLOCKS):
        own, before = f"_blocks.{number}.", x
        first = number == 0 or depth != BLOCKS[number - 1][0]
        stage += first
        if number:
            x = tf.nn.relu6(layer(x, f"{own}_expand_conv", f"{own}_bn0"))
        x = tf.nn.relu6(layer(x, f"{own}_depthwise_conv", f"{own}_bn1", STRIDES[stage] if first else 1))
        x = layer(x, f"{own}_project_conv", f"{own}_bn2")
        x = x if first else x + before
        maps[stage] = x
    head = tf.nn.relu6(layer(x, "_conv_head", "_bn1"))
    parts = [factor * tf.reduce_mean(maps[s], [1, 2]) for factor, s in zip(FACTORS, (3, 4, 6), strict=True)]
    return np.asarray(tf.concat([*parts, tf.reduce_mean(head, [1, 2])], 1))


def facts() -> Facts:
    """The check values of the network, by the network itself."""
    network = Network(as_tflite(table_of_tensors(tensors(), FACTORS), SIZE))
    ramp = (np.arange(SIZE * SIZE * 3) % 255).reshape(SIZE, SIZE, 3)
    zeros, counted = (
        network.run(((pixels - 127.5) / 127.5).astype(np.float32))[-HEAD:]
        for pixels in (np.full(ramp.shape, MEAN), ramp)
    )
    first, second, third = counted[:3].tolist()
    norms = (float(np.linalg.norm(one)) for one in (zeros, counted))
    return Facts(FACTORS, SIZE, next(norms), (first, second, third), next(norms), float(counted.sum()))


def install(site: Path, monkeypatch: pytest.MonkeyPatch, *, extra: str = "") -> WeightPackage:
    """Installs the weights as a package in a folder, and lets Lite0 be the tiny network; returns the package."""
    package = site / "tiny_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the code of a package of weights was run')\n")
    content = of_arrays(tensors(), frozenset({"_conv_stem.weight"}))
    (package / "models" / "tiny.pth").write_bytes(content)
    (site / "tiny_weights-1.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
    (site / "tiny_weights-1.0.dist-info" / "METADATA").write_text(metadata)
    monkeypatch.syspath_prepend(str(site))
    weights = WeightPackage(
        "tiny-weights==1.0", "tiny_weights/models/tiny.pth", hashlib.sha256(content).hexdigest(), extra
    )
    rows = known.architectures()
    row = replace(rows[NAME], package=weights, input_size=SIZE, depth=DEPTH)
    for module in (known, catalogue):
        monkeypatch.setattr(module, "architectures", lambda: {**rows, NAME: row})
    monkeypatch.setitem(efficientnet_lite.FACTS, NAME, facts())
    return weights
