"""`retrainer label`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from retrainer.answers.formats import WORDS
from retrainer.answers.output import require_output, row_stream, write_answers
from retrainer.cli.bar import Bar
from retrainer.cli.flags import command as command_of
from retrainer.errors import PictureError
from retrainer.options.answers import AnswerOptions
from retrainer.options.inputs import InputOptions
from retrainer.options.model import LabelOptions
from retrainer.photos.inputs.kinds import Inputs, inputs_of
from retrainer.photos.inputs.source import Request
from retrainer.photos.photo import Photo, name_of
from retrainer.system.terminal import say
from retrainer.text import printable, shown

if TYPE_CHECKING:
    from retrainer.answer_tables import Labelled
    from retrainer.labeler import Labeler, Prediction

FAILED = 1

Answer = tuple[str, bool, "Prediction | PictureError"]
"""A photo's name, whether the user named it, and what became of it."""


@dataclass(frozen=True, kw_only=True)
class LabelFlags(LabelOptions, InputOptions, AnswerOptions):
    """The flags of the command."""


@dataclass
class _Tally:
    """How many photos have labels, and how much of what the user named could not be read."""

    labelled: int = 0
    failures: int = 0
    unreadable: int = 0

    def counted(self, answers: Iterable[Answer], report: Callable[[str], None] | None) -> "Iterator[Labelled]":
        """Yields the answers again.

        Args:
            answers: The answers. A folder may also hold other files, but a path that is named should be a photo.
            report: Called with a line for each unreadable photo.
        """
        for name, named, found in answers:
            if isinstance(found, PictureError):
                self.unreadable += 1
                self.failures += named
                if report:
                    report(f"{'Error:' if named else 'Skipped'} '{shown(name)}': {found}.")
            else:
                self.labelled += 1
            yield name, found

    @property
    def exit_code(self) -> int:
        """0 if a photo has labels and all that was named could be read."""
        return FAILED if self.failures or not self.labelled else 0


def run(options: LabelFlags, photos: tuple[str, ...]) -> int:
    """Writes the best labels of each photo, in the 2017 script's words or as a table."""
    from retrainer.events import Event, FolderSkipped, Missed, Noted

    tally = _Tally()
    require_output(options.chosen_format, options.output)
    bar = Bar()

    def tell(event: Event) -> None:
        tally.failures += isinstance(event, FolderSkipped)
        if isinstance(event, Missed):
            what = "Error:" if isinstance(event, FolderSkipped) else event.verb
            bar.say(f"{what} {event.problem}.")
        elif isinstance(event, Noted):
            bar.say(f"{event.message}.")

    request = Request(tell, options.column, options.allow_urls)
    inputs = inputs_of((*options.image, *photos), request)
    from retrainer.labeler import Labeler

    labeler = Labeler(options.only(LabelOptions))
    for warning in labeler.warnings:
        say(f"Warning: {warning}", err=True)
    in_words = options.chosen_format == WORDS
    answers: Iterable[Answer] = _answers(labeler, inputs)
    if not inputs.is_one_photo:
        answers = bar.counted(answers, inputs.count, options.output)
    labelled = tally.counted(answers, bar.say if in_words else None)
    if in_words:
        _write(_words(labelled, headed=not inputs.is_one_photo, rejecting=options.reject), options.output)
    else:
        from retrainer.answer_tables import table_of_labels

        table = table_of_labels(labeler, options, labelled, all_scores=options.all_scores)
        write_answers(table, options.chosen_format, options.output)
        if tally.unreadable:
            photos_are = "photo is" if tally.unreadable == 1 else "photos are"
            say(f"{tally.unreadable:,} {photos_are} unreadable; the column 'error' says why.", err=True)
    return tally.exit_code


def _answers(labeler: "Labeler", inputs: Inputs) -> Iterator[Answer]:
    """Labels all inputs, in their order."""

    def answer(one: "Labeler", given: tuple[str | Photo, bool]) -> Answer:
        photo, named = given
        try:
            return name_of(photo), named, one.label(photo)
        except PictureError as error:
            return name_of(photo), named, error

    return labeler.run_all(answer, inputs)


def _words(photos: "Iterable[Labelled]", *, headed: bool, rejecting: bool) -> Iterator[str]:
    """The words of 2017 for each photo that has labels."""
    before = ""
    for path, found in photos:
        if isinstance(found, PictureError):
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


command = command_of("label", LabelFlags, run, "Print the best labels of photos, folders of photos or globs.")
command.params.append(click.Argument(["photos"], nargs=-1, metavar="[PHOTO]..."))
