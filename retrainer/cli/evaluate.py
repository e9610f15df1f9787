"""`retrainer evaluate`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrainer.answer_tables import table_of_mistakes
from retrainer.answers.formats import format_of
from retrainer.answers.output import write_answers
from retrainer.cli.flags import Subject
from retrainer.cli.flags import command as command_of
from retrainer.options import headings
from retrainer.options.documents import DocumentOptions
from retrainer.options.groups import Options, option, path_option
from retrainer.options.model import EvaluateOptions
from retrainer.options.paths import ANSWERS, require_apart
from retrainer.options.terminal import TerminalOptions
from retrainer.system.files import require_writable
from retrainer.system.terminal import columns, has_columns, say
from retrainer.text import in_columns, shown

if TYPE_CHECKING:
    from retrainer.results.evaluation import Evaluation

BELOW = 3
_MISTAKES = 5
_MEASURED = {
    "given": "the given test photos of {}",
    "test": "the test photos of {}",
    "unseen": "the photos of {} that the model did not learn from",
    "all": "all photos of {}",
}


@dataclass(frozen=True, kw_only=True)
class _ReportFlags(Options):
    """How the figures are printed."""

    heading = headings.HOW_GOOD

    mistakes: str = path_option(
        "",
        "Table to write the photos to that the model gets wrong, with all scores: .csv, .json, .jsonl or .parquet.",
        ANSWERS,
    )
    assert_accuracy_at_least: float | None = option(
        None, "Exit with code 3 if the accuracy is lower, for CI.", minimum=0, maximum=1
    )

    def __post_init__(self) -> None:
        """Checks that the ending of the table is that of a format."""
        super().__post_init__()
        if self.mistakes:
            format_of("--mistakes", self.mistakes)


@dataclass(frozen=True, kw_only=True)
class EvaluateFlags(EvaluateOptions, DocumentOptions, _ReportFlags, TerminalOptions):
    """The flags of the command."""


def run(flags: EvaluateFlags) -> int:
    """Prints the figures, accuracy and cross entropy in the 2017 script's words before all others."""
    from retrainer.cli.documents.document import print_document
    from retrainer.evaluation import evaluate
    from retrainer.observers.logs import log_of

    if flags.mistakes:
        require_writable(flags.mistakes)
    with log_of(flags) as log:
        result = evaluate(flags.only(EvaluateOptions), on_progress=log)
    if flags.mistakes:
        # It may be the table that the model learnt from, which only the model names.
        require_apart("--mistakes", flags.mistakes, [result.image_dir])
        write_answers(table_of_mistakes(result), format_of("--mistakes", flags.mistakes), flags.mistakes)
    if flags.json:
        print_document("evaluate", result.to_dict())
    else:
        _say_figures(result, flags.mistakes)
    accuracy = result.assessment.accuracy
    least = flags.assert_accuracy_at_least
    if least is not None and accuracy < least:
        say(
            f"Error: --assert_accuracy_at_least: expected at least {least:g}, received {accuracy:.4f}.",
            err=True,
        )
        return BELOW
    return 0


def _say_figures(result: "Evaluation", table: str) -> None:
    from retrainer.cli.assessment_words import assessment_lines
    from retrainer.cli.words import wrapped

    assessment = result.assessment
    say(f"Accuracy: {assessment.accuracy:g}")
    say(f"Cross Entropy: {assessment.log_loss:g}")
    say(f"Photos: {assessment.count}\n")
    say("\n".join([*wrapped("Measured on", _MEASURED[result.part].format(shown(result.image_dir))), ""]))
    say("\n".join(assessment_lines(assessment)))
    surest = result.mistakes[:_MISTAKES]
    if surest:
        lists = f"'{shown(table)}'" if table else "--mistakes FILE.csv"
        say(f"\nSurest mistakes, of {len(result.mistakes):,}; {lists} lists all:")
    for mistake in surest:
        line = f"  {shown(mistake.path)}: {shown(mistake.predicted)} (score={mistake.score:0.5f})"
        say("\n".join(in_columns(line, columns(), indent="    ")) if has_columns() else line)


command = command_of(
    "evaluate",
    EvaluateFlags,
    run,
    "Measure a model on its own test photos, or on the photos of another folder, one sub-folder per class.",
    (
        "retrainer evaluate",
        "retrainer evaluate photos --mistakes mistakes.csv",
        "retrainer evaluate --assert_accuracy_at_least 0.9",
    ),
    Subject("image_dir", "PHOTOS"),
)
