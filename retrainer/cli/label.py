"""`retrainer label`."""

import glob
import os
from typing import TYPE_CHECKING

import click

from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError, PictureError
from retrainer.options.model import LabelOptions
from retrainer.system.paths import require_file, require_folder
from retrainer.system.terminal import say
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.events import Observer
    from retrainer.labeler import Prediction

FAILED = 1


def run(options: LabelOptions, photos: tuple[str, ...]) -> int:
    """Prints the best labels of each photo, in the 2017 script's words."""
    from retrainer.events import Event, FolderSkipped, Missed, Noted

    missing: list[FolderSkipped] = []

    def tell(event: Event) -> None:
        if isinstance(event, FolderSkipped):
            missing.append(event)
        if isinstance(event, Missed):
            what = "Error:" if isinstance(event, FolderSkipped) else event.verb
            say(f"{what} {event.problem}.", err=True)
        elif isinstance(event, Noted):
            say(f"{event.message}.", err=True)

    named, found = photos_of((*options.image, *photos), tell)
    from retrainer.labeler import Labeler

    labeler = Labeler(options)
    for warning in labeler.warnings:
        say(f"Warning: {warning}", err=True)
    headed = len(named) > 1 or bool(found)
    failures, printed = len(missing), 0
    paths, by_name = [*named, *found], frozenset(named)
    for path, labelled in zip(paths, labeler.label_all(paths), strict=True):
        if isinstance(labelled, PictureError):
            # A folder may also hold other files, but a path that the user names should be a photo.
            failures += path in by_name
            say(f"{'Error:' if path in by_name else 'Skipped'} '{shown(path)}': {labelled}.", err=True)
            continue
        heading = ("\n" if printed else "") + f"{shown(path)}\n" if headed else ""
        printed += 1
        say("\n".join((f"{heading}\nEvaluation time (1-image): {labelled.seconds:.3f}s\n", *_lines(labelled))))
    return FAILED if failures or not printed else 0


def _lines(labelled: "Prediction") -> list[str]:
    if labelled.rejected:
        return [f"none of these (distance={labelled.distance:0.5f}, limit={labelled.limit:0.5f})"]
    return [f"{shown(label)} (score={score:0.5f})" for label, score in labelled.ranking]


def photos_of(given: tuple[str, ...], observer: "Observer") -> tuple[list[str], list[str]]:
    """The photos that the user names, and the files found in folders and by globs, sorted.

    Folders are read at any depth, as `retrain` reads class folders.

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
            matches = _files_below(value, observer)
        elif glob.has_magic(value) and not os.path.lexists(value):
            matches = _files_of_glob(value, observer)
        else:
            require_file(value, "--image", "a photo, a folder or a glob")
            named.append(value)
            continue
        if not matches:
            raise OptionError(f"--image: expected photos, found none in '{shown(value)}'.")
        found += matches
    return named, found


def _files_below(folder: str, observer: "Observer") -> list[str]:
    """All files at any depth, sorted by their paths."""
    from retrainer.photos.walk import Walk, folders_above

    walk = Walk(observer, folders_above(folder))
    paths = [os.path.join(folder, name) for name, _ in walk.below(folder)]
    walk.report()
    return paths


def _files_of_glob(pattern: str, observer: "Observer") -> list[str]:
    """The files that a glob finds, sorted; a file with several paths appears once, under the shortest."""
    from retrainer.events import Noted
    from retrainer.photos.walk import NOT_PHOTOS, counted, is_no_photo

    files = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
    others = [path for path in files if is_no_photo(os.path.basename(path))]
    if others:
        observer(Noted(f"Left out {counted(others)}: {NOT_PHOTOS}"))
    deepest_first = sorted(set(files) - set(others), key=lambda path: (path.count(os.sep), path), reverse=True)
    return sorted({os.path.realpath(path): path for path in deepest_first}.values())


command = command_of("label", LabelOptions, run, "Print the best labels of photos, folders of photos or globs.")
command.params.append(click.Argument(["photos"], nargs=-1, metavar="[PHOTO]..."))
