"""How good a model is on a folder of photos."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.errors import DatasetError, OptionError, PictureError
from retrainer.events import (
    Event,
    ExtractionAdvanced,
    FolderSkipped,
    Missed,
    Observer,
    PhotoSkipped,
    Warned,
    silent,
)
from retrainer.labeler import Labeler
from retrainer.measuring.figures import Assessment, assess
from retrainer.measuring.remembered_split import Membership
from retrainer.measuring.unseen import all_measured, unseen
from retrainer.options.groups import options_of
from retrainer.options.model import EvaluateOptions, LabelOptions, ModelOptions
from retrainer.photos.dataset import PhotoFiles, scan
from retrainer.photos.labels import class_ids_of, label_of
from retrainer.system.files import shown

_DISTRIBUTION_TOLERANCE = 1e-3
_NAMED = 20


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
        part: `test` if these are photos of the model's own test part only, `unseen` if photos that the model saw were
            left out and others that are new to it measured, `all` if all were measured.
        learnt: About the share of the measured photos that the model learnt from, 0 to 1.
        labels: In the order of the assessment's classes.
        assessment: All figures.
        mistakes: What the model takes for something else, the surest mistakes first.
        skipped: How many files were no readable photos, as far as they were read.
        unlisted: How many folders could not be listed, or only in part.
        left_out: How many photos were left out since the model learnt from them or was chosen by them.
    """

    graph: str
    image_dir: str
    part: str
    learnt: float
    labels: tuple[str, ...]
    assessment: Assessment
    mistakes: tuple[Mistake, ...]
    skipped: int
    unlisted: int = 0
    left_out: int = 0


def evaluate(options: EvaluateOptions, observer: Observer = silent) -> Evaluation:
    """Labels the photos of a folder of class folders and assesses the scores.

    Photos that the model learnt from, and those that chose its head, are left out wherever they lie.

    Raises:
        OptionError: the graph or the folder is not there.
        DatasetError: a folder stands for no label of the model, or no photo can be read.
        ModelError: the model cannot be read.
    """
    shared = {item.name: getattr(options, item.name) for item in options_of(ModelOptions)}
    labeler = Labeler(LabelOptions(**shared))
    for warning in labeler.warnings:
        observer(Warned(warning))
    membership = Membership.from_metadata(labeler.metadata.split)
    missed: list[Missed] = []

    def tell(event: Event) -> None:
        if isinstance(event, Missed):
            missed.append(event)
        observer(event)

    files = scan(_image_dir(options, membership), tell, fewest=1)
    label_ids = _label_ids(files, labeler, options, tell)
    measured = unseen(membership, files, label_ids, tell) if membership else all_measured(label_ids)
    paths = [files.paths[row] for row in measured.rows]
    read, scores = _scores(labeler, paths, tell)
    if not len(read):
        which = "test photos" if measured.left_out else "photos"
        raise DatasetError(
            f"No readable {which} in '{shown(files.root)}'.",
            "Give another folder as --image_dir, with photos that are new to the model." if measured.left_out else "",
        )
    own = label_ids[measured.rows][read]
    return Evaluation(
        graph=options.graph,
        image_dir=files.root,
        part=measured.told(read, files.root, observer),
        learnt=measured.learnt,
        labels=labeler.labels,
        assessment=assess(labeler.labels, scores, own),
        mistakes=_mistakes([paths[place] for place in read], labeler.labels, own, scores),
        skipped=sum(isinstance(event, PhotoSkipped) for event in missed),
        unlisted=sum(isinstance(event, FolderSkipped) for event in missed),
        left_out=measured.left_out,
    )


def _mistakes(paths: Sequence[str], labels: Sequence[str], own: Integers, scores: Floats) -> tuple[Mistake, ...]:
    """What is taken for something else, the surest first; class ids `(N,)`, scores `(N, C)`."""
    predicted = scores.argmax(axis=1)
    wrong = np.flatnonzero(own != predicted)
    surest = wrong[np.argsort(-scores[wrong, predicted[wrong]], kind="stable")]
    return tuple(
        Mistake(paths[i], labels[own[i]], labels[predicted[i]], float(scores[i, predicted[i]])) for i in surest
    )


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
    ids = class_ids_of(files.folders, labeler.labels)
    folder_of: dict[int, str] = {}
    for number, (folder, label_id) in enumerate(zip(files.folders, ids, strict=True)):
        if label_id >= 0:
            other = folder_of.setdefault(label_id, folder)
            if other != folder:
                label = shown(labeler.labels[label_id])
                raise DatasetError(
                    f"Folders '{shown(other)}' and '{shown(folder)}' both stand for '{label}'.",
                    "Rename one of them, or merge the two.",
                )
        elif _holds_a_photo(labeler, [files.paths[row] for row in np.flatnonzero(files.folder_ids == number)]):
            raise DatasetError(
                f"'{shown(folder)}' stands for the label '{shown(label_of(folder))}'; "
                f"expected one of {_some(labeler.labels)}.",
                "Name a folder of the model's own classes" + (", or leave out --labels." if options.labels else "."),
            )
        else:
            observer(Warned(f"No readable photos in '{shown(folder)}': the folder is skipped."))
    return np.array(ids, np.int64)[files.folder_ids]


def _some(labels: Sequence[str]) -> str:
    """The first labels, for a message."""
    names = ", ".join(map(shown, labels[:_NAMED]))
    return f"{names} and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else names


def _holds_a_photo(labeler: Labeler, paths: Sequence[str]) -> bool:
    for path in paths:
        with suppress(PictureError):
            labeler.label(path)
            return True
    return False


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
    sums = table.sum(axis=1, keepdims=True)
    if len(table) and np.abs(sums - 1).max() > _DISTRIBUTION_TOLERANCE:
        # Scores of one label each, or of integers that are rounded.
        table = table / np.maximum(sums, np.finfo(np.float32).tiny)
    return np.array(places, np.int64), table
