"""The parts of the documents that results become; see "Documents" in models/FORMATS.md."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from retrainer.answers.table import short_number
from retrainer.events import Changed, Cleaned, CopiesFound
from retrainer.measuring.cleaning_effect import CleaningEffect
from retrainer.measuring.cross_validation import CrossValidation
from retrainer.measuring.learning_curve import LearningCurve
from retrainer.measuring.measured import Measured
from retrainer.photos.clean_list.finding import Row
from retrainer.previous_model import PreviousModel
from retrainer.reporting import Problem

Fields = dict[str, Any]
"""Names of fields -> values of types that JSON knows."""


def of_mistakes(photos: Measured | None) -> list[Fields]:
    """The photos whose highest score, a float32, is wrong, the highest scores first."""
    return [
        {"path": one.path, "label": one.label, "predicted": one.predicted, "score": short_number(one.score)}
        for one in (photos.mistakes if photos else ())
    ]


def of_problems(problems: Iterable[Problem]) -> list[Fields]:
    """The problems of a run."""
    return [{"kind": kind, "path": path or None, "problem": text} for kind, path, text in problems]


def of_copies(copies: CopiesFound | None) -> Fields | None:
    """How many photos are copies; None if there are none."""
    return {"photos": copies.photos, "table": copies.table} if copies else None


def of_decisions(cleaned: Cleaned | None) -> Fields | None:
    """How many photos decisions set aside and relabelled; None if there are no decisions."""
    if cleaned is None:
        return None
    counts = {"set_aside": cleaned.set_aside, "relabelled": cleaned.relabelled}
    return {"path": cleaned.clean_list or None, **counts}


def of_changes(one: Changed | None) -> Fields | None:
    """What has changed since the last model; None if nothing has, or if it is not known."""
    if one is None:
        return None
    return {
        "new_photos": one.new,
        "gone_photos": one.gone,
        "are_estimates": one.is_estimate,
        "new_classes": one.added,
        "gone_classes": one.removed,
        "earlier_test_photos": one.tested,
        "moved_test_photos": one.moved,
        "set_aside_photos": one.set_aside,
        "returned_photos": one.returned,
    }


def of_folds(result: CrossValidation, photos: Measured) -> Fields:
    """A cross-validation, and its photos."""
    log_loss, error = result.before
    return {
        "number": len(result.accuracies),
        "accuracies": result.accuracies,
        "assessment": asdict(result.assessment),
        "before_calibration": {"log_loss": log_loss, "calibration_error": error},
        "mistakes": of_mistakes(photos),
    }


def of_learning_curve(curve: LearningCurve) -> Fields:
    """A learning curve."""
    photos, accuracy = curve.twice
    return {
        "points": [asdict(point) for point in curve.points],
        "twice": {"photos": photos, "accuracy": accuracy},
        "classes": [asdict(worth) for worth in curve.classes],
        "help_most": curve.help_most,
        "tells": curve.tells,
        "rises": curve.rises,
    }


def of_previous(previous: PreviousModel) -> Fields:
    """A model that was replaced."""
    compared = not previous.problem
    return {
        "graph": previous.graph,
        "problem": previous.problem or None,
        "new_classes": previous.added,
        "gone_classes": previous.removed,
        "left_out": previous.left_out,
        "knows_split": previous.knows_split,
        "compared": {
            "count": previous.count,
            "old_accuracy": previous.old_accuracy,
            "new_accuracy": previous.new_accuracy,
            "difference": previous.difference,
            "interval": previous.interval,
            "only_new_right": previous.only_new_right,
            "only_old_right": previous.only_old_right,
            "is_chance": previous.is_chance,
        }
        if compared
        else None,
    }


def of_row(row: Row) -> Fields:
    """A finding and the decision about its photo, by the names of the list's columns."""
    finding, decision = row.finding, row.decision
    return {
        "path": finding.path or None,
        "sha256": finding.sha256 or None,
        "label": finding.label,
        "part": finding.part or None,
        "finding": finding.kind.value,
        "score": short_number(finding.score),
        "reason": finding.reason,
        "compared_with": list(finding.compared_with),
        "suggestion": finding.suggestion.value or None,
        "suggested_label": finding.new_label or None,
        "action": decision.action.value or None,
        "new_label": decision.new_label or None,
        "note": decision.note or None,
    }


def of_effect(effect: CleaningEffect) -> Fields:
    """What decisions bring."""
    return {
        "set_aside": effect.set_aside,
        "relabelled": effect.relabelled,
        "folds": effect.folds,
        "count": effect.count,
        "before": effect.before,
        "after": effect.after,
        "difference": effect.pair.difference,
        "interval": effect.pair.interval,
        "only_after_right": effect.pair.only_first,
        "only_before_right": effect.pair.only_second,
        "is_chance": effect.pair.is_chance,
    }
