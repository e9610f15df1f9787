"""The photos that tell most: the surest mistakes, the undecided ones and the suspicious ones."""

from retrainer.pages.components import counted
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Section
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.pictures import Pictures

_SHOWN = 24


def mistakes(contents: ReportContents, pictures: Pictures) -> Section:
    """The photos that the model gets wrong with the highest scores."""
    heading = "Surest mistakes"
    if contents.assessment is None:
        return Section(heading, [element("p", "No photo tested the model, so its mistakes are unknown.")])
    count = contents.assessment.count - sum(one.correct for one in contents.assessment.classes)
    if not count:
        return Section(heading, [element("p", "No photo was taken for another class.")])
    listed = contents.mistakes[:_SHOWN]
    if not listed:
        return Section(
            heading, [element("p", f"{counted(count, 'photo')} were taken for another class. None is kept to show.")]
        )
    said = "Wrong answers with the highest scores. A photo in the wrong folder is often among them."
    return Section(
        heading, [element("p", said), pictures.cards(heading, listed), *_more(contents, count - len(listed))]
    )


def undecided(contents: ReportContents, pictures: Pictures) -> Section:
    """The photos whose two highest scores are nearest to each other."""
    heading = "Photos nearest to the decision"
    listed = contents.undecided[:_SHOWN]
    if not listed:
        return Section(heading, [element("p", "The photos nearest to the decision are unknown.")])
    said = "Their two highest scores are nearest to each other. More photos like these teach the model most."
    return Section(heading, [element("p", said), pictures.cards(heading, listed)])


def suspects(contents: ReportContents, pictures: Pictures) -> Section:
    """The photos that may be wrong themselves."""
    heading = "Suspicious photos"
    if contents.suspicious is None:
        return Section(heading, [element("p", "Nobody looked for suspicious photos.")])
    if not contents.suspicious:
        return Section(heading, [element("p", "No photo looks wrong.")])
    listed = contents.suspects[:_SHOWN]
    said = f"{counted(contents.suspicious, 'photo')} may have a wrong label, or be of no class."
    shown = [pictures.cards(heading, listed)] if listed else []
    return Section(heading, [element("p", said), *shown, *_more(contents, contents.suspicious - len(listed))])


def _more(contents: ReportContents, count: int) -> list[Markup]:
    if count <= 0:
        return []
    if not contents.list_command:
        return [element("p", f"{counted(count, 'photo')} more are not shown.")]
    return [
        element("p", f"{counted(count, 'photo')} more are not shown. This command lists them:"),
        element("pre", contents.list_command),
    ]
