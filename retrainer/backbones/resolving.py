"""The name of a backbone -> what it stands for: a table of resolvers, of which the first that knows the name answers.

Each resolver imports what it needs when it is asked: the built-in backbone needs no table of networks and no downloads.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from retrainer.backbones.available import EMBEDDED, QUANTIZED, bundles_in, some_here
from retrainer.backbones.backbone import Backbone, Origin
from retrainer.backbones.converting.hints import LOGITS, Hints, did_you_mean
from retrainer.backbones.handles import bundle_name, hinted_name, size_in, url_of
from retrainer.backbones.sizes import at_size, split_size, twin_at_size
from retrainer.errors import OptionError
from retrainer.options.backbone import BundleOptions
from retrainer.system.paths import expanded
from retrainer.text import shown

if TYPE_CHECKING:
    from retrainer.backbones.architectures import Architecture

Resolver = Callable[[str, BundleOptions], Backbone | None]
"""A name -> its backbone; None if the resolver does not know the name."""

# An archive of 2017 that has logits; it may be served no longer.
_FROZEN = "--architecture http://download.tensorflow.org/models/mobilenet_v1_0.50_224_frozen.tgz"


def resolve(architecture: str, options: BundleOptions) -> Backbone:
    """Returns what `--architecture` names.

    Args:
        architecture: `pocket`, a name of the table, the name of a bundle in `model_dir`, a handle (`https://…`), or the
            path of a network; each may be followed by `@SIZE`, then by `_quantized`.
        options: The folder of bundles, and hints about the network.

    Raises:
        OptionError: it names nothing, and the message lists the nearest names; or it takes no hints.
    """
    if not architecture.removesuffix(QUANTIZED).strip():
        raise OptionError(
            f"--architecture: expected a name, a handle or a path, received '{shown(architecture)}'.",
            "Is a variable of the shell not set?",
        )
    name = url_of(architecture)
    for resolver in RESOLVERS:
        backbone = resolver(name, options)
        if backbone:
            return replace(backbone, given=architecture)
    raise _unknown(name, options.model_dir)


def embedded(name: str, options: BundleOptions) -> Backbone | None:
    """The backbone inside the package."""
    if name.lower() != EMBEDDED:
        return None
    from retrainer.backbones.networks.embedded import LICENCE, SIZE, EmbeddedOrigin

    _require_no_hints(EMBEDDED, options)
    return Backbone(EMBEDDED, (EmbeddedOrigin(),), Hints(SIZE), LICENCE)


def table_row(name: str, options: BundleOptions) -> Backbone | None:
    """A row of `architectures.csv`, by its name or its handle."""
    from retrainer.backbones.architectures import architectures

    rows = architectures()
    row = rows.get(name.lower()) or next((row for row in rows.values() if row.handle == name), None)
    if row is None:
        return None
    if options.bottleneck_layer == LOGITS:
        raise OptionError(
            f"--bottleneck_layer: '{row.name}' gives features and has no logits; expected a classifier.",
            f"The tutorial's frozen archives have them, such as {_FROZEN}.",
        )
    hints = Hints.of(options, row.input_size)
    if row.package and hints.given and name != row.handle:
        raise OptionError(
            f"--{hints.given[0]}: expected a network that is converted, '{row.name}' is built from its weights.",
            f"Leave the flag out, or name the network of TF-Hub: --architecture {row.handle}",
        )
    return Backbone(hinted_name(row.name, hints), _origins_of(row, hints), hints, row.licence)


def _origins_of(row: "Architecture", hints: Hints) -> "tuple[Origin, ...]":
    """Where a network of the table can come from; the package's network is built, so it takes no hints."""
    if row.package and not hints.given:
        from retrainer.backbones.packages.origin import PackageOrigin

        return (PackageOrigin(row.name, row.input_size, row.package, row.handle),)
    from retrainer.backbones.origins import HubOrigin, KerasOrigin

    return (HubOrigin(row.handle), *((KerasOrigin(row.keras, row.input_size),) if row.keras else ()))


