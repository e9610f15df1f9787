"""The whole run: photos in, model out."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from retrainer.arrays import Integers
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.extraction import Features, extract
from retrainer.bottlenecks.inputs import sample_inputs
from retrainer.duplicates import with_copies_together
from retrainer.errors import DatasetError
from retrainer.events import (
    Calibrated,
    Event,
    FilesLeftOut,
    FolderSkipped,
    Missed,
    ModelKept,
    Observer,
    PhotoMisclassified,
    PhotoSkipped,
    TestEvaluated,
    silent,
)
from retrainer.feature_source import feature_extraction, refuse_if_strict
from retrainer.measuring.cross_validation import CrossValidation, cross_validate, folds_of
from retrainer.measuring.figures import Assessment, assess, calibration_of
from retrainer.measuring.learning_curve import LearningCurve, learning_curve
from retrainer.measuring.remembered_split import Membership
from retrainer.model_writer import LABELS, ModelWriter
from retrainer.models.graph import graphdef
from retrainer.observers.tensorboard import TensorBoard
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS
from retrainer.photos.dataset import Dataset, dataset_of, scan
from retrainer.photos.distortions import Distortion
from retrainer.photos.oddities import warn_of_uniform_classes
from retrainer.photos.splits import Part, Split, content_positions, split_by_content, split_by_path, warn_of_empty_parts
from retrainer.preflight import require_fitting, require_outputs, require_own_outputs
from retrainer.previous_model import Previous, Tested, compared
from retrainer.system.process import one_blas_thread
from retrainer.training.examples import Examples, Views
from retrainer.training.fitting import Trained, fit, settled
from retrainer.training.gradient_descent import ALL
from retrainer.training.head import Head, softmax
from retrainer.training.out_of_fold import few
from retrainer.training.outliers import fit_rejection


@dataclass(frozen=True)
class Retraining:
    """What a run gave.

    Attributes:
        files: Name of an output format, or `labels` -> path of the file written. The first is the model to label with.
        labels: In the order of the model's scores.
        backbone: The backbone's name.
        photos: How many photos were used.
        computed: How many of them went through the backbone; the others' feature vectors were cached.
        distorted: How many photos had distorted views computed.
        skipped: How many files were no readable photos.
        test: How good the model is on the test part, None without test photos.
        cross_validation, learning_curve: What was measured by folds, None where it was not asked for.
        seconds: Stage -> how long it took.
        previous: The model that was replaced, None if there was none, or the same.
        unlisted: How many folders could not be listed, or only in part.
        left_out: How many files and folders lie in no class folder or are hidden.
    """

    files: Mapping[str, str]
    labels: tuple[str, ...]
    backbone: str
    photos: int
    computed: int
    distorted: int
    skipped: int
    test: Assessment | None
    cross_validation: CrossValidation | None
    learning_curve: LearningCurve | None
    seconds: Mapping[str, float]
    previous: Previous | None = None
    unlisted: int = 0
    left_out: int = 0

    @property
    def graph(self) -> str:
        """The model to label with: the `.pb`, or the `.tflite` if the backbone has no TensorFlow graph."""
        return next(iter(self.files.values()))

    @property
    def tflite(self) -> str:
        """The model's `.tflite`."""
        return self.files["tflite"]

    @property
    def labels_file(self) -> str:
        """The labels, one per line."""
        return self.files[LABELS]

    @property
    def test_accuracy(self) -> float | None:
        """0 to 1, None without test photos."""
        return self.test.accuracy if self.test else None

    @property
    def test_count(self) -> int:
        """How many photos the accuracy was measured on."""
        return self.test.count if self.test else 0


