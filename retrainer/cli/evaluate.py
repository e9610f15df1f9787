"""`retrainer evaluate`."""

import click

from retrainer.cli.flags import command as command_of
from retrainer.options.labelling import EvaluateOptions


def run(options: EvaluateOptions) -> None:
    """Prints accuracy and cross entropy, in the 2017 script's words."""
    from retrainer.evaluation import evaluate
    from retrainer.observers.console import Console

    with Console() as console:
        result = evaluate(options, console)
    click.echo(f"Accuracy: {result.accuracy:g}")
    click.echo(f"Cross Entropy: {result.cross_entropy:g}")
    click.echo(f"Photos: {result.count}")


command = command_of(
    "evaluate", EvaluateOptions, run, "Measure a model on a folder of photos, one sub-folder per class."
)
