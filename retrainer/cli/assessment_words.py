"""The figures of an assessment in words and tables."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retrainer.cli.words import LABEL, calibration_lines, is_narrow, short, wrapped
from retrainer.measuring.shares import between, percent
from retrainer.system.terminal import columns
from retrainer.text import in_columns, shown

if TYPE_CHECKING:
    from retrainer.measuring.assessment import Assessment, ClassFigures

# Of more classes the worst are listed, and of more confusions the most frequent.
_CLASSES_LISTED, _CONFUSIONS_LISTED = 10, 8
_TRUE_CLASS = "true class \\ predicted"


def assessment_lines(figures: "Assessment") -> Iterator[str]:
    """All figures of an assessment."""
    yield from wrapped("Accuracy", f"{percent(figures.accuracy)}, {between(figures.interval)} with 95 % confidence")
    yield from wrapped("Balanced accuracy", f"{percent(figures.macro_recall)}, the mean recall of the classes")
    if figures.top:
        (least, share), *others = figures.top.items()
        more = "".join(f"; top-{k} {percent(other)}" for k, other in others)
        yield from wrapped(f"Top-{least} accuracy", percent(share) + more)
    means = figures.macro_precision, figures.macro_recall, figures.macro_f1
    yield from wrapped("Mean of classes", "precision {:.3f}, recall {:.3f}, F1 {:.3f}".format(*means))
    yield from calibration_lines(figures)
    yield ""
    yield from _class_table(figures.classes)
    yield ""
    yield from _confusions([one.label for one in figures.classes], figures.confusion)


def _class_table(classes: "Sequence[ClassFigures]") -> Iterator[str]:
    """A line for each class; of many classes only the worst."""
    worst = classes
    if len(classes) > _CLASSES_LISTED:
        worst = sorted(classes, key=lambda one: 2.0 if one.f1 is None else one.f1)[:_CLASSES_LISTED]
    yield from _named("class", f"{'precision':>9} {'recall':>8} {'F1':>8} {'photos':>9}")
    for one in worst:
        shares = ("-" if share is None else f"{share:.3f}" for share in (one.precision, one.recall, one.f1))
        yield from _named(one.label, "{:>9} {:>8} {:>8}".format(*shares) + f" {one.support:9,}")
    if more := len(classes) - len(worst):
        yield from in_columns(f"These have the lowest F1; --json lists {more:,} more classes.", columns())


def _named(name: str, cells: str) -> Iterator[str]:
    """A line of a table, or two: the cells may stand below their name."""
    if is_narrow():
        yield from in_columns(name, columns())
        yield f" {cells}"
    else:
        yield f"{short(name):<{LABEL}} {cells}"


def _confusions(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> Iterator[str]:
    """A table of all classes if it fits, otherwise the most frequent confusions."""
    width = max(5, *(len(f" {count}") for row in confusion for count in row))
    if len(labels) <= _CLASSES_LISTED and LABEL + width * len(labels) <= columns():
        numbers = "".join(f"{number:>{width}}" for number in range(1, len(labels) + 1))
        yield f"{_TRUE_CLASS:<{LABEL}}{numbers}"
        for number, (label, row) in enumerate(zip(labels, confusion, strict=True), start=1):
            yield f"{f'{number} {short(label, LABEL - 3)}':<{LABEL}}" + "".join(f"{count:>{width}}" for count in row)
        return
    pairs = (
        (count, own, other) for own, row in enumerate(confusion) for other, count in enumerate(row) if own != other
    )
    frequent = [pair for pair in sorted(pairs, key=lambda pair: -pair[0]) if pair[0]][:_CONFUSIONS_LISTED]
    if frequent:
        yield "photos  true class -> predicted"
    for count, own, other in frequent:
        names = shown(labels[own]), shown(labels[other])
        one, taken = names if is_narrow() else map(short, names)
        yield from in_columns(f"{count:>6}  {one} -> {taken}", columns(), indent=" " * 8)
