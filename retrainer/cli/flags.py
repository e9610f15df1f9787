"""Makes click's flags of options, in both spellings."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from retrainer.cli.candidates import values_of
from retrainer.cli.help import Command, Flag
from retrainer.errors import OptionError
from retrainer.options.groups import Group, Limits, Option, Options, options_of
from retrainer.system.memory import require_address_space
from retrainer.text import shown

# Address space in MiB that a command needs; with less, libraries end it without a reason. Measured on two cores: label
# and evaluate with the smallest backbone and a hundred photos, retrain with the default one and two hundred.
NEEDED = {"label": 180, "evaluate": 300, "retrain": 800}


def flags_of(group: type[Options]) -> list[Flag]:
    """Returns a flag for each option of a group, in its order; click checks the type, `Options` checks the rest."""
    return [_flag(item) for item in options_of(group)]


def _flag(item: Option) -> Flag:
    name, limits, default, kind = item.name, item.limits, item.of_command, item.kind
    short = [f"-{limits.short}"] if limits.short else []
    spellings = [*short, *dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"]), name]
    if kind in (bool, bool | None):
        return Flag(spellings, heading=item.heading, is_flag=True, default=default, help=limits.help)
    several = isinstance(default, tuple)
    return Flag(
        spellings,
        heading=item.heading,
        type={int: int, float: float, int | None: int, float | None: float}.get(kind, str),
        default=None if several else default,
        multiple=several,
        show_default=str(limits.usual) if limits.usual is not None else default not in ("", None, ()),
        metavar=_metavar(limits, kind),
        help=limits.help,
        shell_complete=values_of(item),
    )


def _metavar(limits: Limits, kind: Any) -> str:
    if limits.choices:
        return "|".join(limits.choices)
    if limits.path:
        return "PATH"
    return {int: "N", int | None: "N", float: "X", float | None: "X"}.get(kind, "NAME")


class Subject(NamedTuple):
    """An option whose value may also be given without its flag.

    Attributes:
        option: Its name, such as `image_dir`.
        metavar: What the value is called, such as `PHOTOS`.
    """

    option: str
    metavar: str


_GIVEN = "subject"


def command(
    name: str,
    group: type[Group],
    run: Callable[..., int | None],
    summary: str,
    examples: Sequence[str] = (),
    subject: Subject | None = None,
) -> Command:
    """Returns a command that parses the flags of a group and calls `run` with the group and other arguments by name.

    Args:
        name: What the user types.
        group: The options.
        run: Returns the exit code, or None for 0.
        summary: What the command does.
        examples: Lines to type, for the help.
        subject: What the command works on, if that is a single path.
    """
    own = {item.name for item in options_of(group)}

    def callback(**values: Any) -> int | None:
        if subject:
            _take_subject(subject, values)
        for item in options_of(group):
            if item.limits.path and values[item.name] == "" and _is_given(item.name):
                raise OptionError(
                    f"--{item.name}: expected a path, received ''.", "Leave the flag out for its default."
                )
        if name in NEEDED:
            require_address_space(NEEDED[name], f"to {name}")
        options = group(**{name: value for name, value in values.items() if name in own})
        return run(options, **{name: value for name, value in values.items() if name not in own})

    made = Command(name, flags_of(group), callback, summary, examples)
    if subject:
        made.flag(subject.option).bare = subject.metavar
        completer = next(values_of(item) for item in options_of(group) if item.name == subject.option)
        argument = [_GIVEN]
        made.params.append(
            click.Argument(argument, required=False, metavar=f"[{subject.metavar}]", shell_complete=completer)
        )
    return made


def _take_subject(subject: Subject, values: dict[str, Any]) -> None:
    """Puts an argument in the place of its flag's value.

    Raises:
        OptionError: it is empty, or the flag has another value.
    """
    given, flag = values.pop(_GIVEN), values[subject.option]
    if given is None:
        return
    if not given:
        raise OptionError(f"{subject.metavar}: expected a path, received ''.")
    if _is_given(subject.option) and flag != given:
        raise OptionError(
            f"{subject.metavar}: expected one value, received '{shown(given)}' and --{subject.option} '{shown(flag)}'.",
            "Leave one of the two out.",
        )
    values[subject.option] = given


def _is_given(name: str) -> bool:
    """Whether the user gave a parameter, even if it is empty, as by a shell variable that is not set."""
    return click.get_current_context().get_parameter_source(name) == ParameterSource.COMMANDLINE
