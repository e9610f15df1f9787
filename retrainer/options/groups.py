"""Options with their defaults, help and limits, in groups that check themselves."""

import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field
from inspect import get_annotations
from typing import Any, ClassVar, TypeVar

from retrainer.errors import OptionError
from retrainer.options.headings import OTHERS, in_order
from retrainer.options.in_memory import PhotoSource, PicturesInMemory, TableInMemory, is_table_in_memory
from retrainer.options.paths import FOLDER, require_apart, require_path
from retrainer.system.paths import expanded
from retrainer.text import brief


@dataclass(frozen=True)
class Limits:
    """The help of an option and the values that it takes.

    Attributes:
        help: One or two sentences.
        minimum, maximum: Inclusive bounds of a number.
        above: An exclusive lower bound.
        also: One more value that is allowed below the minimum.
        choices: The only values of a text.
        path: Whether the option is a path; `~` is expanded.
        tables: Whether the option takes a table in memory, too, in Python.
        writes: The kind of file written to a path: `paths.MODEL`, `LABELS`, `TABLE`, `LINES`, `FOLDER`, `ANSWERS` or
            `PAGE`; empty if it is read.
        usual: The value that None stands for, to be shown as the default.
        command: The path that a command takes by default; in Python nothing is written unless the option is given.
        short: A letter that is a second name of the flag, such as `q`.
        heading: Its section of the help, if that is not the group's.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    also: float | None = None
    choices: Collection[str] = ()
    path: bool = False
    tables: bool = False
    writes: str = ""
    usual: Any = None
    command: str = ""
    short: str = ""
    heading: str = ""

    def expected_of(self, kind: Any) -> str:
        """Returns the values that an option of a type takes, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        bounds = [
            f"above {_in_words(self.above)}" if self.above is not None else "",
            f"at least {_in_words(self.minimum)}" if self.minimum is not None else "",
            f"at most {_in_words(self.maximum)}" if self.maximum is not None else "",
        ]
        number = "a path" if self.path and kind is str else _NAMES_OF_TYPES.get(kind, "a text")
        words = " ".join([number, " and ".join(b for b in bounds if b)]).strip()
        return words + (f", or {self.also:g}" if self.also is not None else "")

    def allows(self, value: Any) -> bool:
        """Whether a value of the right type lies within the limits."""
        if self.choices:
            return value in self.choices or value is None
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
    bool | None: "True or False",
    tuple[str, ...]: "a tuple of texts",
}


def option(default: Any, help: str, **limits: Any) -> Any:  # noqa: A002
    """Returns a field of a group with its default, its help, and `Limits` by name."""
    return field(default=default, metadata={"limits": Limits(help, **limits)})


def path_option(default: str, help: str, writes: str = "", **limits: Any) -> Any:  # noqa: A002
    """Returns a field that is a path; see `paths.require_path` for `writes`, and `Limits` for the others.

    What is written has the default of commands as `command`, and an empty one in Python.
    """
    return option(default, help, path=True, writes=writes, **limits)


def as_in(group: "type[Options]", name: str) -> Any:
    """Returns the field of another group, with its default, help and limits."""
    shared = _field(group, name)
    return field(default=shared.default, metadata=shared.metadata)


def seed_option() -> Any:
    """Returns the field `seed`, which several groups of a retraining share."""
    help_text = "Chooses the split, the first weights and the batches; the same seed gives the same model."
    return option(0, help_text, minimum=0, maximum=2**63 - 1)


def label_from_option() -> Any:
    """Returns the field `label_from`, which training and measuring share."""
    return option(
        "",
        "Regular expression that finds the class in the name of a photo, at any place of its path below the folder: "
        "its first group, or the one named label. For cat.123.jpg it is '([^/]+)\\.\\d+\\.'. By default the class is "
        "the folder.",
    )


def clean_list_option(usual: str) -> Any:
    """Returns the field `clean_list`, which training and measuring share; `usual` says what happens without one."""
    return path_option(
        "",
        "List of decisions (.csv), as `retrainer clean` writes it: photos that it sets aside are left out, and photos "
        f"that it relabels count as their new class, wherever they lie. {usual}",
    )


# The help of `trust_graph`, which is for graphs that somebody else made: `models.graph.operations`.
TRUST = "Run a graph even if it could read, write or run files. Give it only for files from people that you trust."

# Limits of the mean and the deviation of the pixels that a network takes.
MEAN_LIMITS, STD_LIMITS = {"minimum": -1_000_000, "maximum": 1_000_000}, {"above": 0, "maximum": 1_000_000}


@dataclass(frozen=True)
class Option:
    """An option of a group.

    Attributes:
        name: The field's, without dashes.
        limits: Its help and the values that it takes.
        default: The value if none is given.
        kind: The type of its values.
        heading: Its section of the help.
    """

    name: str
    limits: Limits
    default: Any
    kind: Any
    heading: str

    @property
    def of_command(self) -> Any:
        """The value that a command takes if its flag is not given."""
        return self.limits.command or self.default

    @property
    def shown_default(self) -> Any:
        """The default that a user of the command reads."""
        return self.of_command if self.limits.usual is None else self.limits.usual

    def __str__(self) -> str:
        """The line of the option in its group's documentation."""
        takes = "a path" if self.limits.path else self.limits.expected_of(self.kind)
        default = self.default if self.limits.usual is None else self.limits.usual
        of_command = f", that of commands is {self.of_command!r}" if self.limits.command else ""
        return f"{self.name}: {self.limits.help} Takes {takes}; the default is {default!r}{of_command}."


