"""How good a model is on a folder of photos."""

from dataclasses import dataclass

import numpy as np

from retrainer.dataset import scan
from retrainer.errors import DatasetError, PictureError
from retrainer.events import ExtractionAdvanced, Observer, PhotoSkipped
from retrainer.files import shown
from retrainer.head import softmax
from retrainer.labeler import Labeler
from retrainer.labels import labels_of
from retrainer.metrics import correct
from retrainer.options.labelling import EvaluateOptions, LabelOptions

# A score of zero would cost without bound; float32 knows nothing smaller beside one.
_SMALLEST_SCORE = 1e-7
_DISTRIBUTION_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Evaluation:
    """What a model made of photos whose classes are known.

    Attributes:
        accuracy: The share whose highest score is their own class's, 0 to 1.
        cross_entropy: Mean of -log(score of the photo's own class), nats.
        count: How many photos were read.
        skipped: How many files were no readable photos.
    """

    accuracy: float
    cross_entropy: float
    count: int
    skipped: int


def evaluate(options: EvaluateOptions, observer: Observer) -> Evaluation:
    """Labels all photos of a folder of class folders and counts.

    Raises:
        OptionError: the graph or the folder is not there.
        DatasetError: a folder stands for no label of the model, or no photo can be read.
        ModelError: the model cannot be read.
    """
    labeler = Labeler(LabelOptions(graph=options.graph, labels=options.labels))
    files = scan(options.image_dir, observer, fewest=1)
    label_ids = []
    for folder, label in zip(files.folders, labels_of(files.folders), strict=True):
        if label not in labeler.labels:
            raise DatasetError(
                f"'{shown(folder)}' stands for the label '{label}'; expected one of {', '.join(labeler.labels)}.",
                "Name a folder of the model's own classes.",
            )
        label_ids.append(labeler.labels.index(label))
    rows, scores = [], []
    paths = files.paths
    for row, result in enumerate(labeler.scores_of_all(paths)):
        if isinstance(result, PictureError):
            observer(PhotoSkipped(paths[row], result.problem))
        else:
            rows.append(row)
            scores.append(result)
        observer(ExtractionAdvanced(row + 1, len(paths)))
    if not rows:
        raise DatasetError(f"No readable photos in '{shown(options.image_dir)}'.")
    own = np.array(label_ids)[files.folder_ids[rows]]
    table = np.stack(scores)
    if table.min() < 0 or np.abs(table.sum(axis=1) - 1).max() > _DISTRIBUTION_TOLERANCE:
        table = softmax(table)  # a graph that ends in logits
    own_scores = np.maximum(table[np.arange(len(own)), own], _SMALLEST_SCORE)
    return Evaluation(
        accuracy=float(correct(table, own).mean()),
        cross_entropy=float(-np.log(own_scores).mean()),
        count=len(rows),
        skipped=len(paths) - len(rows),
    )
