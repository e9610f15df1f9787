"""Measures retrainer against its own limits, against bare imports, and against other tools.

    python -m scripts.benchmark [--photos FOLDER] [--json FILE] [MEASURE...]

`--help` lists the measures. All of them together, the default, take twenty minutes. Without --photos, pictures are
made: 500×333 as on the web, and 4000×3000 as from a phone.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from retrainer.backbones.available import EMBEDDED
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.events import silent
from retrainer.options.backbone import BundleOptions
from scripts.benchmark import commands, scale
from scripts.benchmark.stages import stages
from scripts.benchmark.synthetic import SIZES, make_photos
from scripts.benchmark.tables import Table, machine, machine_markdown

_COUNTS = {SIZES[0]: 2000, SIZES[1]: 60}
_ROWS = (1_000, 10_000, 100_000, 1_000_000)
MEASURES = ("stages", "extraction", "starts", "2017", "many", "steps", "warm")


@click.command()
@click.argument("names", nargs=-1, metavar="[MEASURE]...", type=click.Choice(MEASURES))
@click.option("--photos", type=click.Path(exists=True, file_okay=False), help="Folder of class folders of JPEGs.")
@click.option(
    "--architecture", default=EMBEDDED, show_default=True, help="Backbone of the measures stages and extraction."
)
@click.option("--model_dir", default="", help="Folder of that backbone's bundle.")
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(1), help="Runs of each measure.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False), help="Write the results as JSON, too.")
def main(
    names: tuple[str, ...], photos: str | None, architecture: str, model_dir: str, repeats: int, json_path: str | None
) -> None:
    """Prints a Markdown table for each measure: stages, extraction, starts, 2017, many, steps and warm."""
    described = machine()
    click.echo(f"{machine_markdown(described)}.\n")
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for table in _measured(names or MEASURES, photos, (architecture, model_dir), repeats, Path(folder)):
            tables.append(table)
            click.echo(table.markdown())
            sys.stdout.flush()
    if json_path:
        document = {"machine": dict(described), "tables": [table.document() for table in tables]}
        Path(json_path).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _bundle(name: str, model_dir: str = "") -> Bundle:
    """A backbone's bundle, made without photos if it is not here."""
    options = BundleOptions(model_dir=model_dir)
    return bundle_of(resolve(name, options), options, lambda _size, _count: [], silent)


def _measured(
    names: tuple[str, ...], photos: str | None, backbone: tuple[str, str], repeats: int, folder: Path
) -> Iterator[Table]:
    """The tables of these measures, in the order of `MEASURES`."""
    bundle, few = _bundle(*backbone), -(-repeats // 2)  # for measures that take minutes
    made: dict[tuple[int, int], str] = {}

    def photos_of(size: tuple[int, int]) -> str:
        if size not in made:
            made[size] = str(folder / f"{size[0]}")
            make_photos(Path(made[size]), size, _COUNTS[size])
        return made[size]

    def web() -> str:
        return photos or photos_of(SIZES[0])

    measures: dict[str, Callable[[], Iterator[Table]]] = {
        "stages": lambda: (
            stages(title, folder_, bundle, repeats)
            for title, folder_ in (
                ((f"Photos of {Path(photos).name}", photos),)
                if photos
                else ((f"Made photos of {w}×{h}", photos_of((w, h))) for w, h in SIZES)
            )
        ),
        "extraction": lambda: iter([commands.extraction(web(), bundle, repeats)]),
        "starts": lambda: iter([commands.starts(web(), repeats)]),
        "2017": lambda: iter([commands.against_2017(web(), _bundle(EMBEDDED), few)]),
        "many": lambda: iter([commands.many(web(), few)]),
        "steps": lambda: iter([scale.steps(repeats)]),
        "warm": lambda: iter([scale.warm_runs(_bundle(EMBEDDED), _ROWS, few)]),
    }
    for name in MEASURES:
        if name in names:
            yield from measures[name]()


if __name__ == "__main__":
    main()
