"""The fields of a run's record and their limits. FORMATS.md lists them for people."""

from collections.abc import Callable
from typing import Any

from retrainer.system.documents import (
    OTHERS,
    Field,
    Table,
    digest,
    flag,
    is_number,
    mapping,
    number,
    one_of,
    optional,
    or_none,
    plain,
    section,
    text,
    whole,
)

FORMAT = 1
# More problems are counted and not listed.
MOST_PROBLEMS = 1_000
_MANY, _LONG = 2**53, 100_000


def _list_of(each: Field, most: int, words: str) -> Field:
    """A list of at most `most` values."""
    return Field(
        f"at most {most:,} {words}",
        lambda value: isinstance(value, list) and len(value) <= most and all(map(each.accepts, value)),
    )


def _row_of(*cells: Field) -> Field:
    """A list of as many cells."""

    def accepts(value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) == len(cells)
            and all(cell.accepts(one) for cell, one in zip(cells, value, strict=True))
        )

    return Field(f"{len(cells)} cells", accepts)


_COUNT, _SHARE, _ANY = whole(0, _MANY), number(0, 1), text(_LONG, printable=False, empty=True)
_NUMBER = Field("a number", is_number)
_LABEL: Callable[[str], bool] = text(1_000).accepts
TABLE: Table = {
    "format": one_of(FORMAT),
    "retrainer": text(100),
    "model_id": digest(),
    "command": _ANY,
    "options": section(),
    "versions": mapping(str.isprintable, text(100), 100),
    "split": mapping(_LABEL, _row_of(_COUNT, _COUNT, _COUNT), 100_000),
    "test": or_none(section()),
    "folds": or_none(section()),
    "fold_accuracies": _list_of(_SHARE, 1_000, "numbers from 0 to 1"),
    "training_curve": or_none(section()),
    "learning_curve": or_none(section()),
    "copies": section(),
    "warnings": _list_of(_ANY, 100_000, "texts"),
    "problems": _list_of(_row_of(text(100), _ANY, _ANY), MOST_PROBLEMS, "lists of kind, path and reason"),
    "problem_count": _COUNT,
}
FIGURES: Table = {
    "count": whole(1, _MANY),
    "accuracy": _SHARE,
    "interval": _row_of(_SHARE, _SHARE),
    "macro_precision": _SHARE,
    "macro_recall": _SHARE,
    "macro_f1": _SHARE,
    "top": mapping(str.isdecimal, _SHARE, 100),
    "log_loss": number(0, 1e9),
    "calibration_error": _SHARE,
    "calibration_floor": _SHARE,
    "confusion": _list_of(_row_of(_COUNT, _COUNT, whole(1, _MANY)), 2**24, "lists of two classes and photos"),
}
TRAINING_CURVE: Table = {
    "by": one_of("penalty", "step"),
    "points": _list_of(
        _row_of(_NUMBER, or_none(_SHARE), or_none(_SHARE), flag()), 10_000, "lists of place, two accuracies and choice"
    ),
}
LEARNING_CURVE: Table = {
    "points": _list_of(_row_of(_COUNT, _SHARE, _SHARE, _SHARE, _SHARE), 100, "lists of photos and four shares"),
    "twice": _row_of(_COUNT, _SHARE),
    "classes": _list_of(_row_of(text(1_000), _NUMBER, _NUMBER), 100, "lists of label, loss and error"),
    "help_most": _list_of(text(1_000), 100, "labels"),
    "tells": flag(),
}
COPIES: Table = {"photos": _COUNT, "table": _ANY, "leaked": _COUNT, "together": flag()}
OPTIONS: Table = {OTHERS: optional(plain(2))}
SECTIONS = {
    "options": OPTIONS,
    "test": FIGURES,
    "folds": FIGURES,
    "training_curve": TRAINING_CURVE,
    "learning_curve": LEARNING_CURVE,
    "copies": COPIES,
}
