"""`retrainer retrain`."""

from retrainer.cli.flags import command as command_of
from retrainer.options.retraining import RetrainOptions
from retrainer.system.files import shown
from retrainer.system.terminal import say

FAILED = 1


def run(options: RetrainOptions) -> int:
    """Retrains and prints what came of it, or compares backbones."""
    if options.compare:
        return _compare(options)
    from retrainer.cli.summary import summary
    from retrainer.observers.console import Console
    from retrainer.retraining import retrain

    with Console(lists_misclassified=options.print_misclassified_test_images) as console:
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
    RetrainOptions,
    run,
    "Teach a pretrained network the classes of a folder of photos: one sub-folder per class.",
)
