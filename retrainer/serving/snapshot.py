"""A list of findings at one moment: what filters show of it, and in which pages."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from retrainer.pages.clean.deck import Card, Deck, Judged, Wanted, passes
from retrainer.photos.clean_list.finding import Action

# Filters whose cards are kept, since windows ask each second for the same ones.
_FILTERED = 16


@dataclass(frozen=True)
class Snapshot:
    """The list at one moment.

    Attributes:
        version: Grows with each change.
        deck: The cards.
        judged: What is decided.
    """

    version: int
    deck: Deck
    judged: Judged
    _filtered: dict[tuple[tuple[str, str], ...], list[Card]] = field(default_factory=dict)

    @cached_property
    def counts(self) -> Counter[str]:
        """How many cards are decided how."""
        return self.judged.counts

    def cards(self, wanted: Wanted) -> list[Card]:
        """The cards that filters show, in order."""
        key = tuple(sorted(wanted.items()))
        found = self._filtered.get(key)
        if found is None:
            found = [card for card in self.deck.cards if passes(card, self.judged.decisions[card.id], wanted)]
            if len(self._filtered) >= _FILTERED:
                self._filtered.clear()
            self._filtered[key] = found  # another thread may clear it at any moment
        return found

    def acceptable(self, cards: Sequence[Card]) -> list[Card]:
        """Those of some cards whose suggestions are accepted together: undecided, and about no test photo."""
        return [card for card in cards if card.suggestion and not card.testing and self._is_open(card)]

    def _is_open(self, card: Card) -> bool:
        return self.judged.decisions[card.id].action == Action.NONE and card.photo not in self.judged.conflicts

    def start(self, cards: Sequence[Card], count: int, *, at: str = "", after: str = "", before: str = "") -> int:
        """Where a page of cards begins that shows, follows or precedes a card; filters may hide that one by now.

        Args:
            cards: The cards that filters show.
            count: How many a page has.
            at: The id of a card that is to be on the page.
            after: The id of the card before the page.
            before: The id of the card behind the page.
        """
        places = self.deck.places

        def first(card: str, step: int = 0) -> int:
            return bisect_left(cards, places[card] + step, key=lambda one: places[one.id])

        if at in places:
            return first(at) // count * count
        if after in places:
            return first(after, 1)
        return max(0, first(before) - count) if before in places else 0
