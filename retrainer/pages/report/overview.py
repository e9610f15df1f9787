"""The first screen of a report: what the model is worth, and what to do next."""

from collections.abc import Sequence

from retrainer.measuring.assessment import Assessment, ClassFigures
from retrainer.measuring.shares import between, percent
from retrainer.pages.components import counted, cut, name
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Section
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.pictures import Pictures
from retrainer.training.metrics import accuracy_interval

_LONGEST = 400


def overview(contents: ReportContents, _: Pictures) -> Section:
    """A verdict, four figures and the next step."""
    tiles = element("div", *_accuracy(contents), *_worst(contents.assessment), *_suspicious(contents), class_="tiles")
    verdict = element("p", cut(contents.verdict, _LONGEST), class_="headline")
    return Section("At a glance", [verdict, tiles, *_step(contents)])


def worst_class(figures: Assessment) -> ClassFigures | None:
    """The class with the smallest share of photos that are right; None if all photos are right."""
    tested = [one for one in figures.classes if one.support]
    worst = min(tested, key=lambda one: (one.correct / one.support, -one.support), default=None)
    return worst if worst and worst.correct < worst.support else None


def _accuracy(contents: ReportContents) -> list[Markup]:
    figures = contents.assessment
    if figures is None:
        said = "No photo tested the model. Add photos, or cross-validate with --folds 5."
        return _tile("Accuracy", "unknown", [said])
    measured = f"of {counted(figures.count, 'photo')}" + (
        f", measured on {cut(contents.measured_on, 120)}" if contents.measured_on else ""
    )
    interval = f"{between(figures.interval)} with 95 % confidence"
    baseline = "The baseline is unknown."
    if contents.baseline is not None:
        baseline = f"Baseline {percent(contents.baseline)}: always answering the largest class"
    return _tile("Accuracy", percent(figures.accuracy), [measured, interval, baseline])


def _worst(figures: Assessment | None) -> list[Markup]:
    if figures is None:
        return _tile("Worst class", "unknown", ["No photo tested the model."])
    worst = worst_class(figures)
    if worst is None:
        return _tile("Worst class", "none", ["All photos that tested the model are right."])
    row = figures.confusion[figures.classes.index(worst)]
    taken = max((n for n in range(len(row)) if figures.classes[n] is not worst), key=lambda n: row[n])
    interval = between(accuracy_interval(worst.correct, worst.support))
    return _tile(
        "Worst class",
        name(worst.label),
        [
            f"{percent(worst.correct / worst.support)} of {counted(worst.support, 'photo')} right",
            f"{interval} with 95 % confidence",
            element("span", "Most often taken for ", name(figures.classes[taken].label), f" ({row[taken]:,})"),
        ],
    )


def _suspicious(contents: ReportContents) -> list[Markup]:
    if contents.suspicious is None:
        return _tile("Suspicious photos", "unknown", ["Nobody looked for them."])
    if not contents.suspicious:
        return _tile("Suspicious photos", "0", ["No photo looks wrong."])
    return _tile(
        "Suspicious photos", f"{contents.suspicious:,}", ["Their labels are probably wrong, or they are of no class."]
    )


def _step(contents: ReportContents) -> list[Markup]:
    if contents.step is None:
        return [element("p", element("b", "Next step: "), "none is known.")]
    command = [element("pre", contents.step.command)] if contents.step.command else []
    return [element("p", element("b", "Next step: "), cut(contents.step.sentence, _LONGEST)), *command]


def _tile(heading: str, figure: str, lines: Sequence[str]) -> list[Markup]:
    said = (element("p", line) for line in lines)
    return [element("div", element("h3", heading), element("p", figure, class_="figure"), *said, class_="tile")]
