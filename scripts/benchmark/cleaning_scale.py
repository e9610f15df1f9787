"""Measures `retrainer clean` on many made-up photos whose vectors are all cached: seconds, memory and findings.

    python -m scripts.benchmark.cleaning_scale [COUNT...]

The photos are empty files. Their vectors lie around the centres of ten classes; one in twenty lies in the folder of
another class, and one in fifty is a near copy of the photo before it.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.bottlenecks.inputs import drawn_inputs
from retrainer.bottlenecks.look_cache import LookCache
from retrainer.bottlenecks.table_writer import ROWS_PER_FILE
from retrainer.cleaning.looking import clean
from retrainer.events import silent
from retrainer.feature_source import cache_name
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, BundleOptions
from retrainer.photos.copies.fingerprints import SIDE, Fingerprints, fingerprint_of
from retrainer.photos.looks import Look
from retrainer.photos.scanning import scan
from scripts.benchmark.commands import PROJECT

CLASSES, WRONG_EVERY, COPY_EVERY = 10, 20, 50
# Clouds of these many cells are the pictures.
_CELLS = 6
_LOOK = Look(500, 333, 80_000, "JPEG", 0.6)


def make_photos(folder: Path, bundle: Bundle, count: int) -> None:
    """Fills `photos` with empty files, and `cache` with a made-up digest, vector, fingerprint and look for each."""
    photos, cache_dir = folder / "photos", folder / "cache"
    for label in range(CLASSES):
        (photos / f"class {label}").mkdir(parents=True)
    for number in range(count):
        (photos / f"class {number % CLASSES}" / f"{number:07d}.jpg").touch()
    files = scan(str(photos), silent)
    generator = np.random.default_rng(0)
    centres = generator.normal(0.0, 1.0, (CLASSES, bundle.depth)).astype(np.float32)
    index = FileIndex(cache_dir, silent)
    vectors = BottleneckCache(cache_dir, cache_name(bundle), bundle.depth, silent)
    prints, looks = FingerprintCache(cache_dir, silent), LookCache(cache_dir, silent)
    for start in range(0, count, ROWS_PER_FILE):
        rows = np.arange(start, min(start + ROWS_PER_FILE, count))
        digests = generator.integers(0, 256, (len(rows), 32), np.uint8)
        wrong = rows % WRONG_EVERY == 0
        true = (files.class_ids[rows] + wrong) % CLASSES
        own = rows - (rows % COPY_EVERY == 1) * (rows > start)
        index.add([files.paths[row] for row in rows], files.stamps[rows], digests)
        vectors.add(digests, np.zeros(len(rows), np.int64), _vectors(centres[true], own - start, generator))
        prints.add(digests, _fingerprints(len(rows), own - start, generator))
        looks.add(digests, [_LOOK] * len(rows))


def _vectors(centres: Floats, own: Integers, generator: np.random.Generator) -> Floats:
    """Vectors around centres; a copy is nearly that of the photo whose number stands in `own`."""
    noise = generator.standard_normal(centres.shape, np.float32)
    vectors: Floats = (centres + 4.0 * noise)[own]
    vectors += 0.1 * generator.standard_normal(centres.shape, np.float32)
    return vectors


def _fingerprints(count: int, own: Integers, generator: np.random.Generator) -> Fingerprints:
    """Fingerprints of coloured clouds; a copy has those of the photo whose number stands in `own`, a little lighter."""
    cells = generator.integers(20, 220, (count, _CELLS, _CELLS, 3)).astype(np.float32)[own]
    cells += (own != np.arange(count))[:, np.newaxis, np.newaxis, np.newaxis] * 8
    weights = np.maximum(0, 1 - abs(np.linspace(0, _CELLS - 1, SIDE)[:, np.newaxis] - np.arange(_CELLS)))
    rows = np.einsum("si,nijc->nsjc", weights, cells)
    return np.stack([fingerprint_of(np.einsum("tj,sjc->stc", weights, one).astype(np.uint8)) for one in rows])


def looked(folder: Path, architecture: str = DEFAULT_ARCHITECTURE, model_dir: str = "") -> dict[str, Any]:
    """Looks at the photos of a folder; returns seconds, memory and findings."""
    started = time.perf_counter()
    result = clean(
        folder / "photos",
        clean_list=folder / "clean.csv",
        bottleneck_dir=folder / "cache",
        architecture=architecture,
        model_dir=model_dir,
    )
    seconds = time.perf_counter() - started
    return {
        "photos": result.photos,
        "seconds": round(seconds, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "stages": {name: round(taken, 1) for name, taken in result.seconds.items()},
        "findings": result.counts,
        "list_bytes": (folder / "clean.csv").stat().st_size,
    }


@click.command()
@click.argument("counts", nargs=-1, type=click.IntRange(100))
@click.option("--in", "folder", hidden=True, type=click.Path(path_type=Path))
def main(counts: tuple[int, ...], folder: Path | None) -> None:
    """Prints a line of JSON for each number of photos; each is measured in a process of its own."""
    if folder:
        click.echo(json.dumps(looked(folder)))
        return
    bundle = bundle_of(resolve(DEFAULT_ARCHITECTURE, BundleOptions()), BundleOptions(), drawn_inputs, silent)
    for count in counts or (1_000, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as made:
            make_photos(Path(made), bundle, count)
            for _ in range(2):  # the first one copies the vectors into one file
                line = [sys.executable, "-m", "scripts.benchmark.cleaning_scale", "--in", made]
                done = subprocess.run(line, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
                click.echo(done.stdout.strip())


if __name__ == "__main__":
    main()
