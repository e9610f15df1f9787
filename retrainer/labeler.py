"""Labels pictures with a retrained model."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import About, ModelError, PictureError
from retrainer.models.metadata import RESIZE_RULE
from retrainer.models.overrides import input_size_of, labels_of
from retrainer.models.retrained import open_retrained
from retrainer.options.model import LabelOptions
from retrainer.photos.images import square, to_input
from retrainer.photos.photo import Photo, content_of, path_of
from retrainer.photos.several import as_it_is_now, require_pictures
from retrainer.prediction import Prediction
from retrainer.system.missing import NamingPackages
from retrainer.system.parallel import in_order, usable_cores
from retrainer.text import brief, named, shown

if TYPE_CHECKING:
    from retrainer.models.inferred import Inferred
    from retrainer.photos.pictures import Picture

Item = TypeVar("Item")
Result = TypeVar("Result")

# This many photos are labelled in the time that the networks of the other cores take to start.
_FEW = 32
# Labels in the text of a labeler.
_SHOWN = 10


class Labeler:
    """A model that is opened once and labels any number of pictures, from any number of threads.

    It reads pictures with the code that read them in training. Threads that share a labeler read their pictures at the
    same time and take turns to run the network; `many` runs a network of its own on each core. A pickle of a labeler
    holds the path of the model.

        labeler = Labeler("retrained_graph.tflite")
        answer = labeler("photo.jpg")
        print(answer.label, answer.score)

    Attributes:
        labels: The labels, in the order of the scores.
        metadata: The model's description of itself.
        warnings: What a user should know of a model that does not describe itself, one sentence each.

    Args:
        model: The path of the model, a `.pb` or a `.tflite`, or all options; `image` is ignored.
        options: Options by name, as in `LabelOptions`: `Labeler("model.tflite", top=3)`.

    Raises:
        OptionError: a file is missing, an option is unknown or out of its limits, an override does not fit the network,
            or the model cannot reject photos.
        ModelError: the model cannot be read, or it does not fit its labels.
    """

    @NamingPackages()
    def __init__(self, model: LabelOptions | str | PathLike[str], **options: Any) -> None:
        given = LabelOptions.given(model, "graph", options, "Labeler")
        with About(given.graph):
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
        # The working folder may be another one when the model is opened again.
        files = {name: os.path.abspath(path) for name in ("graph", "labels") if (path := getattr(given, name))}
        self._again = replace(given, **files)
        self._mean = metadata.mean if given.input_mean is None else given.input_mean
        self._std = metadata.std if given.input_std is None else given.input_std
        self._size = input_size_of(given, self._runner.input_size or metadata.input_size, self._runner.input_size)
        self.labels = labels_of(given, metadata)
        inferred = self._runner.inferred and self._runner.inferred.with_range(given.input_mean, given.input_std)
        self._are_logits = False
        self.warnings: tuple[str, ...] = ()
        if metadata.resize != RESIZE_RULE:
            raise ModelError(
                f"'{shown(given.graph)}' was trained on pictures resized by '{metadata.resize}'; "
                f"expected '{RESIZE_RULE}'.",
                "Upgrade retrainer, or retrain the model with this version.",
                path=given.graph,
            )
        if inferred is not None:
            self._look_at(inferred)

    def _look_at(self, inferred: "Inferred") -> None:
        """Finds out what the scores of a model mean that does not describe itself, and sets the warnings."""
        from retrainer.models.inferred import Ending, is_distribution

        if inferred.ending is Ending.UNKNOWN:
            self._are_logits = not is_distribution(self._run(np.zeros((self._size, self._size, 3), np.float32))[0][0])
        self.warnings = inferred.notes(self._options.graph, are_logits=self._are_logits)

    def __call__(self, picture: "Picture") -> Prediction:
        """Returns the best labels of one picture.

        Args:
            picture: The path of a file as a `str` or `os.PathLike`, the bytes of a file, a `PIL.Image`, an array of
                uint8, 0 to 255, `(H, W)`, `(H, W, 3)` or `(H, W, 4)`, a file that is open in binary mode, or a `Photo`;
                see `retrainer.Picture`.

        Raises:
            PictureError: it is no picture, or it cannot be read; its `path` is that of the picture, if it has one.
            ModelError: the model gives another number of scores than there are labels.

        Example:
            `labeler(PIL.Image.open("photo.jpg")).label`
        """
        with About(path_of(picture)):
            content = content_of(picture)
            pixels = self._input(content)
        # What was read from an open file cannot be read from it again.
        kept = content if hasattr(picture, "read") and not isinstance(picture, Photo) else picture
        return self._predicted(path_of(picture), pixels, kept)

    def many(self, pictures: "Iterable[Picture]") -> Iterator[Prediction | PictureError]:
        """Labels pictures in order, on all cores.

        Args:
            pictures: Paths, bytes, images, arrays or whatever else `labeler(picture)` takes, in a list, a generator or
                any other iterable. It may be endless: each picture is labelled when it comes, and at most some hundred
                are read ahead. It may close a picture or change an array before the next one. What it raises is raised
                here, behind the answers before it.

        Returns:
            For each picture its answer; or, if it cannot be read, the error as a value, whose `path` names it.

        Raises:
            OptionError: the pictures are no iterable, or they are a single picture.
            ModelError: the model's file was replaced meanwhile.

        Example:
            `for answer in labeler.many(Path("photos").rglob("*.jpg")): print(answer)`
        """
        return self.on_all_cores(Labeler._one_of_many, map(as_it_is_now, require_pictures(pictures)))

    def scores(self, picture: "Picture") -> Floats:
        """Returns the scores of one picture, float32 `(C,)`, 0 to 1, in the order of `labels`.

        Raises:
            PictureError: it is no picture, or it cannot be read.
            ModelError: the model gives another number of scores than there are labels.

        Example:
            `dict(zip(labeler.labels, labeler.scores("photo.jpg")))`
        """
        with About(path_of(picture)):
            pixels = self._input(content_of(picture))
        return self._run(pixels)[0][0]

    def scores_of_all(self, pictures: "Iterable[Picture]") -> Iterator[Floats | PictureError]:
        """The scores `(C,)` of pictures in order, on all cores; one that cannot be read gives its error."""
        return self.on_all_cores(Labeler.scores, pictures)

    def on_all_cores(
        self, work: Callable[["Labeler", Item], Result], items: Iterable[Item]
    ) -> Iterator[Result | PictureError]:
        """Calls `work` with a labeler and each item, in order, as `run_all`; its PictureErrors become results."""

        def tried(labeler: "Labeler", item: Item) -> Result | PictureError:
            try:
                return work(labeler, item)
            except PictureError as error:
                # Their frames hold the picture, and a caller may keep all errors.
                error.__traceback__ = error.__cause__ = error.__context__ = None
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

    def __reduce__(self) -> tuple[type["Labeler"], tuple[LabelOptions]]:
        # A network does not pickle; another process opens the same file.
        return Labeler, (self._again,)

    def _another(self) -> "Labeler":
        """A labeler with a network of its own."""
        other = Labeler(self._again)
        if other.metadata != self.metadata:
            raise ModelError(
                f"'{shown(self._options.graph)}' was replaced by another model while photos were labelled.",
                "Run it again.",
                path=self._options.graph,
            )
        return other

    def _one_of_many(self, picture: "Picture") -> Prediction:
        with About(path := path_of(picture)):
            pixels = self._input(content_of(picture))
        return self._predicted(path, pixels, path if isinstance(picture, str | os.PathLike) else None)

    def _predicted(self, path: str | None, pixels: Floats, kept: "Picture | None") -> Prediction:
        """The best labels of a picture, which is the network's input `(S, S, 3)`."""
        (scores, *features), seconds = self._run(pixels)
        distance, limit = self._distance_of(features)
        best = np.argsort(scores, kind="stable")[::-1][: self._options.top]
        ranking = tuple((self.labels[i], float(scores[i])) for i in best)
        return Prediction(path, ranking, seconds, distance, limit, scores, kept)

    def __repr__(self) -> str:
        """The model, its labels and its network on one line."""
        network = shown(str(self.metadata.backbone.get("name", ""))) or "a network without a name"
        count = f"{len(self.labels):,} {'label' if len(self.labels) == 1 else 'labels'}"
        size = f"{self._size}×{self._size}"
        return f"Labeler({brief(self._options.graph)}, {count}: {named(self.labels, _SHOWN)}; {network}, {size})"

    def _repr_html_(self) -> str:
        from retrainer.pages.notebook import labeler_html  # only notebooks call this

        facts = {
            "Model": str(self._options.graph),
            "Backbone": str(self.metadata.backbone.get("name", "without a name")),
            "Input": f"any picture, squashed to {self._size} × {self._size} pixels",
        }
        return labeler_html(self.labels, facts, self.warnings)

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
