"""The model that a run replaces: it is kept beside the new one, and both are measured on the same test photos."""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retrainer.arrays import Bools, Floats, Integers, spread
from retrainer.backbones.bundle import INPUT_MEAN, INPUT_STD, TFLITE, Bundle
from retrainer.errors import PictureError, RetrainerError
from retrainer.measuring.remembered_split import AMBIGUOUS, UNKNOWN, Membership
from retrainer.models.metadata import RESIZE_RULE, ModelMetadata
from retrainer.models.retrained import is_tflite, twin_of
from retrainer.models.seal import damaged
from retrainer.models.tflite import flatbuffer
from retrainer.models.tflite.associated_files import metadata_in, read_tflite
from retrainer.options.model import LabelOptions
from retrainer.output_formats import model_paths
from retrainer.photos.dataset import Dataset
from retrainer.photos.splits import Part
from retrainer.training.examples import Examples
from retrainer.training.head import Head

# Chance explains a difference that it makes at least so often.
_CHANCE = 0.05
# A model with another backbone labels the photos themselves: at most so many, and for about so long.
_MOST_PHOTOS, _SECONDS = 200, 5.0
_FEWEST_CLASSES = 2


@dataclass(frozen=True)
class Previous:
    """A model that was replaced, and how it compares with the new one.

    Attributes:
        graph: Where it is now.
        problem: Why the two were not compared; empty if they were.
        came, gone: Classes that only the new and only the old model has.
        count: How many test photos of classes of both they were compared on.
        before, now: Accuracy of the old and of the new model on them, 0 to 1, among the classes of both.
        gained, lost: How many of them only the new and only the old model gets right.
        left_out: How many test photos the old model learnt from or was chosen by.
        remembers: Whether the old model remembers what it learnt from.
    """

    graph: str
    problem: str = ""
    came: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    count: int = 0
    before: float = math.nan
    now: float = math.nan
    gained: int = 0
    lost: int = 0
    left_out: int = 0
    remembers: bool = True

    @property
    def is_chance(self) -> bool:
        """Whether chance explains the difference: the exact sign test of the photos that only one gets right."""
        return sign_test(self.gained, self.lost) >= _CHANCE


@dataclass(frozen=True)
class Tested:
    """The test photos of a run.

    Attributes:
        dataset: All photos.
        rows: Those of the test, `(n,)`.
        examples: Their vectors and class ids.
    """

    dataset: Dataset
    rows: Integers
    examples: Examples

    @property
    def label_ids(self) -> Integers:
        """`(n,)`."""
        return self.examples.label_ids

    def chosen(self, which: Bools) -> "Tested":
        """Some of them."""
        return Tested(self.dataset, self.rows[which], self.examples.at(np.flatnonzero(which)))


def previous_path(path: str) -> Path:
    """Where the model, or the labels file, of a path is kept when a new one takes its place."""
    return Path(path).with_name(f"{Path(path).stem}.previous{Path(path).suffix}")


def kept_paths(output_graph: str, output_labels: str) -> dict[Path, Path]:
    """Each file of a model -> where it is kept; `label --graph` finds the twin of a kept model, too."""
    kept = model_paths(str(previous_path(output_graph)))
    models = {path: kept[name] for name, path in model_paths(output_graph).items()}
    return {**models, Path(output_labels): previous_path(output_labels)}


def is_same_model(output_graph: str, model_id: str) -> bool:
    """Whether a model of this id lies at a path, whole."""
    try:
        metadata = metadata_in(*_read(output_graph))
    except RetrainerError:
        return False
    return metadata is not None and metadata.model_id == model_id


def compared(graph: str, bundle: Bundle, tested: Tested, head: Head) -> Previous:
    """Measures a kept model and the new one; a kept file that is no whole model of ours is only told of.

    Args:
        graph: The kept model.
        bundle: The new model's backbone.
        tested: What both are measured on.
        head: The new model's.
    """
    try:
        content, path = _read(graph)
        metadata = metadata_in(content, path)
        if metadata is None:
            return Previous(graph, "it says nothing of its labels")
        return _compared(graph, content, metadata, bundle, tested, head)
    except RetrainerError as error:
        return Previous(graph, error.problem.rstrip("."))


