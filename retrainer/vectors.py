"""Pictures -> feature vectors, for models of others: `retrainer.features`."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, field
from functools import cached_property, partial
from os import PathLike
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.available import bundles_in, is_here
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.bottlenecks.digests import DIGEST_BYTES
from retrainer.bottlenecks.extraction import Extraction, Progress, extract, problem_of
from retrainer.bottlenecks.inputs import drawn_inputs
from retrainer.bottlenecks.parquet_files import cache_changed
from retrainer.bottlenecks.table_writer import TableWriter
from retrainer.engines.threads import threads
from retrainer.errors import BackboneError, PictureError
from retrainer.events import Event, Observer, PhotoSkipped, silent
from retrainer.feature_source import bottleneck_folder, cache_name, feature_extraction
from retrainer.options.features import FeatureOptions
from retrainer.photos.photo import Photo
from retrainer.photos.several import as_it_is_now, named, naming, require_pictures
from retrainer.photos.table_paths import Places
from retrainer.photos.walk import Stamps
from retrainer.system.missing import NamingPackages
from retrainer.text import shown


@NamingPackages()
def features(pictures: Iterable[Any], *, on_progress: Observer = silent, **options: Any) -> Floats:
    """Returns the feature vectors of pictures, to give to any model.

    `retrain` computes and caches the same vectors. A picture whose bytes are known is not computed again, and an
    unchanged file is not even read. Pictures that are no files are taken one by one and not kept, so that an iterator
    may give more of them than memory holds.

    Args:
        pictures: N pictures: paths, bytes, `PIL.Image`, uint8 arrays `(H, W, 3)` or `(H, W)`, open files, `Photo`.
        on_progress: Called with each event.
        options: Options by name, as in `FeatureOptions`: `features(paths, preset="best")`.

    Returns:
        float32 `(N, D)`, in the order of the pictures; D is 1,792 with the default backbone.

    Raises:
        PictureError: a picture cannot be read; `path` names it. The vectors that are done are cached.
        RetrainerError: one of its other kinds.
    """
    given = FeatureOptions.given(FeatureOptions(), "", options, "features")
    return FeatureSource(given, on_progress).vectors(pictures)


@dataclass(frozen=True)
class FeatureSource:
    """A backbone with the cache of its feature vectors.

    Attributes:
        options: The backbone and the folder of the cache.
        observer: Called with each event.
    """

    options: FeatureOptions
    observer: Observer = silent

    @cached_property
    def bundle(self) -> Bundle:
        """The backbone; it is made first if it is not here."""
        options = self.options.backbone
        backbone = resolve(options.network, options)
        if backbone.floats and backbone.name not in bundles_in(options.model_dir):
            raise BackboneError(
                f"'{shown(backbone.name)}' is calibrated on photos before its first use.",
                f"Type `retrainer fetch {shown(backbone.name)} --image_dir PHOTOS` once.",
            )
        return bundle_of(backbone, options, drawn_inputs, self.observer)

    def vectors(self, pictures: Iterable[Any]) -> Floats:
        """Returns the feature vectors of N pictures, float32 `(N, D)`; see `features`."""
        extraction = feature_extraction(self.bundle, self.options.backbone, self.observer)
        by_kind = _ByKind(iter(require_pictures(pictures)))
        progress = Progress(_photos_among(pictures), "", self.observer)
        of_photos = _vectors_of_photos(by_kind, extraction, progress)
        vectors = np.empty((len(by_kind.paths) + len(by_kind.names), self.bundle.depth), np.float32)
        vectors[by_kind.photo_places] = of_photos
        if by_kind.paths:
            places = Places("")
            stamps = np.array([_stamps(places, path) for path in by_kind.paths], np.int64)
            found = extract(by_kind.paths, stamps, extraction, partial(refusing, self.observer))
            vectors[by_kind.path_places] = found.matrix[found.rows[:, 0]]
        return vectors

    @property
    def is_here(self) -> bool:
        """Whether the backbone is here already."""
        options = self.options.backbone
        return is_here(resolve(options.network, options).name, options.model_dir)

    def cache(self) -> BottleneckCache:
        """The vectors that are cached now."""
        folder = bottleneck_folder(self.options.backbone.bottleneck_dir)
        return BottleneckCache(folder, cache_name(self.bundle), self.bundle.depth, self.observer)


@dataclass
class _ByKind:
    """Pictures by their kind: the paths of files are kept, and the others are handed on.

    Attributes:
        pictures: What gives the pictures.
        paths: The paths that have come.
        names: The names of the other pictures that have come.
        path_places, photo_places: The numbers of both among all.
        fixes: The number of a picture that cannot be read -> what to do.
    """

    pictures: Iterator[Any]
    paths: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    path_places: list[int] = field(default_factory=list)
    photo_places: list[int] = field(default_factory=list)
    fixes: dict[int, str] = field(default_factory=dict)

    def photos(self) -> Iterator[Photo]:
        """Yields the pictures that are no files."""
        for number, picture in enumerate(self.pictures):
            photo = named(as_it_is_now(picture), number)
            if isinstance(photo, str):
                self.path_places.append(number)
                self.paths.append(photo)
            else:
                self.photo_places.append(number)
                self.names.append(photo.name)
                yield Photo(photo.name, partial(self._read, number, photo))

    def _read(self, number: int, photo: Photo) -> bytes:
        try:
            return photo.read()
        except PictureError as error:
            self.fixes[number] = error.fix
            raise


def _photos_among(pictures: Iterable[Any]) -> int:
    """How many pictures are no files; 0 if that is not known before they come."""
    return sum(not isinstance(one, str | PathLike) for one in pictures) if isinstance(pictures, Sized) else 0


def _vectors_of_photos(by_kind: _ByKind, extraction: Extraction, progress: Progress) -> Floats:
    """The vectors of the pictures that are no files `(n, D)`; those that are not cached are computed and cached."""
    tables = extraction.tables
    digests: list[bytes] = []
    with TableWriter(tables) as writer:
        for result in threads(by_kind.photos(), tables.known_to(extraction.recipe)):
            if problem := problem_of(result):
                place = len(digests)
                raise naming(by_kind.names[place], problem, by_kind.fixes.get(by_kind.photo_places[place], ""))
            digests.append(result.digest)
            writer.add(result, None)
            progress.advance()
    if writer.computed:
        tables.vectors.refresh()
    rows = tables.rows(np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES))[:, 0]
    if (rows < 0).any():
        raise cache_changed()
    return tables.vectors.matrix[rows]


def _stamps(places: Places, path: str) -> Stamps:
    """The stamps of a file, also of one in an archive.

    Raises:
        PictureError: there is no such file.
    """
    try:
        return places.found(path)[1]
    except OSError as error:
        raise naming(path, f"cannot be read: {error.strerror or error}") from error


def refusing(observer: Observer, event: Event) -> None:
    """An observer with another one behind it; raises PictureError at a picture that cannot be read."""
    if isinstance(event, PhotoSkipped):
        raise naming(event.path, event.reason)
    observer(event)
