"""Measures backbones: seconds to convert, size, difference, and photos per second in float32 and int8.

    python -m scripts.benchmark.backbones --photos FOLDER [NAME...]

A NAME is a value of `--architecture`. Keras builds the networks of the table with random weights, so nothing is
downloaded: speed and difference do not depend on the weights, and accuracy is not measured. Without a NAME, one small
network of each Keras family is measured. The result is a Markdown table.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.architectures import Architecture, architectures
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.from_tensorflow import convert
from retrainer.backbones.converting.hints import ConversionContext, Hints, Pictures
from retrainer.backbones.converting.keras_networks import import_keras, keras_application, open_keras
from retrainer.backbones.converting.open_network import OpenNetwork
from retrainer.backbones.converting.quantization import quantize
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.inputs import sample_inputs
from retrainer.errors import BackboneError
from retrainer.events import silent
from retrainer.models.tflite.litert import Network
from retrainer.options.backbone import BundleOptions
from retrainer.photos.scanning import scan

ROUNDS = 5
MEASURED = 64
SMALL = (
    "mobilenet_0.25_128",
    "mobilenet_v2_0.35_96",
    "mobilenet_v3_small_1.0_224",
    "efficientnet_v2_b0",
    "resnet_v2_50",
    "inception_v3",
)
_HEADINGS = ("backbone", "S", "D", "conversion", "bundle", "difference", "float32", "int8", "int8 / float32")
_OF_PIXELS = ("MobileNet V3", "EfficientNet V2")


def with_random_weights(row: Architecture, folder: Path, pictures: Pictures) -> Bundle:
    """The bundle of a Keras application with random weights; its batch statistics keep the numbers in range."""
    if row.keras is None:
        raise click.UsageError(f"Keras has no {row.name}. Give its TF-Hub handle instead.")
    keras = import_keras()
    keras.utils.set_random_seed(0)
    model = keras_application(row.keras, row.input_size, None)
    seen = np.stack(pictures(row.input_size, 8))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(seen * 127.5 + 127.5 if row.family in _OF_PIXELS else seen, training=True)
    hints = Hints(row.input_size)

    def opened() -> OpenNetwork:
        return open_keras(model, row.name, hints)

    return convert(
        opened, hints, Bundle(row.name, "random weights", row.licence, 0, 0, ""), folder, ConversionContext(pictures)
    )


def photos_per_second(networks: Sequence[Network], pictures: Sequence[Floats]) -> list[float]:
    """Photos per second of each network on one core: medians of rounds in which the networks take turns."""
    seconds: list[list[float]] = [[] for _ in networks]
    for _ in range(ROUNDS):
        for network, own in zip(networks, seconds, strict=True):
            started = time.perf_counter()
            for picture in pictures:
                network.run(picture)
            own.append(time.perf_counter() - started)
    return [len(pictures) / statistics.median(own) for own in seconds]


def measured(name: str, folder: Path, pictures: Pictures) -> list[str]:
    """The cells of a backbone's row."""
    options = BundleOptions(model_dir=str(folder))
    started = time.perf_counter()
    row = architectures().get(name)
    bundle = (
        with_random_weights(row, folder, pictures)
        if row
        else bundle_of(resolve(name, options), options, pictures, silent)
    )
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6
    cells = [name.rsplit("/imagenet/", maxsplit=1)[-1], str(bundle.input_size), str(bundle.depth), f"{seconds:.1f} s"]
    cells += [f"{size:.1f} MB", f"{bundle.difference:.0e}"]
    networks = [Network(bundle.tflite_path)]
    try:
        networks.append(Network(quantize(bundle, "quantized", folder, pictures, silent).tflite_path))
    except BackboneError as error:
        click.echo(error.problem, err=True)
    rates = photos_per_second(networks, pictures(bundle.input_size, MEASURED))
    cells += [f"{rate:,.0f}/s" for rate in rates]
    return [*cells, f"{rates[1] / rates[0]:.2f}"] if len(rates) == 2 else [*cells, "", ""]


@click.command()
@click.option("--photos", required=True, help="Folder of class folders of photos.")
@click.argument("names", nargs=-1)
def main(photos: str, names: tuple[str, ...]) -> None:
    """Measures backbones and prints a Markdown table."""
    pictures = partial(sample_inputs, scan(photos, silent).paths)
    click.echo(f"| {' | '.join(_HEADINGS)} |\n|{' --- |' * len(_HEADINGS)}")
    for name in names or SMALL:
        with tempfile.TemporaryDirectory() as folder:
            click.echo(f"| {' | '.join(measured(name, Path(folder), pictures))} |")


if __name__ == "__main__":
    main()
