"""scikit-learn's own checks, `check_estimator`, of the estimators that take pictures.

The checks send tables of numbers, which are no pictures. So two subclasses draw each row as a picture, by a rule that
keeps the order of small numbers. All checks run on them. These do not pass:

- `check_class_weight_classifiers` gives a weight for each class. `class_weight` of retrainer is `auto`, `balanced` or
  `none`.

scikit-learn itself skips the checks of array libraries and of pandas if these are absent.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator
from sklearn.utils.validation import validate_data

from retrainer.arrays import Floats, Pixels
from retrainer.sklearn import BottleneckFeatures, RetrainClassifier

FAILING = {"check_class_weight_classifiers": "class_weight takes no weight for each class"}
# Skipped by scikit-learn: without SCIPY_ARRAY_API, and the last part of a check without pandas.
SKIPPED = {"check_array_api_input", "check_classifier_data_not_an_array"}


class Drawn(list[Pixels]):
    """Pictures that were drawn of rows of numbers."""

    @classmethod
    def of(cls, rows: Floats) -> "Drawn":
        """Each number moves one of the three colours; the numbers from -1.5 to 1.5 keep their order."""
        pictures = cls()
        for row in rows:
            colour = np.zeros(3)
            for place, number in enumerate(row):
                colour[place % 3] += number / (1 + place // 3)
            pictures.append(np.full((8, 8, 3), (127.5 + 127 * np.sin(colour)).astype(np.uint8)))
        return pictures


class OfRows:
    """Draws the rows of `X`, and says that it takes a table."""

    def fit(self, X: Any, y: Any = None) -> Any:  # noqa: N803
        return super().fit(Drawn.of(validate_data(self, X)), y)  # type: ignore[misc]

    def _pictures(self, X: Any) -> Sequence[Any]:  # noqa: N803
        return X if isinstance(X, Drawn) else Drawn.of(validate_data(self, X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


class ClassifierOfRows(OfRows, RetrainClassifier):
    pass


class FeaturesOfRows(OfRows, BottleneckFeatures):
    pass


Made = Callable[..., Any]


@pytest.fixture
def made(tmp_path: Path, model_dir: Path) -> Made:
    def make(estimator: type) -> Any:
        return estimator(architecture=COLOURS, model_dir=str(model_dir), bottleneck_dir=str(tmp_path / "cache"))

    return make


# The classifier is fitted some hundred times.
@pytest.mark.slow
def test_the_classifier_passes_the_checks(made: Made) -> None:
    results = check_estimator(made(ClassifierOfRows), expected_failed_checks=FAILING, on_skip=None)
    by_status = statuses_of(results)
    assert by_status["xfail"] == set(FAILING)
    assert by_status["skipped"] <= SKIPPED
    assert len(by_status["passed"]) > 45


def test_the_transformer_passes_the_checks(made: Made) -> None:
    by_status = statuses_of(check_estimator(made(FeaturesOfRows), on_skip=None))
    assert "xfail" not in by_status
    assert by_status["skipped"] <= SKIPPED
    assert len(by_status["passed"]) > 35


def statuses_of(results: Any) -> dict[str, set[str]]:
    """The names of the checks by what came out."""
    by_status: dict[str, set[str]] = {}
    for result in results:
        by_status.setdefault(result["status"], set()).add(result["check_name"])
    return by_status


@pytest.mark.parametrize("estimator", [RetrainClassifier, BottleneckFeatures])
def test_tags_say_that_pictures_are_no_table(estimator: type, made: Made) -> None:
    """scikit-learn sends no tables to them, so it checks next to nothing by itself."""
    with pytest.warns(SkipTestWarning, match="requires input"):
        names = [check.func.__name__ for _, check in estimator_checks_generator(made(estimator))]
    assert names == ["check_estimator_cloneable"]
