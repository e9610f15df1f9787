"""The names that `--architecture` takes: bundles and the table of networks, and which of them are here already."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from retrainer.backbones.architectures import Architecture, architectures, good_trades
from retrainer.backbones.available import EMBEDDED, QUANTIZED, bundles_in, find_bundle
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.fetching.downloads import cached_module, hub_cache
from retrainer.errors import BackboneError

BUNDLE, DOWNLOAD = "bundle", "download"


@dataclass(frozen=True)
class Listed:
    """One name that `--architecture` takes.

    Attributes:
        name: The name.
        architecture: Its row; None for a bundle that is not in the table.
        input_size, depth: S and D.
        quantized: Whether it is the int8 twin of the row's network.
        here: `bundle` if its bundle is ready, `download` if TF-Hub's cache has the network, otherwise empty.
        good_trade: Whether no other network of the table is as accurate with as few multiply-adds.
    """

    name: str
    architecture: Architecture | None
    input_size: int
    depth: int
    quantized: bool
    here: str
    good_trade: bool


def catalogue(model_dir: str) -> Iterator[Listed]:
    """Yields the bundles that are in no row of the table, `pocket` first; then each row, followed by its int8 twin."""
    bundles, rows = _whole_bundles(model_dir), architectures()
    good = good_trades(rows.values())
    known = {name + ending for name in rows for ending in ("", QUANTIZED)}
    for name in sorted(bundles.keys() - known, key=lambda name: (name != EMBEDDED, name)):
        bundle = bundles[name]
        yield Listed(name, None, bundle.input_size, bundle.depth, bundle.quantized, BUNDLE, good_trade=False)
    for row in rows.values():
        downloaded = DOWNLOAD if cached_module(row.handle, hub_cache(model_dir, row.handle)) else ""
        for name in (row.name, row.name + QUANTIZED):
            quantized = name != row.name
            here = BUNDLE if name in bundles else downloaded
            good_trade = row.name in good and not quantized
            yield Listed(name, row, row.input_size, row.depth, quantized, here, good_trade)


def _whole_bundles(model_dir: str) -> dict[str, Bundle]:
    """The bundles that are here, without damaged ones."""
    bundles = {}
    for name in (EMBEDDED, *bundles_in(model_dir)):
        with suppress(BackboneError):
            bundles[name] = find_bundle(name, model_dir)
    return bundles
