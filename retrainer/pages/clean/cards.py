"""A finding as a card: its photo beside those that it is compared with, the reason, the suggestion and the decision."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from retrainer.measuring.shares import percent
from retrainer.pages.blocks import chip
from retrainer.pages.clean.deck import Card, Judged, values_of
from retrainer.pages.clean.words import DISAGREES, TEST_PHOTO, decided_words, part_photo
from retrainer.pages.components import cut, cut_path, name
from retrainer.pages.filters import filterable
from retrainer.pages.markup import Markup, element
from retrainer.photos.clean_list.finding import Action, Decision, Kind
from retrainer.photos.clean_list.names import KIND_NAMES
from retrainer.text import shown

_LONGEST_REASON, _LONGEST_PATH, _LONGEST_TITLE = 300, 80, 300
# Kinds whose score says nothing.
_CERTAIN = (Kind.UNREADABLE, Kind.EXTENSION, Kind.SMALL_CLASS, Kind.OTHER)
# Buttons: what they do, their text and the key that does the same.
_BUTTONS = (("keep", "Keep", "Shift+K"), ("relabel", "Relabel…", "R"), ("set aside", "Set aside", "S"))


@dataclass(frozen=True, kw_only=True)
class Look:
    """How cards are drawn.

    Attributes:
        picture: Card, number of a photo of it (0 is its own, then those it is compared with), description -> markup.
        known: Path -> class and part of a photo.
        most: How many photos that it is compared with a card shows.
        served: Whether decisions can be made.
    """

    picture: Callable[[Card, int, str], Markup]
    known: Mapping[str, tuple[str, str]]
    most: int
    served: bool


def paths_of(card: Card, most: int) -> list[str]:
    """The photos that a card shows: its own one, then those that it is compared with."""
    own = [card.finding.path] if card.finding.path else []
    return [*own, *card.finding.compared_with[:most]]


def cards_markup(cards: Iterable[Card], judged: Judged, look: Look) -> list[Markup]:
    """Cards with the decisions about their photos."""
    return [
        card_markup(card, judged.decisions[card.id], look, disagrees=card.photo in judged.conflicts) for card in cards
    ]


def card_markup(card: Card, decision: Decision, look: Look, *, disagrees: bool = False) -> Markup:
    """A card.

    Args:
        card: The finding.
        decision: What is decided about its photo.
        look: How it is drawn.
        disagrees: Whether the rows of the photo have different decisions.
    """
    found = card.finding
    notes = [element("p", TEST_PHOTO, class_="test-note")] if card.testing else []
    notes += [element("p", DISAGREES, class_="test-note")] if disagrees else []
    content = [
        element(
            "h3", KIND_NAMES[found.kind][0], ": ", element("bdi", _subject(card), **_title(card)), id=f"h-{card.id}"
        ),
        element("p", *_chips(card), class_="chips"),
        element("p", cut(found.reason, _LONGEST_REASON), class_="reason"),
        *notes,
        element("div", *_figures(card, look), class_="compared"),
        element("div", element("p", *_suggested(card)), *_decided(card, decision, served=look.served), class_="judged"),
    ]
    return filterable(
        "article",
        *content,
        of=values_of(card, decision),
        id=f"f-{card.id}",
        class_="finding",
        data_action=decision.action.value,
        tabindex="-1",
        aria_labelledby=f"h-{card.id}",
        **(_offered(card) if look.served else {}),
    )


def _subject(card: Card) -> str:
    found = card.finding
    if card.about_class:
        return " and ".join(cut(label) for label in (found.label, found.new_label) if label)
    return cut_path(short_path(found.path) or f"sha256 {found.sha256}", _LONGEST_PATH)


def _title(card: Card) -> dict[str, str]:
    return {"title": cut_path(card.finding.path, _LONGEST_TITLE)} if card.finding.path else {}


def short_path(path: str) -> str:
    """The file's name and its folder, which say enough among photos of one list."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def _chips(card: Card) -> list[Markup]:
    found = card.finding
    chips = [chip(f"class {cut(found.label)}")] if found.label and not card.about_class else []
    if found.part:
        chips.append(chip(part_photo(found.part), "warning" if card.testing else ""))
    if len(card.copies) > 1:
        number = card.copies.index(card.id) + 1
        chips.append(chip(f"copy {number:,} of {len(card.copies):,} of the same photo"))
    return [Markup(piece) for each in chips for piece in (each, " ")]


