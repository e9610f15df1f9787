"""Prints; no other module does."""

import os
import sys

import click

from retrainer.text import in_columns, printable

# The columns of a line if there is no terminal, and the limits with one.
_USUAL, _FEWEST, _MOST = 80, 20, 120


def say(text: str, *, err: bool = False, colour: str = "") -> None:
    """Prints lines to stdout or stderr; unprintable characters are escaped.

    Args:
        text: The lines.
        err: Whether they go to stderr.
        colour: A colour of `click.style`. Only a terminal shows it, unless `NO_COLOR` is set or `TERM` is `dumb`.
    """
    safe = printable(text)
    click.echo(click.style(safe, fg=colour) if colour and _shows_colours(err) else safe, err=err)


def fitted(line: str, *, err: bool = False) -> str:
    """A line for stdout or stderr; in a terminal, a long one goes on below, between two words."""
    return "\n".join(in_columns(line, columns(err=err), "  ")) if has_columns(err=err) else line


def say_bytes(line: bytes) -> None:
    """Prints a line to stdout as it is, such as UTF-8 whatever the terminal takes."""
    click.echo(line)


def is_terminal(*, err: bool = False) -> bool:
    """Whether stdout or stderr is a terminal."""
    stream = sys.stderr if err else sys.stdout
    return stream is not None and stream.isatty()


def can_redraw(*, err: bool = False) -> bool:
    """Whether a line of stdout or stderr can be drawn again: in a terminal that moves its cursor, and not in CI."""
    return is_terminal(err=err) and not _is_dumb() and os.environ.get("CI", "").lower() in ("", "0", "false")


def columns(*, err: bool = False) -> int:
    """The columns that lines may take: those of the terminal (20 to 120), or of `COLUMNS`; otherwise 80."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given):
        return min(max(int(given), _FEWEST), _MOST)
    try:
        found = os.get_terminal_size((sys.stderr if err else sys.stdout).fileno()).columns
    except (AttributeError, OSError, ValueError):
        return _USUAL
    return min(max(found, _FEWEST), _MOST) if found else _USUAL


def has_columns(*, err: bool = False) -> bool:
    """Whether lines are read in columns, so that long ones should be wrapped; a file or a pipe has none."""
    return is_terminal(err=err) or bool(os.environ.get("COLUMNS"))


def _shows_colours(err: bool) -> bool:
    return is_terminal(err=err) and not _is_dumb() and not os.environ.get("NO_COLOR")


def _is_dumb() -> bool:
    return os.environ.get("TERM", "").lower() == "dumb"
