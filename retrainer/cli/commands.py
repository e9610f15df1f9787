"""All commands, and the boundary where errors become one line and an exit code."""

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from retrainer.cli.signals import INTERRUPTED, Stoppable, stopped_line, was_stopped
from retrainer.errors import OptionError, ResourceError, RetrainerError
from retrainer.system.files import shown
from retrainer.system.memory import is_shortage, shortage
from retrainer.system.process import discard_stdout, leave_garbage, own_process
from retrainer.system.terminal import say

# What shells report of a process that a closed pipe ended.
BROKEN_PIPE = 141
# Command -> the module that holds it, and what it does; a module is imported when its command is called.
COMMANDS = {
    "retrain": "Teach a pretrained network the classes of a folder of photos.",
    "label": "Print the best labels of photos.",
    "evaluate": "Measure a model on a folder of photos.",
    "inspect": "Show what a model is.",
    "architectures": "List the networks that are known by name.",
    "fetch": "Prepare backbones, for machines without a network, too.",
    "sample": "Draw a small set of pictures to try retrainer on.",
}


def command_named(name: str) -> click.Command:
    """One of `COMMANDS`."""
    command: click.Command = import_module(f"retrainer.cli.{name}").command
    return command


class _Commands(click.Group):
    """Imports a command when it is called or asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return command_named(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            raise OptionError(
                f"No command '{shown(args[0])}'; expected one of: {', '.join(COMMANDS)}.",
                f"Did you mean '{close[0]}'?" if close else "",
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="retrainer", prog_name="retrainer")
def commands() -> None:
    """Teach a pretrained image network your own classes from folders of photos."""


def run(command: click.Command, arguments: Sequence[str], name: str) -> None:
    """Runs a command and ends the process with its exit code."""
    own_process()
    exit_code = _stoppable_exit_code(command, arguments, name)
    leave_garbage()
    sys.exit(exit_code)


def _stoppable_exit_code(command: click.Command, arguments: Sequence[str], name: str) -> int:
    """The exit code of a command, or that of a signal, whatever error libraries made of it."""
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
        with command.make_context(name, list(arguments)) as context:
            exit_code = int(command.invoke(context) or 0)
        sys.stdout.flush()
        return exit_code
    except RetrainerError as error:
        told = error if isinstance(error, ResourceError) or not is_shortage(error) else shortage()
        return _failed(str(told), told.exit_code)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message())
        return error.exit_code
    except click.NoSuchOption as error:
        return _failed(_no_such_option(error, arguments), error.exit_code)
    except click.ClickException as error:
        return _failed(shown(error.format_message()), error.exit_code)
    except BrokenPipeError:
        # Its reader, such as head, has read enough.
        discard_stdout()
        return BROKEN_PIPE
    except Exception as error:
        if is_shortage(error):
            return _failed(str(shortage()), ResourceError.exit_code)
        if not isinstance(error, OSError):
            raise
        place = f"'{shown(error.filename)}': " if error.filename else ""
        return _failed(f"{place}{error.strerror or error}.", RetrainerError.exit_code)


def _failed(message: str, exit_code: int) -> int:
    if not was_stopped():
        say(f"Error: {message}", err=True)
    return exit_code


def _no_such_option(error: click.NoSuchOption, arguments: Sequence[str]) -> str:
    from difflib import get_close_matches

    given = error.option_name
    if not given.startswith("--"):
        # Of -image_dir click names only -i.
        given = next((a.split("=")[0] for a in arguments if a.startswith(given)), given)
    known = [o for p in error.ctx.command.params for o in p.opts if o.startswith("--")] if error.ctx else []
    close = get_close_matches(given, known, n=1, cutoff=0.0)
    return f"No such flag: {shown(given)}." + (f"\nDid you mean {close[0]}?" if close else "")
