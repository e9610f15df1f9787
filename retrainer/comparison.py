"""Several backbones on the same photos."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from retrainer.arrays import spread
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.extraction import extract
from retrainer.bottlenecks.inputs import photo_input, sample_inputs
from retrainer.duplicates import with_copies_together
from retrainer.errors import DatasetError, OptionError, PictureError, RetrainerError
from retrainer.events import Event, Missed, Noted, Observer, Warned, silent
from retrainer.feature_source import feature_extraction, refuse_if_strict
from retrainer.measuring.cross_validation import cross_validate, folds_of
from retrainer.measuring.figures import Assessment
from retrainer.models.tflite.litert import Network
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS
from retrainer.photos.dataset import PhotoFiles, dataset_of, scan
from retrainer.photos.reading import read_file
from retrainer.photos.splits import content_positions
from retrainer.system.parallel import in_order, usable_cores
from retrainer.system.process import one_blas_thread
from retrainer.text import shown
from retrainer.training.examples import Examples
from retrainer.training.fitting import settled

# A speed is measured for so long, on at most so many photos.
_SECONDS, _MOST_PHOTOS = 1.0, 2000


@dataclass(frozen=True)
class Compared:
    """What a backbone is worth on some photos.

    Attributes:
        architecture: As it was asked for.
        assessment: Of all photos by folds, each by a head that did not see it.
        photos_per_second: Read, decoded and run on this machine's processors.
        model_bytes: The size of the `.tflite` that a retraining would give, but for its labels.
    """

    architecture: str
    assessment: Assessment
    photos_per_second: float
    model_bytes: int


@dataclass(frozen=True)
class Comparison:
    """Backbones, the most accurate first, and those that failed with the reason."""

    backbones: tuple[Compared, ...]
    failed: tuple[tuple[str, str], ...]


@one_blas_thread()
def compare(options: RetrainOptions, observer: Observer = silent) -> Comparison:
    """Measures each backbone of `options.compare` by folds, through the cache; writes no model.

    Raises:
        RetrainerError: the photos cannot be compared on; what is wrong with one backbone only fails that one.
    """
    names = list(dict.fromkeys(name.strip() for name in options.compare.split(",") if name.strip()))
    if not names:
        raise OptionError(f"--compare: expected backbones with commas between, received '{options.compare}'.")
    told: set[Event] = set()

    def tell(event: Event) -> None:
        """Each backbone finds the same faults in the same photos, which are told of once."""
        if isinstance(event, Missed):
            refuse_if_strict(event, options)
        if isinstance(event, Missed | Warned):
            if event in told:
                return
            told.add(event)
        observer(event)

    files = scan(options.image_dir, tell)
    options = settled(options, np.bincount(files.folder_ids), observer)
    compared, failed = [], []
    for name in names:
        observer(Noted(f"Comparing '{shown(name)}'"))
        try:
            compared.append(_compared(name, files, options, tell))
        except DatasetError:
            raise
        except RetrainerError as error:
            failed.append((name, str(error)))
    best_first = sorted(compared, key=lambda backbone: -backbone.assessment.accuracy)
    return Comparison(tuple(best_first), tuple(failed))


def _compared(name: str, files: PhotoFiles, options: RetrainOptions, observer: Observer) -> Compared:
    bundle = bundle_of(resolve(name, options), options, partial(sample_inputs, files.paths), observer)
    extraction = feature_extraction(bundle, options, observer)
    features = extract(files.paths, files.stamps, extraction, observer)
    dataset = dataset_of(files, features.readable, features.digests, observer)
    dataset = with_copies_together(dataset, extraction.tables.fingerprints, options, observer)
    groups = content_positions(dataset, options.seed)[0].view(np.int64)
    examples = Examples(features.matrix, features.rows[:, 0], dataset.label_ids, groups)
    folds = folds_of(dataset, options, options.folds or FOLDS)
    result = cross_validate(folds, dataset, examples, options, observer)
    head_bytes = 4 * (bundle.depth + 1) * len(dataset.labels)
    return Compared(
        name,
        result.assessment,
        photos_per_second(bundle, dataset.paths),
        bundle.tflite_path.stat().st_size + head_bytes,
    )


def photos_per_second(bundle: Bundle, paths: Sequence[str]) -> float:
    """How many photos a second the processors read, decode and run, measured for a second at most."""
    chosen = spread(len(paths), _MOST_PHOTOS)
    networks = [Network(bundle.tflite_path) for _ in range(usable_cores())]

    def run(network: Network, row: int) -> bool:
        try:
            network.run(photo_input(read_file(paths[row]), network.input_size))
        except PictureError:  # it has gone since it was extracted
            return False
        return True

    for network in networks:  # the first run of a network takes longer
        run(network, chosen[0])
    started, done = time.perf_counter(), 0
    for ran in in_order(networks, run, chosen.tolist()):
        done += ran
        if time.perf_counter() - started > _SECONDS:
            break
    return done / (time.perf_counter() - started)