Group = TypeVar("Group", bound="Options")


class Options:
    """A group of options, which checks its values when it is made.

    Attributes:
        heading: The section of the help, and the table of cli/README.md, for the options of this class.

    Raises:
        OptionError: a value is outside its limits.
    """

    heading: ClassVar[str] = OTHERS

    def __init_subclass__(cls) -> None:
        """Adds the options to the documentation of a group."""
        cls.__doc__ = "\n    ".join([f"{cls.__doc__}\n\n    Attributes:", *(f"    {one}" for one in options_of(cls))])

    def __post_init__(self) -> None:
        """Expands paths and checks every value."""
        for item in options_of(type(self)):
            name, limits = item.name, item.limits
            value = _plain(getattr(self, name), limits)
            object.__setattr__(self, name, value)
            if not _is_of(value, item.kind) or not limits.allows(value):
                fix = "Give photos as a folder, a table or a pair: (pictures, labels)." if limits.tables else ""
                raise OptionError(f"--{name}: expected {limits.expected_of(item.kind)}, received {brief(value)}.", fix)
            if limits.path and value != item.default:
                for path in (value,) if isinstance(value, str) else value:
                    require_path(f"--{name}", path, limits.writes)
        self._require_apart()

    def _require_apart(self) -> None:
        """Checks that no file is written that another option reads; defaults may name one file for both."""
        paths = [(item, getattr(self, item.name)) for item in options_of(type(self)) if item.limits.path]
        read = [value for item, value in paths if not item.limits.writes and not isinstance(value, TableInMemory)]
        read = [path for value in read for path in ((value,) if isinstance(value, str) else value) if path]
        for item, path in paths:
            if item.limits.writes not in ("", FOLDER) and path:
                require_apart(f"--{item.name}", path, read)

    @classmethod
    def given(
        cls: type[Group],
        subject: "Group | PhotoSource",
        name: str,
        options: Mapping[str, Any],
        function: str,
    ) -> Group:
        """Returns the options that a function is called with.

        Args:
            subject: All options, or the value of one.
            name: The name of that one, such as `image_dir`.
            options: Further options by name. They replace those of a whole group.
            function: The name of the function, for the message.

        Raises:
            OptionError: there is no option of a name, or a value is outside its limits.
        """
        cls.require_known(options, function)
        values = subject.values(cls) if isinstance(subject, cls) else {name: subject}
        return cls(**{**values, **options})

    @classmethod
    def require_known(cls, options: Iterable[str], function: str) -> None:
        """Raises OptionError unless all names are options of this group; `function` is the caller's name."""
        known = [item.name for item in options_of(cls)]
        for name in options:
            if name not in known:
                raise _unknown(name, known, f"{function}()", cls.__name__)

    def only(self, group: type[Group]) -> Group:
        """Returns another group with the values of this one, which has all its options and perhaps more."""
        return group(**self.values(group))

    def values(self, group: "type[Options]") -> dict[str, Any]:
        """Returns the values of a group's options by their names."""
        return {item.name: getattr(self, item.name) for item in options_of(group)}


def _unknown(name: str, known: Sequence[str], function: str, group: str) -> OptionError:
    from difflib import get_close_matches

    close = get_close_matches(name.lower().replace("-", "_"), known, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return OptionError(
        f"{function}: expected options of retrainer.{group}, received '{name}'.",
        f"{hint}help(retrainer.{group}) lists them all.",
    )


def _plain(value: Any, limits: Limits) -> Any:
    """A path as text with `~` expanded, a table in memory in its wrapping, and a number of NumPy as Python's."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if not limits.path or isinstance(value, TableInMemory):
        return value
    if limits.tables and is_table_in_memory(value):
        return TableInMemory(value)
    if limits.tables and isinstance(value, tuple):
        return PicturesInMemory(value)
    if isinstance(value, tuple | list) and not limits.tables:
        return tuple(_plain(item, limits) for item in value)
    return expanded(os.fspath(value)) if isinstance(value, str | os.PathLike) else value


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a value is of an option's type; a whole number is a number, and a truth value is none."""
    if kind == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return kind in (bool, bool | None)
    if kind in (float, float | None) and isinstance(value, int):
        return True
    return isinstance(value, kind)


def options_of(group: type[Options]) -> Iterator[Option]:
    """The options of a group: its own, then those of the groups that it inherits, in their order."""
    seen: set[str] = set()
    homes = [home for home in group.__mro__ if issubclass(home, Options) and home is not Options]
    for home in homes:
        for name, kind in get_annotations(home).items():
            if name not in seen:
                seen.add(name)
                item = _field(home, name)
                limits: Limits = item.metadata["limits"]
                yield Option(name, limits, item.default, kind, limits.heading or home.heading)


def sections_of(group: type[Options]) -> dict[str, list[Option]]:
    """The options of a group by their headings, both in the order of the help."""
    options = list(options_of(group))
    return {
        heading: [one for one in options if one.heading == heading]
        for heading in in_order(one.heading for one in options)
    }


def _field(home: type[Options], name: str) -> "Field[Any]":
    """A field that a class declares, whether it is a dataclass already or is just being made."""
    made: dict[str, Field[Any]] = vars(home).get("__dataclass_fields__", {})
    return made.get(name) or vars(home)[name]
