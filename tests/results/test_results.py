import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from conftest import Colour, Configure, Photos, jpeg

from retrainer import RetrainOptions, evaluate, retrain
from retrainer.errors import OptionError

# Two photos of the last class look like the first one.
CLASSES: dict[str, Colour] = {"blue": (30, 30, 200), "green": (30, 200, 30)}


@pytest.fixture
def root(photos: Photos) -> Path:
    folder = photos(CLASSES, count=10)
    for name, shade in (("a.jpg", (30, 33, 201)), ("b.jpg", (31, 35, 202))):
        (folder / "green" / name).write_bytes(jpeg(shade))
    return folder


@pytest.fixture
def options(root: Path, configured: Configure) -> RetrainOptions:
    return configured(root, folds=2, solver="lbfgs", how_many_training_steps=None, learning_rate=None)


@pytest.fixture
def pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for pandas, which would slow down all tests: pyarrow imports it if it is installed."""
    module: Any = ModuleType("pandas")
    module.DataFrame = dict
    monkeypatch.setitem(sys.modules, "pandas", module)


def test_the_headline_is_that_of_the_folds(root: Path, options: RetrainOptions) -> None:
    result = retrain(options)
    assert result.test
    assert result.cross_validation
    assert result.count == 22 > result.test.count
    assert result.accuracy == 20 / 22
    assert result.interval == (0.721851, 0.974705)
    assert result.confusion.tolist() == [[10, 0], [2, 10]]
    assert result.confusion.dtype == np.dtype(np.int64)
    assert {one.path for one in result.mistakes} == {str(root / "green" / name) for name in ("a.jpg", "b.jpg")}
    assert [(one.label, one.predicted) for one in result.mistakes] == [("green", "blue")] * 2
    assert result.mistakes[0].score > result.mistakes[1].score > 0.5


def test_without_folds_it_is_that_of_the_test_photos_if_there_are_any(options: RetrainOptions) -> None:
    result = retrain(options, folds=0)
    assert result.test
    assert (result.accuracy, result.count) == (result.test.accuracy, result.test.count)
    assert (result.confusion.sum(), result.confusion.shape) == (result.count, (2, 2))
    without = retrain(options, folds=0, testing_percentage=0)
    assert (without.accuracy, without.interval, without.count, without.mistakes) == (None, None, 0, ())
    assert without.confusion.tolist() == [[0, 0], [0, 0]]


def test_the_model_is_a_labeler_that_is_opened_once(root: Path, options: RetrainOptions) -> None:
    result = retrain(options)
    assert result.model is result.model
    assert result.model.labels == result.labels == ("blue", "green")


def test_each_photo_measured_is_a_row_of_a_dataframe(root: Path, options: RetrainOptions, pandas: None) -> None:
    result = retrain(options)
    table: Any = result.to_dataframe()
    assert list(table) == ["path", "label", "predicted", "score", "correct"]
    wrong = [row for row, correct in enumerate(table["correct"]) if not correct]
    assert len(table["path"]) == 22
    assert sorted(table["path"][row] for row in wrong) == sorted(one.path for one in result.mistakes)
    assert {(table["label"][row], table["predicted"][row]) for row in wrong} == {("green", "blue")}
    assert all(0.5 <= score <= 1 for score in table["score"])
    measured = evaluate(result.graph, image_dir=root)
    assert len(measured.to_dataframe()["path"]) == measured.count
    assert retrain(options, folds=0, testing_percentage=0).to_dataframe()["path"] == []


def test_without_pandas_one_line_says_how_to_install_it(
    options: RetrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OptionError, match=r"^to_dataframe: expected pandas, .*\npip install pandas$"):
        retrain(options).to_dataframe()
