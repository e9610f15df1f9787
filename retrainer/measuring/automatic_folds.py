"""Decides whether a run cross-validates if the user does not say so."""

from retrainer.errors import DatasetError
from retrainer.events import Noted, Observer
from retrainer.measuring.cross_validation import folds_of, unlearnt_classes
from retrainer.options.fit import FitOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS, SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.distortions import Distortion
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split
from retrainer.training.examples import Examples

# With fewer photos, or fewer test photos, one split says little: of 100 photos, 90 % stands for 82.6 to 94.5 %.
_ENOUGH, _ENOUGH_TESTED = 1000, 100
# The multiplications that five folds may take: about 20 seconds of one core, measured with 200 to 1,000 photos, 5 to
# 300 classes and up to 30 views. Reading a feature takes as long as 16 multiplications.
_MOST_WORK, _READING = 1.5e12, 16
# Each fold fits five more heads to choose a penalty or a step, if few photos validate.
_HEADS = 6
# How often L-BFGS goes through its examples for a head; gradient descent takes twice as long for an example.
_PASSES, _DRAWN = 150, 2


def automatic_folds(
    dataset: Dataset, examples: Examples, split: Split, options: RetrainOptions, observer: Observer
) -> int:
    """Returns how many folds a run takes if the user does not say: five or none.

    Args:
        dataset: N photos.
        examples: The same N photos.
        split: Their parts.
        options: The split, the distortions and the solver.
        observer: Is called with the reason if folds are wanted but left out.
    """
    tested = examples.at(split.rows(Part.TESTING))
    # Somebody chose what tests, perhaps from other places or days. Folds would mix it with what trains.
    chosen = dataset.given is not None and Part.TESTING in dataset.given
    if options.split_by == "path" or chosen or (examples.different >= _ENOUGH and tested.different >= _ENOUGH_TESTED):
        return 0
    if reason := _too_much(examples, len(dataset.labels), options) or _impossible(dataset, examples, options.split):
        observer(Noted(f"No cross-validation: {reason}"))
        return 0
    return FOLDS


def _too_much(examples: Examples, classes: int, options: RetrainOptions) -> str:
    """The reason if folds would take long; empty if not."""
    distortion = Distortion.of(options.distortion)
    views = distortion.count if distortion else 1
    learnt = _learnt(len(examples) * views, options.fit) * examples.matrix.shape[1]
    if FOLDS * _HEADS * learnt * (classes + _READING) <= _MOST_WORK:
        return ""
    many = f"{len(examples):,} photos in {classes:,} classes{f', with {views} views each' if distortion else ''}"
    return f"it might take minutes with {many}. --folds {FOLDS} does it all the same."


def _learnt(examples: int, options: FitOptions) -> int:
    """How many examples a fit goes through, each as often as it learns from it."""
    if options.solver_name == "lbfgs":
        return _PASSES * examples
    return _DRAWN * options.steps * (examples if options.batch_size < 0 else options.batch_size)


def _impossible(dataset: Dataset, examples: Examples, options: SplitOptions) -> str:
    """The reason if folds cannot be made, or if one would test all photos of a class; empty if they can."""
    try:
        folds = folds_of(dataset, options, FOLDS)
    except DatasetError as error:
        return error.problem
    for _, label_id in unlearnt_classes(folds, examples):
        return (
            f"'{dataset.labels[label_id]}' has too few different photos for folds. "
            f"--folds {FOLDS} counts them as wrong and measures the other classes."
        )
    return ""
