"""Figures as users read them, in lines of at most 80 characters."""

import textwrap
from collections.abc import Iterator, Sequence

from retrainer.assessment import Assessment
from retrainer.files import shown

WIDTH, HEADING = 80, 16
# A table of confusions fits a line up to so many classes; of more only the most frequent are listed.
_CLASSES_IN_TABLE, _CONFUSIONS_LISTED = 10, 15
_LABEL = 24


def percent(share: float) -> str:
    """A share, 0 to 1, in percent."""
    return f"{100 * share:.1f} %"


def between(interval: tuple[float, float]) -> str:
    """An interval of shares in percent."""
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def wrapped(heading: str, text: str) -> list[str]:
    """A heading and a text beside it."""
    lines = textwrap.wrap(text, WIDTH - HEADING, break_on_hyphens=False) or [""]
    return [f"{head:<{HEADING}}{line}" for head, line in zip([heading, *[""] * len(lines)], lines, strict=False)]


def short(label: str, width: int = _LABEL) -> str:
    """A label, cut where it is longer than a column."""
    label = shown(label)
    return label if len(label) <= width else f"{label[: width - 1]}…"


def assessment_lines(figures: Assessment) -> Iterator[str]:
    """All figures of an assessment."""
    yield f"{'Accuracy':<{HEADING}}{percent(figures.accuracy)}, {between(figures.interval)} with 95 % confidence"
    means = figures.macro_precision, figures.macro_recall, figures.macro_f1
    yield f"{'Mean of classes':<{HEADING}}precision {means[0]:.3f}, recall {means[1]:.3f}, F1 {means[2]:.3f}"
    if figures.top:
        tops = ", ".join(f"{percent(share)} among the best {k}" for k, share in figures.top.items())
        yield from wrapped("Own class", tops)
    yield f"{'Log loss':<{HEADING}}{figures.log_loss:.3f}"
    floor = f"a perfectly calibrated model would show {figures.calibration_floor:.3f}"
    yield f"{'Calibration':<{HEADING}}error {figures.calibration_error:.3f}; {floor}"
    yield ""
    yield f"{'class':<{_LABEL}} precision   recall       F1    photos"
    for one in figures.classes:
        yield f"{short(one.label):<{_LABEL}} {one.precision:9.3f} {one.recall:8.3f} {one.f1:8.3f} {one.support:9,}"
    yield ""
    yield from _confusions([one.label for one in figures.classes], figures.confusion)


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
