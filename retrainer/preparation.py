"""Photos and a backbone, prepared for fitting heads: scanned, extracted through the cache, and split."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from retrainer.arrays import Integers
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.extraction import extract
from retrainer.bottlenecks.inputs import sample_inputs
from retrainer.bottlenecks.tables import Tables
from retrainer.decided_files import scanned_by_list
from retrainer.duplicates import with_copies_together
from retrainer.errors import DatasetError
from retrainer.events import BackboneReady, Observer, PhotosRead
from retrainer.feature_source import feature_extraction
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import AUTO, FOLDERS, SplitOptions
from retrainer.photos.clean_list.honoured import Honoured
from retrainer.photos.dataset import Dataset, dataset_of
from retrainer.photos.distortions import Distortion
from retrainer.photos.files import PhotoFiles
from retrainer.photos.parts import Part
from retrainer.photos.positions import content_positions
from retrainer.photos.scanning import scan
from retrainer.photos.splits import Split, split_by_content, split_by_path, warn_of_empty_parts
from retrainer.reporting import Reporter, Stopwatch
from retrainer.training.examples import Examples, Views
from retrainer.training.out_of_fold import few


@dataclass(frozen=True, eq=False)
class Prepared:
    """Photos with their feature vectors.

    Attributes:
        bundle: The backbone that gave the vectors.
        dataset: N photos.
        stamps: The sizes and times of their files, `(N, 3)`; see `bottlenecks.extraction.extract`.
        examples: Their vectors and class ids, and the numbers that copies share.
        tables: The cached tables that they came from.
        computed: How many photos went through the backbone; the vectors of the others were cached.
        distorted: How many photos had distorted views computed.
        honoured: The decisions that changed the photos; None if there is no list of decisions.
    """

    bundle: Bundle
    dataset: Dataset
    stamps: Integers
    examples: Examples
    tables: Tables
    computed: int
    distorted: int = 0
    honoured: Honoured | None = None


def scanned(options: RetrainOptions, report: Reporter) -> PhotoFiles:
    """Scans the photos, and honours the decisions about them if there is a list.

    Raises:
        RetrainerError: the photos or the list cannot be used, or too few photos are left.
    """
    read = partial(scan, options.image_dir, report, split_by=options.split_by, label_from=options.label_from)
    return scanned_by_list(options.clean_list, read, options.backbone.bottleneck_dir, report)


def prepare(
    options: RetrainOptions,
    report: Reporter,
    stopwatch: Stopwatch,
    check: Callable[[Bundle], None] = lambda _: None,
    files: PhotoFiles | None = None,
    *,
    looks: bool = False,
) -> Prepared:
    """Scans the photos, makes the backbone's bundle unless it exists, and extracts the feature vectors.

    Args:
        options: The photos, the backbone and the cache.
        report: Called with every event.
        stopwatch: Times the stages `scan`, `backbone` and `bottlenecks`.
        check: Called with the bundle before the long work; it may raise.
        files: The photos' files, if they have been scanned, and decisions about them have been honoured.
        looks: Whether photos that are decoded are measured for `findings.measured`, too.

    Raises:
        RetrainerError: the photos, the backbone or the cache cannot be used.
    """
    backbone = resolve(options.backbone.network, options.backbone)
    with stopwatch.stage("scan"):
        files = files or scanned(options, report)
    with stopwatch.stage("backbone"):
        bundle = bundle_of(backbone, options.backbone, partial(sample_inputs, files.paths), report)
        check(bundle)
        report(BackboneReady(bundle.name))
    with stopwatch.stage("bottlenecks"):
        extraction = feature_extraction(bundle, options.backbone, report, looks=looks)
        features = extract(files.paths, files.stamps, extraction, report)
        dataset = dataset_of(files, features.readable, features.digests, report)
        dataset = with_copies_together(dataset, extraction.tables.fingerprints, options.split, report)
        report(PhotosRead(len(dataset.paths), len(dataset.labels), features.computed))
        groups = content_positions(dataset, options.seed)[0].view(np.int64)
        examples = Examples(features.matrix, features.rows[:, 0], dataset.label_ids, groups)
    stamps = files.stamps[features.readable]
    return Prepared(bundle, dataset, stamps, examples, extraction.tables, features.computed, honoured=files.honoured)


def decided(options: RetrainOptions, dataset: Dataset) -> RetrainOptions:
    """Returns options that say how photos are split, if they leave it to the photos."""
    if options.split_by != AUTO:
        return options
    return replace(options, split_by="content" if dataset.given is None else FOLDERS)


def split_of(dataset: Dataset, options: SplitOptions, observer: Observer) -> Split:
    """Splits photos into those that train, validate and test; warns of classes that a part lacks.

    Raises:
        DatasetError: no photo of a class trains.
    """
    percentages = options.validation_percentage, options.testing_percentage
    if options.split_by != "path":
        split = split_by_content(dataset, *percentages, options.seed, observer)
    else:
        split = split_by_path(dataset.paths, *percentages)
        wanted = [p for p, percentage in zip((Part.VALIDATION, Part.TESTING), percentages, strict=True) if percentage]
        warn_of_empty_parts(split, dataset, range(len(dataset.labels)), wanted, observer)
    _require_all_classes(dataset, dataset.label_ids[split.rows(Part.TRAINING)])
    return split


def with_views(prepared: Prepared, split: Split, options: RetrainOptions, observer: Observer) -> Prepared:
    """Adds distorted views to learn from, if the options ask for them.

    Raises:
        DatasetError: no view of a class trains.
    """
    distortion = Distortion.of(options.distortion)
    if distortion is None:
        return prepared
    dataset = prepared.dataset
    # Folds learn from all photos; the head learns from validation photos, too, if they are few.
    learns_from_validation = few(prepared.examples.at(split.rows(Part.VALIDATION)))
    parts = [Part.TRAINING, *[Part.VALIDATION] * learns_from_validation]
    learnt = np.isin(split.parts, parts) | bool(options.folds or options.learning_curve)
    rows = np.flatnonzero(learnt)
    paths = [dataset.paths[row] for row in rows]
    extraction = feature_extraction(prepared.bundle, options.backbone, observer, distortion)
    views = extract(paths, prepared.stamps[rows], extraction, observer)
    of_photos = np.full((len(dataset.paths), distortion.count), -1, np.int64)
    of_photos[rows[views.readable]] = views.rows
    _require_all_classes(dataset, dataset.label_ids[(of_photos[:, 0] >= 0) & (split.parts == Part.TRAINING)])
    examples = replace(prepared.examples, views=Views(views.matrix, of_photos))
    return replace(prepared, examples=examples, distorted=views.computed)


def _require_all_classes(dataset: Dataset, label_ids: Integers) -> None:
    """Raises DatasetError unless every class is among the class ids of the training examples."""
    for label_id in np.flatnonzero(np.bincount(label_ids, minlength=len(dataset.labels)) == 0):
        raise DatasetError(
            f"Label {dataset.labels[label_id]} has no images in the category training.",
            "Add photos to it, or lower the percentages of the other parts."
            if dataset.given is None
            else "Give some of its photos the training part, or leave the class out.",
        )
