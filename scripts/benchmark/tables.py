"""Tables, as Markdown for people and JSON for programs."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from retrainer.system.parallel import usable_cores

_PACKAGES = ("ai-edge-litert", "numpy", "pillow", "pyarrow", "simplejpeg", "tensorflow")


@dataclass(frozen=True)
class Table:
    """One table of results.

    Attributes:
        title: What was measured.
        note: How it was measured, in a sentence or two.
        columns: The headings.
        rows: One value per heading. Markdown rounds numbers, JSON does not.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def markdown(self) -> str:
        """The table with its title and note."""
        lines = [" | ".join(["", *cells, ""]).strip() for cells in self._cells()]
        return "\n".join([f"## {self.title}", "", self.note, "", *lines, ""])

    def _cells(self) -> list[list[str]]:
        return [
            list(self.columns),
            ["---"] * len(self.columns),
            *([shown(value) for value in row] for row in self.rows),
        ]

    def document(self) -> dict[str, Any]:
        """The table for JSON."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "note": self.note, "rows": rows}


def shown(value: Any) -> str:
    """A value as a cell; a number with a fraction has three digits."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine() -> Mapping[str, str]:
    """The machine and the versions that the results depend on."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as handle:
            model = next((line.split(":")[1].strip() for line in handle if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{model or 'unknown'} ({platform.machine()})",
        "usable cores": str(usable_cores()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def machine_markdown(described: Mapping[str, str]) -> str:
    """The machine as one line of text."""
    return "; ".join(f"{name} {value}" for name, value in described.items())
