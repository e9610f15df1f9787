"""`retrainer sample`."""

import click

from retrainer.cli.candidates import folders
from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError
from retrainer.options.paths import FOLDER, require_path
from retrainer.options.sampling import SampleOptions
from retrainer.system.paths import expanded
from retrainer.system.terminal import say
from retrainer.text import shown


def run(options: SampleOptions, folder: str | None) -> None:
    """Draws the sample set and prints where it is."""
    from retrainer.photos.sample import draw_sample

    if folder is None:
        raise OptionError("DIR is missing: expected a new or an empty folder.", "Type `retrainer sample drawings`.")
    require_path("DIR", expanded(folder), FOLDER)
    pictures = draw_sample(expanded(folder), options)
    say(f"Drew {pictures} pictures of five kinds of flowers in '{shown(folder)}'. They are drawings, not photos.")


command = command_of(
    "sample",
    SampleOptions,
    run,
    "Draw five kinds of flowers into DIR, a sub-folder per kind.",
    (
        "retrainer sample drawings",
        "retrainer sample drawings --per_class 200",
    ),
)
command.params.append(click.Argument(["folder"], required=False, metavar="DIR", shell_complete=folders))
