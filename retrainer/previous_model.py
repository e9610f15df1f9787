"""The model that a run replaces: it is kept beside the new one and compared with it on the same test photos."""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retrainer.arrays import Bools, Floats, spread
from retrainer.backbones.bundle import TFLITE, Bundle
from retrainer.errors import ModelError, PictureError, RetrainerError
from retrainer.measuring.held_out import HeldOut
from retrainer.measuring.paired import is_chance, paired
from retrainer.measuring.remembered_split import AMBIGUOUS, UNKNOWN, RememberedSplit
from retrainer.models.metadata import RESIZE_RULE, ModelMetadata
from retrainer.models.seal import damaged
from retrainer.models.tflite import heads
from retrainer.models.tflite.associated_files import metadata_in, read_tflite
from retrainer.models.twins import is_tflite, twin_of
from retrainer.network_input import INPUT_MEAN, INPUT_STD
from retrainer.options.model import LabelOptions
from retrainer.output_formats import model_paths, paths_beside
from retrainer.photos.parts import Part
from retrainer.text import shown
from retrainer.training.head import Head

# A model with another backbone has to label the photos itself: at most this many, and for about this many seconds.
_MOST_PHOTOS, _SECONDS = 200, 5.0
_FEWEST_CLASSES = 2


@dataclass(frozen=True)
class PreviousModel:
    """A model that was replaced, and how it compares with the new one.

    Attributes:
        graph: Where it is kept now.
        problem: Why the two were not compared; empty if they were.
        added, removed: Classes that only the new one or only the old one has.
        count: The number of test photos that both were measured on; all are of classes of both.
        old_accuracy, new_accuracy: Accuracy on these photos, 0 to 1; only classes of both count as answers.
        only_new_right, only_old_right: The number of photos that only one of the two gets right.
        interval: The 95 % confidence interval of the new accuracy minus the old one, -1 to 1.
        left_out: The number of test photos that trained or validated the old one.
        knows_split: Whether the old one remembers which photos it was trained on.
    """

    graph: str
    problem: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    count: int = 0
    old_accuracy: float = math.nan
    new_accuracy: float = math.nan
    only_new_right: int = 0
    only_old_right: int = 0
    interval: tuple[float, float] = (math.nan, math.nan)
    left_out: int = 0
    knows_split: bool = True

    @property
    def is_chance(self) -> bool:
        """Whether chance explains the difference, by the exact sign test of the photos that only one gets right."""
        return is_chance(self.only_new_right, self.only_old_right)

    @property
    def difference(self) -> float:
        """The new accuracy minus the old one, -1 to 1."""
        return self.new_accuracy - self.old_accuracy


def previous_path(path: str) -> Path:
    """The path where a model or labels file is kept when a new one replaces it."""
    return Path(path).with_name(f"{Path(path).stem}.previous{Path(path).suffix}")


def kept_paths(output_graph: str, output_labels: str) -> dict[Path, Path]:
    """Path of each file of a model -> path where it is kept. `label --graph` finds the twin of a kept model, too."""
    kept_graph = str(previous_path(output_graph))
    kept = model_paths(kept_graph)
    models = {path: kept[name] for name, path in model_paths(output_graph).items()}
    kept_beside = paths_beside(kept_graph)
    beside = {path: kept_beside[name] for name, path in paths_beside(output_graph).items()}
    labels = {Path(output_labels): previous_path(output_labels)} if output_labels else {}
    return {**models, **beside, **labels}


def is_same_model(output_graph: str, model_id: str) -> bool:
    """Whether an undamaged model with this id is at a path."""
    metadata = metadata_at(output_graph)
    return metadata is not None and metadata.model_id == model_id


def metadata_at(output_graph: str) -> ModelMetadata | None:
    """The metadata of the model at a path; None if no undamaged model of retrainer is there."""
    try:
        return metadata_in(*_read(output_graph))
    except RetrainerError:
        return None


def compare_previous(graph: str, bundle: Bundle, held_out: HeldOut, head: Head) -> PreviousModel:
    """Measures a kept model and the new one on the same photos.

    Args:
        graph: The kept model.
        bundle: The new model's backbone.
        held_out: The photos that both are measured on.
        head: The new model's head.

    Returns:
        The comparison; if the kept file is damaged or is no model of retrainer, only its path and the problem.
    """
    try:
        content, path = _read(graph)
        metadata = metadata_in(content, path)
        if metadata is None:
            return PreviousModel(graph, "it does not state its labels")
        return _compared(_Old(graph, content, metadata), bundle, held_out, head)
    except RetrainerError as error:
        return PreviousModel(graph, error.problem.rstrip("."))


