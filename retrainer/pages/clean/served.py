"""The page of findings as a server gives it: a frame, into which a script loads cards as they are looked at."""

from collections import Counter
from collections.abc import Mapping, Sequence

from retrainer.pages.blocks import expandable
from retrainer.pages.clean.cards import Look, cards_markup
from retrainer.pages.clean.deck import Card, Judged
from retrainer.pages.clean.facets import clean_filters
from retrainer.pages.clean.shown import ShownPhotos
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Page, Section
from retrainer.text import shown

_COMPARED = 6
_KEYS = (
    ("J", "next finding"),
    ("K", "previous finding"),
    ("Shift+K", "keep the photo as it is"),
    ("R", "relabel: choose a class"),
    ("S", "set the photo aside"),
    ("A", "accept the suggestion"),
    ("N", "write a note"),
    ("U", "undo the last decision of this window"),
    ("Enter", "on a photo: see it large"),
    ("?", "this help"),
)


def served_page(counts: Mapping[str, Counter[str]], photos: ShownPhotos) -> Page:
    """Returns the page without cards, which `review.js` loads.

    Args:
        counts: From `counts_of`, of all cards.
        photos: Their classes.
    """
    nothing = element("noscript", element("p", "This page needs JavaScript to load the findings and to decide."))
    lead = [
        nothing,
        element("div", role="alert", id="banner", hidden=""),
        expandable("Filters", *clean_filters(counts), start_open=True, id="filters"),
    ]
    cards = element("div", id="cards", aria_busy="true")
    pager = element(
        "p",
        element("button", "Previous findings", type="button", id="earlier", hidden=""),
        " ",
        element("button", "Next findings", type="button", id="later", hidden=""),
        class_="pager",
    )
    section = Section("Findings", [_toolbar(), cards, pager])
    # A section that is out of sight is not drawn, and dialogs in it would not be either.
    lead += [_help(), _relabel(photos.classes), _large()]
    return Page(
        title="Photos that may be wrong",
        sections=[section],
        lead=lead,
        scripts=["review"],
        styles=["review"],
        served=True,
    )


def served_cards(cards: Sequence[Card], judged: Judged, known: Mapping[str, tuple[str, str]]) -> str:
    """The cards that a script adds to the page; their pictures come from the server, too."""
    look = Look(picture=_picture, known=known, most=_COMPARED, served=True)
    return "".join(cards_markup(cards, judged, look))


def _picture(card: Card, number: int, description: str) -> Markup:
    source = f"photo/{card.id}/{number}"
    image = element("img", src=source, alt=description, loading="lazy", decoding="async")
    return element("button", image, type="button", class_="picture", data_large=f"{source}?large")


def _toolbar() -> Markup:
    progress = element("progress", max="1", value="0", id="bar", aria_label="Decided")
    return element(
        "div",
        element("span", element("b", "…", id="progress"), " ", progress),
        element("button", "Accept suggestions", type="button", id="accept-all", hidden=""),
        element("button", "Undo", type="button", id="undo", aria_keyshortcuts="U"),
        element("button", "Keys", type="button", id="keys", aria_keyshortcuts="?"),
        class_="toolbar",
        role="group",
        aria_label="Decisions",
    )


def _help() -> Markup:
    rows = [element("tr", element("th", element("kbd", key), scope="row"), element("td", what)) for key, what in _KEYS]
    keys = element("table", element("caption", "What keys do"), element("tbody", *rows))
    switch = element("label", element("input", type="checkbox", id="keys-on", checked=""), " Keys are on")
    close = element("button", "Close", type="button", data_close="")
    return element("dialog", keys, element("p", switch), close, id="help", aria_label="Keys")


def _relabel(classes: Sequence[str]) -> Markup:
    options = [
        element("li", shown(label), role="option", aria_selected="false", id=f"class-{number}")
        for number, label in enumerate(classes)
    ]
    field = element(
        "input",
        type="text",
        id="class-name",
        role="combobox",
        autocomplete="off",
        aria_expanded="true",
        aria_controls="classes",
        aria_autocomplete="list",
    )
    return element(
        "dialog",
        element("p", element("b", "Relabel"), " ", element("span", id="relabel-what")),
        element("label", element("span", "Class"), field),
        element("ul", *options, id="classes", role="listbox", aria_label="Classes"),
        element("p", "No class has these letters.", id="no-class", hidden=""),
        element("button", "Cancel", type="button", data_close=""),
        id="relabel",
        aria_label="Relabel a photo",
    )


def _large() -> Markup:
    return element(
        "dialog",
        element("p", id="large-what"),
        element("img", alt="", id="large-photo"),
        element("button", "Close", type="button", data_close=""),
        id="large",
        aria_label="Large photo",
    )
