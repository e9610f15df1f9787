"""Measures whole commands, from the start of a process to its end."""

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from retrainer.backbones.bundle import Bundle
from scripts.benchmark.measuring import Measured, Run, interleaved, process
from scripts.benchmark.tables import Table

STEPS = 500
# The way of 2017 labels a thousand photos by a process each: ten are run, and their mean stands for the others.
_LABELS, _LABELS_RUN = 1000, 10
RETRAINER = str(Path(sys.executable).parent / "retrainer")
PROJECT = str(Path(__file__).parents[2])


def jpegs(photos: str) -> list[str]:
    """The absolute paths of the photos in class folders."""
    return sorted(str(path.resolve()) for path in Path(photos).glob("*/*.jpg"))


def python(code: str) -> list[str]:
    """The command line that runs Python code."""
    return [sys.executable, "-c", code]


def module(name: str, *arguments: str) -> list[str]:
    """The command line that runs a module of the benchmark."""
    return [sys.executable, "-m", f"scripts.benchmark.{name}", *arguments]


def starts(photos: str, repeats: int) -> Table:
    """Seconds of short commands, beside bare imports of the packages they need."""
    packages = "numpy, PIL.Image, simplejpeg, ai_edge_litert.interpreter"
    with tempfile.TemporaryDirectory() as folder:
        warm = [RETRAINER, "retrain", "--image_dir", os.path.abspath(photos)]
        one = [*warm, "--how_many_training_steps", "1"]
        medians = interleaved(
            {
                # It runs first, so that the others find its cache and model.
                "4,000 steps": process(warm, folder),
                "1 step": process(one, folder),
                "click": process(python("import click"), folder),
                "--help": process([RETRAINER, "--help"], folder),
                "packages": process(python(f"import {packages}"), folder),
                "label": process([RETRAINER, "label", "--image", jpegs(photos)[0]], folder),
                "tensorflow": process(python("import tensorflow"), folder),
            },
            repeats,
        )
    seconds = {name: measured.seconds for name, measured in medians.items()}
    rows = [
        ("--help", seconds["--help"], "import click", seconds["click"], 2.0),
        ("label, one photo", seconds["label"], f"import {packages}", seconds["packages"], 1.5),
        ("warm retrain, 1 step", seconds["1 step"], f"import {packages}", seconds["packages"], 3.0),
        ("warm retrain, 4,000 steps", seconds["4,000 steps"], "import tensorflow", seconds["tensorflow"], ""),
    ]
    return Table(
        "Starts",
        "Whole processes. 'Steps' shows the cost of more steps.",
        ("command", "s", "against", "s of it", "ratio", "at most"),
        [(name, own, against, other, own / other, most) for name, own, against, other, most in rows],
    )


