"""The record of a run: a JSON document beside its model, of what a report needs and no other file holds.

It has no times, so that the same run gives the same bytes.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from retrainer.arrays import spread
from retrainer.measuring.assessment import Assessment, class_figures
from retrainer.measuring.learning_curve import ClassWorth, CurvePoint, LearningCurve
from retrainer.measuring.run_record_fields import FORMAT, MOST_PROBLEMS, SECTIONS, TABLE
from retrainer.measuring.training_curve import TrainingCurve, TrainingPoint
from retrainer.system.documents import brief, read_document, require
from retrainer.version import VERSION

_MOST_POINTS = 1_000


@dataclass(frozen=True)
class Copies:
    """What a run knows of copies among its photos.

    Attributes:
        photos: How many photos are copies of others.
        table: The CSV file that lists them; empty if there is none.
        leaked: How many test photos share a group with photos of other parts.
        together: Whether the split keeps copies together.
    """

    photos: int = 0
    table: str = ""
    leaked: int = 0
    together: bool = True


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What is kept of a run beside its model.

    Attributes:
        command: The command that reproduces the run.
        options: The options that differ from their defaults in Python.
        versions: Versions of the programs that the figures depend on.
        split: Class -> how many photos train, validate and test, in the order of the labels.
        test, folds: The figures of the test photos and those by folds; None if there are none.
        fold_accuracies: The accuracy of each fold, 0 to 1.
        training_curve, learning_curve: How training went, and the worth of more photos.
        copies: What it knows of copies.
        warnings: A line for the warnings of each kind.
        problems: Kind, path and reason of files and folders that were left out, at most `MOST_PROBLEMS`.
        problem_count: How many were left out.
    """

    command: str
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    split: Mapping[str, tuple[int, int, int]]
    test: Assessment | None = None
    folds: Assessment | None = None
    fold_accuracies: tuple[float, ...] = ()
    training_curve: TrainingCurve | None = None
    learning_curve: LearningCurve | None = None
    copies: Copies = field(default_factory=Copies)
    warnings: tuple[str, ...] = ()
    problems: Sequence[tuple[str, str, str]] = ()
    problem_count: int = 0

    @property
    def assessment(self) -> Assessment | None:
        """The figures of the folds, otherwise those of the test photos; None without both."""
        return self.folds or self.test

    def to_json(self, model_id: str) -> bytes:
        """Returns the content of the file, given the identity of the run's model; a line for each field."""
        fields = {
            "format": FORMAT,
            "retrainer": VERSION,
            "model_id": model_id,
            "command": self.command,
            "options": dict(self.options),
            "versions": dict(self.versions),
            "split": dict(self.split),
            "test": self.test and _of_figures(self.test),
            "folds": self.folds and _of_figures(self.folds),
            "fold_accuracies": self.fold_accuracies,
            "training_curve": self.training_curve and _of_training(self.training_curve),
            "learning_curve": self.learning_curve and _of_learning(self.learning_curve),
            "copies": asdict(self.copies),
            "warnings": self.warnings,
            "problems": self.problems[:MOST_PROBLEMS],
            "problem_count": self.problem_count,
        }
        lines = (
            f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False, default=_plain)}"
            for name, value in fields.items()
        )
        # Bytes of paths that are not UTF-8 survive as surrogates, as in the metadata of a model.
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8", "surrogatepass")


def read_record(content: bytes) -> tuple[str, RunRecord]:
    """Reads and checks what `RunRecord.to_json` returned; returns the identity of the model, too.

    Raises:
        ValueError: it is damaged, or has a later format; the text says what is wrong.
    """
    document = read_document(content)
    version = document.get("format")
    if type(version) is int and version > FORMAT:
        raise ValueError(f"it has format {brief(version)}, of a later version of retrainer; expected {FORMAT}")
    require(document, TABLE)
    for name, table in SECTIONS.items():
        if document[name] is not None:
            require(document[name], table, name)
    labels = tuple(document["split"])
    training, learning = document["training_curve"], document["learning_curve"]
    return document["model_id"], RunRecord(
        **{name: document[name] for name in ("command", "options", "versions", "problem_count")},
        split={label: tuple(counts) for label, counts in document["split"].items()},
        test=document["test"] and _figures(labels, document["test"]),
        folds=document["folds"] and _figures(labels, document["folds"]),
        fold_accuracies=tuple(document["fold_accuracies"]),
        training_curve=training and _training(training),
        learning_curve=learning and _learning(learning),
        copies=Copies(**document["copies"]),
        warnings=tuple(document["warnings"]),
        problems=[tuple(problem) for problem in document["problems"]],
    )


def _of_figures(figures: Assessment) -> dict[str, Any]:
    """Figures as plain values; the confusion matrix without its zeros, and no classes, which follow from it."""
    fields = {name: value for name, value in vars(figures).items() if name != "classes"}
    matrix = np.array(figures.confusion, np.int64)
    rows, columns = np.nonzero(matrix)
    cells = np.stack([rows, columns, matrix[rows, columns]], axis=1).tolist()
    return {**fields, "top": dict(figures.top), "confusion": cells}


def _figures(labels: Sequence[str], fields: Mapping[str, Any]) -> Assessment:
    cells = np.array(fields["confusion"], np.int64).reshape(-1, 3)
    if (cells[:, :2] >= len(labels)).any():
        raise ValueError(f"its 'confusion' is not as expected: classes below {len(labels)}, received a higher one")
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    matrix[cells[:, 0], cells[:, 1]] = cells[:, 2]
    more = {
        "interval": tuple(fields["interval"]),
        "top": {int(count): share for count, share in fields["top"].items()},
        "classes": class_figures(labels, matrix),
        "confusion": tuple(map(tuple, matrix.tolist())),
    }
    return Assessment(**{**fields, **more})


def _of_training(curve: TrainingCurve) -> dict[str, Any]:
    points = [curve.points[row] for row in spread(len(curve.points), _MOST_POINTS).tolist()]
    rows = [(point.at, _finite(point.training), _finite(point.validation), point.chosen) for point in points]
    return {"by": curve.by, "points": rows}


def _plain(value: Any) -> Any:
    """A number of NumPy as Python's."""
    return value.item()


def _finite(share: float) -> float | None:
    return share if math.isfinite(share) else None


def _training(fields: Mapping[str, Any]) -> TrainingCurve:
    points = (TrainingPoint(at, _known(train), _known(held), chosen) for at, train, held, chosen in fields["points"])
    return TrainingCurve(fields["by"], tuple(points))


def _known(share: float | None) -> float:
    return math.nan if share is None else share


def _of_learning(curve: LearningCurve) -> dict[str, Any]:
    return {
        "points": [(one.photos, one.accuracy, *one.interval, one.macro_recall) for one in curve.points],
        "twice": curve.twice,
        "classes": [(one.label, one.loss, one.error) for one in curve.classes],
        "help_most": curve.help_most,
        "tells": curve.tells,
    }


def _learning(fields: Mapping[str, Any]) -> LearningCurve:
    return LearningCurve(
        tuple(
            CurvePoint(photos, accuracy, (low, high), macro) for photos, accuracy, low, high, macro in fields["points"]
        ),
        tuple(fields["twice"]),
        tuple(ClassWorth(*row) for row in fields["classes"]),
        tuple(fields["help_most"]),
        fields["tells"],
    )
