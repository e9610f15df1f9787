"""The names that `--architecture` takes: bundles and the table of networks, and which of them are here already."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from retrainer.backbones.architectures import Architecture, architectures, good_trades
from retrainer.backbones.available import EMBEDDED, QUANTIZED, bundles_in, find_bundle
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.fetching.downloads import cached_module, hub_cache
from retrainer.backbones.networks.embedded import DEPTH, SIZE
from retrainer.backbones.sizes import split_size
from retrainer.errors import BackboneError
from retrainer.options.backbone import DEFAULT_ARCHITECTURE

BUNDLE, DOWNLOAD, PACKAGE = "bundle", "download", "package"


@dataclass(frozen=True)
class Listed:
    """One name that `--architecture` takes.

    Attributes:
        name: The name.
        architecture: Its row; None for a bundle that is not in the table.
        input_size, depth: S and D; S is another than the row's if the name has an `@SIZE`.
        quantized: Whether it is the int8 twin of the row's network.
        here: `bundle` if its bundle is ready, `package` if its weights are installed, `download` if TF-Hub's cache has
            the network, otherwise empty.
        good_trade: Whether no other network of the table is as accurate with as few multiply-adds.
    """

    name: str
    architecture: Architecture | None
    input_size: int
    depth: int
    quantized: bool
    here: str
    good_trade: bool

    @property
    def is_published(self) -> bool:
        """Whether the row's accuracy is that of this network: float, and at the row's size."""
        return not self.quantized and self.architecture is not None and self.input_size == self.architecture.input_size

    @property
    def multiply_adds(self) -> float:
        """Multiply-adds for one picture, millions: they grow with the number of pixels; 0 without a row."""
        row = self.architecture
        if row is None or row.input_size == self.input_size:
            return row.multiply_adds if row else 0.0
        return round(row.multiply_adds * (self.input_size / row.input_size) ** 2, 1)


def catalogue(model_dir: str) -> Iterator[Listed]:
    """Yields `pocket` and the bundles that are in no row of the table; then each row, its int8 twin, and its sizes.

    Other sizes than a row's own are as many as bundles of them are here, and that of the default backbone.
    """
    bundles, rows = _whole_bundles(model_dir), architectures()
    good = good_trades(rows.values())
    of_rows = {name: row for name in bundles if (row := rows.get(_network_of(name)))}
    if EMBEDDED not in bundles:
        yield Listed(EMBEDDED, None, SIZE, DEPTH, quantized=False, here=PACKAGE, good_trade=False)
    for name in sorted(bundles.keys() - of_rows.keys(), key=lambda name: (_network_of(name) != EMBEDDED, name)):
        bundle = bundles[name]
        yield Listed(name, None, bundle.input_size, bundle.depth, bundle.quantized, BUNDLE, good_trade=False)
    for row in rows.values():
        fetched = _fetched(row, model_dir)
        names = [name for name, other in of_rows.items() if other is row and "@" in name]
        sized = {*names, *([DEFAULT_ARCHITECTURE] if _network_of(DEFAULT_ARCHITECTURE) == row.name else [])}
        for name in (row.name, row.name + QUANTIZED, *sorted(sized, key=lambda name: split_size(_float(name))[1] or 0)):
            size = split_size(_float(name))[1] or row.input_size
            depth = bundles[name].depth if name in bundles else row.depth
            here = BUNDLE if name in bundles else fetched
            yield Listed(name, row, size, depth, name != _float(name), here, good_trade=name in good)


def _float(name: str) -> str:
    """The name of a backbone without `_quantized`."""
    return name.removesuffix(QUANTIZED)


def _network_of(name: str) -> str:
    """The name of a backbone without `@SIZE` and `_quantized`."""
    return split_size(_float(name))[0]


def _fetched(row: Architecture, model_dir: str) -> str:
    """Where a network is that has no bundle yet."""
    if row.package and row.package.path():
        return PACKAGE
    return DOWNLOAD if cached_module(row.handle, hub_cache(model_dir, row.handle)) else ""


def _whole_bundles(model_dir: str) -> dict[str, Bundle]:
    """The bundles that are here, without damaged ones."""
    bundles = {}
    for name in bundles_in(model_dir):
        with suppress(BackboneError):
            bundles[name] = find_bundle(name, model_dir)
    return bundles
