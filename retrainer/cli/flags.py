"""Makes click's flags of options, in both spellings."""

from collections.abc import Callable, Mapping
from typing import Any

import click
from click.core import ParameterSource

from retrainer.errors import OptionError
from retrainer.options.groups import Group, Limits, Option, Options, options_of
from retrainer.system.memory import require_address_space

_EPILOG = "Flags may be spelt with hyphens, too."

# Address space in MiB that a command needs; with less, libraries end it without a reason. Measured on two cores: label
# and evaluate with the smallest backbone and a hundred photos, retrain with the default one and two hundred.
NEEDED = {"label": 180, "evaluate": 300, "retrain": 800}


def flags_of(group: type[Options]) -> list[click.Option]:
    """Returns a flag for each option of a group, in its order; click checks the type, `Options` checks the rest."""
    return [_flag(item) for item in options_of(group)]


class _Command(click.Command):
    """A command whose help has a section for each heading of its options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record:
                heading = parameter.heading if isinstance(parameter, _Flag) else Options.heading
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class _Flag(click.Option):
    """A flag whose help shows one spelling only, so that it fits a line of a terminal."""

    def __init__(self, *arguments: Any, heading: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.heading = heading

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        hyphenated = next((f", {one}" for one in self.opts if "-" in one[2:]), "")
        return record and (record[0].replace(hyphenated, "", 1), record[1])


def _flag(item: Option) -> click.Option:
    name, limits, default, kind = item.name, item.limits, item.default, item.kind
    short = [f"-{limits.short}"] if limits.short else []
    spellings = [*short, *dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"]), name]
    if kind in (bool, bool | None):
        return _Flag(spellings, heading=item.heading, is_flag=True, default=default, help=limits.help)
    several = isinstance(default, tuple)
    return _Flag(
        spellings,
        heading=item.heading,
        type={int: int, float: float, int | None: int, float | None: float}.get(kind, str),
        default=None if several else default,
        multiple=several,
        show_default=str(limits.usual) if limits.usual is not None else default not in ("", None, ()),
        metavar=_metavar(limits, kind),
        help=limits.help,
    )


def _metavar(limits: Limits, kind: Any) -> str:
    if limits.choices:
        return "|".join(limits.choices)
    if limits.path:
        return "PATH"
    return {int: "N", int | None: "N", float: "X", float | None: "X"}.get(kind, "NAME")


def command(name: str, group: type[Group], run: Callable[..., int | None], summary: str) -> click.Command:
    """Returns a command that parses the flags of a group and calls `run` with the group and other arguments by name."""
    own = {item.name for item in options_of(group)}

    def callback(**values: Any) -> int | None:
        _require_given(group, values)
        if name in NEEDED:
            require_address_space(NEEDED[name], f"to {name}")
        options = group(**{name: value for name, value in values.items() if name in own})
        return run(options, **{name: value for name, value in values.items() if name not in own})

    return _Command(name, params=list(flags_of(group)), callback=callback, help=summary, epilog=_EPILOG)


def _require_given(group: type[Options], values: Mapping[str, Any]) -> None:
    """Raises OptionError if a path is given but empty, as by a shell variable that is not set."""
    context = click.get_current_context()
    for item in options_of(group):
        given = context.get_parameter_source(item.name) == ParameterSource.COMMANDLINE
        if item.limits.path and given and values[item.name] == "":
            raise OptionError(f"--{item.name}: expected a path, received ''.", "Leave the flag out for its default.")
