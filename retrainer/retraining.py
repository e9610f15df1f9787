"""A whole run, from photos to a model: scan, extract, split, fit, measure, write."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from retrainer.changes import report_changes
from retrainer.events import (
    Detailed,
    HeadFitted,
    ModelKept,
    ModelWritten,
    Noted,
    Observer,
    RunFinished,
)
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.automatic_folds import automatic_folds
from retrainer.measuring.cross_validation import CrossValidation, cross_validate, folds_of
from retrainer.measuring.held_out import HeldOut
from retrainer.measuring.learning_curve import LearningCurve, learning_curve
from retrainer.measuring.measured import Measured
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.measuring.run_record import RunRecord
from retrainer.measuring.scores_table import ScoresTable
from retrainer.measuring.split_digest import assignment_digest, split_digest
from retrainer.measuring.training_curve import TrainingCurve, TrainingRecord
from retrainer.model_writer import ModelWriter, Written
from retrainer.options.calling import options_with_photos, takes_options
from retrainer.options.in_memory import PhotoSource
from retrainer.options.preset import DEFAULT_PRESET
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS
from retrainer.photos.oddities import warn_of_uniform_classes
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split
from retrainer.preflight import require_outputs, require_own_outputs
from retrainer.preparation import Prepared, decided, prepare, split_of, with_views
from retrainer.previous_model import compare_previous, metadata_at
from retrainer.recording import record_of
from retrainer.reporting import Reporter, Stopwatch
from retrainer.results.model import written_to
from retrainer.results.retraining import Retraining
from retrainer.system.missing import NamingPackages
from retrainer.system.parallel import meanwhile
from retrainer.system.process import one_blas_thread
from retrainer.system.temporary import TemporaryFolder
from retrainer.training.examples import Examples
from retrainer.training.fitting import Fitted, Snapshots, Solver, fit
from retrainer.training.head import Head
from retrainer.training.metrics import correct
from retrainer.training.out_of_fold import few
from retrainer.training.outliers import fit_rejection
from retrainer.training.rejection import Rejection
from retrainer.training.solvers import solver_of

if TYPE_CHECKING:
    from typing import Unpack

    from retrainer.options.keywords import RetrainKeywords


@takes_options(RetrainOptions)
@NamingPackages()
@one_blas_thread()
@np.errstate(under="ignore")
def retrain(
    photos: RetrainOptions | PhotoSource | None = None,
    *,
    on_progress: Observer | None = None,
    **options: "Unpack[RetrainKeywords]",
) -> Retraining:
    """Teaches a backbone the classes of photos: `retrain("photos", folds=5)`.

    Args:
        photos: A folder of class folders; a table, by its path or as a pandas DataFrame or pyarrow Table; or a tuple
            `(pictures, labels)` of as many pictures, each as `Picture` says, and labels, texts or numbers. Or all
            options as one `RetrainOptions`.
        on_progress: Called with every event of the run, in the calling thread. What it raises ends the run.
        options: Options by name, see below. Only what is named here is written, and the cache of feature vectors.

    Raises:
        RetrainerError: one of its kinds; nothing half-written stays.
    """
    run = options_with_photos(RetrainOptions, photos, options, "retrain")
    folder = None if run.output_graph else TemporaryFolder()
    with Reporter(on_progress, strict=run.strict) as report:
        read = _read(written_to(folder, run) if folder else run, report)
        return replace(_retrained(replace(read, given=run)), folder=folder)


@dataclass(frozen=True, eq=False)
class _Read:
    """Photos that have been read and split.

    Attributes:
        run: The options, with what the photos decide.
        given: The options as they were given.
        prepared: The photos with their feature vectors.
        split: Which of them train, validate and test.
        report: Called with every event.
        stopwatch: Times the stages.
    """

    run: RetrainOptions
    given: RetrainOptions
    prepared: Prepared
    split: Split
    report: Reporter
    stopwatch: Stopwatch


def _read(run: RetrainOptions, report: Reporter) -> _Read:
    """Scans, extracts and splits."""
    given = run
    stopwatch = Stopwatch(report)
    require_own_outputs(run)
    if run.preset_line:
        report((Detailed if run.preset == DEFAULT_PRESET else Noted)(run.preset_line))
    last_model = meanwhile(metadata_at, run.output_graph)
    prepared = prepare(run, report, stopwatch, check=lambda bundle: require_outputs(bundle, run))
    dataset, run = prepared.dataset, decided(run, prepared.dataset)
    with stopwatch.stage("bottlenecks"):
        warn_of_uniform_classes(dataset, prepared.examples.matrix, prepared.examples.rows, report)
        split = split_of(dataset, run.split, report)
        run = _with_folds(run, prepared, split, report)
        report_changes(last_model(), dataset, split, report, prepared.honoured)
        return _Read(run, given, with_views(prepared, split, run, report), split, report, stopwatch)


@dataclass(frozen=True, eq=False)
class _Learnt:
    """A head that was fitted, and how it does on the test photos.

    Attributes:
        fitted: The head.
        rejection: The test for photos of none of the classes; None if there is none.
        curve: How its training went; None if that was not measured.
        held_out: The test photos.
        test_photos, test: The test photos with their scores, and their figures; None without test photos.
    """

    fitted: Fitted
    rejection: Rejection | None
    curve: TrainingCurve | None
    held_out: HeldOut
    test_photos: Measured | None
    test: Assessment | None


def _retrained(read: _Read) -> Retraining:
    """Fits, measures and writes."""
    run, prepared, report = read.run, read.prepared, read.report
    dataset = prepared.dataset
    solver = solver_of(run.fit, dataset.counts, report)
    folds, curve = _folds(prepared, run, solver, report, read.stopwatch)
    remembered = RememberedSplit.of(dataset, read.split, run.split, prepared.honoured).to_metadata()
    writer = ModelWriter(run.output, prepared.bundle, dataset.labels, remembered, _recorded(run))
    with read.stopwatch.stage("training"):
        learnt = _learnt(read, solver, writer)
    with read.stopwatch.stage("writing"):
        head, held_out = learnt.fitted.head, learnt.held_out
        facts = {**learnt.fitted.facts, **_facts(prepared, learnt.test, folds)}
        scores = ScoresTable(dataset, folds) if folds else None
        record = replace(_record(read, learnt, folds), learning_curve=curve)
        written = writer.write(head, learnt.rejection, facts, record, scores)
        report(ModelWritten(written.files))
        kept = written.previous
        previous = compare_previous(kept, prepared.bundle, held_out, head) if kept else None
    result = _result(read, learnt, written, folds)
    result = replace(result, learning_curve=curve, previous=previous)
    report(_finished(result, learnt.fitted, read.split, held_out))
    return result


def _learnt(read: _Read, solver: Solver, writer: ModelWriter) -> _Learnt:
    """Fits the head that ships, and tests it."""
    examples, split, report = read.prepared.examples, read.split, read.report
    training, validation = (examples.at(split.rows(part)) for part in (Part.TRAINING, Part.VALIDATION))
    snapshots = Snapshots(read.run.intermediate_store_frequency, partial(_keep, writer, report))
    record, maps = TrainingRecord(report), read.prepared.bundle.maps
    rejection = meanwhile(fit_rejection, training, validation, maps[-1].depth if maps else 0)
    trained = fit(training, validation, len(read.prepared.dataset.labels), solver, record, snapshots)
    report(_fitted(trained, validation))
    held_out = HeldOut.of(read.prepared.dataset, examples, split, read.run.split)
    photos, test = held_out.tested(trained, report) or (None, None)
    return _Learnt(trained, rejection(), record.curve, held_out, photos, test)


def _record(read: _Read, learnt: _Learnt, folds: CrossValidation | None) -> RunRecord:
    """What is kept of the run beside its model."""
    return replace(
        record_of(read.given, read.prepared.dataset, read.split, learnt.held_out.leaked, read.report),
        test=learnt.test,
        folds=folds.assessment if folds else None,
        fold_accuracies=folds.accuracies if folds else (),
        training_curve=learnt.curve,
    )


def _result(read: _Read, learnt: _Learnt, written: Written, folds: CrossValidation | None) -> Retraining:
    dataset, report, tested = read.prepared.dataset, read.report, learnt.held_out.rows
    return Retraining(
        files=written.files,
        labels=dataset.labels,
        backbone=read.prepared.bundle.name,
        photos=len(dataset.paths),
        computed=read.prepared.computed,
        distorted=read.prepared.distorted,
        skipped=report.skipped,
        test=learnt.test,
        test_photos=learnt.test_photos,
        cross_validation=folds,
        fold_photos=Measured(dataset.labels, dataset.paths, dataset.label_ids, folds.scores) if folds else None,
        training_curve=learnt.curve,
        seconds=read.stopwatch.seconds,
        model_id=written.model_id,
        unlisted=report.unlisted,
        left_out=report.left_out,
        image_dir=str(read.run.image_dir),
        copies=report.copies,
        changed=report.changed,
        cleaned=report.cleaned,
        problems=tuple(report.problems),
        warnings=report.warnings,
        photo=dataset.paths[tested[0] if len(tested) else 0],
        leaked=learnt.held_out.leaked,
    )


def _with_folds(run: RetrainOptions, prepared: Prepared, split: Split, report: Reporter) -> RetrainOptions:
    """Options that say how many folds there are."""
    if run.folds is not None or run.learning_curve:
        return run
    return replace(run, folds=automatic_folds(prepared.dataset, prepared.examples, split, run, report))


def _folds(
    prepared: Prepared, options: RetrainOptions, solver: Solver, report: Reporter, stopwatch: Stopwatch
) -> tuple[CrossValidation | None, LearningCurve | None]:
    """Cross-validation and the learning curve, as far as the options ask for them."""
    count = options.folds or (FOLDS if options.learning_curve else 0)
    if not count:
        return None, None
    with stopwatch.stage("folds"):
        folds = folds_of(prepared.dataset, options.split, count)
        full = cross_validate(folds, prepared.examples, solver, report)
        if not options.learning_curve:
            return full, None
        return full, learning_curve(folds, prepared.examples, solver, full, report)


def _fitted(trained: Fitted, validation: Examples) -> HeadFitted:
    """How the head does on validation photos; these say nothing if it learnt from them, since they are few."""
    if few(validation) or not len(validation):
        return HeadFitted(math.nan, 0)
    right = correct(validation.logits(trained.head), validation.label_ids)
    return HeadFitted(float(right.mean()), len(validation))


def _finished(result: Retraining, trained: Fitted, split: Split, held_out: HeldOut) -> RunFinished:
    """What a history keeps of a run."""
    dataset, folds = held_out.dataset, result.cross_validation
    return RunFinished(
        image_dir=result.image_dir,
        photos=result.photos,
        classes=len(result.labels),
        backbone=result.backbone,
        solver=str(trained.facts.get("solver", "")),
        test=result.test.figures if result.test else None,
        folds=folds.assessment.figures if folds else None,
        fold_count=len(folds.accuracies) if folds else 0,
        split=split_digest(dataset, split, held_out.rows),
        fold_split=assignment_digest(dataset, folds.tested_by) if folds else "",
        model_id=result.model_id,
        seconds=sum(result.seconds.values()),
    )


def _recorded(options: RetrainOptions) -> dict[str, Any]:
    """The options that a model's metadata states."""
    return {"architecture": options.backbone.network, "split_by": options.split_by, "seed": options.seed}


def _facts(prepared: Prepared, test: Assessment | None, folds: CrossValidation | None) -> dict[str, Any]:
    """The measured facts that a model's metadata states of its training."""
    facts = {
        "photos": len(prepared.dataset.paths),
        "test_accuracy": test.accuracy if test else None,
        "test_count": test.count if test else 0,
    }
    if prepared.honoured:
        facts |= dict(zip(("set_aside", "relabelled"), prepared.honoured.counts, strict=True))
    if folds:
        facts |= {"folds": len(folds.accuracies), "folds_accuracy": folds.assessment.accuracy}
    return facts


def _keep(writer: ModelWriter, report: Reporter, step: int, head: Head) -> None:
    """Writes an intermediate model and reports it."""
    report(ModelKept(writer.write_intermediate(step, head)))
