"""`retrainer label`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from retrainer.answers.formats import WORDS
from retrainer.answers.output import require_output, write_answers
from retrainer.cli.bar import Bar
from retrainer.cli.candidates import files
from retrainer.cli.flags import command as command_of
from retrainer.cli.labelled import FAILED, Answer, Tally, words_of, write_words
from retrainer.cli.sorted import sorter_of, sorting, summary_of
from retrainer.errors import OptionError, PictureError
from retrainer.options.answers import AnswerOptions
from retrainer.options.inputs import InputOptions
from retrainer.options.model import LabelOptions
from retrainer.options.paths import require_apart
from retrainer.options.sorting import SortOptions
from retrainer.photos.inputs.kinds import STDIN, inputs_of
from retrainer.photos.inputs.source import Request
from retrainer.photos.photo import Photo, held, name_of
from retrainer.system.terminal import fitted, say
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.answer_tables import Labelled
    from retrainer.events import Event
    from retrainer.labeler import Labeler
    from retrainer.prediction import Prediction


@dataclass(frozen=True, kw_only=True)
class LabelFlags(LabelOptions, InputOptions, AnswerOptions, SortOptions):
    """The flags of the command."""

    def __post_init__(self) -> None:
        """Checks that the answers do not replace the list of a sorting."""
        super().__post_init__()
        if self.output and self.is_list(self.output):
            raise OptionError(
                f"--output: expected another file than the list of --sort_into, received '{shown(self.output)}'.",
                "Give it another name.",
            )

    @property
    def only_sorts(self) -> bool:
        """Whether photos are sorted and no answers are written."""
        return bool(self.sort_into) and not (self.format or self.json or self.output)


def run(options: LabelFlags, photos: tuple[str, ...]) -> int:
    """Writes the best labels of each photo, in the 2017 script's words or as a table."""
    tally, values = Tally(), (*options.image, *photos)
    if options.output:
        require_apart("--output", options.output, ("/dev/stdin" if value == STDIN else value for value in values))
    require_output(options.chosen_format, options.output)
    bar = Bar()

    def tell(event: "Event") -> None:
        from retrainer.events import FolderSkipped, Missed, Noted  # takes 8 ms, and one photo has no events

        tally.failures += isinstance(event, FolderSkipped)
        if isinstance(event, Missed):
            what = "Error:" if isinstance(event, FolderSkipped) else event.verb
            bar.say(f"{what} {event.problem}.")
        elif isinstance(event, Noted):
            bar.say(f"{event.message}.")

    request = Request(tell, options.column, options.allow_urls)
    inputs = inputs_of(values, request)
    from retrainer.labeler import Labeler

    labeler = Labeler(options.only(LabelOptions))
    for warning in labeler.warnings:
        bar.say(f"Warning: {warning}")
    sorter = sorter_of(options, labeler.labels, values, bar.say, rejecting=options.reject, alone=options.only_sorts)
    in_words = options.chosen_format == WORDS
    with sorting(sorter, options):
        if sorter:
            found = sorter.sorted(_answers(labeler, sorter.inside.left_out(inputs), hold=True))
        else:
            found = _answers(labeler, inputs)
        answers: Iterable[Answer] = ((name_of(photo), named, what) for photo, named, what in found)
        if not inputs.is_one_photo:
            elsewhere = options.output or ("" if options.dry_run else options.sort_into)
            answers = bar.counted(answers, inputs.count, elsewhere)
        _write(options, labeler, tally.counted(answers, bar.say if in_words else None), inputs.is_one_photo)
    if options.output:
        bar.say(f"Wrote the answers for {tally.taken} to '{shown(options.output)}'.")
    for note in tally.notes(is_table=not in_words, rejecting=options.reject):
        bar.say(note)
    if sorter:
        for line in summary_of(sorter, options):
            say(fitted(line, err=not options.only_sorts), err=not options.only_sorts)
    return tally.exit_code or (FAILED if sorter and sorter.left else 0)


def _write(options: LabelFlags, labeler: "Labeler", labelled: "Iterator[Labelled]", one_photo: bool) -> None:
    """Takes all answers, and writes them unless photos are only sorted."""
    if options.only_sorts:
        for _ in labelled:
            pass
    elif options.chosen_format == WORDS:
        write_words(words_of(labelled, headed=not one_photo, rejecting=options.reject), options.output)
    else:
        from retrainer.answer_tables import table_of_labels

        table = table_of_labels(labeler, options, labelled, all_scores=options.all_scores)
        write_answers(table, options.chosen_format, options.output)


def _answers(
    labeler: "Labeler", inputs: Iterable[tuple[str | Photo, bool]], *, hold: bool = False
) -> "Iterator[tuple[str | Photo, bool, Prediction | PictureError]]":
    """Labels all inputs, in their order; holds the bytes of those that are no files of their own if they are wanted."""

    def answer(
        one: "Labeler", given: tuple[str | Photo, bool]
    ) -> "tuple[str | Photo, bool, Prediction | PictureError]":
        photo, named = (held(given[0]) if hold else given[0]), given[1]
        try:
            return photo, named, one(photo)
        except PictureError as error:
            return photo, named, error

    return labeler.run_all(answer, inputs)


command = command_of(
    "label",
    LabelFlags,
    run,
    "Label photos, folders, archives, tables or lists: print the labels, write a table, or sort the photos.",
    (
        "retrainer label photos --output labels.csv",
        "find photos -name '*.jpg' -print0 | retrainer label - --output a.csv",
        "retrainer label photos --sort_into sorted",
    ),
)
command.flag("image").bare = "PHOTO"
command.params.append(click.Argument(["photos"], nargs=-1, metavar="[PHOTO]...", shell_complete=files))
