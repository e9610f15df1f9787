"""Backbones prepared ahead, and carried to where there is no network."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.available import bundles_in
from retrainer.backbones.bundle import Bundle, copy_bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.bottlenecks.inputs import sample_inputs
from retrainer.errors import OptionError, RetrainerError
from retrainer.events import Observer, Warned
from retrainer.options.backbone import FetchOptions
from retrainer.photos.dataset import scan
from retrainer.photos.images import to_input
from retrainer.photos.resizing import squashed
from retrainer.photos.sample import KINDS, drawn
from retrainer.system.files import require_writable_folder, shown


def fetch(
    names: Sequence[str], options: FetchOptions, observer: Observer
) -> Iterator[tuple[str, Bundle | RetrainerError]]:
    """Prepares the bundle of each name in turn; one that fails gives its error, and the others go on.

    Args:
        names: What `--architecture` takes.
        options: The folder of bundles, the folder to copy them to, and photos to compare on.
        observer: Told of downloads and conversions.

    Raises:
        OptionError: a name names nothing, or the folder of photos is not there; nothing was fetched.
        OutputError: the folder to copy to cannot be written.
    """
    if not names:
        raise OptionError("NAME is missing: expected backbones to fetch.", "`retrainer architectures` lists them.")
    sources = [resolve(name, options) for name in names]
    pictures = (
        partial(sample_inputs, scan(options.image_dir, observer, fewest=1).paths) if options.image_dir else _drawn
    )
    if options.to:
        require_writable_folder(options.to)
    for name, source in zip(names, sources, strict=True):
        wanted = source
        if source.floats and not options.image_dir and source.name not in bundles_in(options.model_dir):
            observer(
                Warned(
                    f"'{shown(name)}' is calibrated on photos: its float backbone is prepared, and the first retrain "
                    "does the rest, by TensorFlow. With --image_dir FOLDER it is done now."
                )
            )
            wanted = source.floats
        try:
            bundle = bundle_of(wanted, options, pictures, observer)
            yield name, copy_bundle(bundle, Path(options.to)) if options.to else bundle
        except RetrainerError as error:
            yield name, error


def _drawn(size: int, count: int) -> list[Floats]:
    """Drawings as network inputs `(size, size, 3)`, for want of photos."""
    generator = np.random.default_rng(0)
    kinds = (list(KINDS) * count)[:count]
    return [to_input(squashed(drawn(kind, generator), size)) for kind in kinds]
