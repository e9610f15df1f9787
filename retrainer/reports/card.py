"""The model card: what a model is, what it learnt from, what it was measured on, and what it cannot do."""

from collections.abc import Mapping
from typing import Any

from retrainer.backbones.available import described
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.shares import between, percent
from retrainer.reports.figures import RunFigures
from retrainer.reports.left import Left
from retrainer.text import counted, named, shown

Card = dict[str, Mapping[str, str]]
"""Heading -> names and texts of facts."""

_NAMED, _FEW_TESTED = 20, 10


def card_of(left: Left, figures: RunFigures) -> Card:
    """Returns the card of a model."""
    return {
        "Model": _model(left),
        "Data": _data(left),
        "Backbone": _backbone(left),
        "Measured": _measured(left, figures),
        "Limits": _limits(left, figures.assessment),
        "Made with": _versions(left),
    }


def _model(left: Left) -> dict[str, str]:
    metadata = left.metadata
    facts = {
        "File": shown(left.graph),
        "Classes": f"{len(metadata.labels):,}: {named(metadata.labels, _NAMED)}",
        "Input": f"RGB, {metadata.input_size} × {metadata.input_size} pixels; photos are squashed to a square",
        "Model id": metadata.model_id,
    }
    if left.head is not None:
        depth, classes = left.head.weights.shape
        facts["Head"] = f"a linear layer on {depth:,} features, {depth * classes + classes:,} numbers, and softmax"
    training = metadata.training
    if training.get("solver"):
        facts["Training"] = f"solver {training['solver']}, seed {training.get('seed', 0)}"
    if training.get("temperature"):
        facts["Calibration"] = f"logits divided by {float(training['temperature']):.3g}, which the weights contain"
    return facts


def _data(left: Left) -> dict[str, str]:
    split, record = left.split, left.record
    facts: dict[str, str] = {}
    if split:
        facts["Photos"] = shown(split.image_dir)
    if record:
        counts = [sum(parts[number] for parts in record.split.values()) for number in range(3)]
        facts["Number"] = (
            f"{sum(counts):,}: {counts[0]:,} to train on, {counts[1]:,} to validate on, {counts[2]:,} to test on"
        )
        smallest = min(record.split, key=lambda label: sum(record.split[label]))
        facts["Smallest class"] = f"{shown(smallest)}, {sum(record.split[smallest]):,}"
    elif "photos" in left.metadata.training:
        facts["Number"] = f"{left.metadata.training['photos']:,}"
    if (aside := left.metadata.training.get("set_aside")) is not None:
        relabelled = left.metadata.training.get("relabelled", 0)
        facts["Cleaned"] = f"{counted(aside, 'photo')} set aside and {relabelled:,} relabelled by a list of decisions"
    if split:
        facts["Split"] = {
            "content": "by the bytes of the photos",
            "path": "by the paths of the photos, as in 2017",
        }.get(split.split_by, "given by the folder or table")
    return facts


def _backbone(left: Left) -> dict[str, str]:
    backbone = left.metadata.backbone
    name = described(str(backbone["name"])) if backbone.get("name") else "unknown"
    return {
        "Name": name,
        "Source": shown(str(backbone.get("source") or "unknown")),
        "Licence": shown(str(backbone.get("licence") or "unknown")),
        "SHA-256": str(backbone.get("sha256") or "unknown"),
    }


def _measured(left: Left, figures: RunFigures) -> dict[str, str]:
    facts: dict[str, str] = {}
    record, found = left.record, figures.assessment
    if found is None:
        return {"On": "no photo: nobody knows how good the model is", **_stated(left.metadata.training)}
    if figures.folds:
        facts["On"] = f"{figures.by}: each photo by a head that did not learn from it or its copies"
    else:
        facts["On"] = "test photos, which the model did not learn from"
    facts["Photos"] = f"{found.count:,}"
    facts["Accuracy"] = f"{percent(found.accuracy)}, {between(found.interval)} with 95 % confidence"
    facts["Mean of the classes"] = percent(found.macro_recall)
    facts["Log loss"] = f"{found.log_loss:.3f}"
    facts["Calibration error"] = f"{found.calibration_error:.3f}, about {found.calibration_floor:.3f} by chance"
    if record and record.folds and (test := record.test):
        facts["The model itself"] = f"{percent(test.accuracy)} of {test.count:,} test photos, {between(test.interval)}"
    return facts


def _stated(training: Mapping[str, Any]) -> dict[str, str]:
    """What the model itself states of its figures, for runs that left nothing else."""
    facts = {}
    if training.get("test_count") and training.get("test_accuracy") is not None:
        facts["Stated by the model"] = f"{percent(training['test_accuracy'])} of {training['test_count']:,} test photos"
        facts["On"] = "test photos, by the run that made it; its figures are not here"
    return facts


def _limits(left: Left, figures: Assessment | None) -> dict[str, str]:
    classes = len(left.metadata.labels)
    facts = {
        "Other things": f"It gives one of its {classes:,} classes to every photo, also to one that shows none of them."
        + (" `label --reject` leaves out photos unlike those that it learnt from." if left.metadata.rejection else ""),
        "Other photos": "The figures hold for photos like those it learnt from. Other cameras, places, seasons or "
        "ways to choose photos may give others.",
    }
    if figures is None:
        return facts
    if few := [one.label for one in figures.classes if one.support < _FEW_TESTED]:
        facts["Few photos"] = f"Fewer than {_FEW_TESTED} photos measured these classes: {named(few, _NAMED)}."
    if left.record and (leaked := left.record.copies.leaked) and not left.record.folds:
        facts["Leaks"] = f"{leaked:,} test photos have a copy or their group in another part."
    return facts


def _versions(left: Left) -> dict[str, str]:
    if left.record:
        return {name: shown(version) for name, version in left.record.versions.items()}
    return {"retrainer": shown(left.metadata.retrainer)}
