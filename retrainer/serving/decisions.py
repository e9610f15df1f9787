"""The decisions about a list while it is served: each is on the disk at once, and can be undone."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from retrainer.errors import OutputError
from retrainer.pages.clean.deck import Card, Deck
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Decision
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.photos.clean_list.rows import Photo
from retrainer.serving.snapshot import Snapshot

_Rows = tuple[Decision, ...]


@dataclass(frozen=True, eq=False)
class Step:
    """What one click or key changed.

    Attributes:
        window: The window in which it was made.
        said: What it was, such as `Set aside roses/1.jpg`.
        card: The id of a card that it was about; empty if it was about many.
        changes: Photo -> the decisions in its rows before and after.
    """

    window: str
    said: str
    card: str
    changes: Mapping[Photo, tuple[_Rows, _Rows]]


class Decisions:
    """Makes and undoes decisions; all threads may use it.

    Args:
        file: The list, in its `with`.
    """

    def __init__(self, file: ListFile) -> None:
        self._file = file
        self._lock = threading.RLock()
        self._closed = False
        self._history: list[Step] = []
        self._changed: list[frozenset[str]] = []
        # Windows that know only an earlier version have to load their cards anew.
        self._rebuilt = 0
        self._list = file.current
        self._now = self._snapshot(Deck(self._list))

    def now(self) -> Snapshot:
        """The list as it is on the disk.

        Raises:
            RetrainerError: another program left a file that cannot be read.
        """
        with self._lock:
            self._follow(self._file.current)
            return self._now

    def since(self, version: int) -> frozenset[str] | None:
        """The ids of the cards whose decisions changed after a version; None if the cards are others now."""
        with self._lock:
            if version < self._rebuilt or version > self._now.version:
                return None
            return frozenset[str]().union(*self._changed[version:])

    def decide(
        self, cards: Sequence[Card], choose: Callable[[Card, Decision], Decision], window: str, said: str
    ) -> None:
        """Writes decisions about the photos of some cards; one step that can be undone.

        Args:
            cards: Any; the first card of a photo counts.
            choose: The card and the decision in a row -> the new decision in it.
            window: The window that asks.
            said: What it is, in words.

        Raises:
            OutputError: it cannot be written; nothing is changed.
        """
        photos: dict[Photo, Card] = {}
        for card in cards:
            photos.setdefault(card.photo, card)
        with self._lock:
            changes: dict[Photo, tuple[_Rows, _Rows]] = {}

            def change(known: CleanList) -> CleanList:
                changes.clear()
                for photo, card in photos.items():
                    if before := _decisions_in(known, photo):
                        changes[photo] = before, tuple(choose(card, each) for each in before)
                return _with(known, {photo: after for photo, (_, after) in changes.items()})

            self._update(change)
            self._history.append(Step(window, said, cards[0].id if len(photos) == 1 else "", changes))

    def undo(self, window: str) -> tuple[Step, int] | None:
        """Takes back the last step of a window.

        Returns:
            The step, and how many of its photos stay as they are since they were decided anew; None without a step.

        Raises:
            OutputError: it cannot be written; nothing is changed.
        """
        with self._lock:
            step = next((step for step in reversed(self._history) if step.window == window), None)
            if step is None:
                return None
            kept: list[Photo] = []

            def change(known: CleanList) -> CleanList:
                kept.clear()
                same = {photo for photo, (_, after) in step.changes.items() if _decisions_in(known, photo) == after}
                kept.extend(step.changes.keys() - same)
                return _with(known, {photo: step.changes[photo][0] for photo in same})

            self._update(change)
            self._history.remove(step)
            return step, len(kept)

    def undoable(self, window: str) -> int:
        """How many steps of a window can be undone."""
        with self._lock:
            return sum(step.window == window for step in self._history)

    def close(self) -> tuple[int, int]:
        """Waits for a decision that is being written, and takes no more.

        Returns:
            How many photos and classes are decided, and how many there are.
        """
        with self._lock:
            self._closed = True
            return self._now.judged.progress

    def _update(self, change: Callable[[CleanList], CleanList]) -> None:
        if self._closed:
            raise OutputError("The server was ended.")
        self._follow(self._file.update(change))

    def _follow(self, current: CleanList) -> None:
        """Takes over a list that was changed here or by another program."""
        if current is self._list:
            return
        before, self._list = self._now, current
        deck = before.deck if before.deck.is_of(current) else Deck(current)
        after = self._snapshot(deck, before.version + 1)
        if list(deck.by_id) != list(before.deck.by_id):
            self._rebuilt = after.version
        known = before.judged.decisions
        # A decision that stays is mostly the same object.
        changed = {
            each
            for each, now in after.judged.decisions.items()
            if known.get(each) is not now and known.get(each) != now
        }
        moved = before.judged.conflicts ^ after.judged.conflicts
        changed |= {card.id for card in deck.cards if card.photo in moved} if moved else set()
        self._changed.append(frozenset(changed))
        self._now = after

    def _snapshot(self, deck: Deck, version: int = 0) -> Snapshot:
        return Snapshot(version, deck, deck.judged(self._list))


def _decisions_in(known: CleanList, photo: Photo) -> _Rows:
    return tuple(known.rows[number].decision for number in known.photos.get(photo, ()))


def _with(known: CleanList, decisions: Mapping[Photo, _Rows]) -> CleanList:
    """The list with these decisions in the rows of photos."""
    rows = list(known.rows)
    for photo, each in decisions.items():
        for number, decision in zip(known.photos[photo], each, strict=True):
            rows[number] = replace(rows[number], decision=decision)
    return replace(known, rows=tuple(rows))