def _suggested(card: Card) -> list[str]:
    score = "" if card.finding.kind in _CERTAIN else f"Score {percent(card.finding.score)}. "
    if card.finding.kind == Kind.SMALL_CLASS:
        return [score, "Add photos to it, or keep it as it is."]
    if card.about_class:
        return [score, "Rename or merge folders yourself, or keep it as it is."]
    if card.suggestion is None:
        return [score, "No suggestion: look at it and decide."]
    return [score, "Suggestion: ", element("b", decided_words(card.suggestion)), "."]


def _figures(card: Card, look: Look) -> list[Markup]:
    found = card.finding
    figures = []
    for number, path in enumerate(paths_of(card, look.most), start=0 if found.path else 1):
        label, part = (found.label, found.part) if number == 0 else look.known.get(path, ("", ""))
        role, short = _role(found.kind, number), cut_path(short_path(path))
        of_class = f" of class {cut(label)}" if label else ""
        description = f"{role}: {part_photo(part)}{of_class}, {short}"
        named: list[str] = [element("b", role)]
        named += [" ", name(label)] if label else []
        named += [f", {part_photo(part)}"] if part else []
        where = [element("div", element("bdi", short), class_="quiet path")] if number else []
        caption = element("figcaption", element("div", *named), *where)
        kind = "own" if number == 0 else "other"
        figures.append(element("figure", look.picture(card, number, description), caption, class_=kind))
    left = len(found.compared_with) - look.most
    return figures + ([element("p", f"and {left:,} more", class_="quiet")] if left > 0 else [])


def _role(kind: Kind, number: int) -> str:
    if number == 0:
        return "Copy" if kind == Kind.COPY else "This photo"
    if kind == Kind.COPY:
        return "To keep" if number == 1 else "Also a copy"
    return "Example" if kind in (Kind.SMALL_CLASS, Kind.SAME_CLASS) else "Similar"


def _offered(card: Card) -> dict[str, str]:
    """What scripts need to know of a card."""
    offered = {"data_subject": _subject(card)}
    if card.about_class:
        offered["data_class_only"] = ""
    if card.suggestion is not None:
        offered["data_accept"] = decided_words(card.suggestion)
        if card.suggestion.action == Action.RELABEL:
            offered["data_label"] = shown(card.suggestion.new_label)
    return offered


def _decided(card: Card, decision: Decision, *, served: bool) -> list[Markup]:
    if not served:
        note = f" Note: {cut(decision.note, _LONGEST_REASON)}" if decision.note else ""
        if decision.action == Action.NONE and not note:
            return []
        return [element("p", element("b", decided_words(decision)), f".{note}", class_="decision")]
    buttons = []
    if card.suggestion is not None:
        buttons.append(_button("accept", f"Accept: {decided_words(card.suggestion).lower()}", "A", class_="accept"))
    for action, text, key in _BUTTONS[: 1 if card.about_class else None]:
        buttons.append(_button(action, text, key, aria_pressed=str(decision.action == action).lower()))
    if len(card.copies) > 1:
        buttons.append(_button("copies", f"Keep the largest, set aside all {len(card.copies):,} copies"))
    note = element(
        "label",
        element("span", "Note"),
        element("input", type="text", value=decision.note, maxlength="1000", autocomplete="off", data_note=""),
        class_="note-field",
    )
    state = element("p", element("b", decided_words(decision)), class_="decision", data_state="")
    return [element("div", *buttons, class_="decide"), note, state]


def _button(action: str, text: str, key: str = "", **attributes: str) -> Markup:
    if key:
        attributes["aria_keyshortcuts"] = key
    hint = [" ", element("kbd", key.replace("Shift+", "⇧"), aria_hidden="true")] if key else []
    return element("button", text, *hint, type="button", data_act=action, **attributes)
