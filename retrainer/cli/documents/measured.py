"""The documents of `retrain`, `retrain --compare` and `evaluate`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from retrainer.cli.documents.document import Fields
from retrainer.cli.documents.findings import Findings, mistake

if TYPE_CHECKING:
    from retrainer.measuring.cross_validation import CrossValidation
    from retrainer.measuring.learning_curve import LearningCurve
    from retrainer.previous_model import PreviousModel
    from retrainer.results.comparison import Compared, Comparison
    from retrainer.results.evaluation import Evaluation
    from retrainer.results.retraining import Retraining


def of_retraining(
    result: "Retraining", image_dir: str, summaries_dir: str, findings: Findings, next_commands: Sequence[str]
) -> Fields:
    """The fields of `retrain`."""
    return {
        "image_dir": image_dir,
        "model": {
            "model_id": result.model_id,
            "graph": result.graph,
            "files": result.files,
            "backbone": result.backbone,
            "labels": result.labels,
        },
        "photos": result.photos,
        "computed": result.computed,
        "distorted": result.distorted,
        "skipped": result.skipped,
        "unlisted": result.unlisted,
        "left_out": result.left_out,
        "test": result.test and asdict(result.test),
        "mistakes": findings.mistakes,
        "folds": result.cross_validation and _folds(result.cross_validation),
        "learning_curve": result.learning_curve and _learning_curve(result.learning_curve),
        "previous": result.previous and _previous(result.previous),
        "changes": findings.changes,
        "duplicates": findings.duplicates,
        "problems": findings.problems,
        "summaries_dir": summaries_dir,
        "seconds": result.seconds,
        "next": next_commands,
    }


def of_comparison(result: "Comparison", image_dir: str, findings: Findings) -> Fields:
    """The fields of `retrain --compare`."""
    return {
        "image_dir": image_dir,
        "backbones": [_compared(one) for one in result.backbones],
        "failed": [{"architecture": name, "problem": problem} for name, problem in result.failed],
        "duplicates": findings.duplicates,
        "problems": findings.problems,
    }


def of_evaluation(result: "Evaluation", findings: Findings) -> Fields:
    """The fields of `evaluate`; the table of mistakes has the scores of all classes."""
    return {
        "graph": result.graph,
        "image_dir": result.image_dir,
        "part": result.part,
        "learnt": result.learnt,
        "labels": result.labels,
        "skipped": result.skipped,
        "unlisted": result.unlisted,
        "left_out": result.left_out,
        "assessment": asdict(result.assessment),
        "mistakes": [mistake(one.path, one.label, one.predicted, one.score) for one in result.mistakes],
        "problems": findings.problems,
    }


def _folds(result: "CrossValidation") -> dict[str, Any]:
    log_loss, error = result.before
    return {
        "number": len(result.accuracies),
        "accuracies": result.accuracies,
        "assessment": asdict(result.assessment),
        "before_calibration": {"log_loss": log_loss, "calibration_error": error},
    }


def _learning_curve(curve: "LearningCurve") -> dict[str, Any]:
    photos, accuracy = curve.twice
    return {
        "points": [asdict(point) for point in curve.points],
        "twice": {"photos": photos, "accuracy": accuracy},
        "classes": [asdict(worth) for worth in curve.classes],
        "help_most": curve.help_most,
        "tells": curve.tells,
        "rises": curve.rises,
    }


def _previous(previous: "PreviousModel") -> dict[str, Any]:
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


def _compared(one: "Compared") -> dict[str, Any]:
    pair = one.to_best
    return {
        "architecture": one.architecture,
        "assessment": asdict(one.assessment),
        "photos_per_second": one.photos_per_second,
        "model_bytes": one.model_bytes,
        "to_best": pair
        and {
            "count": pair.count,
            "difference": pair.difference,
            "interval": pair.interval,
            "only_this_right": pair.only_first,
            "only_best_right": pair.only_second,
            "is_chance": pair.is_chance,
        },
    }
