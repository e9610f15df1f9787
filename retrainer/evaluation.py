"""How good a model is on a folder of photos."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.assessment import Assessment, assess
from retrainer.dataset import Dataset, PhotoFiles, scan
from retrainer.errors import DatasetError, OptionError, PictureError
from retrainer.events import ExtractionAdvanced, Observer, PhotoSkipped, Warned, silent
from retrainer.files import shown
from retrainer.head import softmax
from retrainer.images import read_file
from retrainer.labeler import Labeler
from retrainer.labels import labels_of
from retrainer.membership import Membership
from retrainer.options.labelling import EvaluateOptions, LabelOptions
from retrainer.parallel import in_order, usable_cores
from retrainer.splits import TESTING

_DISTRIBUTION_TOLERANCE = 1e-3
# A folder that holds so much of what the model learnt from is its own, wherever it lies now.
_OWN = 0.5


@dataclass(frozen=True)
class Mistake:
    """A photo whose highest score, 0 to 1, is another class's than its own."""

    path: str
    label: str
    predicted: str
    score: float


@dataclass(frozen=True)
class Evaluation:
    """What a model made of photos whose classes are known.

    Attributes:
        graph, image_dir: The model and the folder.
        part: `test` where only the photos that the model kept for its test were measured, else `all`.
        labels: In the order of the assessment's classes.
        assessment: All figures.
        mistakes: What the model takes for something else, the surest mistakes first.
        skipped: How many files were no readable photos.
    """

    graph: str
    image_dir: str
    part: str
    labels: tuple[str, ...]
    assessment: Assessment
    mistakes: tuple[Mistake, ...]
    skipped: int


def evaluate(options: EvaluateOptions, observer: Observer = silent) -> Evaluation:
    """Labels the photos of a folder of class folders and assesses the scores.

    Of the folder that the model was trained on only the photos of its test part are taken, of another folder all.

    Raises:
        OptionError: the graph or the folder is not there.
        DatasetError: a folder stands for no label of the model, or no photo can be read.
        ModelError: the model cannot be read.
    """
    labeler = Labeler(LabelOptions(graph=options.graph, labels=options.labels))
    membership = Membership.from_metadata(labeler.metadata.split)
    image_dir = options.image_dir or (membership.image_dir if membership else "")
    if not image_dir:
        raise OptionError(
            f"--image_dir is missing: expected a folder of photos; '{shown(options.graph)}' remembers none.",
            "Give it as --image_dir FOLDER.",
        )
    files = scan(image_dir, observer, fewest=1)
    label_ids = _label_ids(files, labeler.labels)
    part, rows = "all", np.arange(len(label_ids))
    if membership:
        digests, readable = _digests(files.paths)
        part, rows = _measured_part(membership, files, (label_ids, digests, readable), observer)
    paths = [files.paths[row] for row in rows]
    read, scores = _scores(labeler, paths, observer)
    if not len(read):
        which = "test photos" if part == "test" else "photos"
        raise DatasetError(
            f"No readable {which} in '{shown(image_dir)}'.",
            "Give another folder as --image_dir, whose photos are all measured." if part == "test" else "",
        )
    own, predicted = label_ids[rows][read], scores.argmax(axis=1)
    wrong = np.flatnonzero(own != predicted)
    surest = wrong[np.argsort(-scores[wrong, predicted[wrong]], kind="stable")]
    mistakes = tuple(
        Mistake(paths[read[i]], labeler.labels[own[i]], labeler.labels[predicted[i]], float(scores[i, predicted[i]]))
        for i in surest
    )
    assessment = assess(labeler.labels, scores, own)
    return Evaluation(options.graph, image_dir, part, labeler.labels, assessment, mistakes, len(paths) - len(read))


def _label_ids(files: PhotoFiles, labels: Sequence[str]) -> Integers:
    """The class ids of files, `(N,)`, by the model's labels."""
    ids = []
    for folder, label in zip(files.folders, labels_of(files.folders), strict=True):
        if label not in labels:
            raise DatasetError(
                f"'{shown(folder)}' stands for the label '{label}'; expected one of {', '.join(labels)}.",
                "Name a folder of the model's own classes.",
            )
        ids.append(labels.index(label))
    return np.array(ids, np.int64)[files.folder_ids]


def _digests(paths: Sequence[str]) -> tuple[Digests, Bools]:
    """SHA-256 of files' bytes `(N, 32)`, zero for those that cannot be read; and which can, `(N,)`."""

    def digest(_: None, path: str) -> bytes:
        try:
            return hashlib.sha256(read_file(path)).digest()
        except PictureError:
            return b""

    found = list(in_order([None] * min(usable_cores(), len(paths)), digest, paths))
    digests = np.frombuffer(b"".join(one or bytes(32) for one in found), np.uint8).reshape(-1, 32)
    return digests, np.array([bool(one) for one in found])


def _measured_part(
    membership: Membership, files: PhotoFiles, known: tuple[Integers, Digests, Bools], observer: Observer
) -> tuple[str, Integers]:
    """Which part of the files is measured, and their rows.

    Args:
        membership: What the model remembers.
        files: N files.
        known: Their class ids `(N,)`, digests `(N, 32)`, and which can be read `(N,)`.
        observer: Warned where a strange folder holds photos that the model learnt from.
    """
    label_ids, digests, readable = known
    learnt = membership.learnt(digests[readable])
    if learnt < _OWN:
        if learnt:
            observer(
                Warned(
                    f"'{shown(files.root)}' holds about {learnt:.0%} of the photos that the model learnt from: "
                    "the figures flatter it."
                )
            )
        return "all", np.arange(len(digests))
    own = PhotoFiles(membership.image_dir, files.folders, files.names, files.folder_ids, files.stamps)
    rows = np.flatnonzero(readable)
    paths = own.paths
    dataset = Dataset((), tuple(paths[row] for row in rows), label_ids[rows], digests[rows])
    return "test", rows[membership.parts(dataset) == TESTING]


def _scores(labeler: Labeler, paths: Sequence[str], observer: Observer) -> tuple[Integers, Floats]:
    """The places of the photos that can be read, `(n,)`, and their scores, `(n, C)`, 0 to 1."""

    def read() -> Iterator[tuple[int, Floats]]:
        for place, result in enumerate(labeler.scores_of_all(paths)):
            if isinstance(result, PictureError):
                observer(PhotoSkipped(paths[place], result.problem))
            else:
                yield place, result
            observer(ExtractionAdvanced(place + 1, len(paths)))

    places, rows = [], [np.empty((0, len(labeler.labels)), np.float32)]
    for place, scores in read():
        places.append(place)
        rows.append(scores[np.newaxis])
    table = np.concatenate(rows)
    if len(table) and (table.min() < 0 or np.abs(table.sum(axis=1) - 1).max() > _DISTRIBUTION_TOLERANCE):
        table = softmax(table)  # a graph that ends in logits
    return np.array(places, np.int64), table
