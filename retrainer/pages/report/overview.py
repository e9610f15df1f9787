"""The first screen of a report: what the model is worth, and what to do next."""

from retrainer.measuring.assessment import Assessment, ClassFigures
from retrainer.measuring.shares import between, percent
from retrainer.pages.blocks import FigureCard, Tone, callout, figure_cards
from retrainer.pages.components import cut, name
from retrainer.pages.markup import Markup, element
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.photos import SUSPECTS
from retrainer.text import counted
from retrainer.training.metrics import accuracy_interval

_LONGEST = 400


def overview(contents: ReportContents) -> list[Markup]:
    """The verdict, the figures that count most, and the next step."""
    figures = contents.assessment
    shown = [_accuracy(contents), _baseline(contents), _worst(figures), _suspicious(contents)]
    verdict = element("p", cut(contents.verdict, _LONGEST), class_="headline")
    return [verdict, figure_cards(shown), _step(contents)]


def _accuracy(contents: ReportContents) -> FigureCard:
    figures = contents.assessment
    if figures is None:
        said = "No photo tested the model. Add photos, or cross-validate it by folds."
        return FigureCard(name="Accuracy", value="unknown", note=said)
    on = cut(contents.measured_on, 120)
    tested = on == "test photos"
    photos = counted(figures.count, "test photo" if tested else "photo") + (f", {on}" if on and not tested else "")
    said = f"{between(figures.interval)} with 95 % confidence; {photos}"
    tone: Tone = "" if _beats(figures, contents.baseline) else "bad"
    return FigureCard(name="Accuracy", value=percent(figures.accuracy), note=said, tone=tone)


def _baseline(contents: ReportContents) -> FigureCard:
    if contents.baseline is None:
        return FigureCard(name="Baseline", value="unknown")
    said = "Always answering the largest class"
    if contents.assessment:
        better = "" if _beats(contents.assessment, contents.baseline) else "not clearly "
        said += f"; the model is {better}better"
    return FigureCard(name="Baseline", value=percent(contents.baseline), note=said)


def _beats(figures: Assessment, baseline: float | None) -> bool:
    """Whether an accuracy is clearly above the baseline, or the baseline is unknown."""
    return baseline is None or figures.interval[0] > baseline


def _worst(figures: Assessment | None) -> FigureCard:
    if figures is None:
        return FigureCard(name="Weakest class", value="unknown", note="No photo tested the model.")
    worst = worst_class(figures)
    if worst is None:
        return FigureCard(name="Weakest class", value="none", note="All photos that tested the model are right.")
    own = figures.classes.index(worst)
    row = figures.confusion[own]
    taken = max((n for n in range(len(row)) if n != own), key=lambda n: row[n])
    share, interval = worst.correct / worst.support, accuracy_interval(worst.correct, worst.support)
    said = f"{percent(share)} of {counted(worst.support, 'photo')} right ({between(interval)}); most often taken for "
    note = element("span", said, name(figures.classes[taken].label))
    return FigureCard(name="Weakest class", value=name(worst.label), note=note)


def worst_class(figures: Assessment) -> ClassFigures | None:
    """The class with the smallest share of right photos; None if all photos are right."""
    wrong = [one for one in figures.classes if one.correct < one.support]
    return min(wrong, key=lambda one: (one.correct / one.support, -one.support), default=None)


def _suspicious(contents: ReportContents) -> FigureCard:
    heading = "Suspicious photos"
    if contents.suspicious is None:
        said = "Nobody looked for them" + ("; `retrainer clean` does." if contents.clean_command else ".")
        return FigureCard(name=heading, value="unknown", note=said)
    if not contents.suspicious:
        return FigureCard(name=heading, value="0", note="No photo looks wrong.", tone="good")
    said = "Their labels may be wrong, or they are of no class."
    value = element("a", f"{contents.suspicious:,}", href=f"#{SUSPECTS}")
    return FigureCard(name=heading, value=value, note=said, tone="warning")


def _step(contents: ReportContents) -> Markup:
    if contents.step is None:
        return callout(element("span", element("b", "Next step: "), "none is known."))
    sentence = cut(contents.step.sentence, _LONGEST)
    return callout(element("span", element("b", "Next step: "), sentence), contents.step.command)
