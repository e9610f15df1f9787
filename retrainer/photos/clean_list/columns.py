"""The columns of the list, and how a row stands in them: see "The list of decisions" in models/FORMATS.md."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from retrainer.answers.table import short_number
from retrainer.answers.texts import for_spreadsheet, original, stored
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.text import shown

COLUMNS = (
    "path",
    "sha256",
    "label",
    "part",
    "finding",
    "score",
    "reason",
    "compared_with",
    "suggestion",
    "suggested_label",
    "action",
    "new_label",
    "note",
)
_BETWEEN = " | "
_BETWEEN_ESCAPED = " \\u007c "
_SHA256 = re.compile("[0-9a-f]{64}")
_SHOWN = 60

Word = TypeVar("Word", Kind, Action)


def cells_of(row: Row) -> list[str]:
    """The cells of a row, in the order of the columns, as they stand in the file."""
    finding, decision = row.finding, row.decision
    return [
        _cell(finding.path),
        finding.sha256,
        _cell(finding.label),
        _cell(finding.part),
        finding.kind,
        f"{short_number(finding.score) or 0.0:g}",
        _cell(finding.reason),
        for_spreadsheet(_BETWEEN.join(map(_stored_path, finding.compared_with))),
        finding.suggestion,
        _cell(finding.new_label),
        decision.action,
        _cell(decision.new_label),
        _cell(decision.note),
        *map(_cell, row.extra),
    ]


def heading_of(extra_columns: Sequence[str]) -> list[str]:
    """The names of the columns as they stand in the file."""
    return [*COLUMNS, *map(_cell, extra_columns)]


def row_of(cells: Mapping[str, str], extra: Sequence[str]) -> Row:
    """A row of its cells by the names of their columns; absent cells are empty.

    Raises:
        ValueError: a cell is wrong; the text says which, what was expected and what was received.
    """
    text = {name: cells.get(name, "").strip() for name in COLUMNS}
    path = original(cells.get("path", ""))
    decision = Decision(
        action=_word(Action, "an action", text["action"]),
        new_label=original(text["new_label"]),
        note=original(cells.get("note", "")),
    )
    finding = Finding(
        kind=_word(Kind, "a finding", text["finding"]) if text["finding"] else Kind.OTHER,
        path=path,
        sha256=_hash(text["sha256"]),
        label=original(text["label"]),
        score=_number(text["score"]),
        reason=original(cells.get("reason", "")),
        suggestion=_word(Action, "a suggestion", text["suggestion"]),
        new_label=original(text["suggested_label"]),
        compared_with=tuple(map(original, cells.get("compared_with", "").split(_BETWEEN)))
        if text["compared_with"]
        else (),
        part=original(text["part"]),
    )
    _require_whole(finding, decision)
    return Row(finding, decision, tuple(map(original, extra)))


def _require_whole(finding: Finding, decision: Decision) -> None:
    if decision.action == Action.RELABEL and not decision.new_label:
        raise ValueError("expected a new_label for the action 'relabel', received an empty cell")
    if decision.action == Action.NONE and decision.new_label:
        received = shown(decision.new_label[:_SHOWN])
        raise ValueError(f"expected the action 'relabel' beside the new_label '{received}', received an empty cell")
    if decision.action in (Action.RELABEL, Action.SET_ASIDE) and not finding.path and not finding.sha256:
        raise ValueError(f"expected a path or a sha256 for the action '{decision.action}', received empty cells")


def _word(kind: type[Word], what: str, text: str) -> Word:
    """A word of a column; capitals, `_` and `-` do not matter."""
    plain = " ".join(re.split(r"[\s_-]+", text.casefold())).strip()
    try:
        return kind(plain)
    except ValueError:
        known = ", ".join(word for word in kind if word)
        empty = " or nothing" if kind is Action else ""
        raise ValueError(f"expected {what} of {known}{empty}, received '{shown(text[:_SHOWN])}'") from None


def _hash(text: str) -> str:
    lower = text.lower()
    if lower and not _SHA256.fullmatch(lower):
        raise ValueError(f"expected a sha256 of 64 hexadecimal digits, received '{shown(text[: _SHOWN + 10])}'")
    return lower


def _number(text: str) -> float:
    """A score; an empty cell is 1, and spreadsheets may write a decimal comma."""
    if not text:
        return 1.0
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected a number in the column 'score', received '{shown(text[:_SHOWN])}'")
    return number


def _cell(text: str, store: Callable[[str], str] = stored) -> str:
    return for_spreadsheet(store(text))


def _stored_path(path: str) -> str:
    """A path that holds what stands between paths is written with an escape."""
    return stored(path).replace(_BETWEEN, _BETWEEN_ESCAPED)
