"""The figures of each class, with their intervals."""

from retrainer.measuring.assessment import Assessment
from retrainer.measuring.shares import between, percent
from retrainer.pages.charts import interval_bar
from retrainer.pages.components import name
from retrainer.pages.markup import Markup, element, table
from retrainer.pages.page import Section
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.pictures import Pictures
from retrainer.training.metrics import accuracy_interval

_SHOWN = 50
_HEADINGS = ("class", "photos", "right", "95 % interval", "0 to 100 %", "precision", "F1", "most often taken for")


def classes(contents: ReportContents, _: Pictures) -> Section:
    """A table of the classes, the worst first."""
    figures = contents.assessment
    if figures is None:
        return Section(
            "Classes", [element("p", "No photo tested the model, so the figures of its classes are unknown.")]
        )
    order = sorted(range(len(figures.classes)), key=lambda n: _right(figures, n))
    listed = order[:_SHOWN]
    caption = "Classes, the worst first"
    if len(order) > len(listed):
        caption = f"The {len(listed)} classes with the smallest share of right photos, of {len(order):,}"
    return Section("Classes", [table(caption, _HEADINGS, [_row(figures, n) for n in listed])])


def _right(figures: Assessment, number: int) -> tuple[float, int]:
    one = figures.classes[number]
    return (one.correct / one.support if one.support else 2.0), -one.support


def _row(figures: Assessment, number: int) -> tuple[str | Markup, ...]:
    one, row = figures.classes[number], figures.confusion[number]
    if not one.support:
        return name(one.label), "0", "-", "-", "-", "-", "-", "-"
    others = [n for n in range(len(row)) if n != number and row[n]]
    taken = max(others, key=lambda n: row[n], default=None)
    share, interval = one.correct / one.support, accuracy_interval(one.correct, one.support)
    return (
        name(one.label),
        f"{one.support:,}",
        percent(share),
        between(interval),
        interval_bar(share, interval),
        _share(one.precision),
        _share(one.f1),
        "-" if taken is None else element("span", name(figures.classes[taken].label), f" ({row[taken]:,})"),
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
