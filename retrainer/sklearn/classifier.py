"""`retrainer.retrain` as a classifier of scikit-learn."""

from collections.abc import Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin

from retrainer.arrays import Floats
from retrainer.errors import PictureError, RetrainerError
from retrainer.events import silent
from retrainer.labeler import Labeler
from retrainer.options.preset import DEFAULT_PRESET
from retrainer.photos.photo import Photo, content_of, name_of
from retrainer.photos.several import named, naming
from retrainer.retraining import retrain
from retrainer.sklearn.inputs import InputError, UnfittedError, as_input_error, classes_in, columns_of, names_of
from retrainer.sklearn.known_scores import KnownScores
from retrainer.sklearn.packed_model import PackedModel
from retrainer.sklearn.taking_pictures import TakesPictures
from retrainer.system.files import write_whole
from retrainer.system.paths import require_file
from retrainer.text import brief
from retrainer.vectors import refusing

# A head learns from the photos that validate, too, if they are fewer than a hundred.
_SHARES = {"testing_percentage": 0, "validation_percentage": 1}
# For fewer pictures the network runs sooner than a large cache is opened.
_WORTH_A_CACHE = 16


class RetrainClassifier(ClassifierMixin, TakesPictures):  # type: ignore[misc]
    """A classifier of pictures: a pretrained backbone, and a head that learns your classes.

    `fit` learns from all pictures; if there are some 10,000 or more, one in a hundred chooses the penalty instead. It
    measures nothing: `cross_val_score` does.

    Args:
        preset, architecture: The backbone, as `retrainer.RetrainOptions` describes them.
        solver: How to fit the head, likewise.
        class_weight: `auto`, `balanced` or `none`, likewise; None is `none`.
        seed: The same seed gives the same model.
        runtime, offline, model_dir, bottleneck_dir: What runs the backbone, and where it and its cached vectors lie.
        options: Further options of `retrainer.retrain` by name, such as `{"flip_left_right": True}`.

    Attributes:
        classes_: The C labels, sorted, of the type that `fit` was given.
        labeler_: The model.

    Examples:
        >>> classifier = RetrainClassifier(preset="fast").fit(paths, labels)
        >>> classifier.predict_proba(paths[:1]).round(1)
        array([[1., 0.]], dtype=float32)
    """

    classes_: Any

    def __init__(  # noqa: PLR0913 (scikit-learn wants each parameter by its name)
        self,
        *,
        preset: str = DEFAULT_PRESET,
        architecture: str | None = None,
        solver: str = "auto",
        class_weight: str = "auto",
        seed: int = 0,
        runtime: str = "auto",
        offline: bool = False,
        model_dir: str = "",
        bottleneck_dir: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            preset=preset,
            architecture=architecture,
            runtime=runtime,
            offline=offline,
            model_dir=model_dir,
            bottleneck_dir=bottleneck_dir,
            options=options,
        )
        self.solver = solver
        self.class_weight = class_weight
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Teaches the model N pictures with their labels.

        Args:
            X: The pictures; a path that is given twice counts once.
            y: Their labels, `(N,)`: texts, whole numbers or truth values.

        Raises:
            PictureError: a picture cannot be read; `path` names it.
            RetrainerError: one of its other kinds.
        """
        pictures = self._pictures(X)
        classes, numbers = classes_in(y, len(pictures))
        names = names_of(classes)
        given = {"folds": 0, **_SHARES, "class_weight": "none", **self._given()}
        labels = [names[number] for number in numbers]
        result = retrain((pictures, labels), on_progress=partial(refusing, silent), **given)
        self.classes_, self._model = classes, PackedModel(Path(result.tflite).read_bytes())
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Returns the scores of N pictures, float32 `(N, C)`, 0 to 1, in the order of `classes_`.

        Raises:
            PictureError: a picture cannot be read; `path` names it.
        """
        labeler = self.labeler_
        columns = columns_of(self.classes_, labeler.labels)
        photos = [named(picture, number) for number, picture in enumerate(self._pictures(X))]
        known = self._known(labeler) if len(photos) >= _WORTH_A_CACHE else None
        scores = np.empty((len(photos), len(columns)), np.float32)
        for number, found in enumerate(labeler.on_all_cores(partial(_scores, known), photos)):
            if isinstance(found, PictureError):
                raise naming(name_of(photos[number]), found.problem, found.fix)
            scores[number] = found[columns]
        return scores

    def predict(self, X: Any) -> Any:  # noqa: N803
        """Returns the label of each of N pictures, `(N,)`, of the type that `fit` was given."""
        scores = self.predict_proba(X)
        return self.classes_[scores.argmax(axis=1)]

    def _known(self, labeler: Labeler) -> KnownScores | None:
        """The scores of pictures whose vectors are cached; None if the backbone or the cache cannot be used here."""
        try:
            return KnownScores.of(self._model.content, labeler.metadata, self._source())
        except RetrainerError:
            return None

    @property
    def labeler_(self) -> Labeler:
        """The model; it rejects and explains more than scikit-learn asks for.

        Raises:
            UnfittedError: `fit` was not called.
        """
        if not hasattr(self, "_model"):
            raise UnfittedError(
                f"This {type(self).__name__} is not fitted yet.", "Call fit(pictures, labels) first, or load(path)."
            )
        return self._model.labeler

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` or `load` was called."""
        return hasattr(self, "_model")

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the model as a `.tflite`, which `retrainer label`, phones and `retrainer.Labeler` take.

        Raises:
            OutputError: it cannot be written.
        """
        _ = self.labeler_
        if not isinstance(path, str | PathLike) or Path(path).suffix.lower() != ".tflite":
            raise InputError(f"save: expected the name of a .tflite file, received {brief(path)}.")
        write_whole(Path(path), self._model.content)

    @classmethod
    def load(cls, path: str | PathLike[str], classes: Any = None) -> Self:
        """Returns a classifier with a model that `save` or `retrainer retrain` wrote; its parameters are the defaults.

        Args:
            path: The `.tflite`.
            classes: The classes, if they are no texts: `load("digits.tflite", classes=range(10))`. Labels in a model
                are texts, and `predict` returns these otherwise.

        Raises:
            ModelError: the file is no model.
            InputError: `classes` are not those of the model.
        """
        require_file(str(path), "load", "a model that `save` wrote")
        Labeler(path)  # its errors name the file
        model = PackedModel(Path(path).read_bytes())
        with as_input_error("classes"):
            found = np.unique(np.asarray(model.labeler.labels if classes is None else list(classes)))
        columns_of(found, model.labeler.labels)
        classifier = cls()
        classifier.classes_, classifier._model = found, model
        return classifier


def _scores(known: KnownScores | None, labeler: Labeler, photo: str | Photo) -> Floats:
    """The scores of a picture `(C,)`; the network runs only if its vector is not cached."""
    content = content_of(photo)
    scores = known(content) if known else None
    return labeler.scores(content) if scores is None else scores
