"""A backbone's name -> its bundle: built in, made before, or made now from the first place that gives it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrainer.backbones.bundle import DESCRIPTION, Bundle
from retrainer.backbones.bundle_check import require_agreeing
from retrainer.backbones.converting.hints import Pictures
from retrainer.backbones.known import EMBEDDED, BackboneSource, as_it_is, find_bundle, some_here
from retrainer.errors import BackboneError, DownloadError, ModelError, RetrainerError
from retrainer.events import Noted, Observer, Warned, silent
from retrainer.options.backbone import BundleOptions
from retrainer.system.documents import read_document
from retrainer.system.files import locked, open_regular, shown

if TYPE_CHECKING:
    pass


def source_of(architecture: str, options: BundleOptions) -> BackboneSource:
    """What `--architecture` names.

    Args:
        architecture: `pocket`, a name of the table, the name of a bundle in `model_dir`, a handle (`https://…`), or the
            path of a network; each also with `_quantized` behind it.
        options: The folder of bundles, and what is said of the network.

    Raises:
        OptionError: it names nothing; the nearest names are listed.
    """
    if architecture.lower() == EMBEDDED:
        return replace(as_it_is(EMBEDDED, options), given=architecture)
    # The table of networks, archives and downloads, which the built-in backbone does without.
    from retrainer.backbones.resolving import named_source

    return named_source(architecture, options)


def bundle_of(source: BackboneSource, options: BundleOptions, pictures: Pictures, observer: Observer) -> Bundle:
    """The bundle of a backbone, made unless it is there.

    Args:
        source: By `source_of`.
        options: The folder of bundles, and whether the network may be touched; TF-Hub's cache lies in the folder, too,
            unless `TFHUB_CACHE_DIR` names another.
        pictures: What a new bundle is compared with its source on, and calibrated on.
        observer: Told of downloads, conversions, and of places that did not give it.

    Raises:
        BackboneError: the bundle is damaged, or the source is no feature vector.
        DownloadError: the source cannot be had.
        OutputError: the bundle cannot be written.
    """
    bundle = _made_before(source, options.model_dir, observer)
    if bundle:
        return bundle
    with locked(Path(options.model_dir) / f".{source.name}.lock"):
        # Another run may have made it meanwhile.
        return _made_before(source, options.model_dir, silent) or _made_now(source, options, pictures, observer)


def _made_before(source: BackboneSource, model_dir: str, observer: Observer) -> Bundle | None:
    """The bundle that is there, None where it is absent or is damaged and can be made again."""
    can_be_made = bool(source.places or source.floats)
    there = source.name == EMBEDDED or os.path.lexists(Path(model_dir) / source.name / DESCRIPTION)
    if can_be_made and not there:
        return None
    try:
        bundle = find_bundle(source.name, model_dir)
        require_agreeing(bundle)
        return bundle
    except (BackboneError, ModelError) as error:
        if not can_be_made:
            raise
        observer(Warned(f"{error.problem} It is made again."))
        return None


def _made_now(source: BackboneSource, options: BundleOptions, pictures: Pictures, observer: Observer) -> Bundle:
    """The bundle, from the first place that gives it; the others are told of."""
    if source.floats:
        from retrainer.backbones.converting.quantization import quantize

        floats = bundle_of(source.floats, options, pictures, observer)
        observer(Noted(f"Calibrating '{shown(source.name)}' on the photos, once"))
        return quantize(floats, source.name, Path(options.model_dir), pictures, observer, trusted=options.trust_graph)
    from retrainer.backbones.places import Making

    making = Making(
        name=source.name,
        licence=source.licence,
        naming=source.naming,
        model_dir=options.model_dir,
        offline=options.offline,
        trusted=options.trust_graph,
        known=_known(Path(options.model_dir) / source.name / DESCRIPTION),
        otherwise=_otherwise(source.given, options),
        pictures=pictures,
        observer=observer,
    )
    failures: list[RetrainerError] = []
    for place in source.places:
        if failures:
            observer(Warned(failures[-1].problem))
        try:
            return place.bundle(making)
        except (BackboneError, DownloadError) as error:
            failures.append(error)
    raise failures[-1]


def _known(description: Path) -> dict[str, str]:
    """What an earlier bundle of that name was made of: source -> hash."""
    try:
        with open_regular(description) as handle:
            document = read_document(handle.read())
        return {str(document["source"]): str(document["source_sha256"])}
    except (OSError, ValueError, KeyError):
        return {}


def _otherwise(name: str, options: BundleOptions) -> str:
    return (
        f"Without a network --architecture takes {some_here(options.model_dir)}, or the path of a network; "
        f"`retrainer fetch {shown(name)} --to DIR` where there is one makes a folder to carry here."
    )
