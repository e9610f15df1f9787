"""Commands whose help has examples on top and a section for each heading of the options."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from retrainer.options.headings import OTHERS, TERMINAL, in_order
from retrainer.system.terminal import columns

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_WIDEST = 80
# With fewer columns the meaning of a flag stands below its name.
_NARROW = 60


class Flag(click.Option):
    """A flag whose help shows one spelling only, so that it fits a line of a terminal.

    Attributes:
        heading: Its section of the help.
        bare: What its value is called if it may be given without the flag, otherwise empty.
    """

    def __init__(self, *arguments: Any, heading: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.heading = heading
        self.bare = ""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The flag and its meaning."""
        record = super().get_help_record(ctx)
        hyphenated = next((f", {one}" for one in self.opts if "-" in one[2:]), "")
        bare = f"{self.bare}, " * bool(self.bare)
        return record and (bare + record[0].replace(hyphenated, "", 1), record[1])


class Command(click.Command):
    """A command with flags in sections.

    Args:
        name: What the user types.
        flags: Its parameters.
        callback: Called with their values.
        summary: What it does.
        examples: Lines to type.
    """

    def __init__(
        self,
        name: str,
        flags: Sequence[click.Parameter],
        callback: Callable[..., Any],
        summary: str,
        examples: Sequence[str] = (),
    ) -> None:
        epilog = "Flags may be spelt with hyphens, too." if any(isinstance(one, Flag) for one in flags) else None
        super().__init__(name, params=list(flags), callback=callback, help=summary, epilog=epilog)
        self.examples = examples

    def flag(self, name: str) -> Flag:
        """The flag of an option."""
        return next(one for one in self.params if isinstance(one, Flag) and one.name == name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[Any]]":
        """The flags that begin like this, each in one spelling."""
        from click.shell_completion import CompletionItem

        found = []
        for one in self.get_params(ctx):
            if isinstance(one, click.Option) and (one.multiple or not _is_given(ctx, one)):
                spellings = sorted(one.opts, key=lambda spelling: not spelling.startswith("--"))
                name = next((spelling for spelling in spellings if spelling.startswith(incomplete)), "")
                found += [CompletionItem(name, help=_first_sentence(one.help or ""))] if name else []
        return found

    def get_help(self, ctx: click.Context) -> str:
        """The help, in lines that fit the terminal."""
        return help_of(self, ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes what the command does, and examples."""
        super().format_help_text(ctx, formatter)
        write_lines("Examples", self.examples, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes a section for each heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        own = [parameter.heading for parameter in self.params if isinstance(parameter, Flag)]
        others = TERMINAL if set(own) - {OTHERS} else OTHERS
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and not isinstance(parameter, click.Argument):
                heading = parameter.heading if isinstance(parameter, Flag) else others
                sections.setdefault(heading, []).append(record)
        for heading in in_order(sections):
            with formatter.section(heading):
                formatter.write_dl(sections[heading])


def _is_given(context: click.Context, option: click.Option) -> bool:
    source = context.get_parameter_source(option.name or "")
    return source == ParameterSource.COMMANDLINE


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".")


class _Formatter(click.HelpFormatter):
    """Puts the meanings of flags below their names if there are few columns."""

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        if self.width >= _NARROW:
            super().write_dl(rows, col_max, col_spacing)
            return
        for name, meaning in rows:
            self.write(f"{'':>{self.current_indent}}{name}\n")
            with self.indentation():
                self.write_text(meaning)


def help_of(command: click.Command, context: click.Context) -> str:
    """Returns the help of a command in lines that fit the terminal."""
    formatter = _Formatter(width=min(columns(), _WIDEST))
    command.format_help(context, formatter)
    return "\n".join(line.rstrip() for line in formatter.getvalue().rstrip("\n").split("\n"))


def write_lines(heading: str, lines: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Writes a section of lines to type; a long one goes on below."""
    if lines:
        with formatter.section(heading):
            for line in lines:
                for part in in_columns(line.split(), formatter.width - formatter.current_indent):
                    formatter.write(f"{'':>{formatter.current_indent}}{part}\n")


def in_columns(words: Sequence[str], width: int) -> Iterator[str]:
    r"""Yields the lines of a command, which can be pasted: each but the last ends with `\`.

    Args:
        words: The command and its flags, which are not divided.
        width: The most characters of a line.
    """
    line, *others = words
    for word in others:
        if len(f"{line} {word} \\") > width:
            yield f"{line} \\"
            line = f"  {word}"
        else:
            line = f"{line} {word}"
    yield line