@dataclass(frozen=True)
class _Old:
    """The kept model: its path, the content of its `.tflite`, and its metadata."""

    graph: str
    content: bytes
    metadata: ModelMetadata


def _read(graph: str) -> tuple[bytes, str]:
    """The content of a model's `.tflite`, and the path to name in messages.

    Raises:
        ModelError: it is damaged, or belongs to another model.
    """
    if is_tflite(graph):
        return read_tflite(graph), graph
    twin = twin_of(graph)
    if not twin:
        raise ModelError(f"'{shown(graph)}' has no .tflite of the same model beside it.")
    return twin, graph


def _compared(old: _Old, bundle: Bundle, held_out: HeldOut, head: Head) -> PreviousModel:
    labels, old_labels = held_out.dataset.labels, old.metadata.labels
    shared = [label for label in labels if label in old_labels]
    result = PreviousModel(
        old.graph,
        added=tuple(label for label in labels if label not in old_labels),
        removed=tuple(label for label in old_labels if label not in labels),
    )
    if len(shared) < _FEWEST_CLASSES:
        return replace(result, problem="they have fewer than two classes in common")
    ids, old_ids = ([known.index(label) for label in shared] for known in (labels, old_labels))
    remembered = RememberedSplit.from_metadata(old.metadata.split)
    seen = _seen(remembered, held_out) if remembered else np.zeros(len(held_out.rows), np.bool_)
    held_out = held_out.where(~seen & np.isin(held_out.label_ids, ids))
    old_scores, scored = _old_scores(old, bundle, held_out)
    held_out = held_out.where(scored)
    result = replace(result, left_out=int(seen.sum()), knows_split=remembered is not None)
    if not len(held_out.rows):
        return replace(result, problem="the old one learnt from all test photos" if seen.any() else "no test photos")
    right = np.searchsorted(ids, held_out.label_ids)
    old_right = old_scores[:, old_ids].argmax(axis=1) == right
    new_right = held_out.examples.logits(head)[:, ids].argmax(axis=1) == right
    pair = paired(new_right, old_right, held_out.examples.groups)
    return replace(
        result,
        count=pair.count,
        old_accuracy=float(old_right.mean()),
        new_accuracy=float(new_right.mean()),
        only_new_right=pair.only_first,
        only_old_right=pair.only_second,
        interval=pair.interval,
    )


def _seen(remembered: RememberedSplit, held_out: HeldOut) -> Bools:
    """Whether each photo trained or validated a model, or may have, `(n,)`.

    Photos that validate count because a model with few of them learns from them, too. If the model has not kept the
    hash of a photo, the options of its split decide.
    """
    parts = remembered.known_parts(held_out.dataset.digests[held_out.rows])
    split = remembered.parts(held_out.dataset)[held_out.rows]
    known = np.isin(parts, (Part.TRAINING, Part.VALIDATION, AMBIGUOUS))
    seen: Bools = known | ((parts == UNKNOWN) & (split != Part.TESTING))
    return seen


def _old_scores(old: _Old, bundle: Bundle, held_out: HeldOut) -> tuple[Floats, Bools]:
    """The old model's scores or logits `(m, C)` of the photos that it scored, and a mask of these photos `(n,)`."""
    metadata = old.metadata
    reads = (metadata.backbone.get("sha256"), metadata.input_size, metadata.mean, metadata.std, metadata.resize)
    if reads == (bundle.sha256[TFLITE], bundle.input_size, INPUT_MEAN, INPUT_STD, RESIZE_RULE):
        head = heads.head_of(old.content)
        if head.weights.shape != (bundle.depth, len(metadata.labels)):
            raise damaged(old.graph, "its head fits neither its backbone nor its labels")
        return held_out.examples.logits(head), np.ones(len(held_out.rows), np.bool_)
    return _labelled_scores(old, held_out)


def _labelled_scores(old: _Old, held_out: HeldOut) -> tuple[Floats, Bools]:
    """Like `_old_scores`, by reading photos and running the old model, for a few seconds at most."""
    from retrainer.labeler import Labeler

    scored = np.zeros(len(held_out.rows), np.bool_)
    positions = spread(len(held_out.rows), _MOST_PHOTOS).tolist()
    paths = [held_out.dataset.paths[held_out.rows[position]] for position in positions]
    rows, started = [], time.monotonic()
    labeler = Labeler(LabelOptions(graph=old.graph))
    for position, scores in zip(positions, labeler.scores_of_all(paths), strict=True):
        if not isinstance(scores, PictureError):
            rows.append(scores)
            scored[position] = True
        if time.monotonic() - started > _SECONDS:
            break
    return np.stack(rows) if rows else np.empty((0, len(old.metadata.labels)), np.float32), scored
