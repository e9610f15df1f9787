"""The photos that test a model, and how it does on them."""

from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Integers, is_among
from retrainer.events import Calibrated, ConfusionMeasured, Observer, PhotoMisclassified, TestEvaluated
from retrainer.measuring.assessment import Assessment, assess, calibration_of
from retrainer.measuring.measured import Measured
from retrainer.options.split import ALL, SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split
from retrainer.training.examples import Examples
from retrainer.training.fitting import Fitted
from retrainer.training.head import softmax


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The photos that test a model.

    Attributes:
        dataset: All photos of the run.
        rows: The rows of the test photos in it, `(n,)`.
        examples: The vectors and class ids of the test photos.
        leaked: How many of them share a group with photos of other parts; copies share one.
    """

    dataset: Dataset
    rows: Integers
    examples: Examples
    leaked: int = 0

    @classmethod
    def of(cls, dataset: Dataset, examples: Examples, split: Split, options: SplitOptions) -> "HeldOut":
        """The test photos, or `test_batch_size` of them."""
        rows, size = split.rows(Part.TESTING), options.test_batch_size
        if size != ALL and size < len(rows):
            # Each photo once: a photo that is counted twice would count for more than it tells.
            rows = np.sort(np.random.default_rng([options.seed, 2]).choice(rows, size, replace=False))
        groups, others = examples.groups, split.parts != Part.TESTING
        leaked = 0 if groups is None else int(is_among(groups[rows], groups[others]).sum())
        return cls(dataset, rows, examples.at(rows), leaked)

    @property
    def label_ids(self) -> Integers:
        """The class ids of the test photos, `(n,)`."""
        return self.examples.label_ids

    def where(self, mask: Bools) -> "HeldOut":
        """Returns the photos for which a mask `(n,)` is true."""
        return HeldOut(self.dataset, self.rows[mask], self.examples.at(np.flatnonzero(mask)))

    def tested(self, trained: Fitted, report: Observer) -> tuple[Measured, Assessment] | None:
        """Returns the test photos with a model's scores, and their figures, which it reports; None without photos."""
        if not len(self.rows):
            return None
        logits = self.examples.logits(trained.head)
        paths = [self.dataset.paths[row] for row in self.rows]
        photos = Measured(self.dataset.labels, paths, self.label_ids, softmax(logits))
        after = assess(photos.labels, photos.scores, photos.label_ids, self.examples.groups)
        loss, error = calibration_of(softmax(logits * np.float32(trained.temperature)), photos.label_ids)
        losses, errors = (loss, after.log_loss), (error, after.calibration_error)
        report(Calibrated(trained.temperature, losses, errors, after.calibration_floor, after.count))
        report(TestEvaluated(after.accuracy, after.count))
        report(ConfusionMeasured(photos.labels, after.confusion))
        for one in map(photos.mistake, photos.wrong.tolist()):
            report(PhotoMisclassified(one.path, one.predicted, one.label, one.score))
        return photos, after
