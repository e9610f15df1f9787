"""Measures retrainings whose photos are all cached, by the number of photos, and the steps of gradient descent.

    python -m scripts.benchmark.scale FOLDER

It retrains on a folder filled by `synthetic.make_cached` and prints the seconds of the stages as JSON. A second run
with more steps gives the seconds of one step.
"""

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from retrainer.backbones.bundle import Bundle
from retrainer.events import silent
from retrainer.options.fit import FitOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.retraining import retrain
from retrainer.training.examples import Examples
from retrainer.training.fitting import NO_SNAPSHOTS, Balance
from retrainer.training.gradient_descent import GradientDescentSolver
from scripts.benchmark.commands import PROJECT, module
from scripts.benchmark.measuring import interleaved, process, timed
from scripts.benchmark.synthetic import make_cached
from scripts.benchmark.tables import Table

STEPS, MORE_STEPS = 500, 2500


def warm_runs(bundle: Bundle, counts: tuple[int, ...], repeats: int) -> Table:
    """Warm retrainings on made-up photos. The first of each fills the mapped matrix and does not count."""
    rows: list[tuple[Any, ...]] = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            make_cached(Path(folder) / "photos", Path(folder) / "cache", bundle, count)
            measured = interleaved({"run": process(module("scale", folder), PROJECT)}, repeats)["run"]
        seconds = json.loads(measured.printed)
        matching = seconds["scan"] + seconds["bottlenecks"]
        rows.append(
            (
                count,
                seconds["scan"],
                seconds["bottlenecks"],
                count / matching,
                1e3 * seconds["step"],
                seconds["all"],
                round(measured.peak_mb),
            )
        )
    return Table(
        f"Warm retrainings, D = {bundle.depth}, {STEPS} steps",
        "Empty files, and a cache with made-up hashes and vectors. Matching is the scan of the folders, the look-up of "
        "all photos and the split. The memory includes the pages of the mapped vectors that were read.",
        ("photos", "scan, s", "look-up and split, s", "photos/s matched", "ms a step", "all stages, s", "MiB"),
        rows,
    )


def steps(repeats: int) -> Table:
    """The seconds of gradient descent alone."""
    rows: list[tuple[Any, ...]] = []
    generator = np.random.default_rng(0)
    for photos, depth, classes in ((3000, 1024, 5), (3000, 512, 5), (20_000, 1024, 1000)):
        features = generator.standard_normal((photos, depth), np.float32)
        label_ids = generator.integers(classes, size=photos)
        examples = Examples(features, np.arange(photos), label_ids)
        training, validation = examples.at(np.arange(photos // 5, photos)), examples.at(np.arange(photos // 5))
        count = 4000 if classes < 1000 else 400
        solver = GradientDescentSolver.of(FitOptions(how_many_training_steps=count), Balance())

        def fit(training: Examples = training, validation: Examples = validation, classes: int = classes) -> None:
            solver.fit(training, validation, classes, silent, NO_SNAPSHOTS)  # noqa: B023

        measured = interleaved({"fit": timed(fit)}, repeats)["fit"]
        cpu = measured.seconds * measured.cores
        rows.append((f"{photos:,} × {depth:,}", classes, count, measured.seconds, cpu, 1e3 * measured.seconds / count))
    return Table(
        "Steps",
        "Batches of 100. Every tenth step is measured on the batch and on 100 validation photos.",
        ("photos × D", "classes", "steps", "s", "s of processor", "ms a step"),
        rows,
    )


@click.command()
@click.argument("folder", type=click.Path(exists=True))
def main(folder: str) -> None:
    """Retrains on a folder of made-up photos that are all cached."""
    options = RetrainOptions(
        image_dir=os.path.join(folder, "photos"),
        bottleneck_dir=os.path.join(folder, "cache"),
        model_dir=os.path.join(folder, "models"),
        output_graph=os.path.join(folder, "model.pb"),
        output_labels=os.path.join(folder, "labels.txt"),
        how_many_training_steps=STEPS,
    )
    result = retrain(options)
    if result.computed:
        raise SystemExit(f"{result.computed} photos were not found in the cache")
    longer = retrain(replace(options, how_many_training_steps=MORE_STEPS)).seconds["training"]
    step = (longer - result.seconds["training"]) / (MORE_STEPS - STEPS)
    click.echo(json.dumps({**result.seconds, "all": sum(result.seconds.values()), "step": step}))


if __name__ == "__main__":
    main()
