"""What the files of a run tell -> the contents of its report. There is one road, for the run itself and for later."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from retrainer.feature_source import bottleneck_folder
from retrainer.measuring.calibration import reliability
from retrainer.measuring.run_record import Copies
from retrainer.options.paths import BOTTLENECKS
from retrainer.options.report import ReportOptions
from retrainer.pages.report.contents import Bin, ReportContents
from retrainer.reports.card import card_of
from retrainer.reports.figures import RunFigures, figures_of
from retrainer.reports.left import Left, left_by
from retrainer.reports.photos import photos_of
from retrainer.reports.seen import Explained, surest_mistakes, undecided
from retrainer.reports.steps import Known, graph_flag, on_photos, step_of
from retrainer.reports.suspects import Suspects, suspects_of
from retrainer.reports.vectors import vectors_of
from retrainer.reports.verdict import Judged, verdict
from retrainer.text import shown

_SUSPECTS = 24


def contents_of(options: ReportOptions, named: str = "") -> ReportContents:
    """Returns what the report of a model shows.

    Args:
        options: The model, the place of its photos now, and what may be shown.
        named: How the report calls the model; by default by its path.

    Raises:
        OptionError: there is no such model, or no such folder of photos.
        ModelError: it is damaged, or was not made by retrainer.
        DatasetError: the folder that is named has no photos.
    """
    left = left_by(options.graph, named)
    bottlenecks = bottleneck_folder(_bottlenecks(options, left))
    photos = photos_of(left, options.image_dir, bottlenecks)
    vectors = vectors_of(left, photos, bottlenecks)
    figures = figures_of(left, photos, vectors)
    with_images = not options.no_images and bool(photos.here.any())
    explained = Explained(left, photos, vectors, figures, _model_dir(options, left), with_images)
    suspects = suspects_of(photos, vectors, bottlenecks)
    known = _known(options, left, figures, suspects)
    seen_photos = _shown(explained, suspects)
    return replace(
        _recorded(left),
        name=known.image_dir or left.graph,
        verdict=verdict(known.judged),
        measured_on=figures.by,
        assessment=figures.assessment,
        baseline=figures.baseline,
        measured=figures.measured,
        **seen_photos,
        suspicious=known.suspicious,
        step=step_of(known),
        calibration=_bins(figures),
        card=card_of(left, figures),
        read=photos.read if with_images else None,
        list_command=_list_command(left, figures),
        clean_command=on_photos(known, "clean"),
        notes=(*left.notes, *photos.notes, *figures.notes, *_unlisted(left), *_unexplained(explained, seen_photos)),
    )


def _known(options: ReportOptions, left: Left, figures: RunFigures, suspects: Suspects | None) -> Known:
    """What decides about the next step."""
    return Known(
        left=left,
        judged=_judged(left, figures),
        image_dir=str(options.image_dir or (left.split.image_dir if left.split else "")),
        suspicious=None if suspects is None else len(suspects.numbers),
        curve=left.record.learning_curve if left.record else None,
    )


def _recorded(left: Left) -> ReportContents:
    """What the record of the run states."""
    record = left.record
    if record is None:
        return ReportContents(name="", verdict="")
    return ReportContents(
        name="",
        verdict="",
        split=record.split,
        training_curve=record.training_curve,
        learning_curve=record.learning_curve,
        copies=tuple(_copies(record.copies)),
        skipped={path: reason for _, path, reason in record.problems},
        warnings=record.warnings,
        command=record.command,
    )


def _shown(explained: Explained, suspects: Suspects | None) -> dict[str, Any]:
    """The photos that are shown one by one, by the names of their fields."""
    measured = explained.figures.measured
    if measured is None:
        return {}
    wrong = surest_mistakes(measured)
    close = undecided(measured, wrong)
    # All at once, since each network takes a while to open.
    seen = explained.seen([*wrong, *close])
    seen_photos = {"mistakes": seen[: len(wrong)], "undecided": seen[len(wrong) :]}
    if suspects is None:
        return seen_photos
    looked_at = replace(explained.figures, measured=suspects.measured, rows=suspects.rows)
    suspicious = replace(explained, figures=looked_at, with_activations=False).seen(suspects.numbers[:_SUSPECTS])
    return {**seen_photos, "suspects": suspicious}


def _unlisted(left: Left) -> list[str]:
    """How many more files were left out than the record lists."""
    more = left.record.problem_count - len(left.record.problems) if left.record else 0
    return [f"{more:,} more files or folders were left out, which the record of the run does not list."] * (more > 0)


def _unexplained(explained: Explained, seen_photos: dict[str, Any]) -> Iterator[str]:
    """Why photos lack neighbours, or what speaks for their class."""
    known, seen = explained.vectors.known, [*seen_photos.get("mistakes", ()), *seen_photos.get("undecided", ())]
    if not known.all():
        count = len(known) - int(known.sum())
        yield (
            f"The feature vectors of {count:,} of {len(known):,} photos are not in the cache, so that neighbours may "
            "be missing. --bottleneck_dir names the cache; retrain to fill it."
        )
    if explained.with_activations and seen and all(one.activation is None for one in seen):
        yield (
            "What speaks for a class is not shown: the bundle of the backbone is not here, or it has no maps whose "
            "means are the features. --model_dir names its folder."
        )


def _bottlenecks(options: ReportOptions, left: Left) -> str:
    """The folder of the cache: the one that is named, or that of the run."""
    if options.bottleneck_dir:
        return options.bottleneck_dir
    if left.record:
        return str(left.given("bottleneck_dir") or "")
    # A command of an earlier version; in Python there was no such folder by default.
    return BOTTLENECKS if os.path.isdir(BOTTLENECKS) else ""


def _model_dir(options: ReportOptions, left: Left) -> str:
    """The folder of bundles: the one that is named, or that of the run."""
    return options.model_dir or str(left.given("model_dir") or "")


def _judged(left: Left, figures: RunFigures) -> Judged:
    found, record = figures.assessment, left.record
    if found is None:
        training = left.metadata.training
        accuracy, count = training.get("test_accuracy"), training.get("test_count")
        return Judged(None, stated=(float(accuracy), int(count)) if accuracy is not None and count else None)
    largest = max(found.classes, key=lambda one: one.support).label
    leaked = record.copies.leaked if record and not record.folds else 0
    return Judged(found, figures.baseline or 0.0, largest, figures.folds, leaked)


def _list_command(left: Left, figures: RunFigures) -> str:
    """The command that lists all mistakes; those of folds are in the document of the run."""
    if not figures.folds:
        return f"retrainer evaluate{graph_flag(left.graph)} --mistakes mistakes.csv"
    command = left.record.command if left.record else ""
    return f"{command} --json > run.json" if command.startswith("retrainer retrain ") else ""


def _bins(figures: RunFigures) -> tuple[Bin, ...]:
    """How often answers of a score are right."""
    measured = figures.measured
    if measured is None:
        return ()
    bins = reliability(measured.scores.max(axis=1), measured.predicted == measured.label_ids)
    return tuple(Bin(count=count, score=score, right=right) for count, score, right in bins)


def _copies(copies: Copies) -> Iterator[str]:
    """What is known of copies and leaks, in sentences."""
    if not copies.photos:
        yield "No photo is a copy of another."
    else:
        are = "photo is a copy of another" if copies.photos == 1 else "photos are copies of others"
        listed = f"; {shown(copies.table)} lists them" if copies.table else ""
        yield f"{copies.photos:,} {are}{listed}."
    if copies.leaked:
        have = "test photo has a copy or its group" if copies.leaked == 1 else "test photos have copies or their groups"
        yield f"{copies.leaked:,} {have} in another part, which flatters the figures of the test photos."
    elif copies.together:
        yield "No test photo has a copy in another part."
    else:
        yield "The run was asked to let copies be in different parts, which may flatter the figures."
