"""Prints; no other module does."""

import click

from retrainer.text import printable


def say(text: str, *, err: bool = False) -> None:
    """Prints lines to stdout or stderr; unprintable characters are escaped."""
    click.echo(printable(text), err=err)
