"""Photos -> feature vectors, through the cache and a backbone, on all cores.

`images` is imported where a photo is read: its decoders take longer to start than a run whose photos are all cached.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers, spread
from retrainer.bottlenecks.cache import DIGEST_BYTES, ROWS_PER_PART, SECONDS_PER_PART, BottleneckCache, FileIndex
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.errors import DatasetError, OutputError, PictureError
from retrainer.events import ExtractionAdvanced, Observer, PhotoSkipped
from retrainer.photos.copies.fingerprints import Fingerprints, fingerprint
from retrainer.system.parallel import in_order, usable_cores

PROGRESS_SECONDS = 0.1
# Inputs that a network takes at once: enough to keep a GPU busy, and 150 MB of 224 by 224 pixels.
_BATCH = 256


Look = Callable[[bytes, int], Sequence[Floats]]
"""A file's bytes and S -> the network's inputs, one `(S, S, 3)` per view."""


class Extractor(Protocol):
    """A network that turns an input into a feature vector; each is used by one thread at a time."""

    @property
    def input_size(self) -> int:
        """S, pixels."""

    def run(self, picture: Floats) -> Floats:
        """float32 `(S, S, 3)` in [-1, 1] -> float32 `(D,)`."""


class BatchExtractor(Protocol):
    """A network that takes many inputs at once."""

    @property
    def input_size(self) -> int:
        """S, pixels."""

    def run_all(self, pictures: Floats) -> Floats:
        """float32 `(N, S, S, 3)` in [-1, 1] -> float32 `(N, D)`."""


def plain_look(content: bytes, size: int) -> Sequence[Floats]:
    """The photo itself, as its only view."""
    from retrainer.photos.images import square, to_input

    return [to_input(square(content, size))]


@dataclass(frozen=True)
class Source:
    """Where vectors come from.

    Attributes:
        index: Known files.
        cache: Known vectors.
        new_extractor: Makes a network; called once per thread, and not at all when everything is cached.
        new_batch_extractor: Makes a network that takes large batches, in place of those; None where there is none.
        look: What of a photo the network sees.
        views: The numbers of the views that `look` gives.
        prints: Known fingerprints. They are taken of the photos that the network sees, if `look` shows it these; None
            takes none.
    """

    index: FileIndex
    cache: BottleneckCache
    new_extractor: Callable[[], Extractor]
    new_batch_extractor: Callable[[], BatchExtractor | None] = lambda: None
    look: Look = plain_look
    views: tuple[int, ...] = (0,)
    prints: FingerprintCache | None = None

    def incomplete(self, digests: Digests) -> Bools:
        """Of which photos vectors or a fingerprint are absent, `(n,)`; digests `(n, 32)`."""
        known = np.asarray((self.cached(digests) >= 0).all(axis=1))
        return ~(known & self.prints.knows(digests)) if self.prints else ~known

    def cached(self, digests: Digests) -> Integers:
        """The rows of the photos' views in the cache's matrix `(n, V)`, -1 where absent; digests `(n, 32)`."""
        if not len(self.cache.matrix):
            return np.full((len(digests), len(self.views)), -1, np.int64)
        views = np.tile(np.array(self.views, np.int64), len(digests))
        return self.cache.rows(np.repeat(digests, len(self.views), axis=0), views).reshape(-1, len(self.views))


@dataclass(frozen=True)
class Features:
    """What was extracted of N files.

    Attributes:
        matrix: The vectors of the whole cache, read-only float32 `(R, D)`, perhaps larger than memory.
        rows: Where in it the V views of the M readable files are, in the files' order, `(M, V)`.
        readable: Which files are photos, `(N,)`; M of them.
        digests: SHA-256 of the files' bytes, `(N, 32)`; zero for unreadable files.
        computed: How many files went through the network; the others' vectors were cached.
    """

    matrix: Floats
    rows: Integers
    readable: Bools
    digests: Digests
    computed: int


@dataclass(frozen=True)
class _Photo:
    """A file that was read: its digest `(32,)`, and unless the cache has them its inputs or vectors `(V, D)`.

    With a fingerprint if that was not known.
    """

    digest: Digests
    vectors: Floats | None = None
    inputs: Sequence[Floats] | None = None
    print: Fingerprints | None = None


def extract(paths: Sequence[str], stamps: Integers, source: Source, observer: Observer) -> Features:
    """The feature vectors of photos; those that are not cached are computed by all cores, and cached.

    However it is stopped, at most one part of the cache is lost: `ROWS_PER_PART` photos or `SECONDS_PER_PART` seconds.

    Args:
        paths: N paths.
        stamps: `(N, 3)`: size in bytes, times of modification and of change in nanoseconds, as `os.stat` gives them.
        source: The cache, the network and the views.
        observer: Told of progress and of files that are no photos.

    Raises:
        DatasetError: none of the files is a photo that can be read.
        OutputError: another process changed the cache meanwhile.
    """
    absolute = [os.path.abspath(path) for path in paths]
    digests, known = source.index.digests(absolute, stamps)
    missing = np.flatnonzero(~known | source.incomplete(digests)).tolist()
    readable = np.ones(len(paths), np.bool_)
    first_problem = ""
    store = _Store(source)
    reported = time.monotonic()
    try:
        photos = map(_finite, _photos(absolute, missing, source))
        for done, (row, photo) in enumerate(zip(missing, photos, strict=True), start=1):
            if isinstance(photo, PictureError):
                readable[row] = False
                skipped = PhotoSkipped(paths[row], photo.problem)
                first_problem = first_problem or skipped.problem
                observer(skipped)
            else:
                digests[row] = photo.digest
                store.add(photo, None if known[row] else (absolute[row], stamps[row]))
            if done == len(missing) or time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                observer(ExtractionAdvanced(done, len(missing)))
    finally:
        store.flush()
    if store.computed:
        source.cache.refresh()
    if first_problem and not readable.any():
        raise DatasetError(f"None of {len(paths):,} files can be read as a photo; the first is {first_problem}.")
    digests[~readable] = 0
    rows = source.cached(digests[readable])
    if (rows < 0).any():
        raise OutputError("--bottleneck_dir: another process changed the cache while it was in use.", "Run it again.")
    return Features(source.cache.matrix, rows, readable, digests, store.computed)


def _photos(paths: Sequence[str], rows: Sequence[int], source: Source) -> Iterator[_Photo | PictureError]:
    """Reads the files in these rows, one thread per core, and runs the network where the photo is or in batches."""
    if not rows:
        return iter(())
    cores, batches = min(usable_cores(), len(rows)), source.new_batch_extractor()
    if batches is None:
        extractors = [source.new_extractor() for _ in range(cores)]

        def extracted(extractor: Extractor, row: int) -> _Photo | PictureError:
            photo = _read(paths[row], source, extractor.input_size)
            if isinstance(photo, PictureError) or photo.inputs is None:
                return photo
            return replace(photo, inputs=None, vectors=np.stack([extractor.run(one) for one in photo.inputs]))

        return in_order(extractors, extracted, rows)
    size = batches.input_size
    window = max(_BATCH // len(source.views), 1)
    read = in_order([size] * cores, lambda size, row: _read(paths[row], source, size), rows, window)
    return _in_batches(read, batches)


def _finite(photo: _Photo | PictureError) -> _Photo | PictureError:
    """A photo, or an error where its vectors are no numbers."""
    if isinstance(photo, _Photo) and photo.vectors is not None and not np.isfinite(photo.vectors).all():
        return PictureError("the backbone gives no finite features for it")
    return photo


def _read(path: str, source: Source, size: int) -> _Photo | PictureError:
    """A photo with the network's inputs, or without where the cache has its vectors."""
    from retrainer.photos.images import decode, to_input
    from retrainer.photos.reading import read_file

    try:
        content = read_file(path)
        digest = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
        if not source.incomplete(digest[np.newaxis]).any():
            return _Photo(digest)
        if source.prints is None:
            return _Photo(digest, inputs=source.look(content, size))
        picture = decode(content, size)
        cached = (source.cached(digest[np.newaxis]) >= 0).all()
        return _Photo(digest, None, None if cached else [to_input(picture.square(size))], fingerprint(picture))
    except PictureError as error:
        return error


