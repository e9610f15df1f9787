"""Estimators for scikit-learn: pictures as `X`."""

import doctest
import gc
import io
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from conftest import COLOURS, Photos
from PIL import Image
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

import retrainer
import retrainer.sklearn
from retrainer.arrays import Floats
from retrainer.errors import ModelError, OptionError, PackageError, PictureError, RetrainerError
from retrainer.labeler import Labeler
from retrainer.prediction import Prediction
from retrainer.sklearn import BottleneckFeatures, RetrainClassifier

Options = Mapping[str, Any]
THREE = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


@pytest.fixture
def options(tmp_path: Path, model_dir: Path) -> Options:
    """The backbone `colours`, and the test's own cache."""
    return {"architecture": COLOURS, "model_dir": str(model_dir), "bottleneck_dir": str(tmp_path / "cache")}


@pytest.fixture
def classifier(options: Options) -> RetrainClassifier:
    return RetrainClassifier(**options)


@pytest.fixture
def paths(photos: Photos) -> list[Path]:
    """Six photos of each of the classes blue, green and red, in this order."""
    return sorted(photos(THREE, count=6).glob("*/*.jpg"))


@pytest.fixture
def labels(paths: list[Path]) -> list[str]:
    return [path.parent.name for path in paths]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each picture that goes through the network of a model."""
    counts: list[int] = []
    run = Labeler._run

    def counted(labeler: Labeler, picture: Floats) -> Any:
        counts.append(1)
        return run(labeler, picture)

    monkeypatch.setattr(Labeler, "_run", counted)
    return counts


def pixels_of(paths: list[Path]) -> Any:
    """The photos as one array `(N, 16, 24, 3)`."""
    return np.stack([np.asarray(Image.open(path)) for path in paths])


KINDS: dict[str, Callable[[list[Path]], Any]] = {
    "paths": lambda paths: paths,
    "texts": lambda paths: [str(path) for path in paths],
    "array of texts": lambda paths: np.array([str(path) for path in paths]),
    "array of paths": lambda paths: np.array(paths, object),
    "column": lambda paths: np.array([[str(path)] for path in paths], object),
    "tuple": tuple,
    "column of pyarrow": lambda paths: pyarrow.table({"path": [str(path) for path in paths]})["path"],
    "iterator": iter,
    "bytes": lambda paths: [path.read_bytes() for path in paths],
    "images": lambda paths: [Image.open(path) for path in paths],
    "arrays": lambda paths: [np.asarray(Image.open(path)) for path in paths],
    "one array": pixels_of,
    "files": lambda paths: [io.BytesIO(path.read_bytes()) for path in paths],
    "mixed": lambda paths: [*paths[:9], *(path.read_bytes() for path in paths[9:])],
}


@pytest.mark.parametrize("kind", KINDS)
def test_x_holds_pictures_of_every_kind(
    kind: str, classifier: RetrainClassifier, options: Options, paths: list[Path], labels: list[str]
) -> None:
    pictures = KINDS[kind]
    assert classifier.fit(pictures(paths), labels) is classifier
    assert classifier.classes_.tolist() == ["blue", "green", "red"]
    assert classifier.predict(pictures(paths)).tolist() == labels
    scores = classifier.predict_proba(pictures(paths[:7]))
    assert (scores.shape, str(scores.dtype)) == ((7, 3), "float32")
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    vectors = BottleneckFeatures(**options).fit_transform(pictures(paths))
    np.testing.assert_allclose(vectors, retrainer.features(paths, **options), atol=0.02)


def test_grey_pictures_are_an_array_of_three_axes(classifier: RetrainClassifier) -> None:
    grey = np.repeat(np.arange(0, 240, 10), 48).astype(np.uint8).reshape(24, 8, 6)
    classifier.fit(grey, np.arange(24) >= 12)
    assert classifier.predict(grey[[0, 23]]).tolist() == [False, True]


def test_scores_are_those_of_the_model(
    classifier: RetrainClassifier, paths: list[Path], labels: list[str], tmp_path: Path
) -> None:
    classifier.fit(paths, labels).save(tmp_path / "model.tflite")
    labeler = Labeler(tmp_path / "model.tflite")
    assert labeler.labels == ("blue", "green", "red")
    scores: Any = list(labeler.scores_of_all(map(str, paths)))
    np.testing.assert_allclose(classifier.predict_proba(paths), scores, atol=1e-6)


def test_cached_vectors_stand_for_pictures(
    classifier: RetrainClassifier,
    options: Options,
    paths: list[Path],
    labels: list[str],
    tmp_path: Path,
    runs: list[int],
) -> None:
    """Only pictures that were not learnt from go through the network, whose scores are those of the cached vectors."""
    classifier.fit(paths[:-1], labels[:-1])
    runs.clear()
    assert classifier.predict(paths).tolist() == labels
    assert len(runs) == 1
    scores = classifier.predict_proba([path.read_bytes() for path in paths])
    assert len(runs) == 2
    others = {"cache": {"bottleneck_dir": str(tmp_path / "none")}, "bundle": {"model_dir": str(tmp_path / "none")}}
    others |= {"backbone": {"architecture": "pocket"}, "network": {"architecture": str(tmp_path / "absent.tflite")}}
    (tmp_path / "file").write_text("no folder")
    others |= {"folder": {"bottleneck_dir": str(tmp_path / "file")}}
    for number, other in enumerate(others.values()):
        copy = pickle.loads(pickle.dumps(classifier)).set_params(**other)
        np.testing.assert_allclose(copy.predict_proba(paths), scores, atol=1e-6)
        assert len(runs) == 2 + 18 * (number + 1)


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        ([10, 9, 100], "i"),
        ([False, True, True], "b"),
        ([1.0, 0.0, 2.0], "f"),
        (["10", "9", "Übung  &"], "U"),
        (np.array(["b", "a", "c"], object), "O"),
        (np.array([3, 1, 2], np.uint8), "u"),
    ],
)
def test_classes_keep_their_type_and_order(y: Any, kind: str, classifier: RetrainClassifier, paths: list[Path]) -> None:
    truth = np.repeat(np.asarray(y), 6)
    classifier.fit(paths, truth)
    assert classifier.classes_.dtype.kind == kind
    assert classifier.classes_.tolist() == sorted(set(truth.tolist()))
    assert classifier.predict(paths).dtype == truth.dtype
    assert classifier.score(paths, truth) == 1
    copy = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(copy.predict_proba(paths), classifier.predict_proba(paths))
    assert copy.predict(paths).tolist() == truth.tolist()


def test_a_model_is_saved_and_loaded(
    classifier: RetrainClassifier, paths: list[Path], labels: list[str], tmp_path: Path
) -> None:
    numbers = np.array([{"blue": 10, "green": 9, "red": 100}[label] for label in labels])
    classifier.fit(paths, numbers).save(path := str(tmp_path / "new" / "model.TFLITE"))
    loaded = RetrainClassifier.load(path, classes=[10, 9, 100])
    np.testing.assert_allclose(loaded.predict_proba(paths), classifier.predict_proba(paths), atol=1e-6)
    assert loaded.predict(paths).tolist() == numbers.tolist()
    assert RetrainClassifier.load(path).predict(paths[:1]).tolist() == ["10"]
    for classes in ([10, 9], [10, 9, 101], ["ten", "nine", "hundred"], [10, 9, [1]]):
        with pytest.raises(OptionError, match=r"^classes: "):
            RetrainClassifier.load(path, classes=classes)
    with pytest.raises(OptionError, match=r"^save: expected the name of a .tflite file, received 'model.pb'"):
        classifier.save("model.pb")
    with pytest.raises(OptionError, match=r"^save: expected the name of a .tflite file, received None"):
        classifier.save(None)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="'absent\\.tflite' does not exist"):
        RetrainClassifier.load("absent.tflite")
    (tmp_path / "other.tflite").write_bytes(b"no model")
    with pytest.raises(RetrainerError):
        RetrainClassifier.load(tmp_path / "other.tflite")


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_text("no model")
    with pytest.raises(ModelError, match=r"model.tflite' is no TFLite model") as caught:
        RetrainClassifier.load(tmp_path / "model.tflite")
    assert caught.value.path == str(tmp_path / "model.tflite")


def test_what_retrain_wrote_is_loaded(paths: list[Path], configured: Any) -> None:
    result = retrainer.retrain(configured(paths[0].parents[1]))
    assert RetrainClassifier.load(result.tflite).predict(paths[-1:]).tolist() == ["red"]


def test_the_estimators_work_in_searches_and_pipelines(options: Options, paths: list[Path], labels: list[str]) -> None:
    classifier = RetrainClassifier(**options)
    assert cross_val_score(classifier, paths, labels, cv=3).tolist() == [1, 1, 1]
    assert cross_val_predict(classifier, np.array(paths, object), labels, cv=3).tolist() == labels
    assert cross_val_score(classifier, pixels_of(paths), labels, cv=3).tolist() == [1, 1, 1]
    search = GridSearchCV(classifier, {"class_weight": ["balanced", None], "seed": [0, 1]}, cv=2).fit(paths, labels)
    assert (search.best_score_, search.best_estimator_.score(paths, labels)) == (1, 1)
    pipeline = make_pipeline(BottleneckFeatures(**options), LogisticRegression())
    assert cross_val_score(pipeline, paths, labels, cv=3).tolist() == [1, 1, 1]
    assert make_pipeline(classifier).fit(paths, labels).score(paths, labels) == 1
    both = ColumnTransformer([("photo", BottleneckFeatures(**options), 0), ("width", "passthrough", [1])])
    rows = np.array([[str(path), 24] for path in paths], object)
    assert both.fit_transform(rows).shape == (18, 4)


# Each process imports scikit-learn and retrainer.
@pytest.mark.slow
def test_folds_run_in_processes_of_their_own(options: Options, paths: list[Path], labels: list[str]) -> None:
    classifier = RetrainClassifier(**options)
    assert cross_val_score(classifier, pixels_of(paths), labels, cv=3, n_jobs=2).tolist() == [1, 1, 1]


def test_parameters_are_cloned_and_vectors_are_named(options: Options) -> None:
    classifier = RetrainClassifier(**options, class_weight="balanced", options={"learning_rate": 0.5})
    assert clone(classifier).get_params() == classifier.get_params()
    assert "architecture='colours'" in repr(classifier)
    transformer = clone(BottleneckFeatures(**options)).set_params(preset="fast")
    assert transformer.get_feature_names_out().tolist() == ["bottleneck0", "bottleneck1", "bottleneck2"]


def test_options_reach_retrain(options: Options, paths: list[Path], labels: list[str]) -> None:
    steps = {"how_many_training_steps": 3, "learning_rate": 0.1}
    model = RetrainClassifier(**options, options=steps).fit(paths, labels).labeler_
    assert model.metadata.training["solver"] == "sgd"
    for wrong, message in (
        ({"options": {"stepz": 3}}, "received 'stepz'"),
        ({"options": 3}, r"^options: expected a dict, received 3"),
        ({"preset": "slow"}, "--preset: expected one of"),
        ({"architecture": "colour"}, "colour"),
    ):
        with pytest.raises(RetrainerError, match=message):
            RetrainClassifier(**{**options, **wrong}).fit(paths, labels)


def test_a_model_learns_from_all_photos(options: Options, paths: list[Path], labels: list[str]) -> None:
    """None are kept for a test, and those that validate train, too, since they are few."""
    split = RetrainClassifier(**options).fit(paths, labels).labeler_.metadata.split
    assert (split["testing_percentage"], split["validation_percentage"]) == (0, 1)


BAD_X: list[tuple[Any, str]] = [
    (np.zeros((18, 4)), r"^X: expected paths or pictures, .* received float64 \(18, 4\)\."),
    (np.zeros((18, 4, 4, 3)), r"^X: .* received float64 \(18, 4, 4, 3\)\.\nIf its numbers are 0 to 1"),
    (np.arange(18), r"^X: .* received int64 \(18,\)\."),
    (np.zeros((9, 4, 3), np.uint8), r"^X: expected several, .* received ndarray \(9, 4, 3\)\."),
    ("photos", "^X: expected several, such as a list of paths, received 'photos'"),
    (None, "^X: expected several, .* received NoneType"),
    (7, "^X: expected several, .* received int"),
]


@pytest.mark.parametrize(("pictures", "message"), BAD_X)
def test_x_without_pictures_is_refused(
    pictures: Any, message: str, classifier: RetrainClassifier, options: Options, paths: list[Path], labels: list[str]
) -> None:
    fitted = RetrainClassifier(**options).fit(paths, labels)
    calls = (
        lambda: classifier.fit(pictures, labels),
        lambda: fitted.predict(pictures),
        lambda: BottleneckFeatures(**options).transform(pictures),
    )
    for call in calls:
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert isinstance(caught.value, RetrainerError)


BAD_PICTURES: list[tuple[Any, str | None]] = [
    ("absent.jpg", "absent.jpg"),
    (None, None),
    (3.5, None),
    ([1, [2]], None),
    (b"Dear diary", None),
    (np.zeros((4, 4, 3)), None),
]


@pytest.mark.parametrize(("picture", "path"), BAD_PICTURES)
def test_a_picture_that_cannot_be_read_ends_the_call(
    picture: Any, path: str | None, options: Options, paths: list[Path], labels: list[str]
) -> None:
    fitted = RetrainClassifier(**options).fit(paths, labels)
    pictures: list[Any] = [*paths[:17], picture]
    calls = (
        lambda: RetrainClassifier(**options).fit(pictures, labels),
        lambda: fitted.predict(pictures),
        lambda: BottleneckFeatures(**options).transform(pictures),
    )
    for call in calls:
        with pytest.raises(PictureError) as caught:
            call()
        assert caught.value.path == (path or "picture 17")


BAD_Y: list[tuple[Any, str]] = [
    (None, "^fit requires y to be passed"),
    (["a"] * 17, "^y: expected as many labels as pictures, 18, received 17"),
    (["a"] * 18, "^y: expected at least two classes, received one class: 'a'"),
    ([], "^y: "),
    (["a", None] * 9, "^y: "),
    ([1, float("nan")] * 9, "^y: .*NaN"),
    (np.linspace(0, 1, 18), "^y: Unknown label type"),
    ([["a", "b"]] * 18, "^y: "),
    ([["a"], ["a", "b"]] * 9, "^y: "),
    (["a", "A"] * 9, "^y: expected labels that differ in more than case and spaces, received 'A' and 'a'"),
    ([" a", "a"] * 9, "^y: expected labels that differ in more than case and spaces, received 'a' and 'a'"),
    (["a", ""] * 9, "^y: expected labels .* received an empty one"),
    (["a", "b\nc"] * 9, r"expected a label of at most"),
    ("photos", "^y: "),
]


@pytest.mark.parametrize(("y", "message"), BAD_Y)
def test_y_without_a_label_for_each_picture_is_refused(
    y: Any, message: str, classifier: RetrainClassifier, paths: list[Path]
) -> None:
    with pytest.raises(RetrainerError, match=message):
        classifier.fit(paths, y)


def test_nothing_is_written_that_is_not_named(
    options: Options, paths: list[Path], labels: list[str], here: Path, own_home: Path
) -> None:
    """Vectors go to the user's cache, and models to memory."""
    before = sorted(here.rglob("*"))
    places = {name: value for name, value in options.items() if name != "bottleneck_dir"}
    assert RetrainClassifier(**places).fit(paths, labels).predict(paths).tolist() == labels
    assert len(BottleneckFeatures(**places).transform(pixels_of(paths))) == len(retrainer.features(paths, **places))
    assert sorted(here.rglob("*")) == before
    assert any((own_home / "bottlenecks").glob(f"{COLOURS}-*/*.parquet"))


