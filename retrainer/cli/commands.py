"""The table of all commands, and the place where errors become one line and an exit code."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from retrainer.cli.help import help_of, write_lines
from retrainer.cli.signals import INTERRUPTED, Stoppable, stopped_line, was_stopped
from retrainer.errors import OptionError, ResourceError, RetrainerError
from retrainer.system.memory import is_shortage, shortage
from retrainer.system.process import discard_stdout, leave_garbage, own_process
from retrainer.system.terminal import fitted, say
from retrainer.text import shown
from retrainer.version import VERSION

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# By this variable, which is click's, shells ask for completions of the program.
_COMPLETE, _PROGRAM = "_RETRAINER_COMPLETE", "retrainer"
# The exit code by which shells report that a closed pipe ended a process.
BROKEN_PIPE = 141


# What to type first.
_START = ("retrainer sample drawings", "retrainer retrain drawings", "retrainer label drawings/tulip")


class Row(NamedTuple):
    """A command in the table.

    Attributes:
        module: Holds it as `command`; imported when the command is called or asked for help.
        summary: Says what it does in the list of commands.
    """

    module: str
    summary: str


COMMANDS = {
    "retrain": Row("retrainer.cli.retrain", "Teach a pretrained network the classes of a folder of photos."),
    "label": Row("retrainer.cli.label", "Label photos: print the labels, write a table, or sort the photos."),
    "unsort": Row("retrainer.cli.unsort", "Undo what `label --sort_into` did."),
    "evaluate": Row("retrainer.cli.evaluate", "Measure a model on a folder of photos."),
    "clean": Row("retrainer.cli.clean", "Find photos that may be wrong, and decide about them."),
    "report": Row("retrainer.cli.report", "Make a page in HTML about a model: figures, mistakes, what to do next."),
    "runs": Row("retrainer.cli.runs", "List the runs so far with their figures."),
    "inspect": Row("retrainer.cli.inspect", "Show what a model is."),
    "architectures": Row("retrainer.cli.architectures", "List the networks that are known by name."),
    "fetch": Row("retrainer.cli.fetch", "Prepare backbones, also for machines without the Internet."),
    "cache": Row("retrainer.cli.cache", "List the backbones on this machine, and remove unused ones."),
    "sample": Row("retrainer.cli.sample", "Draw a small set of pictures to try retrainer on."),
    "completion": Row("retrainer.cli.completion", "Print a script for completion in bash, zsh or fish."),
}


def command_named(name: str) -> click.Command:
    """Imports one of `COMMANDS`."""
    command: click.Command = import_module(COMMANDS[name].module).command
    return command


class _Commands(click.Group):
    """Imports a command when it is called or asked for help."""

    def get_help(self, ctx: click.Context) -> str:
        return help_of(self, ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        write_lines("Start here", _START, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[Any]]":
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=row.summary) for name, row in COMMANDS.items() if name.startswith(incomplete)]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return command_named(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.summary) for name, row in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            from retrainer.cli import meanings

            raise OptionError(
                f"No command '{shown(args[0])}'; expected one of: {', '.join(COMMANDS)}.",
                meanings.meant(meanings.COMMANDS, args[0], COMMANDS) or "`retrainer --help` says what each does.",
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="retrainer")
def commands() -> None:
    """Teach a pretrained image network your own classes from folders of photos."""


def run(command: click.Command, arguments: Sequence[str], name: str) -> None:
    """Runs a command and ends the process with its exit code."""
    own_process()
    if name == _PROGRAM and (instruction := os.environ.get(_COMPLETE)):
        from retrainer.cli.shells import answer_shell

        sys.exit(answer_shell(command, instruction))
    exit_code = _stoppable_exit_code(command, arguments, name)
    leave_garbage()
    sys.exit(exit_code)


def _stoppable_exit_code(command: click.Command, arguments: Sequence[str], name: str) -> int:
    """Runs a command; returns its exit code, or that of a signal, even if a library made another error of it."""
    try:
        with Stoppable():
            exit_code = _exit_code(command, arguments, name)
    except (click.Abort, KeyboardInterrupt):
        exit_code = INTERRUPTED
    except BaseException:
        if not was_stopped():
            raise
        exit_code = was_stopped()
    if was_stopped() or exit_code == INTERRUPTED:
        exit_code = was_stopped() or INTERRUPTED
        say(stopped_line(exit_code), err=True)
    return exit_code


def _exit_code(command: click.Command, arguments: Sequence[str], name: str) -> int:
    try:
        with command.make_context(name, list(arguments), obj=(name, *arguments)) as context:
            exit_code = int(command.invoke(context) or 0)
        sys.stdout.flush()
        return exit_code
    except RetrainerError as error:
        cause = error if isinstance(error, ResourceError) or not is_shortage(error) else shortage()
        return _failed(str(cause), cause.exit_code)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message())
        return error.exit_code
    except click.NoSuchOption as error:
        return _failed(_no_such_option(error, arguments), error.exit_code)
    except click.ClickException as error:
        # Other problems of usage name the flag; that of too many arguments does not say how many there may be.
        usage = f"\n{error.ctx.get_usage()}" if type(error) is click.UsageError and error.ctx else ""
        return _failed(shown(error.format_message()) + usage, error.exit_code)
    except BrokenPipeError:
        # Its reader, such as head, has read enough.
        discard_stdout()
        return BROKEN_PIPE
    except Exception as error:
        if is_shortage(error):
            return _failed(str(shortage()), ResourceError.exit_code)
        from retrainer.system.missing import package_error

        if missing := package_error(error):
            return _failed(str(missing), missing.exit_code)
        if not isinstance(error, OSError):
            raise
        place = f"'{shown(error.filename)}': " if error.filename else ""
        return _failed(f"{place}{error.strerror or error}.", RetrainerError.exit_code)


def _failed(message: str, exit_code: int) -> int:
    if not was_stopped():
        # The second line stays whole, since it may hold a command to paste.
        problem, *fix = f"Error: {message}".split("\n", 1)
        say("\n".join([fitted(problem, err=True), *fix]), err=True)
    return exit_code


def _no_such_option(error: click.NoSuchOption, arguments: Sequence[str]) -> str:
    from retrainer.cli import meanings

    given = error.option_name
    if not given.startswith("--"):
        # Of -image_dir click names only -i, and of -verbose only -e.
        typed = (a.split("=")[0] for a in arguments if not a.startswith("--"))
        given = next((a for a in typed if a.startswith("-") and given[1:] in a), given)
    known = [o for p in error.ctx.command.params for o in p.opts if o.startswith("--")] if error.ctx else []
    path = error.ctx.command_path if error.ctx else "retrainer"
    fix = meanings.meant(meanings.FLAGS, given, known) or f"`{path} --help` lists the flags."
    return f"No such flag: {shown(given)}.\n{fix}"
