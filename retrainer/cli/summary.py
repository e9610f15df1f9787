"""The lines at the end of a run."""

from retrainer.backbones.available import described
from retrainer.cli.words import (
    class_lines,
    cross_validation_lines,
    learning_curve_lines,
    previous_lines,
    single_split_lines,
    wrapped,
)
from retrainer.measuring.shares import between, percent
from retrainer.observers.problems import Problems
from retrainer.results.retraining import Retraining
from retrainer.text import shown


def summary(result: Retraining) -> list[str]:
    """The lines at the end of a run."""
    lines = ["", *_accuracy(result)]
    if result.learning_curve:
        lines += learning_curve_lines(result.learning_curve)
    lines += wrapped("Backbone", described(result.backbone))
    if result.distorted:
        lines += wrapped("Distorted", f"{result.distorted:,} photos got new distorted views")
    for number, path in enumerate(result.files.values()):
        lines += wrapped("" if number else "Written", path)
    if result.previous:
        lines += previous_lines(result.previous)
    return lines


def problem_lines(problems: Problems) -> list[str]:
    """How many problems a run found, and where they are listed; nothing if there are none."""
    return wrapped("Problems", f"{problems}: see {shown(problems.path)}") if str(problems) else []


def _accuracy(result: Retraining) -> list[str]:
    """The accuracy by folds and then that of the single split; without folds, that of the split."""
    test = result.test
    if result.cross_validation:
        return [*cross_validation_lines(result.cross_validation), *single_split_lines(test)]
    if test is None:
        return wrapped("Test accuracy", "unknown: there were no test photos")
    photos = f"{test.count:,} photos that the model did not learn from"
    if result.leaked:
        have = "has a copy or its group" if result.leaked == 1 else "have copies or their group"
        photos = f"{test.count:,} photos; {result.leaked:,} of them {have} in another part"
    return [
        *wrapped("Test accuracy", f"{percent(test.accuracy)} of {photos}"),
        *wrapped("", f"{between(test.interval)} with 95 % confidence"),
        *class_lines(test),
    ]
