"""Options as a command line, or as a call in Python."""

from collections.abc import Collection, Iterator
from typing import Any

from retrainer.options.groups import Options, options_of
from retrainer.options.in_memory import TableInMemory
from retrainer.options.paths import in_place
from retrainer.text import brief, pasted


def differing(options: Options, without: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """The names and values of options that differ both from the default in Python and from that of a command."""
    for item in options_of(type(options)):
        value = getattr(options, item.name)
        if item.name not in without and value not in (item.default, item.of_command):
            yield item.name, value


def place_of(path: str) -> str:
    """A path as the shell takes it in a command."""
    return pasted(in_place(path))


def flags_of(options: Options, without: Collection[str] = ()) -> list[str]:
    """The flags of the options that differ from their defaults, each quoted for the shell."""
    given = differing(options, without)
    return [f"--{name}" if value is True else f"--{name} {pasted(str(value))}" for name, value in given]


def command_of(command: str, subject: str, options: Options) -> str:
    """The line that runs a command with options; a call in Python if what it works on is in memory.

    Args:
        command: Its name, which is that of the function in Python.
        subject: The name of the option that may be given without its flag.
        options: All options.
    """
    value = getattr(options, subject)
    if isinstance(value, TableInMemory):
        arguments = "".join(f", {name}={brief(one)}" for name, one in differing(options, (subject,)))
        return f"retrainer.{command}(photos{arguments})"
    return " ".join([f"retrainer {command}", place_of(value), *flags_of(options, (subject,))])
