"""`retrainer retrain`."""

from dataclasses import dataclass

from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError
from retrainer.options.groups import Options, option
from retrainer.options.retraining import RetrainOptions
from retrainer.system.files import shown
from retrainer.system.terminal import say

FAILED = 1


@dataclass(frozen=True, kw_only=True)
class _ReportFlags(Options):
    """What is printed besides the result."""

    heading = "Report"

    print_misclassified_test_images: bool = option(False, "List the test photos that the model gets wrong.")


@dataclass(frozen=True, kw_only=True)
class RetrainFlags(RetrainOptions, _ReportFlags):
    """The flags of the command."""

    def __post_init__(self) -> None:
        """Checks what a comparison does not take."""
        super().__post_init__()
        if self.compare and self.print_misclassified_test_images:
            raise OptionError(
                "--compare: expected no --print_misclassified_test_images beside it, since it makes no model.",
                "Leave one of the two out.",
            )


def run(flags: RetrainFlags) -> int:
    """Retrains and prints what came of it, or compares backbones."""
    options = flags.only(RetrainOptions)
    if options.compare:
        return _compare(options)
    from retrainer.cli.summary import summary
    from retrainer.observers.console import Console
    from retrainer.retraining import retrain

    with Console(lists_misclassified=flags.print_misclassified_test_images) as console:
        result = retrain(options, console)
    say("\n".join(summary(result)))
    return 0


def _compare(options: RetrainOptions) -> int:
    from retrainer.cli.words import comparison_lines
    from retrainer.comparison import compare
    from retrainer.observers.console import Console

    with Console() as console:
        result = compare(options, console)
    say("\n".join(["", *comparison_lines(result)]))
    for name, reason in result.failed:
        say(f"Error: --compare: '{shown(name)}': {reason.removeprefix('--architecture: ')}", err=True)
    return FAILED if result.failed else 0


command = command_of(
    "retrain",
    RetrainFlags,
    run,
    "Teach a pretrained network the classes of a folder of photos: one sub-folder per class.",
)
