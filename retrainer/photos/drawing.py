"""Draws the parts of groups of photos, so that each class has photos in each part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Integers
from retrainer.events import Observer, Warned
from retrainer.photos.parts import Part, Parts
from retrainer.photos.positions import Positions

# A class of fewer different photos only trains.
_FEWEST_DIFFERENT = 3


@dataclass(frozen=True, eq=False)
class Draw:
    """Groups of photos whose parts are being drawn.

    Attributes:
        labels: C labels.
        classes: The groups of each class.
        positions: The position of each group, `(G,)`.
        parts: The part of each group, `(G,)`; changed in place.
    """

    labels: Sequence[str]
    classes: Sequence[Integers]
    positions: Positions
    parts: Parts

    def fill(self, free: Bools, wanted: Mapping[Part, tuple[float, float]], observer: Observer) -> set[int]:
        """Gives each class a photo in each part, as far as it has enough photos to draw from.

        Args:
            free: Which groups may change their part, `(G,)`.
            wanted: Part -> its range of positions.
            observer: Called with a warning about each class that has too few.

        Returns:
            The ids of these classes.
        """
        shared = np.bincount(np.concatenate(self.classes), minlength=len(self.positions)) > 1
        small = {label_id for label_id, members in enumerate(self.classes) if self._is_small(members, free)}
        for label_id in sorted(small):
            members = self.classes[label_id]
            few = f"fewer than three different photos{'' if free[members].all() else ' to draw from'}"
            one = f"'{self.labels[label_id]}' has {few}: they are used for training only."
            many = f"{{count}} classes have {few}, which are used for training only: {{names}}."
            observer(Warned(one, many, f"'{self.labels[label_id]}'"))
            self.parts[members[free[members] & ~shared[members]]] = Part.TRAINING
        self._borrow([m for number, m in enumerate(self.classes) if number not in small], free, shared, wanted)
        for label_id in small:
            members = self.classes[label_id]
            if Part.TRAINING not in self.parts[members]:
                # All its photos are shared with other classes, and none trains. The class could not be learnt.
                self.parts[members[free[members]]] = Part.TRAINING
        return small

    def _is_small(self, members: Integers, free: Bools) -> bool:
        """Whether a class has too few groups for all parts, and trains with none but these."""
        own = members[free[members]]
        others = members[~free[members]]
        return 0 < len(own) < _FEWEST_DIFFERENT and Part.TRAINING not in self.parts[others]

    def _borrow(
        self, classes: Sequence[Integers], free: Bools, shared: Bools, wanted: Mapping[Part, tuple[float, float]]
    ) -> None:
        """Lets each empty part of a class borrow the nearest group, even if that empties another part.

        Each group can be borrowed once, and from any part; so no other group moves when photos are added. Groups that
        several classes share are borrowed only if a class has no other left.
        """
        free, waiting = free.copy(), list(classes)
        while waiting:
            members = waiting.pop()
            while empty := [part for part in wanted if part not in self.parts[members]]:
                candidates = members[free[members] & ~shared[members]]
                if not len(candidates):
                    candidates = members[free[members]]
                if not len(candidates):
                    break
                lower, upper = wanted[empty[0]]
                places = self.positions[candidates]
                nearest = candidates[np.maximum(np.maximum(lower - places, places - upper), 0.0).argmin()]
                self.parts[nearest], free[nearest] = empty[0], False
                if shared[nearest]:
                    waiting += [other for other in classes if nearest in other]