def test_a_forked_child_leaves_the_model_to_its_parent(
    classifier: RetrainClassifier, paths: list[Path], labels: list[str]
) -> None:
    labeler = classifier.fit(paths, labels).labeler_
    folder = Path(labeler._again.graph).parent
    child = os.fork()
    if not child:
        del labeler, classifier._model
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert folder.is_dir()
    del classifier._model
    gc.collect()
    assert [answer.label for answer in labeler.many(paths * 3) if isinstance(answer, Prediction)] == labels * 3
    del labeler
    gc.collect()
    assert not folder.exists()


def test_labels_in_a_column_are_taken_with_a_warning(
    classifier: RetrainClassifier, paths: list[Path], labels: list[str]
) -> None:
    with pytest.warns(DataConversionWarning):
        classifier.fit(paths, np.array(labels)[:, np.newaxis])
    assert classifier.score(paths, labels) == 1


def test_what_is_not_fitted_says_so(classifier: RetrainClassifier, paths: list[Path], tmp_path: Path) -> None:
    for call in (lambda: classifier.predict(paths), lambda: classifier.save(tmp_path / "m.tflite")):
        with pytest.raises(NotFittedError, match=r"^This RetrainClassifier is not fitted yet") as caught:
            call()
        assert isinstance(caught.value, RetrainerError)


