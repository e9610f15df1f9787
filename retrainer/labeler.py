"""Labels photos with a retrained model."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError, OptionError, PictureError
from retrainer.models.metadata import RESIZE_RULE, ModelMetadata
from retrainer.models.retrained import open_retrained
from retrainer.options.model import LabelOptions
from retrainer.photos.images import square, to_input
from retrainer.photos.photo import Photo, content_of, name_of
from retrainer.system.parallel import in_order, usable_cores
from retrainer.system.paths import require_file
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.models.inferred import Inferred

Item = TypeVar("Item")
Result = TypeVar("Result")

# This many photos are labelled in the time that the networks of the other cores take to start.
_FEW = 32


@dataclass(frozen=True, eq=False)
class Prediction:
    """A photo's labels, best first.

    Attributes:
        path: The photo's path as given, or its name.
        ranking: Labels with their scores (0 to 1), best first.
        seconds: How long the network ran.
        distance: Cosine distance (0 to 2, but for rounding) to the nearest prototype; None if the model has none.
        limit: The distance above which the photo counts as none of the classes; None if the model has no prototypes.
        scores: All scores, float32 `(C,)`, 0 to 1, in the order of the labeler's labels.
    """

    path: str
    ranking: tuple[tuple[str, float], ...]
    seconds: float
    distance: float | None = None
    limit: float | None = None
    scores: Floats = field(default_factory=lambda: np.empty(0, np.float32), compare=False, repr=False)

    @property
    def rejected(self) -> bool:
        """Whether the photo is unlike all photos that the model learnt from; False if the model cannot tell."""
        return self.distance is not None and self.limit is not None and self.distance > self.limit


class Labeler:
    """A model that is opened once and labels any number of photos, from any number of threads.

    It reads pictures with the code that read them in training. Threads that share a labeler read their photos at the
    same time and take turns to run the network; `label_all` and `scores_of_all` run a network of its own on each core.

    Attributes:
        labels: The labels, in the order of the scores.
        metadata: The model's description of itself.
        warnings: What a user should know of a model that does not describe itself, one sentence each.

    Args:
        model: The path of the model, or all options; `image` is ignored.
        options: Options by name, as in `LabelOptions`: `Labeler("model.tflite", top=3)`.

    Raises:
        OptionError: a file is missing, an override does not fit the network, or the model cannot reject photos.
        ModelError: the model cannot be read, or it does not fit its labels.
    """

    def __init__(self, model: LabelOptions | str | PathLike[str], **options: Any) -> None:
        given = LabelOptions.given(model, "graph", options, "Labeler")
        self.metadata, self._runner, self._rejection = open_retrained(
            given.graph,
            given.input_layer,
            given.output_layer,
            rejecting=given.reject,
            trusted=given.trust_graph,
        )
        # A network cannot be run by two threads at the same time.
        self._turn = threading.Lock()
        metadata = self.metadata
        self._options = given
        self._mean = metadata.mean if given.input_mean is None else given.input_mean
        self._std = metadata.std if given.input_std is None else given.input_std
        self._size = _input_size(given, self._runner.input_size or metadata.input_size, self._runner.input_size)
        self.labels = _labels(given, metadata)
        inferred = self._runner.inferred and self._runner.inferred.with_range(given.input_mean, given.input_std)
        self._are_logits = False
        self.warnings: tuple[str, ...] = ()
        if metadata.resize != RESIZE_RULE:
            raise ModelError(
                f"'{shown(given.graph)}' was trained on pictures resized by '{metadata.resize}'; "
                f"expected '{RESIZE_RULE}'.",
                "Upgrade retrainer, or retrain the model with this version.",
            )
        if inferred is not None:
            self._look_at(inferred)

    def _look_at(self, inferred: "Inferred") -> None:
        """Finds out what the scores of a model mean that does not describe itself, and sets the warnings."""
        from retrainer.models.inferred import Ending, is_distribution

        if inferred.ending is Ending.UNKNOWN:
            self._are_logits = not is_distribution(self._run(np.zeros((self._size, self._size, 3), np.float32))[0][0])
        name = f"'{shown(self._options.graph)}'"
        notes = {
            f"{name} takes (pixel - {self._mean:g}) / {self._std:g}. This is a guess, since nothing in the file says "
            "what pictures it takes; set --input_mean and --input_std if it is wrong.": not inferred.range_known,
            f"{name} gives logits, not probabilities; the scores are their softmax.": self._are_logits,
            f"{name} scores each label independently; the scores do not sum to 1.": inferred.ending
            is Ending.INDEPENDENT,
        }
        self.warnings = tuple(note for note, holds in notes.items() if holds)

    def scores(self, content: bytes) -> Floats:
        """Returns the scores of one picture file's bytes, float32 `(C,)`, 0 to 1, in the order of `labels`.

        Raises:
            PictureError: the bytes are no readable picture.
            ModelError: the model gives another number of scores than there are labels.
        """
        return self._run(self._input(content))[0][0]

    def label(self, photo: str | Photo) -> Prediction:
        """Returns the best labels of one photo: a path, or a `Photo`.

        Raises:
            PictureError: the file is no readable picture.
            ModelError: the model gives another number of scores than there are labels.
        """
        (scores, *features), seconds = self._run(self._input(content_of(photo)))
        distance, limit = self._distance_of(features)
        best = np.argsort(scores, kind="stable")[::-1][: self._options.top]
        ranking = tuple((self.labels[i], float(scores[i])) for i in best)
        return Prediction(name_of(photo), ranking, seconds, distance, limit, scores)

    def label_all(self, photos: Iterable[str | Photo]) -> Iterator[Prediction | PictureError]:
        """Labels photos in order, on all cores; a photo that cannot be read gives its error.

        The photos may be an endless iterator: each is labelled when it comes, and no more than some hundred are read
        ahead.
        """
        return self.on_all_cores(Labeler.label, photos)

    def scores_of_all(self, photos: Iterable[str | Photo]) -> Iterator[Floats | PictureError]:
        """The scores `(C,)` of photos in order, on all cores; a photo that cannot be read gives its error."""
        return self.on_all_cores(lambda labeler, photo: labeler.scores(content_of(photo)), photos)

    def on_all_cores(
        self, work: Callable[["Labeler", Item], Result], items: Iterable[Item]
    ) -> Iterator[Result | PictureError]:
        """Calls `work` with a labeler and each item, in order, as `run_all`; its PictureErrors become results."""

        def tried(labeler: "Labeler", item: Item) -> Result | PictureError:
            try:
                return work(labeler, item)
            except PictureError as error:
                return error

        return self.run_all(tried, items)

    def run_all(self, work: Callable[["Labeler", Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Calls `work` with a labeler and each item, in order.

        Args:
            work: Runs in several threads, each of which has a labeler of its own.
            items: For example the paths of photos; read as they are needed.

        Raises:
            ModelError: the model's file was replaced meanwhile.
        """
        waiting = iter(items)
        # TensorFlow uses all cores by itself.
        cores = usable_cores() if self._runner.one_core else 1
        yield from in_order([self], work, waiting if cores == 1 else islice(waiting, _FEW))
        for following in waiting:
            tools = [self, *(self._another() for _ in range(cores - 1))]
            yield from in_order(tools, work, chain((following,), waiting))

    def _another(self) -> "Labeler":
        """A labeler with a network of its own."""
        other = Labeler(self._options)
        if other.metadata != self.metadata:
            raise ModelError(
                f"'{shown(self._options.graph)}' was replaced by another model while photos were labelled.",
                "Run it again.",
            )
        return other

    def _distance_of(self, features: Sequence[Floats]) -> tuple[float | None, float | None]:
        """The distance of a photo with some features `(D,)`, and its limit; twice None if the model cannot tell."""
        if self._rejection is None:
            return None, None
        depth = self._rejection.prototypes.shape[1]
        if len(features[0]) >= depth:
            return float(self._rejection.distances(features[0][np.newaxis])[0]), self._rejection.threshold
        if not self._options.reject:
            return None, None
        raise ModelError(
            f"The model gives {len(features[0])} features; expected at least as many as its prototypes, {depth}.",
            "Retrain it, or leave out --reject.",
        )

    def _input(self, content: bytes) -> Floats:
        return to_input(square(content, self._size), self._mean, self._std)

    def _run(self, picture: Floats) -> tuple[list[Floats], float]:
        """The outputs of the network for a picture `(S, S, 3)`, scores `(C,)` first, and how many seconds it ran."""
        with self._turn:
            started = time.perf_counter()
            outputs = self._runner.outputs(picture)
            seconds = time.perf_counter() - started
        if self._are_logits:
            from retrainer.training.head import softmax  # imports NumPy's generators, which takes longer than a label

            outputs[0] = softmax(outputs[0][np.newaxis])[0]
        scores = outputs[0]
        if len(scores) != len(self.labels):
            raise ModelError(
                f"The model gives {len(scores)} scores; expected as many as there are labels, {len(self.labels)}.",
                "Give the labels file that was written with the model, or leave out --labels.",
            )
        return outputs, seconds