@one_blas_thread()
def retrain(options: RetrainOptions, observer: Observer = silent) -> Retraining:
    """Teaches a backbone the classes of a folder of photos and writes the model.

    Args:
        options: The folder, and how to go about it.
        observer: Called with every event of the run, in the calling thread.

    Raises:
        RetrainerError: one of its kinds; nothing half-written stays.
    """
    run = _Run(options, observer)
    source = resolve(options.architecture, options)
    with run.stage("scan"):
        files = scan(options.image_dir, run.tell)
        require_own_outputs(options)
    with run.stage("backbone"):
        run.bundle = bundle_of(source, options, partial(sample_inputs, files.paths), run.tell)
        require_fitting(run.bundle, options)
        require_outputs(options)
    with run.stage("bottlenecks"):
        extraction = feature_extraction(run.bundle, options, run.tell)
        features = extract(files.paths, files.stamps, extraction, run.tell)
        dataset = dataset_of(files, features.readable, features.digests, run.tell)
        dataset = with_copies_together(dataset, extraction.tables.fingerprints, options, run.tell)
        warn_of_uniform_classes(dataset, features.matrix, features.rows[:, 0], run.tell)
        split = run.split(dataset)
        examples = run.examples(files.stamps[features.readable], dataset, features, split)
    run.options = options = settled(options, dataset.counts, run.tell)
    cross_validation, curve = run.folds(dataset, examples)
    membership = Membership.of(dataset, split, options)
    writer = ModelWriter(options, run.bundle, dataset.labels, membership.to_metadata())
    with TensorBoard(options.summaries_dir) as run.tensorboard:
        with run.stage("training"):
            training, validation = (examples.at(split.rows(part)) for part in (Part.TRAINING, Part.VALIDATION))
            keep = partial(run.keep, writer)
            trained = fit(training, validation, len(dataset.labels), options, run.tell, keep)
            rejection = fit_rejection(training, validation)
            tested = run.tested(dataset, examples, split.rows(Part.TESTING))
            test = run.test(trained, tested)
        with run.stage("writing"):
            measured = {
                "photos": len(dataset.paths),
                "test_accuracy": test.accuracy if test else None,
                "test_count": test.count if test else 0,
            }
            if cross_validation:
                measured |= {
                    "folds": len(cross_validation.accuracies),
                    "folds_accuracy": cross_validation.assessment.accuracy,
                }
            written = writer.write(trained.head, rejection, {**trained.facts, **measured})
            if run.bundle.has_graph:
                run.tensorboard.graph(graphdef.read_graph(written.files["pb"]))
            kept = written.previous
            previous = compared(kept, run.bundle, tested, trained.head) if kept else None
    return Retraining(
        files=written.files,
        labels=dataset.labels,
        backbone=run.bundle.name,
        photos=len(dataset.paths),
        computed=features.computed,
        distorted=run.distorted,
        skipped=sum(isinstance(event, PhotoSkipped) for event in run.missed),
        test=test,
        cross_validation=cross_validation,
        learning_curve=curve,
        seconds=run.seconds,
        previous=previous,
        unlisted=sum(isinstance(event, FolderSkipped) for event in run.missed),
        left_out=sum(event.count for event in run.missed if isinstance(event, FilesLeftOut)),
    )


