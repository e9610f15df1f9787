"""The columns of the list, and how a row stands in them: see "The list of decisions" in models/FORMATS.md."""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from retrainer.answers.texts import for_spreadsheet, original, stored
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.photos.clean_list.rows import UNDECIDED
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
        f"{finding.score:.6g}",
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


def row_of(cells: Sequence[str], extra: Sequence[str]) -> Row:
    """A row of its cells in the order of the columns.

    Raises:
        ValueError: a cell is wrong; the text says which, what was expected and what was received.
    """
    path, sha256, label, part, kind, score, reason, compared, suggestion, suggested, action, new_label, note = cells
    decision = UNDECIDED
    if action or new_label or note:
        decision = Decision(action=_action(action), new_label=_text(new_label).strip(), note=_text(note))
    finding = Finding(
        kind=_kind(kind),
        path=_text(path),
        sha256=_hash(sha256),
        label=_text(label).strip(),
        score=_number(score),
        reason=_text(reason),
        suggestion=_suggestion(suggestion),
        new_label=_text(suggested).strip(),
        compared_with=tuple(map(_text, compared.split(_BETWEEN))) if compared.strip() else (),
        part=_text(part).strip(),
    )
    _require_whole(finding, decision)
    return Row(finding, decision, tuple(map(_text, extra)) if extra else ())


def _require_whole(finding: Finding, decision: Decision) -> None:
    if decision.action == Action.RELABEL and not decision.new_label:
        raise ValueError("expected a new_label for the action 'relabel', received an empty cell")
    if decision.action == Action.NONE and decision.new_label:
        received = shown(decision.new_label[:_SHOWN])
        raise ValueError(f"expected the action 'relabel' beside the new_label '{received}', received an empty cell")
    if decision.action in (Action.RELABEL, Action.SET_ASIDE) and not finding.path and not finding.sha256:
        raise ValueError(f"expected a path or a sha256 for the action '{decision.action}', received empty cells")


@lru_cache
def _action(text: str) -> Action:
    return _word(Action, "an action", text)


@lru_cache
def _suggestion(text: str) -> Action:
    return _word(Action, "a suggestion", text)


@lru_cache
def _kind(text: str) -> Kind:
    return _word(Kind, "a finding", text) if text.strip() else Kind.OTHER


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
    lower = text.strip().lower()
    if lower and not _SHA256.fullmatch(lower):
        raise ValueError(f"expected a sha256 of 64 hexadecimal digits, received '{shown(text[: _SHOWN + 10])}'")
    return lower


def _number(text: str) -> float:
    """A score; an empty cell is 1, and spreadsheets may write a decimal comma."""
    if not text.strip():
        return 1.0
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected a number in the column 'score', received '{shown(text[:_SHOWN])}'")
    return number


def _text(cell: str) -> str:
    return original(cell) if "\\" in cell else cell


def _cell(text: str) -> str:
    return for_spreadsheet(_stored(text))


def _stored(text: str) -> str:
    """The same as `stored`; most texts need nothing."""
    return text if text.isascii() and text.isprintable() and "\\" not in text else stored(text)


def _stored_path(path: str) -> str:
    """A path that holds what stands between paths is written with an escape."""
    return _stored(path).replace(_BETWEEN, _BETWEEN_ESCAPED)
