"""The dataset: those files that are photos, with their classes."""

from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.errors import DatasetError
from retrainer.events import Observer, Warned
from retrainer.photos.files import PhotoFiles, no_photos_in
from retrainer.photos.given_parts import warn_of_lost_parts
from retrainer.photos.layouts import require_classes
from retrainer.photos.parts import Parts
from retrainer.text import shown

FEW_PHOTOS = 20
# 2**27 - 1: the 2017 scripts could not sample more.
MOST_PHOTOS = 134_217_727
FEWEST_CLASSES = 2


@dataclass(frozen=True, eq=False)
class Dataset:
    """Photos that can be read, and their classes.

    Attributes:
        labels: C labels, in the order of their class ids.
        paths: N paths, as typed.
        label_ids: The class id of each photo, `(N,)`.
        digests: SHA-256 of the files' bytes, `(N, 32)`.
        groups: The group of each photo, `(N,)`: a split keeps groups together. None if there are no groups.
        given: The part of each photo that its folder or table states, `(N,)`, or `DRAWN`. None if none is stated.
    """

    labels: tuple[str, ...]
    paths: tuple[str, ...]
    label_ids: Integers
    digests: Digests
    groups: Integers | None = None
    given: Parts | None = None

    @property
    def counts(self) -> Integers:
        """Photos per class, `(C,)`."""
        return np.bincount(self.label_ids, minlength=len(self.labels))


def dataset_of(files: PhotoFiles, readable: Bools, digests: Digests, observer: Observer) -> Dataset:
    """The dataset of those files that are photos.

    Args:
        files: N files.
        readable: Whether each file is a photo, `(N,)`.
        digests: SHA-256 of their bytes, `(N, 32)`.
        observer: Called with warnings about small and empty classes.

    Raises:
        DatasetError: fewer than two classes have photos.
    """
    counts = np.bincount(files.class_ids[readable], minlength=len(files.classes))
    for name, count in zip(files.classes, counts, strict=True):
        if problem := _problem_of(shown(name), count, files.unit):
            observer(problem)
    photos = files.where(readable)
    if files.parts is not None and photos.parts is not None:
        warn_of_lost_parts(files.parts.tolist(), photos.parts.tolist(), "can be read", observer)
    if files.unit == "folder":
        require_classes(files.root, photos.classes)
    elif len(photos.classes) < FEWEST_CLASSES:
        received = f"only those of '{shown(photos.classes[0])}'" if photos.classes else "none"
        raise DatasetError(f"'{shown(files.root)}': expected readable photos of two classes, received {received}.")
    return Dataset(photos.labels, tuple(photos.paths), photos.class_ids, digests[readable], photos.groups, photos.parts)


def _problem_of(name: str, count: int, unit: str) -> Warned | None:
    """What is wrong with the number of photos of a class, in the words of 2017; None if nothing is."""
    if count == 0:
        return no_photos_in(name, unit=unit)
    units = "classes" if unit == "class" else f"{unit}s"
    if count < FEW_PHOTOS:
        few = f"less than {FEW_PHOTOS} images, which may cause issues"
        one = f"{unit.capitalize()} has {few}. '{name}' has {count}."
        return Warned(one, f"{{count}} {units} have {few}: {{names}}.", f"'{name}' ({count})", is_finding=True)
    if count > MOST_PHOTOS:
        many = f"more than {MOST_PHOTOS} images. Some images will never be selected"
        one = f"{unit.capitalize()} {name} has {many}."
        return Warned(one, f"{{count}} {units} have {many}: {{names}}.", f"'{name}'")
    return None
