"""The photos of a run: what they are, where they lie now, and their bytes if those are still the same."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.bottlenecks.file_hashes import FileHashes
from retrainer.errors import PictureError, RetrainerError
from retrainer.events import silent
from retrainer.measuring.remembered_split import NEW, UNKNOWN, RememberedSplit
from retrainer.options.in_memory import was_in_memory
from retrainer.options.split import AUTO, FOLDERS
from retrainer.photos.archives import within_archive
from retrainer.photos.dataset import Dataset
from retrainer.photos.files import PhotoFiles
from retrainer.photos.labels import class_ids_of
from retrainer.photos.parts import Part, Parts
from retrainer.photos.photo import content_of
from retrainer.photos.scanning import scan
from retrainer.reports.left import Left
from retrainer.text import shown


@dataclass(frozen=True, eq=False)
class RunPhotos:
    """The photos of a run that are known.

    Attributes:
        labels: The C labels of the model.
        paths: N photos, as they lie now, or as they lay then.
        digests: SHA-256 of their bytes, `(N, 32)`.
        label_ids: Their classes, `(N,)`.
        parts: Their parts, `(N,)`.
        here: Whether a file with the same bytes is here now, `(N,)`.
        folds, scores: The fold that tested each, `(N,)`, and its scores, `(N, C)`; None without folds.
        notes: What is missing, a sentence each.
    """

    labels: tuple[str, ...]
    paths: list[str]
    digests: Digests
    label_ids: Integers
    parts: Parts
    here: Bools
    folds: Integers | None = None
    scores: Floats | None = None
    notes: tuple[str, ...] = ()
    _digest_of: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """Returns the bytes of a photo's file.

        Raises:
            PictureError: it cannot be read, or is another one now.
        """
        expected = self._digest_of.get(path)
        if expected is None:
            raise PictureError("it is no longer where it was")
        content = content_of(path)
        if hashlib.sha256(content).digest() != expected:
            raise PictureError("it has changed since the run")
        return content


def photos_of(left: Left, image_dir: str, bottlenecks: Path) -> RunPhotos:
    """Finds the photos of a run.

    Args:
        left: What the run left.
        image_dir: The place of the photos now; empty for that of the run.
        bottlenecks: The folder of the cache, which knows unchanged files.
    """
    notes: list[str] = []
    files = _files(left.split, image_dir, notes)
    hashes = FileHashes(files, bottlenecks, silent) if files else None
    digests = hashes.digests(range(len(files.names))) if files and hashes else np.empty((0, 32), np.uint8)
    stored, split = left.stored, left.split
    if stored is None:
        return _of_folder(left, files, digests, notes)
    places = _places(files.paths if files else (), digests)
    found = [_place(path, digest.tobytes(), places) for path, digest in zip(stored.paths, stored.digests, strict=True)]
    here = np.array([place is not None for place in found], np.bool_)
    if files and (gone := int((~here).sum())):
        notes.append(f"{gone:,} of {len(here):,} photos of the run have changed or are gone.")
    paths = [path if place is None else place for path, place in zip(stored.paths, found, strict=True)]
    labels = left.metadata.labels
    parts = _parts(split, Dataset(labels, tuple(paths), stored.label_ids, stored.digests))
    return RunPhotos(
        labels,
        paths,
        stored.digests,
        stored.label_ids,
        parts,
        here,
        stored.folds,
        stored.scores,
        tuple(notes),
        _digests_by_path(paths, stored.digests, here),
    )


def _of_folder(left: Left, files: PhotoFiles | None, digests: Digests, notes: list[str]) -> RunPhotos:
    """The photos of a run without folds, which lists none: those of its folder that the model remembers."""
    labels = left.metadata.labels
    if files is None:
        nothing = np.empty(0, np.int64)
        return RunPhotos(labels, [], digests, nothing, nothing.astype(np.int8), nothing > 0, notes=tuple(notes))
    label_ids = np.array(class_ids_of(files.classes, labels), np.int64)[files.class_ids]
    if left.split:
        label_ids = left.split.decided(label_ids, digests, labels)
    rows = np.flatnonzero((label_ids >= 0) & digests.any(axis=1))
    dataset = Dataset(labels, tuple(files.paths[row] for row in rows), label_ids[rows], digests[rows])
    parts = _parts(left.split, dataset)
    known = parts != NEW
    rows, parts = rows[known], parts[known]
    paths = [files.paths[row] for row in rows]
    here = np.ones(len(rows), np.bool_)
    by_path = _digests_by_path(paths, digests[rows], here)
    return RunPhotos(labels, paths, digests[rows], label_ids[rows], parts, here, notes=tuple(notes), _digest_of=by_path)


def _files(split: RememberedSplit | None, image_dir: str, notes: list[str]) -> PhotoFiles | None:
    """The files in the place of the photos; None if that is not here or not known, with a note."""
    place = image_dir or (split.image_dir if split else "")
    if not image_dir and was_in_memory(place):
        notes.append(f"The photos are not shown, since they were {shown(place)}.")
        return None
    if not place or not (image_dir or os.path.exists(place) or within_archive(place) is not None):
        notes.append(
            f"The photos are not in '{shown(place)}' any more; --image_dir names their place now."
            if place
            else "The model does not say where its photos are; --image_dir names their place."
        )
        return None
    split_by = split.split_by if split and split.split_by != FOLDERS else AUTO
    try:
        return scan(place, silent, fewest=1, split_by=split_by, label_from=split.label_from if split else "")
    except RetrainerError as error:
        if image_dir:
            raise
        notes.append(f"The photos are not shown. {error.problem}")
        return None


def _parts(split: RememberedSplit | None, dataset: Dataset) -> Parts:
    """The part of each photo by the model; `NEW` if it does not remember the photo."""
    if split is None:
        return np.full(len(dataset.digests), NEW, np.int8)
    parts = split.known_parts(dataset.digests)
    if (unknown := parts == UNKNOWN).any():
        parts[unknown] = split.parts(dataset)[unknown]
    parts[parts < NEW] = Part.TRAINING  # its bytes are in two parts
    return parts


def _places(paths: Sequence[str], digests: Digests) -> dict[bytes, list[str]]:
    """Digest -> the paths of the files with these bytes."""
    places: dict[bytes, list[str]] = {}
    for path, digest in zip(paths, digests, strict=True):
        places.setdefault(digest.tobytes(), []).append(path)
    return places


def _place(path: str, digest: bytes, places: dict[bytes, list[str]]) -> str | None:
    """Where a photo lies now: at its old path, or else at the first with the same bytes; None if it is gone."""
    now = places.get(digest, [])
    # That of a picture in memory holds the picture, unlike its name in the table of scores.
    return next((one for one in now if one == path), next(iter(now), None))


def _digests_by_path(paths: Sequence[str], digests: Digests, here: Bools) -> dict[str, bytes]:
    return {path: digests[row].tobytes() for row, path in enumerate(paths) if here[row]}
