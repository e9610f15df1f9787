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

from retrainer.arrays import Floats, Pixels
from retrainer.backbones.bundle import FEATURE_NODE, Bundle, FeatureMap
from retrainer.backbones.networks.layers import Layer, LayerTable
from retrainer.backbones.networks.table_bundle import write_table
from retrainer.models.tflite.litert import Network
from retrainer.photos.images import to_input

OUTPUT = Path(__file__).parent.parent / "retrainer" / "backbones"
# Largest absolute difference from the reference features; the card states it.
TOLERANCE = 1e-5


def table_of_weights(weights: Any, meta: dict[str, Any]) -> LayerTable:
    """The network as a table of layers."""
    strides = iter(meta["strides_conv0_dw1_dw13"])
    rows = tuple(
        Layer(
            name,
            weights[f"{name}_w"],
            weights[f"{name}_b"],
            1 if name.startswith("pw") else next(strides),
            depthwise=name.startswith("dw"),
        )
        for name in meta["order"]
    )
    return LayerTable(rows, (FeatureMap(rows[-1].name, meta["depth"]),))


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
    draft = Bundle(
        meta["name"],
        "trained by this project; see CARD.md",
        "Apache-2.0",
        meta["image_size"],
        meta["depth"],
        FEATURE_NODE,
    )
    bundle = write_table(table_of_weights(arrays, meta), draft, OUTPUT)
    (bundle.folder / "CARD.md").write_bytes(Path(card).read_bytes())
    reference = np.load(check)
    difference = largest_difference(Network(bundle.tflite_path), reference["images"], reference["features"])
    print(f"largest difference from the reference features: {difference:.1e} (at most {TOLERANCE:.0e})")
    if difference > TOLERANCE:
        sys.exit("The bundle does not reproduce the reference features.")


if __name__ == "__main__":
    main()
