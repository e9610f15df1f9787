"""The files that may be photos, each with its class, and perhaps with a given part and a group."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from retrainer.arrays import Bools, Integers
from retrainer.events import Warned
from retrainer.photos.clean_list.honoured import Honoured
from retrainer.photos.parts import Parts
from retrainer.photos.photo import PictureName
from retrainer.text import shown


def no_photos_in(name: str, none: str = "No readable photos in", unit: str = "folder") -> Warned:
    """Returns the warning that a class is skipped.

    Args:
        name: The class folder, or the class.
        none: How the message begins.
        unit: The word for a class, `folder` or `class`.
    """
    units = "classes" if unit == "class" else f"{unit}s"
    many = f"{{count}} {units} are skipped, since they hold no readable photos: {{names}}."
    return Warned(f"{none} '{shown(name)}': the {unit} is skipped.", many, f"'{shown(name)}'")


@dataclass(frozen=True, eq=False)
class PhotoFiles:
    """Files with their classes, before they are read.

    Attributes:
        root: What was scanned, as typed: a folder or a table.
        classes: The names of the C classes as they stand there, sorted: class folders, or labels of a table.
        labels: The C labels that a model gets for them.
        names: N paths of files, each below `root`.
        class_ids: The class of each file, `(N,)`.
        stamps: The `Stamps` of each file, `(N, 3)`.
        beside: Whether the names begin in the folder of `root`, as those of a table do, and not in `root`.
        unit: The word for a class in messages, `folder` or `class`.
        parts: The given part of each file, `(N,)`, or `DRAWN`; None if no part is given.
        groups: The group of each file, `(N,)`; groups are never separated. None if there are no groups.
        honoured: The decisions of a list that changed the files; None if there is no list.
    """

    root: str
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    names: Sequence[str]
    class_ids: Integers
    stamps: Integers
    beside: bool = False
    unit: str = "folder"
    parts: Parts | None = None
    groups: Integers | None = None
    honoured: Honoured | None = None

    @cached_property
    def paths(self) -> list[str]:
        """The paths of the files, spelt as in the 2017 scripts: they begin with `root` as typed."""
        return self.paths_from(self.root)

    def paths_from(self, root: str) -> list[str]:
        """Returns the paths that the files have if `root` is scanned, which may be another name of the same place."""
        base = os.path.dirname(root) if self.beside else root
        return [name if isinstance(name, PictureName) else os.path.join(base, name) for name in self.names]

    def below(self, root: str) -> "PhotoFiles":
        """Returns the same files as they are named below a folder that contains `root`."""
        inner = os.path.relpath(self.root, root)
        return replace(self, root=root, names=[os.path.join(inner, name) for name in self.names])

    def where(self, mask: Bools) -> "PhotoFiles":
        """Returns the files for which a mask `(N,)` is true, and their classes."""
        return self.at(np.flatnonzero(mask))

    def at(self, rows: Integers) -> "PhotoFiles":
        """Returns the files of some rows `(n,)`, in their order, and their classes."""
        kept = np.bincount(self.class_ids[rows], minlength=len(self.classes)) > 0
        return replace(
            self,
            classes=tuple(name for name, keep in zip(self.classes, kept, strict=True) if keep),
            labels=tuple(label for label, keep in zip(self.labels, kept, strict=True) if keep),
            names=[self.names[row] for row in rows.tolist()],
            class_ids=(np.cumsum(kept) - 1)[self.class_ids[rows]],
            stamps=self.stamps[rows],
            parts=None if self.parts is None else self.parts[rows],
            groups=None if self.groups is None else self.groups[rows],
        )
