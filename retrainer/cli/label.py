"""`retrainer label`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from retrainer.answers.formats import WORDS
from retrainer.answers.output import require_output, write_answers
from retrainer.cli.bar import Bar
from retrainer.cli.flags import command as command_of
from retrainer.cli.labelled import Answer, Tally, words_of, write_words
from retrainer.errors import PictureError
from retrainer.options.answers import AnswerOptions
from retrainer.options.inputs import InputOptions
from retrainer.options.model import LabelOptions
from retrainer.photos.inputs.kinds import Inputs, inputs_of
from retrainer.photos.inputs.source import Request
from retrainer.photos.photo import Photo, name_of

if TYPE_CHECKING:
    from retrainer.events import Event
    from retrainer.labeler import Labeler


@dataclass(frozen=True, kw_only=True)
class LabelFlags(LabelOptions, InputOptions, AnswerOptions):
    """The flags of the command."""


def run(options: LabelFlags, photos: tuple[str, ...]) -> int:
    """Writes the best labels of each photo, in the 2017 script's words or as a table."""
    tally = Tally()
    require_output(options.chosen_format, options.output)
    bar = Bar()

    def tell(event: "Event") -> None:
        from retrainer.events import FolderSkipped, Missed, Noted  # takes 20 ms, and one photo has no events

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
        bar.say(f"Warning: {warning}")
    in_words = options.chosen_format == WORDS
    answers: Iterable[Answer] = _answers(labeler, inputs)
    if not inputs.is_one_photo:
        answers = bar.counted(answers, inputs.count, options.output)
    labelled = tally.counted(answers, bar.say if in_words else None)
    if in_words:
        write_words(words_of(labelled, headed=not inputs.is_one_photo, rejecting=options.reject), options.output)
    else:
        from retrainer.answer_tables import table_of_labels

        table = table_of_labels(labeler, options, labelled, all_scores=options.all_scores)
        write_answers(table, options.chosen_format, options.output)
    for note in tally.notes(is_table=not in_words, rejecting=options.reject):
        bar.say(note)
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


command = command_of(
    "label",
    LabelFlags,
    run,
    "Print the best labels of photos, of whole folders, archives, tables or lists.",
    (
        "retrainer label photo.jpg",
        "retrainer label photos --output labels.csv",
        "find photos -name '*.jpg' | retrainer label -",
    ),
)
command.flag("image").bare = "PHOTO"
command.params.append(click.Argument(["photos"], nargs=-1, metavar="[PHOTO]..."))
