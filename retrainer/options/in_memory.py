"""Tables in memory, such as a pandas DataFrame or a pyarrow Table, as the value of an option that takes a path."""

import os
from typing import Any, Protocol


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
        made = super().__new__(cls, f"{type(table).__name__} in memory")
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


def is_table_in_memory(value: Any) -> bool:
    """Whether a value is a table and no path."""
    return not isinstance(value, str | os.PathLike) and hasattr(value, "columns") and hasattr(value, "__getitem__")
