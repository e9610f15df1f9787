"""`retrainer retrain`."""

from retrainer.cli.flags import command as command_of
from retrainer.files import shown
from retrainer.options.retraining import RetrainOptions
from retrainer.terminal import say

FAILED = 1


def run(options: RetrainOptions) -> int:
    """Retrains and prints what came of it, or compares backbones."""
    if options.compare:
        return _compare(options)
    from retrainer.observers.console import Console
    from retrainer.retraining import retrain

    with Console(lists_misclassified=options.print_misclassified_test_images) as console:
        result = retrain(options, console)
    console.summarise(result)
    return 0


def _compare(options: RetrainOptions) -> int:
    from retrainer.comparison import compare
    from retrainer.observers.console import Console
    from retrainer.observers.words import comparison_lines

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
