"""What a run has found out -> the record that is kept of it beside its model."""

import platform
from typing import Any

import numpy as np

from retrainer.measuring.run_record import Copies, RunRecord
from retrainer.options.command_line import command_of
from retrainer.options.groups import options_of
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split
from retrainer.reporting import WARNING, Reporter
from retrainer.version import VERSION


def record_of(given: RetrainOptions, dataset: Dataset, split: Split, leaked: int, report: Reporter) -> RunRecord:
    """Returns the record of a run, still without figures and curves.

    Args:
        given: The options as they were given.
        dataset: The photos.
        split: Their parts.
        leaked: How many test photos share a group with photos of other parts.
        report: What the run has reported so far.
    """
    missed = [problem for problem in report.problems if problem.kind != WARNING]
    return RunRecord(
        command=command_of("retrain", "image_dir", given),
        options=_given(given),
        versions=_versions(),
        split=_counts(dataset, split),
        copies=Copies(
            report.copies.photos if report.copies else 0,
            report.copies.table if report.copies else "",
            leaked,
            together=given.copies == "together",
        ),
        warnings=report.warnings,
        problems=missed,
        problem_count=len(missed),
    )


def _given(options: RetrainOptions) -> dict[str, Any]:
    """The options that differ from their defaults in Python."""
    items = ((item, getattr(options, item.name)) for item in options_of(RetrainOptions))
    return {item.name: value for item, value in items if value != item.default}


def _versions() -> dict[str, str]:
    """Versions of what computes the figures."""
    from ai_edge_litert import __version__ as litert

    return {"retrainer": VERSION, "Python": platform.python_version(), "NumPy": np.__version__, "LiteRT": litert}


def _counts(dataset: Dataset, split: Split) -> dict[str, tuple[int, int, int]]:
    """Class -> how many of its photos train, validate and test."""
    cells = np.bincount(dataset.label_ids * len(Part) + split.parts, minlength=len(dataset.labels) * len(Part))
    rows = cells.reshape(-1, len(Part)).tolist()
    return {label: (row[0], row[1], row[2]) for label, row in zip(dataset.labels, rows, strict=True)}
