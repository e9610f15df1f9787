"""The command line: `retrainer COMMAND`, and the boundary where errors become one line and an exit code."""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

import click

from retrainer.errors import OptionError, RetrainerError
from retrainer.files import shown

INTERRUPTED = 130
# Command -> the module that holds it, and what it does; a module is imported when its command is called.
COMMANDS = {
    "retrain": "Teach a pretrained network the classes of a folder of photos.",
    "label": "Print the best labels of photos.",
    "sample": "Draw a small set of pictures to try retrainer on.",
}


class _Commands(click.Group):
    """Imports a command when it is called or asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"retrainer.cli.{cmd_name}").command
        return found

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


def main() -> None:
    """The command `retrainer`."""
    run(commands, sys.argv[1:], "retrainer")


def run(command: click.Command, arguments: Sequence[str], name: str) -> None:
    """Runs a command and ends the process with its exit code."""
    # Libraries warn of details, such as a damaged EXIF block, that mean nothing to a user.
    warnings.filterwarnings("ignore")
    sys.exit(_exit_code(command, arguments, name))


def _exit_code(command: click.Command, arguments: Sequence[str], name: str) -> int:
    try:
        return int(command.main(list(arguments), prog_name=name, standalone_mode=False) or 0)
    except RetrainerError as error:
        return _failed(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return error.exit_code
    except click.NoSuchOption as error:
        return _failed(_no_such_option(error), error.exit_code)
    except click.ClickException as error:
        return _failed(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _failed("Interrupted. What was computed is cached; the same command goes on from there.", INTERRUPTED)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
        return 0


def _failed(message: str, exit_code: int) -> int:
    click.echo(f"Error: {message}", err=True)
    return exit_code


def _no_such_option(error: click.NoSuchOption) -> str:
    from difflib import get_close_matches

    given = error.option_name
    known = [o for p in error.ctx.command.params for o in p.opts if o.startswith("--")] if error.ctx else []
    close = get_close_matches(given, known, n=1, cutoff=0.0)
    return f"No such flag: {shown(given)}." + (f"\nDid you mean {close[0]}?" if close else "")
