"""A table of answers: named columns of a kind, and rows that may be computed one by one."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from retrainer.answers.texts import stored

Cell = str | float | int | bool | None
"""None is an empty cell. A number is a float32, or a Python number of the same value."""

Row = Sequence[Cell]
"""A cell for each column."""

TEXT, NUMBER, FLAG = "text", "number", "flag"


class Column(NamedTuple):
    """A column.

    Attributes:
        name: Different from the others even without regard to capitals, as databases want it; see `distinct`.
        kind: `TEXT`, `NUMBER` for float32, or `FLAG`.
    """

    name: str
    kind: str


@dataclass(frozen=True, eq=False)
class Table:
    """Columns, and the rows as they come.

    Attributes:
        name: Says what the rows are, such as `labels`.
        columns: The columns.
        rows: The rows; they are taken once, and one by one.
        facts: What holds for all rows, plain values by name; formats without room for them leave them out.
    """

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def cells(
        self, conversions: Mapping[str, Callable[[Any], Any]] | None = None, *, printed: bool = True
    ) -> Iterator[list[Any]]:
        """Yields the cells of each row, with `stored` texts, and numbers that print as few digits as they can.

        Args:
            conversions: What a format does further with a kind of cells that are not empty, by the kind's name.
            printed: Whether numbers are printed; if not, they keep all digits, which takes less time.
        """
        number = short_number if printed else _finite
        usual: dict[str, Callable[[Any], Any]] = {TEXT: stored, NUMBER: number, FLAG: bool}
        composed = {kind: _both(first, (conversions or {}).get(kind)) for kind, first in usual.items()}
        of_columns = [composed[column.kind] for column in self.columns]
        for row in self.rows:
            yield [None if cell is None else convert(cell) for convert, cell in zip(of_columns, row, strict=True)]


def _both(first: Callable[[Any], Any], then: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    return (lambda cell: then(first(cell))) if then else first


def short_number(number: float) -> float | None:
    """The number with the fewest digits that is the same float32; None for infinities and what is no number."""
    return float(str(np.float32(number))) if math.isfinite(number) else None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Names that differ even without regard to capitals: `_2`, `_3` … is added to one that is there already.

    Args:
        names: The names.
        taken: Names that are in use.
    """
    found = {name.casefold() for name in taken}
    chosen = []
    for name in names:
        number, candidate = 1, name
        while candidate.casefold() in found:
            number += 1
            candidate = f"{name}_{number}"
        found.add(candidate.casefold())
        chosen.append(candidate)
    return chosen
