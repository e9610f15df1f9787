"""The confusion matrix of a report."""

from retrainer.pages.components import confusion_table
from retrainer.pages.page import Section, element
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.pictures import Pictures


def confusions(contents: ReportContents, _: Pictures) -> Section:
    """How many photos of each class are predicted as each class."""
    figures = contents.assessment
    if figures is None:
        return Section("Confusions", [element("p", "No photo tested the model, so what it confuses is unknown.")])
    return Section("Confusions", [confusion_table([one.label for one in figures.classes], figures.confusion)])
