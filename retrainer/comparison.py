"""Compares backbones on the same photos."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrainer.arrays import Bools, Integers, spread
from retrainer.backbones.bundle import Bundle
from retrainer.bottlenecks.inputs import photo_input
from retrainer.errors import DatasetError, OptionError, PictureError, RetrainerError
from retrainer.events import Began, Observer
from retrainer.measuring.cross_validation import cross_validate, folds_of
from retrainer.measuring.measured import Measured
from retrainer.measuring.paired import paired
from retrainer.models.tflite.litert import Network
from retrainer.options.calling import options_with_photos, takes_options
from retrainer.options.in_memory import PhotoSource
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS
from retrainer.photos.files import PhotoFiles
from retrainer.photos.photo import content_of
from retrainer.preparation import prepare, scanned
from retrainer.reporting import Reporter, Stopwatch
from retrainer.results.comparison import Compared, Comparison
from retrainer.system.missing import NamingPackages
from retrainer.system.parallel import in_order, usable_cores
from retrainer.system.process import one_blas_thread
from retrainer.text import brief, shown
from retrainer.training.fitting import Solver
from retrainer.training.solvers import solver_of

if TYPE_CHECKING:
    from typing import Unpack

    from retrainer.options.keywords import RetrainKeywords

# A speed is measured for at most this many seconds and photos.
_SECONDS, _MOST_PHOTOS = 1.0, 2000


@dataclass(frozen=True, eq=False)
class _Measured:
    """The figures of a backbone, its N photos with their scores, and their groups of copies, `(N,)`."""

    compared: Compared
    photos: Measured
    groups: Integers | None

    @property
    def right(self) -> Bools:
        """Whether it gets each photo right, `(N,)`."""
        right: Bools = self.photos.predicted == self.photos.label_ids
        return right

    def beside(self, best: "_Measured") -> Compared:
        """Returns the figures with the difference to the most accurate backbone, on the photos that both could read."""
        rows = {path: row for row, path in enumerate(best.photos.paths)}
        own = np.flatnonzero([path in rows for path in self.photos.paths])
        if best is self or not len(own):
            return self.compared
        of_best = np.array([rows[self.photos.paths[row]] for row in own.tolist()])
        groups = None if self.groups is None else self.groups[own]
        return replace(self.compared, to_best=paired(self.right[own], best.right[of_best], groups))


@takes_options(RetrainOptions)
@NamingPackages()
@one_blas_thread()
@np.errstate(under="ignore")
def compare(
    names: Iterable[str],
    photos: RetrainOptions | PhotoSource | None = None,
    *,
    on_progress: Observer | None = None,
    **options: "Unpack[RetrainKeywords]",
) -> Comparison:
    """Measures backbones on the same photos by folds, through the cache; writes no model.

    Args:
        names: The backbones, each as `architecture` names one.
        photos: A folder, a table or `(pictures, labels)`, as `retrain` takes them; or all options.
        on_progress: Called with every event; a warning or a missed file that several backbones meet is reported once.
        options: Options by name, see below; five folds unless `folds` gives another number.

    Raises:
        OptionError: `names` is empty, or a text, whose letters would be taken for names; or `folds` is 0.
        RetrainerError: the photos cannot be compared on. An error of one backbone only fails that one.
    """
    names = _names(names)
    run = options_with_photos(RetrainOptions, photos, options, "compare")
    if run.folds == 0:
        raise OptionError("--folds: expected at least 2, received 0; backbones are compared by folds.", "Leave it out.")
    with Reporter(on_progress, strict=run.strict, once=True) as report:
        return _compared(names, run, report)


def _names(names: Iterable[str]) -> list[str]:
    """The names, each once."""
    if isinstance(names, str):
        raise OptionError(
            f"compare: expected a list of names, received the text '{shown(names)}'.", "Put it in a list."
        )
    if not isinstance(names, Iterable):
        raise OptionError(f"compare: expected a list of names, received {brief(names)}.")
    listed = list(names)
    for name in listed:
        if not isinstance(name, str):
            raise OptionError(f"compare: expected names of backbones, received {brief(name)}.")
    if not listed:
        raise OptionError("compare: expected at least one backbone, received none.")
    return list(dict.fromkeys(listed))


def _compared(names: Sequence[str], run: RetrainOptions, report: Reporter) -> Comparison:
    files = scanned(run, report)
    solver = solver_of(run.fit, np.bincount(files.class_ids), report)
    measured, failed = [], []
    for name in names:
        report(Began(f"Comparing '{shown(name)}'"))
        try:
            measured.append(_measured(replace(run, architecture=name), files, solver, report))
        except DatasetError:
            raise
        except RetrainerError as error:
            report.raise_again()
            failed.append((name, str(error)))
    best_first = sorted(measured, key=lambda backbone: -backbone.compared.accuracy)
    compared = tuple(backbone.beside(best_first[0]) for backbone in best_first)
    return Comparison(compared, tuple(failed), files.root, report.copies, tuple(report.problems), report.cleaned)


def _measured(options: RetrainOptions, files: PhotoFiles, solver: Solver, report: Reporter) -> _Measured:
    stopwatch = Stopwatch(report)
    prepared = prepare(options, report, stopwatch, files=files)
    bundle, dataset = prepared.bundle, prepared.dataset
    folds = folds_of(dataset, options.split, options.folds or FOLDS)
    with stopwatch.stage("folds"):
        result = cross_validate(folds, prepared.examples, solver, report)
    head_bytes = 4 * (bundle.depth + 1) * len(dataset.labels)
    photos = Measured(dataset.labels, dataset.paths, dataset.label_ids, result.scores)
    compared = Compared(
        options.backbone.network,
        result.assessment,
        photos_per_second(bundle, dataset.paths),
        bundle.tflite_path.stat().st_size + head_bytes,
        measured=photos,
    )
    return _Measured(compared, photos, prepared.examples.groups)


def photos_per_second(bundle: Bundle, paths: Sequence[str]) -> float:
    """How many photos the processors read, decode and run in a second, measured for at most one second."""
    chosen = spread(len(paths), _MOST_PHOTOS)
    networks = [Network(bundle.tflite_path) for _ in range(usable_cores())]

    def run(network: Network, row: int) -> bool:
        try:
            network.run(photo_input(content_of(paths[row]), network.input_size))
        except PictureError:  # the photo is gone since it was extracted
            return False
        return True

    for network in networks:  # a network's first run takes longer
        run(network, chosen[0])
    started, done = time.perf_counter(), 0
    for ran in in_order(networks, run, chosen.tolist()):
        done += ran
        if time.perf_counter() - started > _SECONDS:
            break
    return done / (time.perf_counter() - started)
