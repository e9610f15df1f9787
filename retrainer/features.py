"""Photos -> feature vectors, through the cache and a backbone, on all cores."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.bottlenecks import DIGEST_BYTES, ROWS_PER_PART, SECONDS_PER_PART, BottleneckCache, FileIndex
from retrainer.errors import PictureError
from retrainer.events import ExtractionAdvanced, Observer, PhotoSkipped
from retrainer.images import read_file, square, to_input
from retrainer.parallel import in_order, usable_cores

PROGRESS_SECONDS = 0.1


class Extractor(Protocol):
    """A network that turns an input into a feature vector; each is used by one thread at a time."""

    @property
    def input_size(self) -> int:
        """S, pixels."""

    def run(self, picture: Floats) -> Floats:
        """float32 `(S, S, 3)` in [-1, 1] -> float32 `(D,)`."""


Look = Callable[[bytes, int], Sequence[Floats]]
"""A file's bytes and S -> the network's inputs, one `(S, S, 3)` per view."""


def plain_look(content: bytes, size: int) -> Sequence[Floats]:
    """The photo itself, as its only view."""
    return [to_input(square(content, size))]


@dataclass(frozen=True)
class Source:
    """Where vectors come from.

    Attributes:
        index: Known files.
        cache: Known vectors.
        new_extractor: Makes a network; called once per thread, and not at all when everything is cached.
        look: What of a photo the network sees.
        views: The numbers of the views that `look` gives.
    """

    index: FileIndex
    cache: BottleneckCache
    new_extractor: Callable[[], Extractor]
    look: Look = plain_look
    views: tuple[int, ...] = (0,)

    def cached(self, digests: Digests) -> Integers:
        """The rows of the photos' views in the cache `(n, V)`, -1 where absent; digests `(n, 32)`."""
        views = np.tile(np.array(self.views, np.int64), len(digests))
        return self.cache.rows(np.repeat(digests, len(self.views), axis=0), views).reshape(-1, len(self.views))


@dataclass(frozen=True)
class Features:
    """What was extracted of N files.

    Attributes:
        vectors: float32 `(M, V, D)`: the V views of the M readable files, in their order.
        readable: Which files are photos, `(N,)`; M of them.
        digests: SHA-256 of the files' bytes, `(N, 32)`; zero for unreadable files.
        computed: How many files went through the network; the others' vectors were cached.
    """

    vectors: Floats
    readable: Bools
    digests: Digests
    computed: int


@dataclass(frozen=True)
class _Photo:
    """A file that was read: its digest `(32,)`, and its vectors `(V, D)` unless the cache has them."""

    digest: Digests
    vectors: Floats | None


def extract(paths: Sequence[str], stamps: Integers, source: Source, observer: Observer) -> Features:
    """The feature vectors of photos; those that are not cached are computed by all cores, and cached.

    However it is stopped, at most one part of the cache is lost: `ROWS_PER_PART` photos or `SECONDS_PER_PART` seconds.

    Args:
        paths: N paths.
        stamps: `(N, 3)`: size in bytes, times of modification and of change in nanoseconds, as `os.stat` gives them.
        source: The cache, the network and the views.
        observer: Told of progress and of files that are no photos.
    """
    absolute = [os.path.abspath(path) for path in paths]
    digests, known = source.index.digests(absolute, stamps)
    missing = np.flatnonzero(~known | (source.cached(digests) < 0).any(axis=1)).tolist()
    readable = np.ones(len(paths), np.bool_)
    computed: dict[int, Floats] = {}
    store = _Store(source)
    reported = time.monotonic()
    try:
        for done, (row, photo) in enumerate(zip(missing, _photos(absolute, missing, source), strict=True), start=1):
            if isinstance(photo, PictureError):
                readable[row] = False
                observer(PhotoSkipped(paths[row], photo.problem))
            else:
                digests[row] = photo.digest
                if photo.vectors is not None:
                    computed[row] = photo.vectors
                store.add(photo, None if known[row] else (absolute[row], stamps[row]))
            if done == len(missing) or time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                observer(ExtractionAdvanced(done, len(missing)))
    finally:
        store.flush()
    return Features(_assembled(source, digests, readable, computed), readable, digests, len(computed))


def _assembled(source: Source, digests: Digests, readable: Bools, computed: dict[int, Floats]) -> Floats:
    """The vectors of the readable files `(M, V, D)`: the computed ones, and the others from the cache."""
    rows = source.cached(digests)
    vectors = np.empty((*rows.shape, source.cache.depth), np.float32)
    from_cache = readable.copy()
    from_cache[list(computed)] = False
    vectors[from_cache] = source.cache.vectors(rows[from_cache])
    for row, vector in computed.items():
        vectors[row] = vector
    return vectors if readable.all() else vectors[readable]


def _photos(paths: Sequence[str], rows: Sequence[int], source: Source) -> Iterator[_Photo | PictureError]:
    """Reads the files in these rows, one thread per core."""
    if not rows:
        return iter(())
    extractors = [source.new_extractor() for _ in range(min(usable_cores(), len(rows)))]

    def read(extractor: Extractor, row: int) -> _Photo | PictureError:
        try:
            content = read_file(paths[row])
            digest = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
            if (source.cached(digest[np.newaxis]) >= 0).all():
                return _Photo(digest, None)
            inputs = source.look(content, extractor.input_size)
            return _Photo(digest, np.stack([extractor.run(picture) for picture in inputs]))
        except PictureError as error:
            return error

    return in_order(extractors, read, rows)


@dataclass
class _Store:
    """Gathers what was computed and writes it to the cache part by part."""

    source: Source
    photos: list[_Photo] = field(default_factory=list)
    files: list[tuple[str, Integers]] = field(default_factory=list)
    file_digests: list[Digests] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def add(self, photo: _Photo, new_file: tuple[str, Integers] | None) -> None:
        """Keeps a photo, and its path and stamps where the index does not know them."""
        if photo.vectors is not None:
            self.photos.append(photo)
        if new_file:
            self.files.append(new_file)
            self.file_digests.append(photo.digest)
        if max(len(self.photos), len(self.files)) >= ROWS_PER_PART or time.monotonic() - self.since > SECONDS_PER_PART:
            self.flush()

    def flush(self) -> None:
        """Writes a part of each table, the vectors first."""
        views = self.source.views
        if self.photos:
            vectors = np.concatenate([photo.vectors for photo in self.photos if photo.vectors is not None])
            digests = np.repeat(np.stack([photo.digest for photo in self.photos]), len(views), axis=0)
            self.source.cache.add(digests, np.tile(np.array(views), len(self.photos)), vectors)
        if self.files:
            paths, stamps = zip(*self.files, strict=True)
            digests = np.stack(self.file_digests).reshape(-1, DIGEST_BYTES)
            self.source.index.add(paths, np.stack(stamps), digests)
        self.photos, self.files, self.file_digests, self.since = [], [], [], time.monotonic()
