"""A backbone -> its bundle: the one that is here, or a new one from the first origin that can make it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrainer.backbones.available import find_bundle, is_here, parent_of
from retrainer.backbones.backbone import Backbone, BundleRequest
from retrainer.backbones.bundle import DESCRIPTION, Bundle
from retrainer.backbones.bundle_check import require_agreeing
from retrainer.backbones.converting.hints import Pictures, refused_size
from retrainer.backbones.model_folders import HOME_VARIABLE, model_folders
from retrainer.errors import BackboneError, DownloadError, ModelError, OutputError, RetrainerError
from retrainer.events import Began, Noted, Observer, Warned, silent
from retrainer.options.backbone import BundleOptions
from retrainer.system.documents import read_document
from retrainer.system.files import locked, open_regular
from retrainer.system.last_use import mark_used
from retrainer.system.missing import require_package
from retrainer.text import shown


def bundle_of(backbone: Backbone, options: BundleOptions, pictures: Pictures, observer: Observer) -> Bundle:
    """Returns a backbone's bundle; makes it first if it is not here.

    Args:
        backbone: The backbone, as `resolve` returns it.
        options: The folder of bundles, and whether downloads are allowed. TF-Hub's cache lies in that folder, too,
            unless `TFHUB_CACHE_DIR` names another.
        pictures: A new bundle is compared with its network, and calibrated, on these.
        observer: Is called with events about downloads, conversions, and origins that failed.

    Raises:
        BackboneError: the bundle is damaged, or the network is no feature vector.
        DownloadError: no origin can give the network.
        OutputError: the bundle cannot be written.
    """
    if backbone.note:
        observer(Noted(backbone.note))
    bundle = _made_before(backbone, options.model_dir, observer)
    if bundle:
        return bundle
    _warn_of_fallback(options.model_dir, observer)
    parent = parent_of(backbone.name, options.model_dir)
    with _naming_the_folder(options.model_dir), locked(parent / f".{backbone.name}.lock"):
        mark_used(parent / backbone.name)
        # Another run may have made it meanwhile.
        return _made_before(backbone, options.model_dir, silent) or _made_now(backbone, options, pictures, observer)


def _warn_of_fallback(model_dir: str, observer: Observer) -> None:
    """Warns if new bundles go to the working folder because the shared folder cannot be used."""
    folders = model_folders(model_dir)
    if folders.problem:
        observer(
            Warned(
                f"Backbones go to '{shown(folders.new)}', where other projects do not find them: {folders.problem}. "
                f"{HOME_VARIABLE} names a folder for all projects."
            )
        )


@contextmanager
def _naming_the_folder(model_dir: str) -> Iterator[None]:
    """Adds to errors of writing how to choose the folder, unless the user has chosen it."""
    try:
        yield
    except OutputError as error:
        if model_dir or HOME_VARIABLE in error.fix:
            raise
        raise OutputError(
            error.problem, f"{error.fix} {HOME_VARIABLE} or --model_dir names the folder.", path=error.path
        ) from error


def _made_before(backbone: Backbone, model_dir: str, observer: Observer) -> Bundle | None:
    """The bundle that is here; None if there is none, or a damaged one that can be made again."""
    can_be_made = bool(backbone.origins or backbone.floats)
    if can_be_made and not is_here(backbone.name, model_dir):
        return None
    mark_used(parent_of(backbone.name, model_dir) / backbone.name)
    try:
        bundle = find_bundle(backbone.name, model_dir)
        require_agreeing(bundle)
        _require_size(bundle, backbone)
        return bundle
    except (BackboneError, ModelError) as error:
        if not can_be_made:
            raise
        observer(Warned(f"{error.problem} It is made again."))
        return None


def _made_now(backbone: Backbone, options: BundleOptions, pictures: Pictures, observer: Observer) -> Bundle:
    """Returns the bundle that the first origin makes; warns about each origin that fails before."""
    parent = parent_of(backbone.name, options.model_dir)
    if backbone.floats:
        from retrainer.backbones.converting.quantization import quantize

        require_package("tensorflow")
        floats = bundle_of(backbone.floats, options, pictures, observer)
        observer(Began(f"Calibrating '{shown(backbone.name)}' on the photos, once"))
        return quantize(floats, backbone.name, parent, pictures, observer, trusted=options.trust_graph)
    known = _known(parent / backbone.name / DESCRIPTION)
    request = BundleRequest(backbone, options, known, pictures, observer)
    failures: list[RetrainerError] = []
    for origin in backbone.origins:
        if failures:
            observer(Warned(failures[-1].problem))
        try:
            bundle = origin.bundle(request)
            _require_size(bundle, backbone)
            return bundle
        except (BackboneError, DownloadError) as error:
            failures.append(error)
    raise failures[-1]


def _require_size(bundle: Bundle, backbone: Backbone) -> None:
    """Raises BackboneError if a bundle has another input size than its backbone's name says."""
    wanted = backbone.hints.wanted_size
    if wanted not in (0, bundle.input_size):
        raise refused_size(bundle.name, bundle.input_size, wanted)


def _known(description: Path) -> dict[str, str]:
    """Source -> hash, as an earlier bundle's description states them; empty if it states none."""
    try:
        with open_regular(description) as handle:
            document = read_document(handle.read())
        return {str(document["source"]): str(document["source_sha256"])}
    except (OSError, ValueError, KeyError):
        return {}
