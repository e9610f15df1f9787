"""`retrainer evaluate`."""

import json
from dataclasses import asdict

import click

from retrainer.cli.flags import command as command_of
from retrainer.files import shown
from retrainer.options.labelling import EvaluateOptions

BELOW = 3
_MISTAKES = 5


def run(options: EvaluateOptions) -> int:
    """Prints the figures, accuracy and cross entropy in the 2017 script's words before all others."""
    from retrainer.evaluation import evaluate
    from retrainer.observers.console import Console
    from retrainer.observers.words import assessment_lines, wrapped

    with Console() as console:
        result = evaluate(options, console)
    assessment = result.assessment
    if options.json:
        click.echo(json.dumps(asdict(result), ensure_ascii=False, indent=1))
    else:
        click.echo(f"Accuracy: {assessment.accuracy:g}")
        click.echo(f"Cross Entropy: {assessment.log_loss:g}")
        click.echo(f"Photos: {assessment.count}\n")
        which = "the test photos" if result.part == "test" else "all photos"
        click.echo("\n".join([*wrapped("Measured on", f"{which} of {shown(result.image_dir)}"), ""]))
        click.echo("\n".join(assessment_lines(assessment)))
        surest = result.mistakes[:_MISTAKES]
        if surest:
            click.echo(f"\nSurest mistakes, of {len(result.mistakes):,}; --json lists all:")
        for mistake in surest:
            click.echo(f"  {shown(mistake.path)}: {mistake.predicted} (score={mistake.score:0.5f})")
    least = options.assert_accuracy_at_least
    if least is not None and assessment.accuracy < least:
        click.echo(
            f"Error: --assert_accuracy_at_least: expected at least {least:g}, received {assessment.accuracy:.4f}.",
            err=True,
        )
        return BELOW
    return 0


command = command_of(
    "evaluate",
    EvaluateOptions,
    run,
    "Measure a model on its own test photos, or on all photos of another folder, one sub-folder per class.",
)
