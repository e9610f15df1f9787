"""Gathers warnings and what is missing, so that one line tells several of a kind."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from retrainer.events import FolderSkipped, Missed, PhotoSkipped, Warned

# A line about several names as many.
_NAMED = 2


@dataclass(frozen=True)
class _Kind:
    """Problems of one kind: the message of the first, the names of the first two, and how many there are."""

    message: str
    names: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def line(self, many: str) -> str:
        """The message, or the line for several; `many` has `{count}` and `{names}`."""
        count = sum(self.counts)
        if len(self.counts) == 1:
            return self.message
        *others, last = [*self.names, *([f"{count - len(self.names):,} more"] if count > len(self.names) else [])]
        names = f"{', '.join(others)} and {last}" if others else last
        return many.replace("{count}", f"{count:,}").replace("{names}", names)


class Gathered:
    """Problems since the last call of `taken`, by kind."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}

    def add(self, problem: Warned | Missed) -> None:
        """Adds a problem; one that cannot be gathered is a kind of its own."""
        message, many, name, count = _told(problem)
        kind = self._kinds.setdefault(many or message, _Kind(message))
        kind.counts.append(count)
        if name and len(kind.names) < _NAMED:
            kind.names.append(name)

    def __iter__(self) -> Iterator[str]:
        """Yields a line for each kind."""
        for many, kind in self._kinds.items():
            yield kind.line(many)

    def taken(self) -> Iterator[str]:
        """Yields a line for each kind, and forgets all problems."""
        lines = list(self)
        self._kinds = {}
        return iter(lines)


def message_of(problem: Warned | Missed) -> str:
    """What a problem says on its own."""
    return problem.message if isinstance(problem, Warned) else f"{problem.verb} {problem.problem}."


def _told(problem: Warned | Missed) -> tuple[str, str, str, int]:
    """The message of a problem, the line for several, its name and its count; see `Warned`."""
    message = message_of(problem)
    match problem:
        case Warned(_, many, name, count):
            return message, many, name, count
        case PhotoSkipped(path):
            return message, "Skipped {count} files that cannot be read: {names}.", f"'{path}'", 1
        case FolderSkipped(path):
            return message, "Missed photos of {count} folders: {names}.", f"'{path}'", 1
    return message, "", "", 1