def _read(graph: str) -> tuple[bytes, str]:
    """The content of a model's `.tflite`, and where it lies; ModelError unless it is whole and belongs to the model."""
    if is_tflite(graph):
        return read_tflite(graph), graph
    twin = twin_of(graph)
    if not twin:
        raise damaged(graph, "expected the .tflite that it was written with beside it")
    return twin, graph


def _compared(
    graph: str, content: bytes, metadata: ModelMetadata, bundle: Bundle, tested: Tested, head: Head
) -> Previous:
    labels, old_labels = tested.dataset.labels, metadata.labels
    shared = [label for label in labels if label in old_labels]
    of_classes = Previous(
        graph,
        came=tuple(label for label in labels if label not in old_labels),
        gone=tuple(label for label in old_labels if label not in labels),
    )
    if len(shared) < _FEWEST_CLASSES:
        return replace(of_classes, problem="they have fewer than two classes in common")
    ids, old_ids = ([known.index(label) for label in shared] for known in (labels, old_labels))
    membership = Membership.from_metadata(metadata.split)
    seen = _seen(membership, tested) if membership else np.zeros(len(tested.rows), np.bool_)
    tested = tested.chosen(~seen & np.isin(tested.label_ids, ids))
    old_scores, answered = _old_scores(graph, content, metadata, bundle, tested)
    tested = tested.chosen(answered)
    known = replace(of_classes, left_out=int(seen.sum()), remembers=membership is not None)
    if not len(tested.rows):
        return replace(known, problem="the old one learnt from all test photos" if seen.any() else "no test photos")
    places = np.searchsorted(ids, tested.label_ids)
    was_right = old_scores[:, old_ids].argmax(axis=1) == places
    is_right = tested.examples.logits(head)[:, ids].argmax(axis=1) == places
    return replace(
        known,
        count=len(places),
        before=float(was_right.mean()),
        now=float(is_right.mean()),
        gained=int((is_right & ~was_right).sum()),
        lost=int((was_right & ~is_right).sum()),
    )


def _seen(membership: Membership, tested: Tested) -> Bools:
    """Which photos a model learnt from or was chosen by, or may have, `(n,)`; its split tells of those it cannot tell.

    A model that few photos validate learns from these, too.
    """
    parts = membership.known_parts(tested.dataset.digests[tested.rows])
    split = membership.parts(tested.dataset)[tested.rows]
    seen: Bools = np.isin(parts, (Part.TRAINING, Part.VALIDATION, AMBIGUOUS)) | (
        (parts == UNKNOWN) & (split != Part.TESTING)
    )
    return seen


def _old_scores(
    graph: str, content: bytes, metadata: ModelMetadata, bundle: Bundle, tested: Tested
) -> tuple[Floats, Bools]:
    """The old model's scores or logits `(m, C)` of as many photos as it was asked of, and which these are `(n,)`."""
    sees = (metadata.backbone.get("sha256"), metadata.input_size, metadata.mean, metadata.std, metadata.resize)
    if sees == (bundle.sha256[TFLITE], bundle.input_size, INPUT_MEAN, INPUT_STD, RESIZE_RULE):
        head = flatbuffer.head_of(content)
        if head.weights.shape != (bundle.depth, len(metadata.labels)):
            raise damaged(graph, "its head fits neither its backbone nor its labels")
        return tested.examples.logits(head), np.ones(len(tested.rows), np.bool_)
    from retrainer.labeler import Labeler

    answered = np.zeros(len(tested.rows), np.bool_)
    chosen = spread(len(tested.rows), _MOST_PHOTOS).tolist()
    scores, started = [], time.monotonic()
    labeler = Labeler(LabelOptions(graph=graph))
    paths = [tested.dataset.paths[tested.rows[place]] for place in chosen]
    for place, given in zip(chosen, labeler.scores_of_all(paths), strict=True):
        if not isinstance(given, PictureError):
            scores.append(given)
            answered[place] = True
        if time.monotonic() - started > _SECONDS:
            break
    return np.stack(scores) if scores else np.empty((0, len(metadata.labels)), np.float32), answered


def sign_test(gained: int, lost: int) -> float:
    """How often chance splits so many photos at least as unevenly, if neither model is better; 0 to 1."""
    total, least = gained + lost, min(gained, lost)
    uneven: int = sum(math.comb(total, count) for count in range(least + 1))
    return min(1.0, uneven / 2 ** (total - 1)) if total else 1.0