@dataclass
class _Run:
    """The steps of a run, and what they share."""

    options: RetrainOptions
    observer: Observer
    bundle: Bundle = field(init=False)
    tensorboard: TensorBoard | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    distorted: int = 0

    def tell(self, event: Event) -> None:
        """Passes an event on."""
        if isinstance(event, Missed):
            refuse_if_strict(event, self.options)
            self.missed.append(event)
        self.observer(event)
        if self.tensorboard:
            self.tensorboard(event)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a stage."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def split(self, dataset: Dataset) -> Split:
        """Training, validation and test photos; warns of classes that a part lacks."""
        options = self.options
        percentages = options.validation_percentage, options.testing_percentage
        if options.split_by == "content":
            split = split_by_content(dataset, *percentages, options.seed, self.tell)
        else:
            split = split_by_path(dataset.paths, *percentages)
            wanted = [
                p for p, percentage in zip((Part.VALIDATION, Part.TESTING), percentages, strict=True) if percentage
            ]
            warn_of_empty_parts(split, dataset, range(len(dataset.labels)), wanted, self.tell)
        self.require_all_classes(dataset, dataset.label_ids[split.rows(Part.TRAINING)])
        return split

    def require_all_classes(self, dataset: Dataset, label_ids: Integers) -> None:
        """Raises DatasetError unless every class is among the class ids of the training examples."""
        for label_id in np.flatnonzero(np.bincount(label_ids, minlength=len(dataset.labels)) == 0):
            raise DatasetError(
                f"Label {dataset.labels[label_id]} has no images in the category training.",
                "Add photos to it, or lower the percentages of the other parts.",
            )

    def examples(self, stamps: Integers, dataset: Dataset, features: Features, split: Split) -> Examples:
        """The photos of a dataset, with distorted views to learn from if these are asked for.

        Args:
            stamps: Of the dataset's files, `(N, 3)`; see `features.extract`.
            dataset, features: The photos, and their vectors.
            split: Who trains, validates and tests.
        """
        groups = content_positions(dataset, self.options.seed)[0].view(np.int64)
        examples = Examples(features.matrix, features.rows[:, 0], dataset.label_ids, groups)
        distortion = Distortion.of(self.options)
        if distortion is None:
            return examples
        # Folds learn from all photos, and the head learns from those that validate if they are few.
        validating = few(len(split.rows(Part.VALIDATION)))
        parts = [Part.TRAINING, *[Part.VALIDATION] * validating]
        learnt = np.isin(split.parts, parts) | bool(self.options.folds or self.options.learning_curve)
        rows = np.flatnonzero(learnt)
        paths = [dataset.paths[row] for row in rows]
        views = extract(
            paths, stamps[rows], feature_extraction(self.bundle, self.options, self.tell, distortion), self.tell
        )
        self.distorted = views.computed
        of_photos = np.full((len(dataset.paths), distortion.views), -1, np.int64)
        of_photos[rows[views.readable]] = views.rows
        self.require_all_classes(dataset, dataset.label_ids[(of_photos[:, 0] >= 0) & (split.parts == Part.TRAINING)])
        return replace(examples, views=Views(views.matrix, of_photos))

    def folds(self, dataset: Dataset, examples: Examples) -> tuple[CrossValidation | None, LearningCurve | None]:
        """What folds tell, where they are asked for."""
        options = self.options
        count = options.folds or (FOLDS if options.learning_curve else 0)
        if not count:
            return None, None
        with self.stage("folds"):
            folds = folds_of(dataset, options, count)
            full = cross_validate(folds, dataset, examples, options, self.tell)
            curve = (
                learning_curve(folds, dataset, examples, options, full, self.tell) if options.learning_curve else None
            )
        return full, curve

    def tested(self, dataset: Dataset, examples: Examples, rows: Integers) -> Tested:
        """The photos in some rows, or as many of them as are asked for."""
        size = self.options.test_batch_size
        if size != ALL and size < len(rows):
            # Each photo once: what was counted twice would count for more than it tells.
            rows = np.sort(np.random.default_rng([self.options.seed, 2]).choice(rows, size, replace=False))
        return Tested(dataset, rows, examples.at(rows))

    def test(self, trained: Trained, tested: Tested) -> Assessment | None:
        """Assesses the model on the test photos, None without any, and tells of it."""
        dataset, rows, label_ids = tested.dataset, tested.rows, tested.label_ids
        if not len(rows):
            return None
        logits = tested.examples.logits(trained.head)
        after = assess(dataset.labels, softmax(logits), label_ids, tested.examples.groups)
        loss, error = calibration_of(softmax(logits * np.float32(trained.temperature)), label_ids)
        losses, errors = (loss, after.log_loss), (error, after.calibration_error)
        self.tell(Calibrated(trained.temperature, losses, errors, after.calibration_floor, after.count))
        self.tell(TestEvaluated(after.accuracy, after.count))
        predicted = logits.argmax(axis=1)
        for place in np.flatnonzero(predicted != label_ids):
            self.tell(PhotoMisclassified(dataset.paths[rows[place]], dataset.labels[predicted[place]]))
        return after

    def keep(self, writer: ModelWriter, step: int, head: Head) -> None:
        """Writes an intermediate model and tells of it."""
        self.tell(ModelKept(writer.keep(step, head)))
