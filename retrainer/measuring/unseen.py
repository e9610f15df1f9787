"""Which photos of a folder a model has not seen, and can be measured on."""

from dataclasses import dataclass, replace

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.events import Noted, Observer, Warned
from retrainer.measuring.remembered_split import AMBIGUOUS, NEW, UNKNOWN, Membership
from retrainer.photos.dataset import Dataset, PhotoFiles
from retrainer.photos.splits import Part, Parts
from retrainer.text import shown

# A folder is the model's own, wherever it lies, if half of what the model learnt from is in it, or half of it is what
# the model learnt from.
_OWN = 0.5
_NAMES_HOLD = 0.95


@dataclass(frozen=True, eq=False)
class Measured:
    """Which files are measured.

    Attributes:
        rows: The numbers of n files.
        parts: Part.TESTING for the model's own test photos, NEW for others, `(n,)`.
        trained, validated: How many other photos are left out since the model learnt from them or was chosen by them.
        learnt: About the share of the n that the model learnt from, 0 to 1.
    """

    rows: Integers
    parts: Parts
    trained: int = 0
    validated: int = 0
    learnt: float = 0.0

    @property
    def left_out(self) -> int:
        """How many photos the model saw."""
        return self.trained + self.validated

    def told(self, read: Bools, root: str, observer: Observer) -> str:
        """Says what was left out; `test`, `unseen` or `all`, as in `Evaluation.part`.

        Args:
            read: Which of the n turned out to be photos, `(n,)`.
            root: The folder's name, for the message.
            observer: Told; warned if the model learnt from what was measured.
        """
        new, tested = int((self.parts[read] == NEW).sum()), int((self.parts[read] == Part.TESTING).sum())
        if self.learnt:
            observer(Warned(f"The model learnt from about {self.learnt:.0%} of these photos: the figures flatter it."))
        if tested and not new:
            own = f"'{shown(root)}' is the model's own folder"
            observer(Noted(f"{own}: its {tested:,} test photos are measured, the other {self.left_out:,} are left out"))
            return "test"
        if not self.left_out:
            return "all"
        count = new + tested + self.left_out
        observer(
            Noted(
                f"Left out {self.left_out:,} of {count:,} photos of '{shown(root)}': the model learnt from "
                f"{self.trained:,} and was chosen by {self.validated:,}. Measured are {tested:,} of its test photos "
                f"and {new:,} that are new to it"
            )
        )
        return "unseen"


def all_measured(label_ids: Integers) -> Measured:
    """All files with a class id, which is -1 for those without, `(N,)`."""
    rows = np.flatnonzero(label_ids >= 0)
    return Measured(rows, np.full(len(rows), NEW, np.int8))


def unseen(
    membership: Membership, files: PhotoFiles, label_ids: Integers, digests: Digests, observer: Observer
) -> Measured:
    """The files that the model neither learnt from nor was chosen by, as it remembers them.

    Args:
        membership: What the model remembers.
        files: N files.
        label_ids: Their class ids, `(N,)`, -1 for those that are left out.
        digests: SHA-256 of their bytes, `(N, 32)`; zero for those that could not be read, which are left out, too.
        observer: Warned if some of the files cannot be told.
    """
    rows = np.flatnonzero(digests.any(axis=1) & (label_ids >= 0))
    own = replace(files, root=membership.image_dir).paths
    dataset = Dataset((), tuple(own[row] for row in rows), label_ids[rows], digests[rows])
    parts = membership.known_parts(dataset.digests)
    ambiguous, unknown = parts == AMBIGUOUS, parts == UNKNOWN
    if ambiguous.any() or unknown.any():
        places = membership.parts(dataset)
        # A test photo's copy may train, which is told of below.
        parts[ambiguous] = np.where(places[ambiguous] == Part.TESTING, Part.TESTING, Part.TRAINING)
        trusted = unknown.any() and _places_hold(membership, dataset, places, files.root, observer)
        parts[unknown] = places[unknown] if trusted else NEW
    kept = (parts == NEW) | (parts == Part.TESTING)
    # Of those whose hash is kept it is certain, of the others as likely as of these.
    learnt = membership.learnt(dataset.digests[kept])[1] if ambiguous.any() else 0.0
    if unknown.any() and not trusted:
        learnt = max(learnt, membership.learnt(dataset.digests)[1] * unknown.sum() / kept.sum())
    return Measured(
        rows[kept], parts[kept], int((parts == Part.TRAINING).sum()), int((parts == Part.VALIDATION).sum()), learnt
    )


def _places_hold(membership: Membership, dataset: Dataset, places: Parts, root: str, observer: Observer) -> bool:
    """Whether photos whose hashes are not kept can be told by their places in the split.

    They can in the model's own folder, unless it was split by names that have changed.
    """
    of_training, learnt = membership.learnt(dataset.digests)
    if max(of_training, learnt) < _OWN:
        return False
    # What trained is found among what trains by its name; where names have changed, a part of it is elsewhere.
    if membership.learnt(dataset.digests[places == Part.TRAINING])[0] >= _NAMES_HOLD * of_training:
        return True
    observer(
        Warned(
            f"The files of '{shown(root)}' were renamed after the split: some photos that the model learnt from are "
            "not known again, and are measured, too."
        )
    )
    return False
