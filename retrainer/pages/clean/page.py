"""The page of findings: as one file to look at, and as a server gives it to decide on."""

from collections import defaultdict
from collections.abc import Sequence

from retrainer.pages.blocks import callout, more
from retrainer.pages.clean.cards import Look, cards_markup, paths_of
from retrainer.pages.clean.deck import Card, Deck, Judged, counts_of
from retrainer.pages.clean.facets import clean_filters
from retrainer.pages.clean.shown import ShownPhotos
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Page, Section
from retrainer.pages.thumbnails import Thumbnails
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Kind
from retrainer.photos.clean_list.names import KIND_NAMES

# Of a page that is one file: cards, photos that a card compares with, and bytes of all pictures.
_CARDS, _COMPARED, _PICTURE_BYTES = 200, 3, 3_300_000


def clean_page(clean_list: CleanList, photos: ShownPhotos) -> Page:
    """Returns the page of findings with their photos, which fits into one file: of many, the surest of each kind.

    Args:
        clean_list: The findings, with the decisions so far.
        photos: Reads the photos, and tells how the others are to be seen.
    """
    deck = Deck(clean_list)
    judged = deck.judged(clean_list)
    kinds: dict[Kind, list[Card]] = defaultdict(list)
    for card in deck.cards:
        kinds[card.finding.kind].append(card)
    shown = dict(zip(kinds, _shares([len(cards) for cards in kinds.values()], _CARDS), strict=True))
    seen = [card for kind, cards in kinds.items() for card in cards[: shown[kind]]]
    thumbnails = Thumbnails(photos.read, _PICTURE_BYTES)
    thumbnails.prepare([path for card in seen for path in paths_of(card, _COMPARED)])

    def picture(card: Card, number: int, description: str) -> Markup:
        path = card.finding.compared_with[number - 1] if number else card.finding.path
        return thumbnails.photo(path, description)

    look = Look(picture=picture, known={**photos.known, **deck.known}, most=_COMPARED, served=False)
    sections = [
        Section(
            f"{KIND_NAMES[kind][1]} ({len(cards):,})",
            [
                element("div", *cards_markup(cards[: shown[kind]], judged, look), class_="part"),
                more(shown[kind], len(cards), "findings of this kind", photos.command),
            ],
            short=KIND_NAMES[kind][1],
        )
        for kind, cards in kinds.items()
    ]
    lead = [*_progress(judged), *_how(photos), *(clean_filters(counts_of(seen, judged)) if seen else [])]
    return Page(title="Photos that may be wrong", sections=sections, lead=lead, scripts=["filters"], styles=["review"])


def _progress(judged: Judged) -> list[Markup]:
    decided, total = judged.progress
    if not total:
        return [element("p", "Nothing was found that may be wrong.", class_="headline")]
    return [element("p", f"{decided:,} of {total:,} photos and classes decided", class_="headline")]


def _how(photos: ShownPhotos) -> list[Markup]:
    sentence = "No photo was changed or moved. Decisions are a list: edit it"
    if not photos.command:
        return [element("p", f"{sentence}.")]
    return [callout(f"{sentence}, or decide in a browser with:", photos.command)]


def _shares(counts: Sequence[int], most: int) -> list[int]:
    """How many of each kind are shown if all together are at most `most`: the rarer kinds whole."""
    shares = [0] * len(counts)
    left = most
    for rank, number in enumerate(sorted(range(len(counts)), key=counts.__getitem__)):
        shares[number] = min(counts[number], left // (len(counts) - rank))
        left -= shares[number]
    return shares
