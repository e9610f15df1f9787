"""`retrainer label`."""

import glob
import os
from dataclasses import replace

import click

from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError, PictureError
from retrainer.files import require_file, shown
from retrainer.options import LabelOptions

FAILED = 1


def run(options: LabelOptions, photos: tuple[str, ...]) -> int:
    """Prints the best labels of each photo, in the 2017 script's words."""
    given = replace(options, image=(*options.image, *photos)).image
    paths = photos_of(given)
    from retrainer.labeler import Labeler

    labeler = Labeler(options)
    headed = len(paths) > 1 or paths != list(given)
    failures = 0
    for path, labelled in labeler.label_all(paths):
        if isinstance(labelled, PictureError):
            click.echo(f"Error: '{shown(path)}': {labelled}.", err=True)
            failures += 1
            continue
        if headed:
            click.echo(shown(path))
        click.echo(f"\nEvaluation time (1-image): {labelled.seconds:.3f}s\n")
        for label, score in labelled.ranking:
            click.echo(f"{label} (score={score:0.5f})")
    return FAILED if failures else 0


def photos_of(given: tuple[str, ...]) -> list[str]:
    """The files that `--image` values name: files as they are, folders' files and globs' matches sorted.

    Raises:
        OptionError: a value names nothing.
    """
    if not given:
        raise OptionError("--image is missing: expected a photo, a folder or a glob.", "Give it as --image PHOTO.")
    paths: list[str] = []
    for value in given:
        if os.path.isdir(value):
            with os.scandir(value) as entries:
                found = sorted(e.path for e in entries if not e.name.startswith(".") and os.path.isfile(e.path))
        elif glob.has_magic(value) and not os.path.lexists(value):
            found = sorted(path for path in glob.glob(value, recursive=True) if os.path.isfile(path))
        else:
            require_file(value, "--image", "a photo, a folder or a glob")
            found = [value]
        if not found:
            raise OptionError(f"--image: expected photos, found none in '{shown(value)}'.")
        paths += found
    return paths


command = command_of("label", LabelOptions, run, "Print the best labels of photos, folders of photos or globs.")
command.params.append(click.Argument(["photos"], nargs=-1, metavar="[PHOTO]..."))
