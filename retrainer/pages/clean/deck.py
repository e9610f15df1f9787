"""The findings of a list in the order in which a page shows them: each is a card, with the filters that it passes."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind
from retrainer.photos.clean_list.rows import Photo, actions_in, decision_in, is_about_class

UNDECIDED = "undecided"
FINDING, CLASS, PART, DECISION = "finding", "class", "part", "decision"
FILTERS = (FINDING, CLASS, PART, DECISION)
_ORDER = {kind: number for number, kind in enumerate(Kind)}
Wanted = Mapping[str, str]
"""The name of a filter -> the value that is wanted."""


@dataclass(frozen=True)
class Card:
    """A finding with its place among the others.

    Attributes:
        id: Letters and digits, the same each time for the same finding.
        finding: What may be wrong.
        photo: What all cards of its photo share.
        numbers: The rows of its photo, from 0.
        copies: The ids of all copies of the photo that `compared_with` begins with, if it is a copy.
    """

    id: str
    finding: Finding
    photo: Photo
    numbers: Sequence[int]
    copies: Sequence[str] = ()

    @cached_property
    def fixed_values(self) -> dict[str, Sequence[str]]:
        """The values of the filters that show it whatever is decided."""
        found = self.finding
        labels = [label for label in (found.label, found.new_label) if label]
        return {
            FINDING: (found.kind.value,),
            CLASS: labels if found.kind == Kind.SAME_CLASS else labels[:1] if found.label else (),
            PART: (found.part,) if found.part else (),
        }

    @property
    def about_class(self) -> bool:
        """Whether it is about a class; if so, nothing can be decided but to leave it."""
        return is_about_class(self.finding)

    @property
    def testing(self) -> bool:
        """Whether it is about a test photo, which only a person decides."""
        return self.finding.is_testing

    @cached_property
    def suggestion(self) -> Decision | None:
        """The decision that is suggested; None if there is none."""
        found = self.finding
        if (
            self.about_class
            or found.suggestion == Action.NONE
            or (found.suggestion == Action.RELABEL and not found.new_label)
        ):
            return None
        return Decision(action=found.suggestion, new_label=found.new_label)


class Deck:
    """The cards of a list. They stay while only decisions change.

    Attributes:
        cards: Kind by kind, the surest of each first; copies of one photo stand together.
        by_id: The same cards.
        known: Path -> class and part of the photos in the list.
    """

    def __init__(self, clean_list: CleanList) -> None:
        self._photos = clean_list.photos
        findings = [row.finding for row in clean_list.rows]
        ids = _ids(findings)
        groups, surest = defaultdict(list), defaultdict[str, float](float)
        for each, finding in zip(ids, findings, strict=True):
            if original := _original(finding):
                groups[original].append(each)
                surest[original] = max(surest[original], finding.score)

        def place(card: Card) -> tuple[object, ...]:
            original = _original(card.finding)
            score = card.finding.score
            return (_ORDER[card.finding.kind], -surest.get(original, score), original, -score, card.finding.path)

        cards = [
            Card(ids[number], findings[number], photo, numbers, groups.get(_original(findings[number]), ()))
            for photo, numbers in self._photos.items()
            for number in numbers
        ]
        self.cards = sorted(cards, key=place)
        self.by_id = {card.id: card for card in self.cards}
        self.places = {card.id: number for number, card in enumerate(self.cards)}
        self._ids = {photo: [ids[number] for number in numbers] for photo, numbers in self._photos.items()}
        self.known = {one.path: (one.label, one.part) for one in findings if one.path}

    def is_of(self, clean_list: CleanList) -> bool:
        """Whether a list differs from the one of the deck in decisions at most."""
        return self._photos is clean_list.photos

    def judged(self, clean_list: CleanList) -> "Judged":
        """What a list decides about each card's photo."""
        decisions: dict[str, Decision] = {}
        conflicts, decided = set(), 0
        for photo, numbers in self._photos.items():
            rows = [clean_list.rows[number] for number in numbers]
            decision = rows[0].decision
            if len(rows) > 1:
                if len(actions_in(rows)) > 1:
                    conflicts.add(photo)
                note = next((row.decision.note for row in rows if row.decision.note), "")
                decision = replace(decision_in(rows), note=note)
            decided += decision.action != Action.NONE
            decisions.update(dict.fromkeys(self._ids[photo], decision))
        return Judged(decisions, frozenset(conflicts), (decided, len(self._photos)))


@dataclass(frozen=True)
class Judged:
    """What a list decides.

    Attributes:
        decisions: The id of a card -> the decision about its photo.
        conflicts: The photos whose rows disagree.
        progress: How many photos and classes are decided, and how many there are.
    """

    decisions: Mapping[str, Decision]
    conflicts: frozenset[Photo]
    progress: tuple[int, int]

    @property
    def counts(self) -> Counter[str]:
        """How many cards are decided how."""
        counts = Counter({UNDECIDED: 0, **{action.value: 0 for action in Action if action.value}})
        counts.update(decision.action.value or UNDECIDED for decision in self.decisions.values())
        return counts


def values_of(card: Card, decision: Decision) -> dict[str, Sequence[str]]:
    """The values of the filters that show a card."""
    return {**card.fixed_values, DECISION: (decision.action.value or UNDECIDED,)}


def passes(card: Card, decision: Decision, wanted: Wanted) -> bool:
    """Whether filters show a card."""
    return all(
        value == (decision.action.value or UNDECIDED) if name == DECISION else value in card.fixed_values[name]
        for name, value in wanted.items()
    )


def counts_of(cards: Sequence[Card], judged: Judged) -> dict[str, Counter[str]]:
    """How many cards each value of each filter shows, in the order of the cards."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in FILTERS}
    for card in cards:
        for name, values in card.fixed_values.items():
            counts[name].update(values)
    shown = {card.id: judged.decisions[card.id] for card in cards}
    return {**counts, DECISION: replace(judged, decisions=shown).counts}


def _original(finding: Finding) -> str:
    """The photo that a copy is a copy of; empty for other findings."""
    return finding.compared_with[0] if finding.kind == Kind.COPY and finding.compared_with else ""


def _ids(findings: Sequence[Finding]) -> list[str]:
    seen: Counter[str] = Counter()
    ids = []
    for one in findings:
        text = "\0".join((one.kind, one.path, one.sha256, one.label, one.new_label if not one.path else ""))
        short = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        seen[short] += 1
        ids.append(short if seen[short] == 1 else f"{short}x{seen[short]}")
    return ids
