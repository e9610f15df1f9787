"""Tables and pictures in memory as the value of an option that takes a path.

A table is, for example, a pandas DataFrame or a pyarrow Table. Pictures come with their labels: `(pictures, labels)`.
"""

import os
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

_ENDING = " in memory"


class Tabular(Protocol):
    """A table in memory."""

    @property
    def columns(self) -> Any:
        """The names of the columns; a table that has `column_names` may have the columns themselves here."""

    def __getitem__(self, name: Any, /) -> Any:
        """The column of a name."""


class TableInMemory(str):
    """A table in the place of a path; its text is a name for messages.

    Attributes:
        table: The table, by `columns` or `column_names` and `table[name]`, as pandas, pyarrow and polars have them.
    """

    table: Any

    def __new__(cls, table: Any) -> "TableInMemory":
        """Wraps a table."""
        made = super().__new__(cls, f"{type(table).__name__}{_ENDING}")
        made.table = table
        return made

    def __getnewargs__(self) -> tuple[Any]:
        """Makes copies by the table, not by its name."""
        return (self.table,)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [str(name) for name in getattr(self.table, "column_names", None) or self.table.columns]

    def cells(self, column: int) -> list[Any]:
        """Returns the cells of a column by its number."""
        names = getattr(self.table, "column_names", None) or list(self.table.columns)
        values = self.table[names[column]]
        for name in ("to_pylist", "to_list", "tolist"):
            if hasattr(values, name):
                return list(getattr(values, name)())
        return list(values)


class PicturesInMemory(TableInMemory):
    """Pictures with their labels in the place of a path.

    Attributes:
        table: The pair `(pictures, labels)`, which `photos.pictures_with_labels` checks and reads.
    """

    def __new__(cls, pair: tuple[Any, ...]) -> "PicturesInMemory":
        """Wraps the pair."""
        made = str.__new__(cls, f"pictures{_ENDING}")
        made.table = pair
        return made

    @property
    def columns(self) -> list[str]:
        """The names of the columns that stand for the pair."""
        return ["path", "label"]


PhotoSource: TypeAlias = str | os.PathLike[str] | Tabular | tuple[Iterable[Any], Iterable[Any]]
"""Photos with their classes: a folder or a table by its path, a table in memory, or `(pictures, labels)`."""


def was_in_memory(name: str) -> bool:
    """Whether the name of a place, as a model remembers it, stands for something in memory."""
    return name.endswith(_ENDING) and not os.path.lexists(name)


def is_table_in_memory(value: Any) -> bool:
    """Whether a value is a table and no path."""
    return not isinstance(value, str | os.PathLike) and hasattr(value, "columns") and hasattr(value, "__getitem__")
