"""A folder of Parquet parts: each appears whole or not at all, and what is damaged is set aside."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from retrainer.errors import OutputError
from retrainer.events import Observer, Warned
from retrainer.system.files import shown, whole_file
from retrainer.system.memory import require_memory
from retrainer.system.unfinished import remove_leftovers

FORMAT = b"1"
_FORMAT_KEY, _TABLE_KEY = b"retrainer", b"table"
# Readers of Parquet folders pass over names that begin with an underscore or a dot.
_SET_ASIDE_PREFIX = "_set-aside-"


class PartFolder:
    """A folder of Parquet parts of one schema.

    Args:
        folder: Made when the first part is written.
        table: What the parts are; a part that says otherwise is alien.
        schema: The columns, a `pyarrow.Schema`.
        observer: Told which parts were set aside.
    """

    def __init__(self, folder: Path, table: str, schema: Any, observer: Observer) -> None:
        self.folder = folder
        self._schema = schema.with_metadata({_FORMAT_KEY: FORMAT, _TABLE_KEY: table.encode("utf-8")})
        self._observer = observer

    def names(self) -> list[str]:
        """The names of all parts, oldest first."""
        remove_leftovers(self.folder)
        with self._reading():
            return sorted(path.name for path in self.folder.glob("part-*.parquet"))

    def bytes_of(self, names: Sequence[str]) -> int:
        """How large the files of parts are together."""
        sizes = 0
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes += (self.folder / name).stat().st_size
        return sizes

    def read(self, names: Sequence[str], columns: Sequence[str] | None = None) -> Iterator[tuple[str, Any]]:
        """The parts of these names that can be read, each with its `pyarrow.Table` of these or all columns."""
        for name in names:
            with self._reading():
                table = self._part(self.folder / name, columns)
            if table is not None:
                yield name, table

    def joined(self, tables: Sequence[Any]) -> Any:
        """Tables of whole parts as one `pyarrow.Table`."""
        import pyarrow

        return pyarrow.concat_tables(tables) if tables else self._schema.empty_table()

    def write(self, columns: Sequence[Any]) -> None:
        """Adds one part with these columns, in the schema's order.

        Raises:
            OutputError: the folder cannot be written.
        """
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.Table.from_arrays(list(columns), schema=self._schema)
        with whole_file(self.folder / f"part-{time.time_ns():020d}-{os.getpid()}.parquet") as handle:
            # Without dictionaries and compression vectors are read nine times faster; measured in the design.
            parquet.write_table(
                table,
                handle,
                use_dictionary=False,
                compression="NONE",
                write_page_checksum=True,
                write_statistics=False,
            )

    def _part(self, path: Path, columns: Sequence[str] | None) -> Any:
        import pyarrow
        from pyarrow import parquet

        # Arrow would wait for the writer of a pipe.
        if path.exists() and not path.is_file():
            return self._set_aside(path, "it is no file")
        try:
            part = parquet.ParquetFile(path, page_checksum_verification=True)
            fits = part.schema_arrow.equals(self._schema, check_metadata=True)
            table = part.read(None if columns is None else list(columns)) if fits else None
        except FileNotFoundError:
            return None
        except (pyarrow.ArrowException, ValueError, OSError, MemoryError) as error:
            # Arrow raises OSError without a number for content that it cannot read; with one it is the disk's.
            require_memory(error, "to read the cache")
            if getattr(error, "errno", None) is not None:
                raise
            return self._set_aside(
                path, f"it is damaged or truncated ({(str(error) or type(error).__name__).splitlines()[0]})"
            )
        if table is None:
            return self._set_aside(path, "it belongs to another table or version")
        return table

    def _set_aside(self, path: Path, reason: str) -> None:
        aside = path.with_name(_SET_ASIDE_PREFIX + path.name)
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            path.rename(aside)
        set_aside = f"Cache part '{shown(path)}' is set aside as '{shown(aside.name)}'"
        self._observer(Warned(f"{set_aside}: {reason}. Its photos are read again."))

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"--bottleneck_dir: '{shown(self.folder)}' cannot be used: {error.strerror or error}.",
                "Name a folder that may be read and written.",
            ) from error
