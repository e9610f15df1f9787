"""How training went, what more photos are worth, and how far scores can be trusted."""

from retrainer.measuring.assessment import Assessment
from retrainer.measuring.shares import percent
from retrainer.pages.components import cut
from retrainer.pages.curves import curve_chart
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Section
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.pictures import Pictures
from retrainer.pages.square_chart import Spot, square_chart


def curves(contents: ReportContents, _: Pictures) -> Section:
    """The curves that are known; a sentence stands for each of the others."""
    parts = (_training(contents), _calibration(contents), _learning(contents))
    return Section("Curves", [element("div", *(element("div", *part) for part in parts), class_="tables curves")])


def _training(contents: ReportContents) -> list[Markup]:
    if contents.training_curve is None:
        return [element("p", "How training went was not kept.")]
    return [curve_chart(contents.training_curve)]


def _learning(contents: ReportContents) -> list[Markup]:
    curve = contents.learning_curve
    if curve is None:
        return [element("p", "Would more photos help? `retrain --learning_curve` measures it.")]
    photos, accuracy = curve.twice
    said = [f"With {photos:,} training photos, twice as many, expect an accuracy of {percent(accuracy)}."]
    if curve.help_most:
        said.append(f"More photos of these classes would help most: {', '.join(map(cut, curve.help_most))}.")
    elif not curve.tells:
        said.append("There are too few photos to tell which class needs more.")
    return [curve_chart(curve), *(element("p", one) for one in said)]


def _calibration(contents: ReportContents) -> list[Markup]:
    if not contents.calibration:
        return [element("p", "How far scores can be trusted was not measured.")]
    spots = [Spot(one.score, one.right, one.count) for one in contents.calibration]
    drawn = square_chart("Calibration: how often answers with a score are right", ("score", "right answers"), spots)
    return [drawn, *_trust(contents.assessment)]


def _trust(figures: Assessment | None) -> list[Markup]:
    """How far the scores are from what they promise."""
    if figures is None:
        return []
    said = (
        f"On average a score differs by {100 * figures.calibration_error:.1f} points from the share of right answers. "
        f"By chance alone, scores that can be trusted would differ by {100 * figures.calibration_floor:.1f} points."
    )
    return [element("p", said)]
