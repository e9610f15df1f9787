"""The sample set: drawings of five kinds of flowers, to try retrainer without photos."""

import io
from pathlib import Path

import numpy as np

from retrainer.errors import OptionError, OutputError
from retrainer.options.sampling import SampleOptions
from retrainer.photos.flowers import KINDS, drawn
from retrainer.system.unfinished import unfinished_folder
from retrainer.text import shown


def draw_sample(folder: str, options: SampleOptions) -> int:
    """Draws the set as JPEG files, one sub-folder per kind; the whole set appears at once.

    Args:
        folder: A new or an empty folder.
        options: The number of pictures per kind, and the seed.

    Returns:
        The number of pictures.

    Raises:
        OptionError: the folder is not empty.
        OutputError: the folder cannot be written.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        received = f"'{shown(folder)}', which is not empty" if target.is_dir() else f"the file '{shown(folder)}'"
        raise OptionError(f"DIR: expected a new or an empty folder, received {received}.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_folder(target) as unfinished:
            _draw_all(unfinished, options)
            if target.exists():
                target.rmdir()
            unfinished.rename(target)
    except OSError as error:
        raise OutputError(
            f"Cannot write '{shown(folder)}': {error.strerror or error}.", "Choose another folder."
        ) from error
    return len(KINDS) * options.per_class


def _draw_all(folder: Path, options: SampleOptions) -> None:
    for number, kind in enumerate(KINDS):
        (folder / kind).mkdir()
        for picture in range(options.per_class):
            generator = np.random.default_rng([options.seed, number, picture])
            content = io.BytesIO()
            drawn(kind, generator).save(content, "JPEG", quality=88)
            (folder / kind / f"{kind}_{picture:03d}.jpg").write_bytes(content.getvalue())
