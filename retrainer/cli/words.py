"""Figures in words, in lines of at most 80 characters."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retrainer.text import pasted, shown

if TYPE_CHECKING:
    from retrainer.comparison import Comparison
    from retrainer.measuring.assessment import Assessment
    from retrainer.measuring.cross_validation import CrossValidation
    from retrainer.measuring.learning_curve import LearningCurve
    from retrainer.measuring.paired import Paired
    from retrainer.previous_model import PreviousModel

WIDTH, HEADING = 80, 16
# The table of confusions fits a line if there are at most this many classes; otherwise the most frequent are listed.
_CLASSES_IN_TABLE, _CONFUSIONS_LISTED = 10, 15
_LABEL = 24
_WORTHS = 3
_LABELS_NAMED = 5
# Stands for " %" while lines are broken, so that no line ends between a number and its percent sign.
_PERCENT = "\0%"
# A difference of accuracy (0 to 1) that users would not notice.
_HARDLY = 0.005
_CHANCE = ": chance can explain that"


def percent(share: float) -> str:
    """A share (0 to 1) in percent."""
    return f"{100 * share:.1f} %"


def between(interval: tuple[float, float]) -> str:
    """An interval of shares in percent."""
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def difference(pair: "Paired | PreviousModel") -> str:
    """The difference of two accuracies with its 95 % interval, in points of percent."""
    low, high = pair.interval
    return f"{_points(pair.difference)}, {_points(low)} to {_points(high)}"


def _points(share: float) -> str:
    """A difference of shares in points of percent; one that rounds to zero has no sign."""
    return f"{round(100 * share, 1) or 0:.1f}"


def wrapped(heading: str, text: str, indent: int = HEADING, *, breaks_words: bool = True) -> list[str]:
    """Lines of a text with a heading on their left; words longer than a line may be broken."""
    joined = text.replace(" %", _PERCENT)
    lines = textwrap.wrap(joined, WIDTH - indent, break_on_hyphens=False, break_long_words=breaks_words) or [""]
    headings = [heading, *[""] * len(lines)]
    return [f"{head:<{indent}}{line}".replace(_PERCENT, " %") for head, line in zip(headings, lines, strict=False)]


def short(label: str, width: int = _LABEL) -> str:
    """A label, cut if it is longer than a column."""
    label = shown(label)
    return label if len(label) <= width else f"{label[: width - 1]}…"


def assessment_lines(figures: "Assessment") -> Iterator[str]:
    """All figures of an assessment."""
    yield f"{'Accuracy':<{HEADING}}{percent(figures.accuracy)}, {between(figures.interval)} with 95 % confidence"
    means = figures.macro_precision, figures.macro_recall, figures.macro_f1
    yield f"{'Mean of classes':<{HEADING}}precision {means[0]:.3f}, recall {means[1]:.3f}, F1 {means[2]:.3f}"
    if figures.top:
        tops = ", ".join(f"{percent(share)} among the best {k}" for k, share in figures.top.items())
        yield from wrapped("Own class", tops)
    yield f"{'Log loss':<{HEADING}}{figures.log_loss:.3f}"
    floor = f"a perfectly calibrated model shows {figures.calibration_floor:.3f}"
    yield f"{'Calibration':<{HEADING}}error {figures.calibration_error:.3f}; {floor}"
    yield ""
    yield f"{'class':<{_LABEL}} precision   recall       F1    photos"
    for one in figures.classes:
        shares = ("-" if share is None else f"{share:.3f}" for share in (one.precision, one.recall, one.f1))
        yield f"{short(one.label):<{_LABEL}} {'{:>9} {:>8} {:>8}'.format(*shares)} {one.support:9,}"
    yield ""
    yield from _confusions([one.label for one in figures.classes], figures.confusion)


def cross_validation_lines(result: "CrossValidation") -> Iterator[str]:
    """The figures of a cross-validation, the accuracy first."""
    figures, (loss, error) = result.assessment, result.before
    accuracy = f"{percent(figures.accuracy)} of {figures.count:,} photos"
    yield from wrapped("Accuracy", f"{accuracy}, {between(figures.interval)} with 95 % confidence")
    spread = between((min(result.accuracies), max(result.accuracies)))
    tested = "each photo was tested by a head that did not learn from it"
    yield from wrapped("", f"({len(result.accuracies)} folds, {spread}: {tested})")
    yield from class_lines(figures)
    losses = f"log loss {loss:.3f} → {figures.log_loss:.3f}"
    errors = f"error {error:.3f} → {figures.calibration_error:.3f}, by chance {figures.calibration_floor:.3f}"
    yield from wrapped("Calibration", f"{losses}; {errors}")


def class_lines(figures: "Assessment") -> Iterator[str]:
    """The mean of the classes, and the class with the lowest share of right photos unless all are right."""
    yield f"{'Mean of classes':<{HEADING}}{percent(figures.macro_recall)}"
    weakest = min((one for one in figures.classes if one.support), key=lambda one: one.correct / one.support)
    if weakest.correct < weakest.support:
        yield from wrapped("Weakest class", f"{weakest.label}, {weakest.correct} of {weakest.support} right")


def single_split_lines(test: "Assessment | None") -> Iterator[str]:
    """The accuracy on the test part, for the place below that of folds."""
    if test is None:
        return
    photos = f"{test.count:,} test photo{'s' * (test.count != 1)}"
    measured = f"{percent(test.accuracy)} of {photos}, {between(test.interval)}, by the model itself"
    yield from wrapped("Single split", measured)


def previous_lines(previous: "PreviousModel") -> Iterator[str]:
    """The place of the replaced model, and how it compares with the new one."""
    yield f"{'Previous model':<{HEADING}}{shown(previous.graph)}"
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
    photos = f"{previous.count:,} test photo{'s' * (previous.count != 1)}{classes}"
    accuracies = f"Before {percent(previous.old_accuracy)}, now {percent(previous.new_accuracy)}"
    yield from wrapped("", f"{accuracies} on the same {photos} (difference {difference(previous)}).")
    if previous.only_new_right or previous.only_old_right:
        rights = (
            f"Only the new model gets {previous.only_new_right:,} right, only the old one {previous.only_old_right:,}"
        )
        yield from wrapped("", f"{rights}{_CHANCE * previous.is_chance}.")


def learning_curve_lines(curve: "LearningCurve") -> Iterator[str]:
    """The learning curve, and which photos to add."""
    yield f"{'Learning curve':<{HEADING}}{'photos':>9}  accuracy    95 % interval   mean of classes"
    for point in curve.points:
        accuracy = f"{percent(point.accuracy):>8}  {between(point.interval):>15}"
        yield f"{'':<{HEADING}}{point.photos:9,}  {accuracy}  {percent(point.macro_recall):>16}"
    if curve.tells and curve.rises:
        photos, expected = curve.twice
        yield f"{'':<{HEADING}}{photos:9,}  {percent(expected):>8}  to be expected"
    if not curve.tells:
        yield from wrapped("", "There are too few photos to tell what more would bring.")
        return
    worths = ", ".join(f"{shown(w.label)} {w.loss:.3f} ± {2 * w.error:.3f}" for w in curve.classes[:_WORTHS])
    yield from wrapped("", f"Log loss rises without half of a class's photos: {worths}.")
    yield from wrapped("", _advice(curve))


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


def comparison_lines(comparison: "Comparison") -> Iterator[str]:
    """A table of backbones, and the command that retrains with the best."""
    if not comparison.backbones:
        yield "No backbone could be compared."
        return
    width = WIDTH - 47
    yield f"{'backbone':<{width}} accuracy   95 % interval  photos/s      model"
    for one in comparison.backbones:
        name = shown(one.architecture)
        if len(name) > width:
            yield name
            name = ""
        figures, megabytes = one.assessment, one.model_bytes / 1e6
        yield (
            f"{name:<{width}} {percent(figures.accuracy):>8} {between(figures.interval):>15} "
            f"{one.photos_per_second:9,.0f} {megabytes:7.1f} MB"
        )
    yield from _differences_to_best(comparison)
    best = pasted(comparison.backbones[0].architecture)
    yield from (
        "",
        "To retrain with the most accurate, the same command, but for --compare:",
        f"  --architecture {best}",
    )


def _differences_to_best(comparison: "Comparison") -> Iterator[str]:
    """How the other backbones compare with the most accurate one, on the same photos."""
    pairs = [(one.architecture, one.to_best) for one in comparison.backbones if one.to_best]
    if pairs:
        yield from ("", "Difference to the most accurate in points, on the same photos in the same folds:")
    for name, pair in pairs:
        yield from wrapped(f"  {short(name)}", f"{difference(pair)}{_CHANCE * pair.is_chance}", _LABEL + 3)


def _confusions(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> Iterator[str]:
    if len(labels) <= _CLASSES_IN_TABLE:
        width = max(5, *(len(f" {count}") for row in confusion for count in row))
        yield f"{'class, taken for':<{_LABEL}}" + "".join(f"{number + 1:>{width}}" for number in range(len(labels)))
        for number, (label, row) in enumerate(zip(labels, confusion, strict=True), start=1):
            yield f"{f'{number} {short(label, _LABEL - 3)}':<{_LABEL}}" + "".join(f"{count:>{width}}" for count in row)
        return
    pairs = (
        (count, own, other) for own, row in enumerate(confusion) for other, count in enumerate(row) if own != other
    )
    frequent = [pair for pair in sorted(pairs, key=lambda pair: -pair[0]) if pair[0]][:_CONFUSIONS_LISTED]
    if frequent:
        yield "photos, of a class, taken for another"
    for count, own, other in frequent:
        yield f"{count:>6}  {short(labels[own])} -> {short(labels[other])}"
