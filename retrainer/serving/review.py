"""Serves the page of findings to the browser of this machine, and writes decisions to the list."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from retrainer.pages.clean.cards import short_path
from retrainer.pages.clean.deck import Card, Wanted, counts_of
from retrainer.pages.clean.served import served_cards, served_page
from retrainer.pages.clean.shown import ShownPhotos
from retrainer.pages.clean.words import decided_words
from retrainer.pages.components import cut, cut_path
from retrainer.photos.clean_list.finding import Action, Decision
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.serving.asked import JSON, Fields, Query, number_of, require, text_of, wanted_of
from retrainer.serving.decisions import Decisions
from retrainer.serving.exchange import Answer, Request
from retrainer.serving.loopback import LoopbackServer
from retrainer.serving.pictures import Pictures
from retrainer.serving.snapshot import Snapshot
from retrainer.serving.until_stopped import until_stopped
from retrainer.text import counted, shown

# Cards that are in the page at once, so that it stays small.
_CARDS = 40
# More changes than these are not told one by one; a window loads its cards anew.
_CHANGES = 1_000
_LONGEST_NOTE, _LONGEST_LABEL = 1_000, 10_000
_HTML, _JPEG = "text/html; charset=utf-8", "image/jpeg"


def serve_review(
    list_path: str | os.PathLike[str], photos: ShownPhotos, *, port: int = 0, on_ready: Callable[[str], None]
) -> tuple[int, int]:
    """Serves the page of a list of findings until Ctrl-C or SIGTERM; each decision is on the disk when it is confirmed.

    Args:
        list_path: The list, such as `tf_files/clean.csv`; it exists.
        photos: Reads the photos; only those that the list names are ever read.
        port: The port on 127.0.0.1; 0 for any that is free.
        on_ready: Called once with the address of the page, which holds a random token.

    Returns:
        How many photos and classes are decided, and how many there are.

    Raises:
        OptionError: the port is in use, or the list cannot be read.
        DatasetError: the file is no list.
        OutputError: another process uses the list, or it cannot be written.
    """
    with ListFile(list_path) as file:
        review = Review(file, photos)
        server = LoopbackServer(port, review.answer)
        until_stopped(server, lambda: on_ready(server.guard.address))
        return review.close()


class Review:
    """What the page asks for.

    Args:
        file: The list, in its `with`.
        photos: Their classes, and what reads them.
    """

    def __init__(self, file: ListFile, photos: ShownPhotos) -> None:
        self._decisions = Decisions(file)
        self._photos = photos
        self._pictures = Pictures(photos.read)
        # The text of a field has one space between words.
        self._classes = {" ".join(shown(label).split()): label for label in photos.classes if label.strip()}

    def close(self) -> tuple[int, int]:
        """Ends decisions, and returns how many photos and classes are decided, and how many there are."""
        return self._decisions.close()

    def answer(self, request: Request) -> Answer:
        """Answers a request.

        Raises:
            RefusedError: there is no such thing, or the request is not as the page makes it.
            RetrainerError: the list cannot be read or written.
        """
        name, _, rest = request.path.partition("/")
        gets = {"": self._page, "cards": self._cards, "changes": self._changes}
        posts = {"decide": self._decide, "accept": self._accept, "copies": self._copies, "undo": self._undo}
        if name == "photo":
            require(request.method == "GET", 405, "Expected GET.")
            return Answer(self._photo(rest, large="large" in request.query), _JPEG)
        require(not rest and (name in gets or name in posts), 404, "Nothing is here.")
        require(request.method == ("GET" if name in gets else "POST"), 405, "Expected another method.")
        if name in gets:
            return gets[name](request.query)
        require(request.kind == JSON, 415, "Expected JSON.")
        fields = Fields.of(request.body)
        fields.require_known_state()
        return posts[name](fields)

    def _page(self, _: Query) -> Answer:
        now = self._decisions.now()
        page = served_page(counts_of(now.deck.cards, now.judged), self._photos)
        return Answer(page.html().encode(), _HTML)

    def _photo(self, path: str, *, large: bool) -> bytes:
        each, _, number = path.partition("/")
        card = self._decisions.now().deck.by_id.get(each)
        paths = [card.finding.path, *card.finding.compared_with] if card else []
        path = next((path for place, path in enumerate(paths) if str(place) == number), "")
        require(bool(path), 404, "No such photo.")
        return (self._pictures.large if large else self._pictures.small)(path)

    def _cards(self, query: Query) -> Answer:
        """The cards after, before or at one; by default the first."""
        now, wanted = self._decisions.now(), wanted_of(query)
        cards = now.cards(wanted)
        start = now.start(cards, _CARDS, **{name: text_of(query, name) for name in ("at", "after", "before")})
        shown_cards = cards[start : start + _CARDS]
        known = {**self._photos.known, **now.deck.known}
        html = served_cards(shown_cards, now.judged, known)
        state = self._state(now, wanted, text_of(query, "window"))
        more = {"html": html, "first": start, "earlier": start > 0, "later": start + len(shown_cards) < len(cards)}
        return _json(state | more)

    def _changes(self, query: Query) -> Answer:
        since = number_of(text_of(query, "since"))
        return self._news(since, wanted_of(query), text_of(query, "window"))

    def _decide(self, fields: Fields) -> Answer:
        cards = self._named_in(fields)
        note = fields.text("note", _LONGEST_NOTE) if fields.has("note") else None
        require(fields.has("action") or note is not None, 400, "Expected an action or a note.")
        if fields.text("action") == "accept":
            return self._accepted([card for card in cards if card.suggestion is not None], fields)
        chosen = self._chosen(fields) if fields.has("action") else None
        moves = chosen is not None and chosen.action in (Action.RELABEL, Action.SET_ASIDE)
        require(not (moves and any(card.about_class for card in cards)), 400, "A class can only be kept as it is.")

        def choose(_: Card, before: Decision) -> Decision:
            decided = before if chosen is None else replace(chosen, note=before.note)
            return decided if note is None else replace(decided, note=note)

        words = "Note on" if chosen is None else f"{decided_words(chosen)}:"
        self._decisions.decide(cards, choose, fields.window, f"{words} {_named(cards)}")
        return self._news(fields.number("since"), fields.wanted, fields.window, said=f"{words} {_named(cards)}")

    def _accept(self, fields: Fields) -> Answer:
        """Accepts all suggestions that filters show; the page says how many it expects."""
        now = self._decisions.now()
        cards = now.acceptable(now.cards(fields.wanted))
        expected = fields.number("expected")
        problem = f"There are {len(cards):,} suggestions now instead of {expected:,}. Look again."
        require(len(cards) == expected, 409, problem)
        return self._accepted(cards, fields)

    def _copies(self, fields: Fields) -> Answer:
        """Keeps the largest of the copies that a card is one of, as their suggestions say."""
        now = self._decisions.now()
        each = {copy for card in self._named_in(fields) for copy in card.copies}
        return self._accepted(now.acceptable([now.deck.by_id[copy] for copy in sorted(each)]), fields)

    def _named_in(self, fields: Fields) -> list[Card]:
        by_id = self._decisions.now().deck.by_id
        cards = [by_id[each] for each in fields.texts("ids") if each in by_id]
        require(bool(cards), 409, "The list no longer has this finding. Reload the page.")
        return cards

    def _accepted(self, cards: Sequence[Card], fields: Fields) -> Answer:
        require(bool(cards), 409, "There is no suggestion to accept.")

        def choose(card: Card, before: Decision) -> Decision:
            return replace(card.suggestion, note=before.note) if card.suggestion else before

        one = decided_words(cards[0].suggestion) if len(cards) == 1 and cards[0].suggestion else "Accepted suggestions"
        said = f"{one}: {_named(cards)}"
        self._decisions.decide(cards, choose, fields.window, said)
        return self._news(fields.number("since"), fields.wanted, fields.window, said=said)

    def _undo(self, fields: Fields) -> Answer:
        undone = self._decisions.undo(fields.window)
        said, card = "Nothing to undo in this window.", ""
        if undone is not None:
            step, kept = undone
            stay = f" What was decided anew since stays: {counted(kept, 'photo')}." if kept else ""
            said, card = f"Undone: {step.said}.{stay}", step.card
        return self._news(fields.number("since"), fields.wanted, fields.window, said=said, card=card)

    def _chosen(self, fields: Fields) -> Decision:
        action = fields.text("action")
        require(action in [each.value for each in Action], 400, "Expected keep, relabel, set aside, or nothing.")
        if action != Action.RELABEL:
            return Decision(action=Action(action))
        label = self._classes.get(fields.text("label", _LONGEST_LABEL), "")
        require(bool(label), 400, "Expected one of the classes.")
        return Decision(action=Action.RELABEL, new_label=label)

    def _news(self, since: int, wanted: Wanted, window: str, **more: str) -> Answer:
        """What changed after a version."""
        now, changed = self._decisions.now(), self._decisions.since(since)
        state = self._state(now, wanted, window)
        if changed is None or len(changed) > _CHANGES:
            return _json(state | {"reload": True} | more)
        decisions = now.judged.decisions
        told = {each: _told(decisions[each]) for each in changed if each in decisions}
        return _json(state | {"changed": told} | more)

    def _state(self, now: Snapshot, wanted: Wanted, window: str) -> dict[str, object]:
        cards = now.cards(wanted)
        decided, total = now.judged.progress
        return {
            "version": now.version,
            "decided": decided,
            "total": total,
            "shown": len(cards),
            "cards": len(now.deck.cards),
            "accept": len(now.acceptable(cards)),
            "undo": self._decisions.undoable(window),
            "counts": now.counts,
        }


def _told(decision: Decision) -> dict[str, str]:
    return {"action": decision.action.value, "words": decided_words(decision), "note": decision.note}


def _named(cards: Sequence[Card]) -> str:
    photos = {card.photo: card for card in cards}
    if len(photos) > 1:
        return counted(len(photos), "photo")
    found = cards[0].finding
    return cut_path(short_path(found.path)) if found.path else f"class {cut(found.label)}"


def _json(document: Mapping[str, object]) -> Answer:
    return Answer(json.dumps(document).encode(), JSON)
