"""How good a model is on a folder of photos."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.assessment import Assessment, assess
from retrainer.dataset import Dataset, PhotoFiles, scan
from retrainer.errors import DatasetError, OptionError, PictureError
from retrainer.events import ExtractionAdvanced, Noted, Observer, PhotoSkipped, Warned, silent
from retrainer.files import shown
from retrainer.head import softmax
from retrainer.images import read_file
from retrainer.labeler import Labeler
from retrainer.labels import labels_of
from retrainer.membership import Membership
from retrainer.options.labelling import EvaluateOptions, LabelOptions
from retrainer.parallel import in_order, usable_cores
from retrainer.splits import TESTING, TRAINING

_DISTRIBUTION_TOLERANCE = 1e-3
# A folder is the model's own, wherever it lies, where half of what the model learnt from is in it, or half of it is
# what the model learnt from.
_OWN = 0.5
_NAMES_HOLD = 0.95


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
        learnt: About the share of the measured photos that the model learnt from, 0 to 1.
        labels: In the order of the assessment's classes.
        assessment: All figures.
        mistakes: What the model takes for something else, the surest mistakes first.
        skipped: How many files were no readable photos.
    """

    graph: str
    image_dir: str
    part: str
    learnt: float
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
    labeler = Labeler(LabelOptions(graph=options.graph, labels=options.labels, trust_graph=options.trust_graph))
    membership = Membership.from_metadata(labeler.metadata.split)
    files = scan(_image_dir(options, membership), observer, fewest=1)
    label_ids = _label_ids(files, labeler, options, observer)
    part, rows, learnt = "all", np.flatnonzero(label_ids >= 0), 0.0
    if membership:
        part, rows, learnt = _measured_part(membership, files, label_ids, observer)
    paths = [files.paths[row] for row in rows]
    read, scores = _scores(labeler, paths, observer)
    if not len(read):
        which = "test photos" if part == "test" else "photos"
        raise DatasetError(
            f"No readable {which} in '{shown(files.root)}'.",
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
    skipped = len(paths) - len(read)
    return Evaluation(options.graph, files.root, part, learnt, labeler.labels, assessment, mistakes, skipped)


def _image_dir(options: EvaluateOptions, membership: Membership | None) -> str:
    """The folder to measure on: the one that is named, or the model's own."""
    if options.image_dir:
        return options.image_dir
    if not membership:
        raise OptionError(
            f"--image_dir is missing: expected a folder of photos; '{shown(options.graph)}' remembers none.",
            "Give it as --image_dir FOLDER.",
        )
    if not os.path.isdir(membership.image_dir):
        raise OptionError(
            f"'{shown(options.graph)}' learnt from '{shown(membership.image_dir)}'; expected that folder, found none.",
            "Give its place now as --image_dir FOLDER.",
        )
    return membership.image_dir


def _label_ids(files: PhotoFiles, labeler: Labeler, options: EvaluateOptions, observer: Observer) -> Integers:
    """The class ids of files, `(N,)`, by the model's labels; -1 in folders without a photo, which retraining skips."""
    ids = []
    for number, (folder, label) in enumerate(zip(files.folders, labels_of(files.folders), strict=True)):
        if label in labeler.labels:
            ids.append(labeler.labels.index(label))
            continue
        if _holds_a_photo(labeler, [files.paths[row] for row in np.flatnonzero(files.folder_ids == number)]):
            raise DatasetError(
                f"'{shown(folder)}' stands for the label '{label}'; expected one of {', '.join(labeler.labels)}.",
                "Name a folder of the model's own classes" + (", or leave out --labels." if options.labels else "."),
            )
        observer(Warned(f"No readable photos in '{shown(folder)}': the folder is skipped."))
        ids.append(-1)
    return np.array(ids, np.int64)[files.folder_ids]


def _holds_a_photo(labeler: Labeler, paths: Sequence[str]) -> bool:
    for path in paths:
        with suppress(PictureError):
            labeler.label(path)
            return True
    return False


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
    membership: Membership, files: PhotoFiles, label_ids: Integers, observer: Observer
) -> tuple[str, Integers, float]:
    """Which part of the files is measured, their rows, and about the share of them that the model learnt from.

    Args:
        membership: What the model remembers.
        files: N files.
        label_ids: Their class ids, `(N,)`, -1 for those that are left out.
        observer: Warned where photos are measured that the model learnt from.
    """
    digests, readable = _digests(files.paths)
    known, rows = np.flatnonzero(readable & (label_ids >= 0)), np.flatnonzero(label_ids >= 0)
    of_training, learnt = membership.learnt(digests[known])
    if max(of_training, learnt) >= _OWN:
        own = replace(files, root=membership.image_dir).paths
        dataset = Dataset((), tuple(own[row] for row in known), label_ids[known], digests[known])
        parts = membership.parts(dataset)
        tested = known[parts == TESTING]
        # What trained is found among what trains by its name; where names have changed, a part of it is elsewhere.
        if membership.learnt(digests[known[parts == TRAINING]])[0] >= _NAMES_HOLD * of_training:
            learnt_of_test = membership.learnt(digests[tested])[1]
            left_out = len(known) - len(tested)
            observer(
                Noted(
                    f"'{shown(files.root)}' is the model's own folder: its {len(tested):,} test photos are measured, "
                    f"the other {left_out:,} are left out"
                )
            )
            _warn_of(learnt_of_test, observer)
            return "test", tested, learnt_of_test
        observer(
            Warned(
                f"The files of '{shown(files.root)}' have other names than when they were split: which of them test "
                "the model cannot be told, and all are measured."
            )
        )
    _warn_of(learnt, observer)
    return "all", rows, learnt


def _warn_of(learnt: float, observer: Observer) -> None:
    if learnt:
        observer(Warned(f"The model learnt from about {learnt:.0%} of these photos: the figures flatter it."))


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