def against_2017(photos: str, bundle: Bundle, repeats: int) -> Table:
    """Our commands against the way of 2017, with the same photos and the same network."""
    found = jpegs(photos)
    labelled = (found * (_LABELS // len(found) + 1))[:_LABELS]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as old:
        size = ("--size", str(bundle.input_size))
        given = ("--graph", str(bundle.graph_path), "--features", bundle.feature_node, *size)
        way = module("way_of_2017", "retrain", *given, "--photos", os.path.abspath(photos), "--steps", str(STEPS))
        label = module("way_of_2017", "label", "--graph", os.path.join(old, "model.pb"), *size)
        new = [RETRAINER, "retrain", "--image_dir", os.path.abspath(photos), "--how_many_training_steps", str(STEPS)]
        ours = [RETRAINER, "label", "--graph", os.path.join(folder, "tf_files/retrained_graph.pb")]
        runs: dict[str, Run] = {
            "old cold": lambda: _cold([*way, "--work"], PROJECT),
            "new cold": lambda: _cold([*new, "--bottleneck_dir"], folder),
            "old warm": process([*way, "--work", old], PROJECT),
            "new warm": process(new, folder),
            "old label": process([*label, found[0]], PROJECT),
            "new label": process([*ours, "--image", found[0]], folder),
            "old session": process([*label, *labelled], PROJECT),
            "new session": process([*ours, *labelled], folder),
        }
        medians = interleaved(runs, repeats)
        each = interleaved({photo: process([*label, photo], PROJECT) for photo in found[:_LABELS_RUN]}, 1)
    seconds = statistics.fmean(measured.seconds for measured in each.values()) * _LABELS
    processes = replace(medians["old label"], seconds=seconds)
    rows = [
        _against(f"cold retrain, {len(found):,} photos, {STEPS} steps", medians["old cold"], medians["new cold"], 5),
        _against(f"warm retrain, {STEPS} steps", medians["old warm"], medians["new warm"], 15),
        _against("label one photo", medians["old label"], medians["new label"], 12),
        _against(f"label {_LABELS:,} photos, one session", medians["old session"], medians["new session"], 3),
        _against(f"label {_LABELS:,} photos, a process each", processes, medians["new session"], 50),
    ]
    return Table(
        "Against the way of 2017",
        "Whole processes, the same photos and network. way_of_2017.py does what the scripts of 2017 did. Of its "
        f"{_LABELS:,} processes {_LABELS_RUN} were run; the others are counted at their mean.",
        ("command", "2017, s", "MiB", "retrainer, s", "MiB of it", "times as fast", "at least"),
        rows,
    )


def _cold(line: Sequence[str], cwd: str) -> Measured:
    """Runs a command with a new, empty folder as its last argument."""
    with tempfile.TemporaryDirectory() as new:
        return process([*line, new], cwd)()


def _against(name: str, old: Measured, new: Measured, least: int) -> tuple[Any, ...]:
    return name, old.seconds, round(old.peak_mb), new.seconds, round(new.peak_mb), old.seconds / new.seconds, least


def extraction(photos: str, bundle: Bundle, repeats: int) -> Table:
    """Other ways to extract features, each in a process of its own."""
    from scripts.benchmark.contenders import CONTENDERS

    given = ("--bundle", str(bundle.graph_path.parent), "--photos", os.path.abspath(photos))
    absent = set() if _has("onnxruntime", "tf2onnx") else {"onnx"}
    medians = interleaved(
        {name: _self_timed(module("contenders", name, *given)) for name in CONTENDERS if name not in absent},
        repeats,
    )
    count = len(jpegs(photos))
    ours = medians["ours"].seconds
    rows: list[tuple[Any, ...]] = []
    for name, contender in CONTENDERS.items():
        words = (contender.__doc__ or name).rstrip(".")
        if name in absent:
            rows.append((words, "not installed: pip install 'retrainer[benchmark]'", "", ""))
        else:
            seconds = medians[name].seconds
            rows.append((words, count / seconds, seconds / ours, round(medians[name].peak_mb)))
    return Table(
        f"Extraction of {count:,} photos by other tools",
        "Each in a process of its own. Photos per second, measured after all is imported, opened and warm.",
        ("by", "photos/s", "times as long as retrainer", "MiB"),
        rows,
    )


def _self_timed(line: Sequence[str]) -> Run:
    """A measure of a process that prints its own seconds."""

    def run() -> Measured:
        measured = process(line, PROJECT)()
        return replace(measured, seconds=float(measured.printed))

    return run


def _has(*packages: str) -> bool:
    from importlib.util import find_spec

    return all(find_spec(package) for package in packages)


def many(photos: str, repeats: int) -> Table:
    """Photos per second and memory of labels and of extraction, for 1,000 and 10,000 photos."""
    rows: list[tuple[Any, ...]] = []
    found = jpegs(photos)
    with tempfile.TemporaryDirectory() as folder:
        process([RETRAINER, "retrain", "--image_dir", os.path.abspath(photos)], folder)()
        runs: dict[str, Run] = {}
        counts: list[int] = []
        for count in (1000, 10_000):
            links = Path(folder) / str(count)
            for number in range(count):
                link = links / f"class {number % 2}" / f"{number:05d}.jpg"
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(found[number % len(found)])
            retrain = [RETRAINER, "retrain", "--image_dir", str(links), "--how_many_training_steps", "1"]
            runs[f"label a folder of {count:,} photos"] = process([RETRAINER, "label", "--image", str(links)], folder)
            runs[f"retrain, cold, {count:,} photos, 1 step"] = partial(_cold, [*retrain, "--bottleneck_dir"], folder)
            counts += [count, count]
        medians = interleaved(runs, repeats)
        for (name, measured), count in zip(medians.items(), counts, strict=True):
            rows.append((name, count / measured.seconds, round(measured.peak_mb)))
    return Table("Many photos", "Whole processes; the photos repeat.", ("command", "photos/s", "MiB"), rows)
