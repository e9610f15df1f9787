"""Measures extraction against its own limits, and whole commands against a bare import of TensorFlow.

    python -m scripts.benchmark --photos FOLDER

Seconds mean little on a shared machine, so that everything is a ratio of medians of interleaved runs.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click
import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.sources import EMBEDDED, find_bundle
from retrainer.bottlenecks import BottleneckCache, FileIndex
from retrainer.dataset import PhotoFiles, scan
from retrainer.events import silent
from retrainer.features import Source, extract
from retrainer.images import read_file, square, to_input
from retrainer.models.litert import Network
from retrainer.parallel import in_order, usable_cores

Item = TypeVar("Item")


def rounds(measures: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """The median seconds of each measure; all are taken in turn, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in measures}
    for count in range(repeats + 1):
        for name, measure in measures.items():
            started = time.perf_counter()
            measure()
            if count:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def extraction(files: PhotoFiles, repeats: int) -> list[tuple[str, str]]:
    """Photos per second of each stage alone and of the whole, and the whole against its limit; all cores."""
    bundle = find_bundle(EMBEDDED, "")
    paths = files.paths
    networks = [Network(bundle.tflite_path) for _ in range(usable_cores())]
    blank: Floats = np.zeros((bundle.input_size, bundle.input_size, 3), np.float32)

    def picture(network: Network, path: str) -> None:
        to_input(square(read_file(path), network.input_size))

    def run(network: Network, picture: Floats) -> None:
        network.run(picture)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            cache = BottleneckCache(Path(folder), bundle.name, bundle.depth, silent)
            source = Source(FileIndex(Path(folder), silent), cache, lambda: Network(bundle.tflite_path))
            extract(paths, files.stamps, source, silent)

    medians = rounds(
        {
            "picture": lambda: _exhaust(networks, picture, paths),
            "network": lambda: _exhaust(networks, run, [blank] * len(paths)),
            "whole": whole,
        },
        repeats,
    )
    rates = {name: len(paths) / seconds for name, seconds in medians.items()}
    limit = 1 / (1 / rates["picture"] + 1 / rates["network"])
    return [
        ("picture alone: read, decode, resize, to float", f"{rates['picture']:,.0f} photos/s"),
        ("network alone: set, invoke, get", f"{rates['network']:,.0f} photos/s"),
        ("the limit of both, 1/(1/picture + 1/network)", f"{limit:,.0f} photos/s"),
        ("extraction, the cache written", f"{rates['whole']:,.0f} photos/s"),
        ("extraction against its limit", f"{rates['whole'] / limit:.0%}"),
    ]


def _exhaust(networks: list[Network], work: Callable[[Network, Item], None], items: Sequence[Item]) -> None:
    for _ in in_order(networks, work, items):
        pass


def processes(photos: str, photo: str, repeats: int) -> list[tuple[str, str]]:
    """Whole processes against `import tensorflow`."""
    bin_folder = Path(sys.executable).parent
    retrainer = str(bin_folder / "retrainer")
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "import tensorflow": [sys.executable, "-c", "import tensorflow"],
            "warm retrain, 4,000 steps": [retrainer, "retrain", "--image_dir", os.path.abspath(photos)],
            "label, one photo": [retrainer, "label", "--image", os.path.abspath(photo)],
            "--help": [retrainer, "--help"],
        }

        def runner(line: list[str]) -> Callable[[], None]:
            return lambda: _run(line, folder)

        # The first round fills the cache and writes the model.
        medians = rounds({name: runner(line) for name, line in commands.items()}, repeats)
    base = medians.pop("import tensorflow")
    rows = [(f"{name} / import tensorflow", f"{seconds / base:.3f}") for name, seconds in medians.items()]
    return [("import tensorflow", f"{base:.2f} s"), *rows]


def _run(line: list[str], folder: str) -> None:
    subprocess.run(line, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@click.command()
@click.option(
    "--photos", required=True, type=click.Path(exists=True, file_okay=False), help="A folder of class folders."
)
@click.option("--repeats", default=5, show_default=True, help="Runs that count, of each measure.")
def main(photos: str, repeats: int) -> None:
    """Prints the table of ratios, Markdown."""
    files = scan(photos, silent)
    machine = f"{platform.machine()}, {usable_cores()} cores, Python {platform.python_version()}"
    click.echo(f"{machine}, {len(files.names):,} photos\n\n| measure | median |\n| --- | --- |")
    for name, value in extraction(files, repeats) + processes(photos, files.paths[0], repeats):
        click.echo(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
