"""Measures what `retrainer clean` finds of what is planted among sound photos.

    python -m scripts.benchmark.cleaning FOLDER [--strange FOLDER] [--architecture NAME]... [--seeds N]

FOLDER has class folders of sound photos. They are linked into a new folder, which gets what is planted. For each row
the table says how much of it is found, and how much of what is found was planted. `--strange` takes a folder with class
folders of something else, some of which are linked among the photos. `python -m scripts.benchmark.regained` measures
what suggestions bring.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import numpy as np

from retrainer.cleaning.looking import clean
from retrainer.options.backbone import DEFAULT_ARCHITECTURE
from retrainer.photos.clean_list.finding import Kind
from scripts.benchmark.planted import LOOKS, Planted, linked, mislabel, plant_copies, plant_strange, spoil
from scripts.benchmark.tables import Table

Plant = Callable[[Sequence[str], np.random.Generator], Planted]


def _spoilt(kind: Kind) -> Plant:
    return lambda paths, generator: spoil(paths, kind, 20, generator)


PLANTS: Mapping[str, Plant] = {
    "5 % wrong labels": lambda paths, generator: mislabel(paths, 0.05, generator),
    "50 near copies": lambda paths, generator: plant_copies(paths, 50, generator),
    **{f"20 {kind}": _spoilt(kind) for kind in LOOKS},
}
"""What is planted, each among photos of its own."""


def with_strange(strange: Path | None) -> Mapping[str, Plant]:
    """Returns what is planted, with photos of something else if there are any."""
    if not strange:
        return PLANTS
    return {**PLANTS, "40 strange photos": lambda paths, generator: plant_strange(paths, strange, 40, generator)}


def planted_row(
    name: str, plant: Plant, photos: Path, architecture: str, seeds: int
) -> tuple[str, str, int, float, float]:
    """Plants and looks; returns a row: what, backbone, seeds, mean recall and mean precision."""
    figures = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "photos"
            planted = plant(linked(photos, root), np.random.default_rng(seed))
            found = clean(str(root), architecture=architecture)
            figures.append(planted.found(found.findings))
    recall, precision = np.mean(figures, axis=0).tolist()
    return name, architecture, seeds, recall, precision


@click.command()
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--architecture", "architectures", multiple=True, default=(DEFAULT_ARCHITECTURE,), show_default=True)
@click.option("--plant", "names", multiple=True, help="Rows; by default all.")
@click.option(
    "--strange", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Photos of something else."
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="Plantings of each row.")
def main(
    photos: Path, architectures: tuple[str, ...], names: tuple[str, ...], strange: Path | None, seeds: int
) -> None:
    """Prints a Markdown table of recall and precision."""
    table = Table(
        "What cleaning finds",
        f"Planted among the photos of '{photos.name}', means of {seeds} plantings.",
        ("planted", "backbone", "plantings", "recall", "precision"),
    )
    plants = with_strange(strange)
    for architecture in architectures:
        for name in names or plants:
            table.rows.append(planted_row(name, plants[name], photos, architecture, seeds))
            click.echo(" ".join(map(str, table.rows[-1])), err=True)
    click.echo(table.markdown())
    sys.stdout.flush()


if __name__ == "__main__":
    main()
