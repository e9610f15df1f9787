"""A folder of Parquet files of one table: a file appears whole or not at all, and a damaged one is set aside."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from retrainer.errors import OutputError
from retrainer.events import Observer, Warned
from retrainer.system.files import whole_file
from retrainer.system.memory import require_memory
from retrainer.system.process import keep_pandas_out
from retrainer.system.unfinished import remove_leftovers
from retrainer.text import reason_of, shown

FORMAT = b"1"
_FORMAT_KEY, _TABLE_KEY = b"retrainer", b"table"
# Readers of Parquet folders ignore names that begin with an underscore or a dot.
_SET_ASIDE_PREFIX = "_set-aside-"


def cache_changed() -> OutputError:
    """The error of a run that does not find what it has just cached."""
    return OutputError("--bottleneck_dir: another process changed the cache while it was in use.", "Run it again.")


class ParquetFolder:
    """The Parquet files of one table.

    Args:
        folder: Made when the first file is written.
        table: The table's name, stored in each file. A file with another name is set aside.
        schema: The columns, a `pyarrow.Schema`.
        observer: Called with a warning for each file that is set aside.
    """

    def __init__(self, folder: Path, table: str, schema: Any, observer: Observer) -> None:
        keep_pandas_out()
        self.folder = folder
        self._schema = schema.with_metadata({_FORMAT_KEY: FORMAT, _TABLE_KEY: table.encode("utf-8")})
        self._observer = observer

    def names(self) -> list[str]:
        """The names of all files, oldest first."""
        remove_leftovers(self.folder)
        with self._reading():
            return sorted(path.name for path in self.folder.glob("part-*.parquet"))

    def bytes_of(self, names: Sequence[str]) -> int:
        """The total size of some files, in bytes."""
        sizes = 0
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes += (self.folder / name).stat().st_size
        return sizes

    def read(self, names: Sequence[str], columns: Sequence[str] | None = None) -> Iterator[tuple[str, Any]]:
        """Yields each file that can be read: its name and a `pyarrow.Table` of the given columns, or of all."""
        for name in names:
            with self._reading():
                table = self._table_in(self.folder / name, columns)
            if table is not None:
                yield name, table

    def read_all(self, columns: Sequence[str] | None = None) -> list[Any]:
        """The tables of all files that can be read, oldest first."""
        return [table for _, table in self.read(self.names(), columns)]

    def joined(self, tables: Sequence[Any]) -> Any:
        """Tables with all columns as one `pyarrow.Table`."""
        import pyarrow

        return pyarrow.concat_tables(tables) if tables else self._schema.empty_table()

    def write(self, columns: Sequence[Any]) -> None:
        """Writes a new file with these columns, in the order of the schema.

        Raises:
            OutputError: the folder cannot be written.
        """
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.Table.from_arrays(list(columns), schema=self._schema)
        with whole_file(self.folder / f"part-{time.time_ns():020d}-{os.getpid()}.parquet") as handle:
            # Vectors are read nine times faster without dictionaries and compression (measured).
            parquet.write_table(
                table,
                handle,
                use_dictionary=False,
                compression="NONE",
                write_page_checksum=True,
                write_statistics=False,
            )

    def _table_in(self, path: Path, columns: Sequence[str] | None) -> Any:
        """The table in a file; None if the file is gone or was set aside."""
        import pyarrow
        from pyarrow import parquet

        # Arrow would wait for somebody to write to a pipe.
        if path.exists() and not path.is_file():
            return self._set_aside(path, "it is no file")
        try:
            # It is closed before it is set aside, since Windows renames no open file.
            with (
                pyarrow.OSFile(os.fsencode(path)) as content,
                parquet.ParquetFile(content, page_checksum_verification=True) as file,
            ):
                fits = file.schema_arrow.equals(self._schema, check_metadata=True)
                table = file.read(None if columns is None else list(columns)) if fits else None
        except FileNotFoundError:
            return None
        except (pyarrow.ArrowException, ValueError, OSError, MemoryError) as error:
            # Arrow raises OSError without a number for content that it cannot read; a number comes from the disk.
            require_memory(error, "to read the cache")
            if getattr(error, "errno", None) is not None:
                raise
            return self._set_aside(path, f"it is damaged or truncated ({reason_of(error)})")
        if table is None:
            return self._set_aside(path, "it belongs to another table or version")
        return table

    def _set_aside(self, path: Path, reason: str) -> None:
        aside = path.with_name(_SET_ASIDE_PREFIX + path.name)
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            path.rename(aside)
        set_aside = f"Cache file '{shown(path)}' is set aside as '{shown(aside.name)}'"
        self._observer(
            Warned(
                f"{set_aside}: {reason}. Its photos are read again.",
                "{count} files of the cache are damaged or foreign, and are set aside: {names}. Their photos are read "
                "again.",
                f"'{shown(path)}'",
            )
        )

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Turns an error of the disk into an OutputError."""
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"--bottleneck_dir: '{shown(self.folder)}' cannot be used: {error.strerror or error}.",
                "Name a folder that can be read and written.",
                path=self.folder,
            ) from error