def sized(name: str, options: BundleOptions) -> Backbone | None:
    """A network that another row knows, for pictures of another size."""
    stem, size = split_size(name)
    if size is None or Path(expanded(name)).exists():
        return None
    carried = name in bundles_in(options.model_dir)  # perhaps without what its network is made from
    try:
        backbone = resolve(stem, options)
    except OptionError:
        if carried:
            return None
        raise
    if backbone.floats:
        return twin_at_size(_at_size(backbone.floats, size, name), name)
    return None if carried and not backbone.origins else _at_size(backbone, size, name)


def _at_size(backbone: Backbone, size: int, given: str) -> Backbone:
    """A backbone for pictures of another size; raises OptionError of a bundle whose network is not known."""
    if not backbone.origins:
        raise OptionError(
            f"--architecture: '{shown(backbone.name)}' is a bundle for one size, received '{shown(given)}'.",
            f"Name the network that it was made of, followed by @{size}.",
        )
    return at_size(backbone, size, given)


def quantized_twin(name: str, options: BundleOptions) -> Backbone | None:
    """The int8 twin of a backbone that another row knows."""
    if not name.lower().endswith(QUANTIZED):
        return None
    float_name = name[: -len(QUANTIZED)]
    if float_name.lower().endswith(QUANTIZED):
        raise OptionError(
            f"--architecture: '{shown(name)}' would be int8 twice; expected one {QUANTIZED}.",
            f"Name it {shown(float_name)}.",
        )
    if Path(expanded(name)).exists():
        return None
    try:
        floats = resolve(float_name, options)
    except OptionError:
        if name in bundles_in(options.model_dir):  # carried here without its float bundle
            return None
        raise
    return Backbone(floats.name + QUANTIZED, floats=floats)


def address(name: str, options: BundleOptions) -> Backbone | None:
    """The network at an address: a handle, an archive or a file."""
    if not name.startswith(("http://", "https://")):
        return None
    from retrainer.backbones.origins import HubOrigin

    hints = Hints.of(options, size_in(name))
    return Backbone(
        hinted_name(bundle_name(name, hashlib.sha256(name.encode()).hexdigest()), hints), (HubOrigin(name),), hints
    )


def bundle_here(name: str, options: BundleOptions) -> Backbone | None:
    """A bundle in `model_dir`, by its name."""
    return _bundle(name, options) if name in bundles_in(options.model_dir) else None


def local_path(name: str, options: BundleOptions) -> Backbone | None:
    """A network on this machine; the last row, because it says what is wrong with a path that holds none."""
    from retrainer.backbones.local_paths import backbone_at

    return backbone_at(name, options)


RESOLVERS: tuple[Resolver, ...] = (embedded, sized, table_row, quantized_twin, address, bundle_here, local_path)


def _bundle(name: str, options: BundleOptions) -> Backbone:
    """A bundle that is here already, which takes no hints."""
    _require_no_hints(name, options)
    return Backbone(name)


def _require_no_hints(name: str, options: BundleOptions) -> None:
    """Raises OptionError if there are hints for a network that is not converted any more."""
    for flag in Hints.of(options).given:
        raise OptionError(
            f"--{flag}: expected a network that is still to be converted, '{shown(name)}' is a bundle already.",
            "Leave the flag out, or name the network that the bundle was made of.",
        )


def _unknown(name: str, model_dir: str) -> OptionError:
    from retrainer.backbones.architectures import architectures

    known = (
        name + ending for name in (EMBEDDED, *bundles_in(model_dir), *architectures()) for ending in ("", QUANTIZED)
    )
    return OptionError(
        f"--architecture: expected {some_here(model_dir)}, a name that `retrainer architectures` lists such as "
        f"mobilenet_0.50_224, a TF-Hub handle or a network's path; received '{shown(name)}'.",
        did_you_mean(get_close_matches(name.lower(), dict.fromkeys(known), n=3)),
    )
