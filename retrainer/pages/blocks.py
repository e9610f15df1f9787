"""What only pages show: figure cards, callouts with a command, chips, photo cards, and parts that open.

Components that notebooks show too stand in `components.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retrainer.pages.components import cut_path
from retrainer.pages.markup import Markup, element

Tone = Literal["", "good", "warning", "bad"]
_LONGEST_PATH = 60


@dataclass(frozen=True, kw_only=True)
class FigureCard:
    """A figure that is seen first.

    Attributes:
        name: What it is of.
        value: The figure, such as `92.8 %`.
        note: A short sentence below it, such as its interval.
        tone: Whether it is good or bad; the words must say so, too.
    """

    name: str
    value: str
    note: str = ""
    tone: Tone = ""


def figure_cards(cards: Iterable[FigureCard]) -> Markup:
    """Figures side by side."""
    return element("dl", *map(_figure_card, cards), class_="figures")


def callout(sentence: str, command: str = "", tone: Tone = "") -> Markup:
    """A sentence that stands out, with a command to copy."""
    shown = [command_line(command)] if command else []
    return element("div", element("p", sentence), *shown, class_=f"callout {tone}".rstrip())


def command_line(command: str) -> Markup:
    """A command, and a button that copies it if scripts run."""
    button = element("button", "Copy", type="button", data_copy="", hidden="", data_script="")
    return element("div", element("code", command), button, class_="command")


def chip(text: str, tone: Tone = "") -> Markup:
    """A short word in a frame."""
    return element("span", text, class_=f"chip {tone}".rstrip())


def expandable(summary: str, *content: str, start_open: bool = False, **attributes: str) -> Markup:
    """A line that opens what belongs to it; what is closed costs a browser nothing."""
    opened = {"open": ""} if start_open else {}
    return element("details", element("summary", summary), *content, **opened, **attributes)


def more(shown: int, total: int, noun: str, command: str = "") -> Markup:
    """How many items a page leaves out, and the command that lists them; nothing if it shows all.

    Args:
        shown: How many it shows.
        total: How many there are.
        noun: What they are, in the plural.
        command: The command; may be empty.
    """
    if shown >= total:
        return Markup()
    sentence = f"{total - shown:,} more {noun} are not on this page" + (". List them with:" if command else ".")
    return element("div", element("p", sentence), *([command_line(command)] if command else []), class_="more")


def maps_switch(text: str) -> Markup:
    """A box that shows and hides the activation maps of the page, also without scripts."""
    return element("label", element("input", type="checkbox", checked="", data_maps=""), f" {text}", class_="switch")


def cards(items: Iterable[Markup], title: str) -> Markup:
    """A list of photo cards side by side.

    Args:
        items: `photo_card`s.
        title: What a screen reader calls the list.
    """
    return element("ul", *items, class_="cards", aria_label=title)


def photo_card(picture: Markup, *lines: str, path: str = "") -> Sequence[Markup]:
    """The content of a card, for `element("li", *photo_card(…), class_="card")` or `filterable("li", …)`.

    Args:
        picture: What `Thumbnails.photo` gives.
        lines: Markup or plain text, a line each.
        path: The photo's path, which is shown last.
    """
    end = [element("p", element("bdi", cut_path(path, _LONGEST_PATH)), class_="quiet path")] if path else []
    return [picture, *(element("p", line) for line in lines), *end]


def _figure_card(card: FigureCard) -> Markup:
    note = [element("dd", card.note, class_="note")] if card.note else []
    return element(
        "div",
        element("dt", card.name),
        element("dd", card.value, class_="value"),
        *note,
        class_=f"figure {card.tone}".rstrip(),
    )
