"""What a browser asks for, checked: fields of a query or of a JSON document."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from retrainer.pages.clean.deck import FILTERS, Wanted
from retrainer.serving.guard import RefusedError

JSON = "application/json"
Query = Mapping[str, list[str]]
_LONGEST = 10_000
_WINDOW = re.compile(r"[0-9A-Za-z-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,12}")


def require(condition: bool, status: int, reason: str) -> None:
    """Refuses a request unless a condition holds."""
    if not condition:
        raise RefusedError(status, reason)


def text_of(query: Query, name: str) -> str:
    """The first value of a name in a query; empty if there is none."""
    return query.get(name, [""])[0]


def number_of(text: str) -> int:
    """A whole number, 0 or more."""
    require(_NUMBER.fullmatch(text) is not None, 400, "Expected a whole number.")
    return int(text)


def wanted_of(query: Query) -> Wanted:
    """The filters in a query."""
    return {name: text_of(query, name) for name in FILTERS if text_of(query, name)}


@dataclass(frozen=True)
class Fields:
    """A JSON object, the body of a request."""

    values: Mapping[str, object]

    @classmethod
    def of(cls, body: bytes) -> "Fields":
        """Reads a body."""
        try:
            values = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RefusedError(400, "Expected JSON.") from error
        require(isinstance(values, dict), 400, "Expected a JSON object.")
        return cls(values)

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name in self.values

    def text(self, name: str, longest: int = _LONGEST) -> str:
        """A text without line breaks; empty if it is absent."""
        value = self.values.get(name, "")
        if not isinstance(value, str) or len(value) > longest:
            raise RefusedError(400, f"Expected a text of at most {longest:,} characters as '{name}'.")
        return " ".join(value.split())

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        values = self.values.get(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise RefusedError(400, f"Expected a list of texts as '{name}'.")
        return values

    def number(self, name: str) -> int:
        """A whole number, 0 or more."""
        value = self.values.get(name)
        require(isinstance(value, int) and not isinstance(value, bool), 400, f"Expected a number as '{name}'.")
        return number_of(str(value))

    @property
    def wanted(self) -> Wanted:
        """The filters that the page shows."""
        wanted = self.values.get("filters", {})
        require(isinstance(wanted, dict), 400, "Expected an object as 'filters'.")
        return {name: text for name in FILTERS if (text := Fields(wanted).text(name))}  # type: ignore[arg-type]

    def require_known_state(self) -> None:
        """Refuses a request that does not say what its window shows; nothing is changed before."""
        _ = self.number("since"), self.wanted, self.window

    @property
    def window(self) -> str:
        """The window that asks, by a random name of its own."""
        window = self.text("window")
        require(_WINDOW.fullmatch(window) is not None, 400, "Expected the name of a window.")
        return window
