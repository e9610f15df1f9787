"""The only place that prints."""

import click

from retrainer.text import printable


def say(text: str, *, err: bool = False) -> None:
    """Prints lines to stdout, or to stderr, with all unprintable characters in them escaped."""
    click.echo(printable(text), err=err)
