"""What options are: each has a default, a help and limits, and a group of them checks itself."""

import dataclasses
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from retrainer.errors import OptionError
from retrainer.options.paths import require_path
from retrainer.system.files import expanded


@dataclass(frozen=True)
class Limits:
    """What an option takes.

    Attributes:
        help: What it does, in one sentence.
        minimum, maximum: Inclusive bounds of a number.
        above: An exclusive lower bound.
        also: One more value that is allowed below the minimum.
        choices: The only values of a text.
        path: Whether it is a path; `~` is expanded.
        writes: What is written to a path: `paths.MODEL`, `LABELS`, `TABLE` or `FOLDER`; empty if it is read.
        usual: What stands in where None is given, so that what was given can be told from it.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    also: float | None = None
    choices: tuple[str, ...] = ()
    path: bool = False
    writes: str = ""
    usual: Any = None

    def expected_of(self, kind: Any) -> str:
        """The limits of an option of some type in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        bounds = [
            f"above {_in_words(self.above)}" if self.above is not None else "",
            f"at least {_in_words(self.minimum)}" if self.minimum is not None else "",
            f"at most {_in_words(self.maximum)}" if self.maximum is not None else "",
        ]
        number = _NAMES_OF_TYPES.get(kind, "a text")
        words = " ".join([number, " and ".join(b for b in bounds if b)]).strip()
        return words + (f", or {self.also:g}" if self.also is not None else "")

    def allows(self, value: Any) -> bool:
        """Whether a value of the right type lies within the limits."""
        if self.choices:
            return value in self.choices
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if isinstance(value, bool | str | tuple) or value is None or value == self.also:
            return True
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
        )


def _in_words(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:,.12g}"


_NAMES_OF_TYPES = {
    int: "a whole number",
    int | None: "a whole number",
    float: "a finite number",
    float | None: "a finite number",
    bool: "True or False",
    tuple[str, ...]: "a tuple of texts",
}


def option(default: Any, help: str, **limits: Any) -> Any:  # noqa: A002
    """A field of a group: its default, its help, and `Limits` by name."""
    return field(default=default, metadata={"limits": Limits(help, **limits)})


def path_option(default: str, help: str, writes: str = "") -> Any:  # noqa: A002
    """A field that is a path, and what is written there; see `paths.problem_of`."""
    return option(default, help, path=True, writes=writes)


# Of graphs that somebody else made: `models.operations`.
TRUST = "Run a graph even if it could read, write or run files; only for files of people that you trust."

# Of what networks take.
MEAN, STD = {"minimum": -1_000_000, "maximum": 1_000_000}, {"above": 0, "maximum": 1_000_000}


class Options:
    """What all groups of options share: they check themselves when they are made.

    Raises:
        OptionError: a value is outside its limits.
    """

    def __post_init__(self) -> None:
        """Expands paths and checks every value."""
        for name, limits, default, kind in options_of(type(self)):
            value = _plain(getattr(self, name), limits)
            object.__setattr__(self, name, value)
            if not _is_of(value, kind) or not limits.allows(value):
                raise OptionError(f"--{name}: expected {limits.expected_of(kind)}, received {value!r}.")
            if limits.path and value != default:
                for path in (value,) if isinstance(value, str) else value:
                    require_path(f"--{name}", path, limits.writes)

    def chosen(self, name: str) -> Any:
        """The value of an option, or what stands in for it."""
        given = getattr(self, name)
        if given is not None:
            return given
        return next(limits.usual for option, limits, _, _ in options_of(type(self)) if option == name)


def _plain(value: Any, limits: Limits) -> Any:
    """A path as text with `~` expanded; any other value as it is."""
    if not limits.path:
        return value
    if isinstance(value, tuple | list):
        return tuple(_plain(item, limits) for item in value)
    return expanded(os.fspath(value)) if isinstance(value, str | os.PathLike) else value


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a value is of an option's type; a whole number is a number, and a truth value is none."""
    if kind == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return kind is bool
    if kind in (float, float | None) and isinstance(value, int):
        return True
    return isinstance(value, kind)


def options_of(group: type[Options]) -> Iterator[tuple[str, Limits, Any, Any]]:
    """Name, limits, default and type of each option of a group."""
    items = dataclasses.fields(group)  # type: ignore[arg-type]
    # What a group adds comes before what it shares with others.
    for item in sorted(items, key=lambda item: item.name not in group.__annotations__):
        yield item.name, item.metadata["limits"], item.default, item.type
