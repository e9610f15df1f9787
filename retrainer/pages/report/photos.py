"""The photos that tell most: the surest mistakes, the undecided ones and the suspicious ones."""

from collections import Counter
from collections.abc import Sequence

from retrainer.pages.blocks import command_line, maps_switch, more
from retrainer.pages.filters import FilterGroup, filters
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Section
from retrainer.pages.report.contents import ReportContents, SeenPhoto
from retrainer.pages.report.pictures import Pictures
from retrainer.text import counted

_SHOWN = 24
SUSPECTS = "suspicious"
# More buttons than these would be in the way.
_MOST_CLASSES = 12


def mistakes(contents: ReportContents, pictures: Pictures) -> Section:
    """The photos that the model gets wrong with the highest scores."""
    heading = "Surest mistakes"
    if contents.assessment is None:
        return _sentence(heading, "No photo tested the model, so its mistakes are unknown.")
    count = contents.assessment.count - sum(one.correct for one in contents.assessment.classes)
    if not count:
        return _sentence(heading, "No photo was taken for another class.")
    listed = contents.mistakes[:_SHOWN]
    said = "Wrong answers with the highest scores. Photos with a wrong label are often among them."
    shown = _shown("mistakes", heading, listed, pictures)
    left_out = more(len(listed), count, "mistakes", contents.list_command)
    return Section(heading, [element("p", said), *shown, left_out])


def undecided(contents: ReportContents, pictures: Pictures) -> Section:
    """The photos whose two highest scores are nearest to each other."""
    heading = "Photos nearest to the decision"
    listed = contents.undecided[:_SHOWN]
    if not listed:
        return _sentence(heading, "The photos nearest to the decision are unknown.")
    said = "Their two highest scores are nearest to each other. More photos like these teach the model most."
    return Section(heading, [element("p", said), *_shown("undecided", heading, listed, pictures)], short="Undecided")


def suspects(contents: ReportContents, pictures: Pictures) -> Section:
    """The photos that may be wrong themselves."""
    heading = "Suspicious photos"
    if contents.suspicious is None:
        asked = [command_line(contents.clean_command)] if contents.clean_command else []
        return Section(heading, [element("p", "Nobody looked for suspicious photos."), *asked], SUSPECTS)
    if not contents.suspicious:
        return Section(heading, [element("p", "No photo looks wrong.")], SUSPECTS)
    listed = contents.suspects[:_SHOWN]
    said = f"{counted(contents.suspicious, 'photo')} may have a wrong label, or be of no class."
    asked = [element("p", "This command lists them:"), command_line(contents.clean_command)]
    left_out = [more(len(listed), contents.suspicious, "photos", contents.clean_command)]
    end = asked if len(listed) >= contents.suspicious and contents.clean_command else left_out
    shown = _shown("suspects", heading, listed, pictures)
    return Section(heading, [element("p", said), *shown, *end], SUSPECTS)


def _shown(kind: str, title: str, photos: Sequence[SeenPhoto], pictures: Pictures) -> list[Markup]:
    """Photos below the buttons that choose among them, and the switch of their activation maps."""
    if not photos:
        return []
    counts = Counter(one.label for one in photos)
    filtered = pictures.shown and 1 < len(counts) <= _MOST_CLASSES
    filter_by = f"given-{kind}" if filtered else ""
    options = [(label, label, count) for label, count in counts.most_common()]
    buttons = [filters([FilterGroup(name=filter_by, options=options, title="Given")], title)] if filtered else []
    maps = pictures.shown and any(one.activation is not None for one in photos)
    switch = [maps_switch("Show the places that speak for the predicted class")] if maps else []
    return [*switch, *buttons, pictures.cards(title, photos, filter_by)]


def _sentence(heading: str, sentence: str) -> Section:
    return Section(heading, [element("p", sentence)])