def _in_batches(photos: Iterator[_Photo | PictureError], batches: BatchExtractor) -> Iterator[_Photo | PictureError]:
    """Runs the network on the inputs of many photos at once; the photos keep their order."""
    waiting: list[_Photo | PictureError] = []
    pictures: list[Floats] = []
    for photo in photos:
        waiting.append(photo)
        if isinstance(photo, _Photo) and photo.inputs is not None:
            pictures += photo.inputs
        if len(pictures) >= _BATCH:
            yield from _extracted(waiting, batches.run_all(np.stack(pictures)))
            waiting, pictures = [], []
    yield from _extracted(waiting, batches.run_all(np.stack(pictures)) if pictures else np.empty((0, 0), np.float32))


def _extracted(photos: Sequence[_Photo | PictureError], vectors: Floats) -> Iterator[_Photo | PictureError]:
    """The photos of a batch, each with its own of the batch's vectors `(N, D)`."""
    start = 0
    for photo in photos:
        if isinstance(photo, PictureError) or photo.inputs is None:
            yield photo
            continue
        end = start + len(photo.inputs)
        yield replace(photo, inputs=None, vectors=vectors[start:end])
        start = end


@dataclass
class _Store:
    """Gathers what was computed and writes it to the cache part by part."""

    source: Source
    photos: list[_Photo] = field(default_factory=list)
    prints: list[_Photo] = field(default_factory=list)
    files: list[tuple[str, Integers]] = field(default_factory=list)
    file_digests: list[Digests] = field(default_factory=list)
    computed: int = 0
    since: float = field(default_factory=time.monotonic)

    def add(self, photo: _Photo, new_file: tuple[str, Integers] | None) -> None:
        """Keeps a photo, and its path and stamps where the index does not know them."""
        if photo.vectors is not None:
            self.photos.append(photo)
            self.computed += 1
        if photo.print is not None:
            self.prints.append(photo)
        if new_file:
            self.files.append(new_file)
            self.file_digests.append(photo.digest)
        if (
            max(len(self.photos), len(self.prints), len(self.files)) >= ROWS_PER_PART
            or time.monotonic() - self.since > SECONDS_PER_PART
        ):
            self.flush()

    def flush(self) -> None:
        """Writes a part of each table, the vectors first."""
        views = self.source.views
        if self.photos:
            vectors = np.concatenate([photo.vectors for photo in self.photos if photo.vectors is not None])
            digests = np.repeat(np.stack([photo.digest for photo in self.photos]), len(views), axis=0)
            self.source.cache.add(digests, np.tile(np.array(views), len(self.photos)), vectors)
        if self.prints and self.source.prints is not None:
            prints = np.stack([photo.print for photo in self.prints if photo.print is not None])
            self.source.prints.add(np.stack([photo.digest for photo in self.prints]), prints)
        if self.files:
            paths, stamps = zip(*self.files, strict=True)
            digests = np.stack(self.file_digests).reshape(-1, DIGEST_BYTES)
            self.source.index.add(paths, np.stack(stamps), digests)
        self.photos, self.prints, self.files, self.file_digests = [], [], [], []
        self.since = time.monotonic()


def some_inputs(paths: Sequence[str], size: int, count: int) -> list[Floats]:
    """At most `count` of the photos, from all of them evenly, as network inputs `(size, size, 3)`."""
    from retrainer.photos.images import square, to_input
    from retrainer.photos.reading import read_file

    inputs = []
    for number in spread(len(paths), count):
        with suppress(PictureError):
            inputs.append(to_input(square(read_file(paths[number]), size)))
    return inputs
