"""`retrainer label`."""

import glob
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError, PictureError
from retrainer.files import require_file, require_folder, shown
from retrainer.options.labelling import LabelOptions
from retrainer.terminal import say

if TYPE_CHECKING:
    from retrainer.labeler import Labelled

FAILED = 1


def run(options: LabelOptions, photos: tuple[str, ...]) -> int:
    """Prints the best labels of each photo, in the 2017 script's words."""
    named, found = photos_of((*options.image, *photos))
    from retrainer.labeler import Labeler

    labeler = Labeler(options)
    headed = len(named) > 1 or bool(found)
    failures = printed = 0
    paths, by_name = [*named, *found], frozenset(named)
    for path, labelled in zip(paths, labeler.label_all(paths), strict=True):
        if isinstance(labelled, PictureError):
            # A folder may hold other files, too; a photo that was named should be one.
            failures += path in by_name
            say(f"{'Error' if path in by_name else 'Skipped'}: '{shown(path)}': {labelled}.", err=True)
            continue
        heading = ("\n" if printed else "") + f"{shown(path)}\n" if headed else ""
        printed += 1
        say("\n".join((f"{heading}\nEvaluation time (1-image): {labelled.seconds:.3f}s\n", *_lines(labelled))))
    return FAILED if failures or not printed else 0


def _lines(labelled: "Labelled") -> list[str]:
    if labelled.rejected:
        return [f"none of these (distance={labelled.distance:0.5f}, limit={labelled.limit:0.5f})"]
    return [f"{shown(label)} (score={score:0.5f})" for label, score in labelled.ranking]


def photos_of(given: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The files that are named themselves, and those found in folders and by globs, sorted.

    Raises:
        OptionError: a value names nothing.
    """
    if not given:
        raise OptionError("--image is missing: expected a photo, a folder or a glob.", "Give it as --image PHOTO.")
    named: list[str] = []
    found: list[str] = []
    for value in given:
        if os.path.isdir(value):
            require_folder(value, "--image", "photos")
            matches = sorted(_files_below(value))
        elif glob.has_magic(value) and not os.path.lexists(value):
            matches = sorted(path for path in glob.glob(value, recursive=True) if os.path.isfile(path))
        else:
            require_file(value, "--image", "a photo, a folder or a glob")
            named.append(value)
            continue
        if not matches:
            raise OptionError(f"--image: expected photos, found none in '{shown(value)}'.")
        found += matches
    return named, found


def _files_below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(parent, name) for name in names if not name.startswith("."))


command = command_of("label", LabelOptions, run, "Print the best labels of photos, folders of photos or globs.")
command.params.append(click.Argument(["photos"], nargs=-1, metavar="[PHOTO]..."))
