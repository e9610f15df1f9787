"""The networks that `--architecture` knows by name: the rows of `architectures.csv`, with the source of each number."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from retrainer.backbones.packages.installed import WeightPackage

_TABLE = Path(__file__).with_name("architectures.csv")
_PACKAGE = ("package", "package_file", "package_sha256", "package_extra")


@dataclass(frozen=True)
class KerasApplication:
    """A network of `keras.applications`.

    Attributes:
        name: The name of the function that builds it.
        arguments: The function's arguments besides the input's shape.
        weights: The address of its weights.
        md5: Their hash as Keras states it; empty if it states none.
    """

    name: str
    arguments: Mapping[str, Any]
    weights: str
    md5: str


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes:
        name: Its name in the tutorial, or a name by the tutorial's rule.
        family: The family of networks, such as MobileNet V1.
        input_size: S, pixels.
        depth: D, the length of a feature vector.
        parameters: Weights of the whole classifier, millions.
        multiply_adds: Multiply-adds of the whole classifier for one picture, millions.
        top1: Published accuracy on ImageNet, percent.
        figures_from: The address where the last three were published.
        licence: The licence of the weights.
        handle: Its handle on TF-Hub.
        keras: The same network in Keras; None if Keras does not have it.
        package: The package that has its weights, None if there is none. `depth` is that of the network with these
            weights; TF-Hub's gives the last 1,280 features only.
    """

    name: str
    family: str
    input_size: int
    depth: int
    parameters: float
    multiply_adds: float
    top1: float
    figures_from: str
    licence: str
    handle: str
    keras: KerasApplication | None
    package: WeightPackage | None = None


def _row(cells: Mapping[str, str]) -> Architecture:
    keras = None
    if cells["keras_application"]:
        arguments = json.loads(cells["keras_arguments"])
        keras = KerasApplication(cells["keras_application"], arguments, cells["keras_weights"], cells["keras_md5"])
    return Architecture(
        name=cells["name"],
        family=cells["family"],
        input_size=int(cells["input_size"]),
        depth=int(cells["depth"]),
        parameters=float(cells["parameters_millions"]),
        multiply_adds=float(cells["multiply_adds_millions"]),
        top1=float(cells["top1_percent"]),
        figures_from=cells["figures_from"],
        licence=cells["licence"],
        handle=cells["handle"],
        keras=keras,
        package=WeightPackage(*(cells[name] for name in _PACKAGE)) if cells["package"] else None,
    )


@cache
def architectures() -> Mapping[str, Architecture]:
    """Name -> network, in the table's order."""
    with _TABLE.open(newline="", encoding="utf-8") as handle:
        return {row.name: row for row in map(_row, csv.DictReader(handle))}


def good_trades(rows: Iterable[Architecture]) -> frozenset[str]:
    """The names of the networks that are more accurate than all others with at most as many multiply-adds."""
    best, names = 0.0, []
    for row in sorted(rows, key=lambda r: (r.multiply_adds, -r.top1)):
        if row.top1 > best:
            best = row.top1
            names.append(row.name)
    return frozenset(names)
