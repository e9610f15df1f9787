"""The sections of the help and of the tables of cli/README.md, in their order."""

from collections.abc import Iterable

START = "Start here"
ANSWERS = "Answers"
SORTING = "Sorting"
DECIDING = "Deciding"
HOW_GOOD = "How good is it"
PHOTOS = "Photos and split"
DISTORTIONS = "Distortions"
HEAD = "Head"
DESCENT = "Gradient descent (2017)"
BACKBONE = "Backbone"
MODEL = "Model"
PRUNE = "Prune"
PLACES = "Where things go"
OTHERS = "Options"
TERMINAL = "Terminal"

_ORDER = (
    *(START, HOW_GOOD, DECIDING, ANSWERS, SORTING, PHOTOS, DISTORTIONS, HEAD, DESCENT, BACKBONE, MODEL, PRUNE),
    *(PLACES, OTHERS, TERMINAL),
)


def in_order(headings: Iterable[str]) -> list[str]:
    """Returns each heading once, in the order of the help; others come before the terminal's."""
    order = {heading: place for place, heading in enumerate(_ORDER)}
    return sorted(dict.fromkeys(headings), key=lambda heading: order.get(heading, order[OTHERS]))