def test_without_scikit_learn_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import retrainer.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "retrainer.errors.PackageError: retrainer.sklearn: expected scikit-learn, which is not installed.\n"
        "pip install scikit-learn\n"
    )
    assert issubclass(PackageError, ImportError)


PAGE = (Path(retrainer.__file__).parent / "PYTHON.md").read_text(encoding="utf-8")
EXAMPLES = {
    "page": "\n".join(re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL)),
    "package": retrainer.sklearn.__doc__,
    "classifier": RetrainClassifier.__doc__,
    "transformer": BottleneckFeatures.__doc__,
}


@pytest.mark.parametrize("where", EXAMPLES)
def test_the_examples_of_the_documentation_run(
    where: str, photos: Photos, here: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos()
    # The examples take the usual backbone; here it is a small one.
    for estimator in (RetrainClassifier, BottleneckFeatures):
        given = estimator._given
        monkeypatch.setattr(estimator, "_given", lambda self, given=given: {**given(self), **options})
    paths = sorted(Path("photos").glob("*/*.jpg"))
    names = {"paths": paths, "labels": [path.parent.name for path in paths], "make_pipeline": make_pipeline}
    names |= {"RetrainClassifier": RetrainClassifier, "BottleneckFeatures": BottleneckFeatures}
    examples = doctest.DocTestParser().get_doctest(EXAMPLES[where] or "", names, where, None, 0)
    done = doctest.DocTestRunner().run(examples)
    assert (done.failed, done.attempted > 1) == (0, True)
