"""Figures in words, in lines that fit the terminal, or 80 columns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrainer.measuring.shares import between, percent
from retrainer.system.terminal import columns
from retrainer.text import counted, in_columns, shown

if TYPE_CHECKING:
    from retrainer.measuring.assessment import Assessment
    from retrainer.measuring.cross_validation import CrossValidation
    from retrainer.measuring.learning_curve import LearningCurve
    from retrainer.measuring.paired import Paired
    from retrainer.previous_model import PreviousModel

HEADING = 18
# With fewer columns headings and names get lines of their own.
_NARROW = 60
# The width of a column of labels.
LABEL = 24
_WORTHS = 3
_LABELS_NAMED = 5
# A difference of accuracy (0 to 1) that users would not notice.
_HARDLY = 0.005
CHANCE = ": chance can explain that"


def difference(pair: "Paired | PreviousModel") -> str:
    """The difference of two accuracies with its 95 % interval, in points of percent."""
    low, high = pair.interval
    return f"{_points(pair.difference)}, {_points(low)} to {_points(high)}"


def _points(share: float) -> str:
    """A difference of shares in points of percent; one that rounds to zero has no sign."""
    return f"{round(100 * share, 1) or 0:.1f}"


def is_narrow() -> bool:
    """Whether headings and names get lines of their own."""
    return columns() < _NARROW


def wrapped(heading: str, text: str, indent: int = HEADING) -> list[str]:
    """Lines of a text with a heading on their left, or above it if there are few columns; no word is broken."""
    if is_narrow():
        if heading and len(line := f"{heading.strip()} {shown(text)}") <= columns():
            return [line]
        return [*([heading.strip()] if heading else []), *(f" {line}" for line in in_columns(text, columns() - 1))]
    lines = in_columns(text, columns() - indent)
    headings = [heading, *[""] * len(lines)]
    return [f"{head:<{indent}}{line}".rstrip() for head, line in zip(headings, lines, strict=False)]


def short(label: str, width: int = LABEL) -> str:
    """A label, cut if it is longer than a column."""
    label = shown(label)
    return label if len(label) <= width else f"{label[: width - 1]}…"


def cross_validation_lines(result: "CrossValidation") -> Iterator[str]:
    """The figures of a cross-validation, the accuracy first."""
    figures = result.assessment
    accuracy = f"{percent(figures.accuracy)} of {figures.count:,} photos"
    yield from wrapped("Accuracy", f"{accuracy}, {between(figures.interval)} with 95 % confidence")
    spread = between((min(result.accuracies), max(result.accuracies)))
    yield from wrapped("", f"({len(result.accuracies)} folds of unseen photos: {spread})")
    yield from class_lines(figures)
    yield from calibration_lines(figures)


def calibration_lines(figures: "Assessment") -> Iterator[str]:
    """How far scores are from the accuracy that they promise."""
    error = f"{figures.calibration_error:.3f} (about {figures.calibration_floor:.3f} by chance)"
    yield from wrapped("Calibration error", f"{error}, log loss {figures.log_loss:.3f}")


def class_lines(figures: "Assessment") -> Iterator[str]:
    """The mean of the classes, and the class with the lowest share of right photos unless all are right."""
    yield from wrapped("Balanced accuracy", percent(figures.macro_recall))
    weakest = min((one for one in figures.classes if one.support), key=lambda one: one.correct / one.support)
    if weakest.correct < weakest.support:
        yield from wrapped("Weakest class", f"{weakest.label}, {weakest.correct} of {weakest.support} right")


def single_split_lines(test: "Assessment | None") -> Iterator[str]:
    """The accuracy on the test part, for the place below that of folds."""
    if test is None:
        return
    photos = counted(test.count, "test photo")
    measured = f"{percent(test.accuracy)} by the model itself on {photos}, {between(test.interval)}"
    yield from wrapped("Test accuracy", measured)


def previous_lines(previous: "PreviousModel") -> Iterator[str]:
    """The place of the replaced model, and how it compares with the new one."""
    yield from wrapped("Previous model", previous.graph)
    for what, labels in (("New classes", previous.added), ("Classes that are gone", previous.removed)):
        if labels:
            named = ", ".join(map(shown, labels[:_LABELS_NAMED]))
            others = f" and {len(labels) - _LABELS_NAMED:,} more" if len(labels) > _LABELS_NAMED else ""
            yield from wrapped("", f"{what}: {named}{others}.")
    if previous.problem:
        yield from wrapped("", f"The two cannot be compared: {shown(previous.problem)}.")
        return
    if previous.left_out:
        others, verb = ("photo", "is") if previous.left_out == 1 else ("photos", "are")
        yield from wrapped("", f"{previous.left_out:,} test {others} that the old model learnt from {verb} left out.")
    if not previous.knows_split:
        yield from wrapped("", "The old model does not say which photos it learnt from; it may have seen these.")
    classes = " of the classes of both" if previous.added or previous.removed else ""
    photos = counted(previous.count, "test photo") + classes
    accuracies = f"Before {percent(previous.old_accuracy)}, now {percent(previous.new_accuracy)}"
    yield from wrapped("", f"{accuracies} on the same {photos} (difference {difference(previous)}).")
    if previous.only_new_right or previous.only_old_right:
        rights = (
            f"Only the new model gets {previous.only_new_right:,} right, only the old one {previous.only_old_right:,}"
        )
        yield from wrapped("", f"{rights}{CHANCE * previous.is_chance}.")


def learning_curve_lines(curve: "LearningCurve") -> Iterator[str]:
    """The learning curve, and which photos to add."""
    yield from _curve_line("Learning curve", "photos", "accuracy", "95 % interval", "balanced")
    for point in curve.points:
        figures = percent(point.accuracy), between(point.interval), percent(point.macro_recall)
        yield from _curve_line("", f"{point.photos:,}", *figures)
    if curve.tells and curve.rises:
        photos, expected = curve.twice
        yield from _curve_line("", f"{photos:,}", percent(expected), "to be expected")
    if not curve.tells:
        yield from wrapped("", "There are too few photos to tell what more would bring.")
        return
    worths = ", ".join(f"{shown(w.label)} {w.loss:.3f} ± {2 * w.error:.3f}" for w in curve.classes[:_WORTHS])
    yield from wrapped("", f"Log loss rises without half of a class's photos: {worths}.")
    yield from wrapped("", _advice(curve))


def _curve_line(heading: str, photos: str, accuracy: str, interval: str, balanced: str = "") -> Iterator[str]:
    """A line of the table of a learning curve; a heading stands above it if there are few columns."""
    if is_narrow():
        if heading:
            yield heading
        yield f"{photos:>6} {accuracy:>8} {interval.removesuffix(' %'):>14} {balanced:>8}".rstrip()
    else:
        yield f"{heading:<{HEADING}}{photos:>9}  {accuracy:>8}  {interval:>15}  {balanced:>8}".rstrip()


def _advice(curve: "LearningCurve") -> str:
    if curve.help_most:
        *others, last = map(shown, curve.help_most)
        labels = f"{', '.join(others)} or {last}" if others else last
        return f"Doubling the photos of {labels} would help most."
    if curve.twice[1] - curve.points[-1].accuracy < _HARDLY:
        return "No class stands out, and more photos like these would hardly help."
    if not curve.rises:
        return "No class stands out, and the curve does not tell whether more photos would help."
    return "No class clearly stands out; more photos of all classes would help."
