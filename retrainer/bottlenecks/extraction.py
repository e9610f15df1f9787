"""Photos -> feature vectors: looks for what is missing, asks an engine for it, and caches what the engine returns."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.bottlenecks.parquet_files import cache_changed
from retrainer.bottlenecks.recipe import Engine, PhotoResult, Recipe
from retrainer.bottlenecks.table_writer import TableWriter
from retrainer.bottlenecks.tables import Tables
from retrainer.errors import DatasetError
from retrainer.events import Detailed, ExtractionAdvanced, Observer, PhotoSkipped
from retrainer.photos.archives import reading_order
from retrainer.photos.photo import PictureName

PROGRESS_SECONDS = 0.1
# The whole time is estimated from as many photos or seconds, and reported if more seconds than the last remain.
_PHOTOS_TIMED, _SECONDS_TIMED, _WORTH_SECONDS = 100, 5, 10


@dataclass(frozen=True)
class Extraction:
    """Where vectors are cached, how they are computed, and who schedules that.

    Attributes:
        tables: The cache.
        recipe: How to compute what is not cached. `extract` adds which contents are known.
        engine: Computes it; not called if everything is cached.
    """

    tables: Tables
    recipe: Recipe
    engine: Engine

    def results(self, paths: Sequence[str]) -> Iterator[PhotoResult]:
        """The engine's result for each file."""
        return self.engine(paths, self.tables.known_to(self.recipe)) if paths else iter(())


@dataclass(frozen=True, eq=False)
class Features:
    """The feature vectors of N files.

    Attributes:
        matrix: The vectors of the whole cache, read-only float32 `(R, D)`, perhaps larger than memory.
        rows: The rows of the matrix that hold the V views of the M readable files, in the files' order, `(M, V)`.
        readable: Which files are photos, `(N,)`; M of them.
        digests: SHA-256 of the files' bytes, `(N, 32)`; zero for unreadable files.
        computed: How many files went through the network; the vectors of the others were cached.
    """

    matrix: Floats
    rows: Integers
    readable: Bools
    digests: Digests
    computed: int


def extract(paths: Sequence[str], stamps: Integers, extraction: Extraction, observer: Observer) -> Features:
    """Returns the feature vectors of photos. Those that are not cached are computed and cached.

    Args:
        paths: N paths.
        stamps: `(N, 3)`: size in bytes, times of modification and of change in nanoseconds, as `os.stat` gives them.
        extraction: The cache, the recipe and the engine.
        observer: Called with the progress, and with each file that is no photo.

    Raises:
        DatasetError: none of the files is a photo that can be read.
        OutputError: another process changed the cache meanwhile.
    """
    tables = extraction.tables
    absolute = [path if isinstance(path, PictureName) else os.path.abspath(path) for path in paths]
    digests, known = tables.files.digests(absolute, stamps)
    missing = _in_reading_order(np.flatnonzero(~known | ~tables.complete(digests)).tolist(), absolute)
    readable = np.ones(len(paths), np.bool_)
    first_problem = ""
    views = len(extraction.recipe.views)
    progress = Progress(len(missing), f"{views} views of " if views > 1 else "", observer)
    with TableWriter(tables) as writer:
        results = extraction.results([absolute[row] for row in missing])
        for row, result in zip(missing, results, strict=True):
            if problem := problem_of(result):
                readable[row] = False
                skipped = PhotoSkipped(paths[row], problem)
                first_problem = first_problem or skipped.problem
                observer(skipped)
            else:
                digests[row] = np.frombuffer(result.digest, np.uint8)
                is_file = not isinstance(absolute[row], PictureName)
                writer.add(result, (absolute[row], stamps[row]) if is_file and not known[row] else None)
            progress.advance()
    if writer.computed:
        tables.vectors.refresh()
    if first_problem and not readable.any():
        raise DatasetError(f"None of {len(paths):,} files can be read as a photo; the first is {first_problem}.")
    digests[~readable] = 0
    rows = tables.rows(digests[readable])
    if (rows < 0).any():
        raise cache_changed()
    return Features(tables.vectors.matrix, rows, readable, digests, writer.computed)


def _in_reading_order(rows: Sequence[int], paths: Sequence[str]) -> list[int]:
    """The rows in the order in which their files are best read."""
    return [rows[number] for number in reading_order([paths[row] for row in rows])]


def problem_of(result: PhotoResult) -> str:
    """Why a result cannot be used; empty if it can."""
    if result.vectors is not None and not np.isfinite(result.vectors).all():
        return "the backbone gives no finite features for it"
    return result.problem


class Progress:
    """Reports how many of some photos are done: the last one, and before it at most one every `PROGRESS_SECONDS`.

    If the photos take long, it also reports how long, once. If their number is not known, 0, it reports nothing.
    """

    def __init__(self, total: int, views: str, observer: Observer) -> None:
        self._total, self._views, self._observer = total, views, observer
        self._done, self._began, self._estimated = 0, time.monotonic(), False
        self._reported = self._began

    def advance(self) -> None:
        """Counts one more photo."""
        if not self._total:
            return
        self._done += 1
        now = time.monotonic()
        if self._done == 1:
            self._began = now  # the first photo waits until networks are loaded
        elif not self._estimated and (self._done >= _PHOTOS_TIMED or now - self._began > _SECONDS_TIMED):
            self._estimate(now - self._began)
        if self._done == self._total or now - self._reported > PROGRESS_SECONDS:
            self._reported = now
            self._observer(ExtractionAdvanced(self._done, self._total))

    def _estimate(self, seconds: float) -> None:
        """Reports how long all photos take, given the seconds since the first was done."""
        self._estimated = True
        expected = seconds * self._total / (self._done - 1)
        if expected - seconds > _WORTH_SECONDS:
            self._observer(Detailed(f"About {expected:,.0f} s for {self._views}{self._total:,} photos"))
