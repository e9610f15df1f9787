"""The photos of a folder that a model is measured on: those that it has not seen."""

from dataclasses import dataclass, replace

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.events import Noted, Observer, Warned
from retrainer.measuring.remembered_split import AMBIGUOUS, NEW, UNKNOWN, RememberedSplit
from retrainer.photos.dataset import Dataset
from retrainer.photos.files import PhotoFiles
from retrainer.photos.parts import Part, Parts
from retrainer.text import shown

# A folder is the model's own, wherever it lies, if it holds half of the model's training photos, or half of its photos
# are training photos.
_OWN = 0.5
# Names have not changed if this share of the training photos is found by name.
_NAMES_HOLD = 0.95


@dataclass(frozen=True, eq=False)
class Selection:
    """The files that a model is measured on.

    Attributes:
        rows: The numbers of n files.
        parts: Part.TESTING for the model's own test photos, NEW for others, `(n,)`.
        trained, validated: How many other photos are left out because they trained the model or chose its head.
        learnt: The approximate share of the n that the model learnt from, 0 to 1.
    """

    rows: Integers
    parts: Parts
    trained: int = 0
    validated: int = 0
    learnt: float = 0.0

    @property
    def left_out(self) -> int:
        """How many photos are left out because the model saw them."""
        return self.trained + self.validated

    def without_new(self, mask: Bools) -> "Selection":
        """Leaves out the files of a mask `(n,)` that the model does not know."""
        kept = ~(mask & (self.parts == NEW))
        return replace(self, rows=self.rows[kept], parts=self.parts[kept])

    def report(self, read: Bools, root: str, observer: Observer) -> str:
        """Reports what was left out, with a warning if the model learnt from photos that it is measured on.

        Args:
            read: Which of the n files are photos, `(n,)`.
            root: The folder's name, for the message.
            observer: Is called with the report.

        Returns:
            `test`, `unseen` or `all`, as in `Evaluation.part`.
        """
        new, tested = int((self.parts[read] == NEW).sum()), int((self.parts[read] == Part.TESTING).sum())
        if self.learnt:
            learnt = f"The model learnt from about {100 * self.learnt:.0f} % of these photos"
            observer(Warned(f"{learnt}: its figures are too good."))
        if tested and not new:
            own = f"'{shown(root)}' is the model's own"
            if self.left_out:
                left_out = f"the other {self.left_out:,} are left out"
                observer(Noted(f"{own}: its {tested:,} test photos are measured, {left_out}"))
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


def select_all(label_ids: Integers) -> Selection:
    """Selects all files that have a class id `(N,)`; files without one have -1."""
    rows = np.flatnonzero(label_ids >= 0)
    return Selection(rows, np.full(len(rows), NEW, np.int8))


def select_unseen(
    remembered: RememberedSplit, files: PhotoFiles, label_ids: Integers, digests: Digests, observer: Observer
) -> Selection:
    """Selects the files that the model neither learnt from nor was chosen by.

    Args:
        remembered: The split that the model remembers.
        files: N files.
        label_ids: Their class ids, `(N,)`; -1 leaves a file out.
        digests: SHA-256 of their bytes, `(N, 32)`; zero if a file could not be read, which leaves it out, too.
        observer: Is called with a warning if files may be photos that the model saw.
    """
    rows = np.flatnonzero(digests.any(axis=1) & (label_ids >= 0))
    own = files.paths_from(remembered.image_dir)
    given = None if files.parts is None else files.parts[rows]
    dataset = Dataset((), tuple(own[row] for row in rows), label_ids[rows], digests[rows], given=given)
    parts = remembered.known_parts(dataset.digests)
    ambiguous, unknown = parts == AMBIGUOUS, parts == UNKNOWN
    if ambiguous.any() or unknown.any():
        by_split = remembered.parts(dataset)
        # A copy of a test photo may train, which is reported below.
        parts[ambiguous] = np.where(by_split[ambiguous] == Part.TESTING, Part.TESTING, Part.TRAINING)
        trusted = unknown.any() and _split_holds(remembered, dataset, by_split, files.root, observer)
        parts[unknown] = by_split[unknown] if trusted else NEW
    kept = (parts == NEW) | (parts == Part.TESTING)
    # The share is exact for photos whose hash is kept, and taken to be the same for the others.
    learnt = remembered.learnt(dataset.digests[kept])[1] if ambiguous.any() else 0.0
    if unknown.any() and not trusted:
        learnt = max(learnt, remembered.learnt(dataset.digests)[1] * unknown.sum() / kept.sum())
    trained, validated = (int((parts == part).sum()) for part in (Part.TRAINING, Part.VALIDATION))
    return Selection(rows[kept], parts[kept], trained, validated, learnt)


def _split_holds(remembered: RememberedSplit, dataset: Dataset, by_split: Parts, root: str, observer: Observer) -> bool:
    """Whether the split's rule gives the parts of photos whose hashes are not kept.

    It does in the model's own folder, unless the folder was split by names that have changed.
    """
    of_training, learnt = remembered.learnt(dataset.digests)
    if max(of_training, learnt) < _OWN:
        return False
    # If names have changed, the rule puts some training photos into other parts.
    if remembered.learnt(dataset.digests[by_split == Part.TRAINING])[0] >= _NAMES_HOLD * of_training:
        return True
    observer(
        Warned(
            f"The files of '{shown(root)}' were renamed after the split: some photos that the model learnt from are "
            "not known again, and are measured, too."
        )
    )
    return False
