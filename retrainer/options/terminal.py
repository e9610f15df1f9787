"""What a command prints on stderr while it works."""

from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.groups import Options, option

# The values of --progress.
AUTO, PLAIN, NONE = "auto", "plain", "none"
# The values of --log; `observers.logs` has a class for each.
STAGES, TF = "stages", "tf"


@dataclass(frozen=True, kw_only=True)
class ProgressOptions(Options):
    """How long work shows its progress."""

    heading = headings.TERMINAL

    progress: str = option(
        AUTO,
        "plain prints a line every 10 % or 30 seconds; none prints nothing. auto draws a bar in a terminal, otherwise "
        "it is plain.",
        choices=(AUTO, PLAIN, NONE),
    )


@dataclass(frozen=True, kw_only=True)
class TerminalOptions(ProgressOptions):
    """How much a command prints on stderr."""

    heading = headings.TERMINAL

    quiet: bool = option(False, "Print only the result and errors.", short="q")
    verbose: bool = option(False, "Print every step, note and warning as it comes.", short="v")
    log: str = option(
        STAGES, "stages prints one line for each stage of a run; tf prints the log lines of 2017.", choices=(STAGES, TF)
    )

    def __post_init__(self) -> None:
        """Checks that only one amount is asked for."""
        super().__post_init__()
        if self.quiet and self.verbose:
            raise OptionError("--quiet and --verbose: expected at most one of them.", "Leave one of the two out.")
