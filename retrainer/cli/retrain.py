"""`retrainer retrain`."""

from retrainer.cli.flags import command as command_of
from retrainer.options.retraining import RetrainOptions


def run(options: RetrainOptions) -> None:
    """Retrains and prints what came of it."""
    from retrainer.observers.console import Console
    from retrainer.retraining import retrain

    with Console(lists_misclassified=options.print_misclassified_test_images) as console:
        result = retrain(options, console)
    console.summarise(result)


command = command_of(
    "retrain",
    RetrainOptions,
    run,
    "Teach a pretrained network the classes of a folder of photos: one sub-folder per class.",
)