def _labels(options: LabelOptions, metadata: ModelMetadata) -> tuple[str, ...]:
    if not options.labels:
        if not metadata.labels:
            raise OptionError(
                f"'{shown(options.graph)}' carries no labels; expected a labels file.", "Give it as --labels FILE."
            )
        return metadata.labels
    from retrainer.photos.labels import read_labels

    require_file(options.labels, "--labels", "a labels file, one label per line")
    labels = read_labels(options.labels, metadata.labels)
    if metadata.labels and len(labels) != len(metadata.labels):
        raise OptionError(
            f"--labels: expected {len(metadata.labels)} labels, one per score of the model, "
            f"received {len(labels)} in '{shown(options.labels)}'.",
            "Give the labels file that was written with the model, or leave out --labels.",
        )
    return labels


def _input_size(options: LabelOptions, usual: int, fixed: int) -> int:
    height = usual if options.input_height is None else options.input_height
    width = usual if options.input_width is None else options.input_width
    if fixed and (height, width) != (fixed, fixed):
        raise OptionError(
            f"--input_height and --input_width: the network takes {fixed}×{fixed}, received {height}×{width}.",
            "Leave both out.",
        )
    if height != width:
        raise OptionError(f"--input_height and --input_width: expected the same size, received {height}×{width}.")
    return height
