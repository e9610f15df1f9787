"""`retrainer label`."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from retrainer.answers.formats import WORDS
from retrainer.answers.output import require_output, row_stream, write_answers
from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError, PictureError
from retrainer.options.answers import AnswerOptions
from retrainer.options.model import LabelOptions
from retrainer.system.paths import require_file, require_folder
from retrainer.system.terminal import say
from retrainer.text import printable, shown

if TYPE_CHECKING:
    from retrainer.answer_tables import Labelled
    from retrainer.events import Observer
    from retrainer.labeler import Prediction

FAILED = 1


@dataclass(frozen=True, kw_only=True)
class LabelFlags(LabelOptions, AnswerOptions):
    """The flags of the command."""


@dataclass
class _Tally:
    """How many photos have labels, and how much of what the user named could not be read."""

    labelled: int = 0
    failures: int = 0
    unreadable: int = 0

    def counted(self, photos: "Iterable[Labelled]", by_name: frozenset[str]) -> "Iterator[Labelled]":
        """Yields the photos again. A folder may also hold other files, but a path that is named should be a photo."""
        for path, found in photos:
            if isinstance(found, PictureError):
                self.unreadable += 1
                self.failures += path in by_name
            else:
                self.labelled += 1
            yield path, found

    @property
    def exit_code(self) -> int:
        """0 if a photo has labels and all that was named could be read."""
        return FAILED if self.failures or not self.labelled else 0


def run(options: LabelFlags, photos: tuple[str, ...]) -> int:
    """Writes the best labels of each photo, in the 2017 script's words or as a table."""
    from retrainer.events import Event, FolderSkipped, Missed, Noted

    tally = _Tally()
    require_output(options.chosen_format, options.output)

    def tell(event: Event) -> None:
        tally.failures += isinstance(event, FolderSkipped)
        if isinstance(event, Missed):
            what = "Error:" if isinstance(event, FolderSkipped) else event.verb
            say(f"{what} {event.problem}.", err=True)
        elif isinstance(event, Noted):
            say(f"{event.message}.", err=True)

    named, found = photos_of((*options.image, *photos), tell)
    from retrainer.labeler import Labeler

    labeler = Labeler(options.only(LabelOptions))
    for warning in labeler.warnings:
        say(f"Warning: {warning}", err=True)
    paths, by_name = [*named, *found], frozenset(named)
    labelled = tally.counted(zip(paths, labeler.label_all(paths), strict=True), by_name)
    if options.chosen_format == WORDS:
        headed = len(named) > 1 or bool(found)
        _write(_words(labelled, by_name, headed=headed, rejecting=options.reject), options.output)
    else:
        from retrainer.answer_tables import table_of_labels

        table = table_of_labels(labeler, options, labelled, all_scores=options.all_scores)
        write_answers(table, options.chosen_format, options.output)
        if tally.unreadable:
            photos_are = "photo is" if tally.unreadable == 1 else "photos are"
            say(f"{tally.unreadable:,} {photos_are} unreadable; the column 'error' says why.", err=True)
    return tally.exit_code


def _words(photos: "Iterable[Labelled]", by_name: frozenset[str], *, headed: bool, rejecting: bool) -> Iterator[str]:
    """The words of 2017 for each photo; reports those that are unreadable."""
    before = ""
    for path, found in photos:
        if isinstance(found, PictureError):
            say(f"{'Error:' if path in by_name else 'Skipped'} '{shown(path)}': {found}.", err=True)
            continue
        heading = f"{before}{shown(path)}\n" if headed else ""
        before = "\n"
        lines = _lines(found, rejecting=rejecting)
        yield "\n".join((f"{heading}\nEvaluation time (1-image): {found.seconds:.3f}s\n", *lines))


def _write(texts: Iterable[str], path: str) -> None:
    """Writes texts to a file, or to standard output if the path is empty, each as soon as it is there."""
    if not path:
        for text in texts:
            say(text)
        return
    with row_stream(path) as stream:
        for text in texts:
            stream.write(f"{printable(text)}\n".encode())


def _lines(labelled: "Prediction", *, rejecting: bool) -> list[str]:
    if rejecting and labelled.rejected:
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


command = command_of("label", LabelFlags, run, "Print the best labels of photos, folders of photos or globs.")
command.params.append(click.Argument(["photos"], nargs=-1, metavar="[PHOTO]..."))
