"""Takes suggestions as decisions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from retrainer.errors import OptionError
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision, Kind, Row
from retrainer.text import brief

ALL = "all"


def kinds_of(words: Iterable[str] | str) -> tuple[Kind, ...]:
    """The kinds of findings that are named: words with commas between, a list of words, or `all`.

    Raises:
        OptionError: there is no such kind.
    """
    given = words.split(",") if isinstance(words, str) else list(words)
    named = [str(word).strip().lower().replace("_", " ").replace("-", " ") for word in given]
    if named == [ALL]:
        return tuple(Kind)
    for word, name in zip(given, named, strict=True):
        if name not in [*Kind]:
            raise _unknown(word, name)
    return tuple(map(Kind, named))


def _unknown(word: str, name: str) -> OptionError:
    from difflib import get_close_matches

    found = [kind.value for kind in Kind if kind is not Kind.OTHER]
    close = get_close_matches(name, [ALL, *found], n=1)
    hint = f"Did you mean '{close[0]}'?" if close else ""
    return OptionError(f"--accept: expected {ALL}, or some of {', '.join(found)}; received {brief(word)}.", hint)


def accepted(clean_list: CleanList, kinds: Collection[Kind]) -> CleanList:
    """Returns the list with the suggestions of some kinds as decisions.

    Photos that are decided and test photos stay as they are. If the suggestions for a photo differ, it is set aside.
    """
    rows = list(clean_list.rows)
    for numbers in clean_list.photos.values():
        if decision := _suggested([rows[number] for number in numbers], kinds):
            for number in numbers:
                rows[number] = replace(rows[number], decision=replace(decision, note=rows[number].decision.note))
    return replace(clean_list, rows=tuple(rows))


def _suggested(rows: Sequence[Row], kinds: Collection[Kind]) -> Decision | None:
    """The decision to take about one photo; None if there is none."""
    if any(row.decision.action != Action.NONE or row.finding.is_testing for row in rows):
        return None
    found = [row.finding for row in rows if row.finding.kind in kinds and row.finding.suggestion != Action.NONE]
    if not found:
        return None
    taken = next((one for one in found if one.suggestion == Action.SET_ASIDE), found[0])
    return Decision(action=taken.suggestion, new_label=taken.new_label)
