"""What scikit-learn gives an estimator: pictures as `X`, and labels as `y`."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from retrainer.arrays import Integers
from retrainer.errors import OptionError
from retrainer.photos.several import require_pictures
from retrainer.text import brief, named, shown


class InputError(OptionError, ValueError):
    """`X`, `y` or a file cannot be used. scikit-learn expects a ValueError."""


class UnfittedError(OptionError, NotFittedError):  # type: ignore[misc]
    """An estimator is used before it is fitted."""


def pictures_in(X: Any) -> Sequence[Any]:  # noqa: N803 (scikit-learn's name)
    """The pictures that `X` holds, each of a kind that `retrainer.Picture` lists.

    Raises:
        InputError: it holds no pictures.
    """
    if len(getattr(X, "shape", ())) == 2 and X.shape[1] == 1:
        # A table with one column, as scikit-learn's ColumnTransformer gives it.
        X = np.asarray(X).ravel()  # noqa: N806
    try:
        X = require_pictures(X)  # noqa: N806
    except OptionError as error:
        raise InputError(error.problem.replace("pictures:", "X:", 1), error.fix) from error
    if not hasattr(X, "dtype"):
        return X if isinstance(X, Sequence) else list(X)
    array = np.asarray(X)
    if array.dtype.kind in "OUT" and array.ndim == 1:
        return list(array.tolist())
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return list(array)
    raise InputError(
        f"X: expected paths or pictures, or a uint8 array (N, H, W, 3), received {X.dtype} {X.shape}.",
        "If its numbers are 0 to 1, convert it: (X * 255).round().astype('uint8')."
        if array.ndim > 2
        else "For vectors of numbers, take a classifier of scikit-learn.",
    )


def classes_in(y: Any, count: int) -> tuple[Any, Integers]:
    """The labels that `y` holds.

    Args:
        y: The label of each picture.
        count: How many pictures there are.

    Returns:
        The C classes, sorted and of the type of `y`, and the number of each picture's class, `(N,)`.

    Raises:
        InputError: there is not a label for each picture, or there is only one class.
    """
    if y is None:
        raise InputError("fit requires y to be passed, but the target y is None.", "Give a label for each picture.")
    with as_input_error("y"):
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        classes, numbers = np.unique(labels, return_inverse=True)
    if len(labels) != count:
        raise InputError(f"y: expected as many labels as pictures, {count:,}, received {len(labels):,}.")
    if len(classes) < 2:
        received = f"one class: {brief(classes[0].item())}" if len(classes) else "none"
        raise InputError(f"y: expected at least two classes, received {received}.")
    return classes, np.asarray(numbers, np.int64)


def names_of(classes: Any) -> list[str]:
    """The names of classes in a model.

    Raises:
        InputError: two names differ only in case or spaces, which are no difference in a model, or a name is empty.
    """
    names: dict[str, str] = {}
    for one in classes:
        name = unicodedata.normalize("NFC", re.sub(" +", " ", str(one)).strip())
        if not name or name.casefold() in names:
            first = names.get(name.casefold(), "")
            problem = f"received '{shown(first)}' and '{shown(name)}'" if name else "received an empty one"
            raise InputError(f"y: expected labels that differ in more than case and spaces, {problem}.")
        names[name.casefold()] = name
    return list(names.values())


def columns_of(classes: Any, labels: Sequence[str]) -> list[int]:
    """The place of each class among the labels of a model.

    Raises:
        InputError: the classes are not those of the model.
    """
    names = names_of(classes)
    if sorted(names) != sorted(labels):
        raise InputError(f"classes: expected those of the model, {named(labels, 5)}, received {named(names, 5)}.")
    return [labels.index(name) for name in names]


@contextmanager
def as_input_error(subject: str) -> Iterator[None]:
    """Turns what scikit-learn and NumPy raise into an InputError about `X` or `y`."""
    try:
        yield
    except OptionError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"{subject}: {error}") from error
