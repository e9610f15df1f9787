"""How a command gives its answers."""

from dataclasses import dataclass

from retrainer.answers.formats import FORMATS, WORDS, format_of
from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.groups import Options, option, path_option
from retrainer.options.paths import ANSWERS


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(Options):
    """In which format the answers are written, and where."""

    heading = headings.ANSWERS

    format: str | None = option(
        None,
        "text is for people to read; the others are tables with a row for each photo. By default the ending of "
        "--output decides.",
        choices=(WORDS, *FORMATS),
        usual=WORDS,
    )
    json: bool = option(False, "Print one JSON document: the same as --format json.")
    output: str = path_option("", "File to write the answers to, instead of standard output.", ANSWERS)
    all_scores: bool = option(False, "Add a column with the score of each class; not for text.")

    def __post_init__(self) -> None:
        """Checks that the format, the file's ending and the columns fit each other."""
        super().__post_init__()
        if self.json and self.format not in (None, "json"):
            raise OptionError(f"--json and --format {self.format} contradict each other.", "Leave one of them out.")
        chosen = self.chosen_format
        if self.all_scores and chosen == WORDS:
            raise OptionError(
                "--all_scores: expected a table, received the format text.",
                f"Give --format, one of {', '.join(FORMATS)}.",
            )

    @property
    def chosen_format(self) -> str:
        """`text` or one of `FORMATS`."""
        given = "json" if self.json else self.format or ""
        if not self.output:
            return given or WORDS
        return format_of("--output", self.output, given, (WORDS, *FORMATS))
