"""Prepares backbones before they are needed, and copies them for a machine without an Internet connection."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from retrainer.backbones.available import bundles_in
from retrainer.backbones.backbone import Backbone
from retrainer.backbones.bundle import Bundle, copy_bundle
from retrainer.backbones.converting.hints import Pictures
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.inputs import drawn_inputs, sample_inputs
from retrainer.errors import OptionError, RetrainerError
from retrainer.events import Observer, Warned, silent
from retrainer.options.backbone import FetchOptions
from retrainer.photos.scanning import scan
from retrainer.reporting import Reporter
from retrainer.system.files import require_writable_folder
from retrainer.text import shown


def fetch(
    names: Sequence[str], options: FetchOptions, *, on_progress: Observer = silent
) -> Iterator[tuple[str, Bundle | RetrainerError]]:
    """Yields each name with its bundle, or with the error of a backbone that failed; the others go on.

    Args:
        names: Names as `--architecture` takes them.
        options: The folder of bundles, the folder to copy them to, and photos to compare on.
        on_progress: Called with events about downloads and conversions, in the calling thread.

    Raises:
        OptionError: a name names nothing, or the folder of photos does not exist; nothing was fetched.
        OutputError: the folder to copy to cannot be written.
    """
    if not names:
        raise OptionError(
            "NAME is missing: expected backbones to fetch.",
            "Type `retrainer fetch NAME`; `retrainer architectures` lists the names.",
        )
    with Reporter(on_progress) as report:
        backbones = [resolve(name, options) for name in names]
        pictures = _pictures(options, report)
        if options.to:
            require_writable_folder(options.to)
        for name, backbone in zip(names, backbones, strict=True):
            try:
                bundle = bundle_of(_without_calibration(name, backbone, options, report), options, pictures, report)
                yield name, copy_bundle(bundle, Path(options.to)) if options.to else bundle
            except RetrainerError as error:
                report.raise_again()
                yield name, error


def _pictures(options: FetchOptions, observer: Observer) -> Pictures:
    """The pictures to compare new bundles on: photos if there is a folder of them, otherwise drawings."""
    if not options.image_dir:
        return drawn_inputs
    return partial(sample_inputs, scan(options.image_dir, observer, fewest=1).paths)


def _without_calibration(name: str, backbone: Backbone, options: FetchOptions, observer: Observer) -> Backbone:
    """Replaces an int8 twin by its float backbone if there are no photos to calibrate it on; warns about it."""
    if not backbone.floats or options.image_dir or backbone.name in bundles_in(options.model_dir):
        return backbone
    observer(
        Warned(
            f"'{shown(name)}' is calibrated on photos: only its float backbone is prepared now, and the first retrain "
            "calibrates it, which needs TensorFlow. Give --image_dir FOLDER to calibrate it now."
        )
    )
    return backbone.floats
