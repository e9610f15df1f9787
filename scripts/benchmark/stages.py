"""Measures extraction stage by stage, each beside its own limit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import simplejpeg

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle
from retrainer.events import silent
from retrainer.models.tflite.litert import Network
from retrainer.photos.decoding.jpegs import decode_jpeg
from retrainer.photos.decoding.limits import MAX_PIXELS
from retrainer.photos.images import square, to_input
from retrainer.photos.reading import read_file
from retrainer.photos.scanning import scan
from retrainer.system.parallel import in_order, usable_cores
from scripts.benchmark.contenders import ours
from scripts.benchmark.measuring import interleaved, timed
from scripts.benchmark.tables import Table

COLUMNS = ("stage", "photos/s", "limit", "photos/s of the limit", "share", "cores")
NOTE = (
    "All cores, one process, medians of interleaved runs. Decoding alone is a bare simplejpeg call on bytes in memory, "
    "at two scales: the one of the picture stage, and simplejpeg's own for pictures of at least twice the network's "
    "input."
)


def stages(title: str, photos: str, bundle: Bundle, repeats: int) -> Table:
    """Photos per second of reading, decoding, the picture stage, the network and the whole extraction."""
    paths = [path for path in scan(photos, silent, fewest=1).paths if path.lower().endswith((".jpg", ".jpeg"))]
    extraction = ours(bundle, photos)
    size = bundle.input_size
    contents = [read_file(path) for path in paths]
    scaled = [(content, *_scale(content, size)) for content in contents]
    networks = [Network(bundle.tflite_path) for _ in range(usable_cores())]
    blank: Floats = np.zeros((size, size, 3), np.float32)

    def on_all_cores(work: Callable[[Network, Any], object], items: Sequence[Any]) -> Callable[[], None]:
        def run() -> None:
            for _ in in_order(networks, work, items):
                pass

        return run

    medians = interleaved(
        {
            "read": timed(on_all_cores(lambda _, path: len(read_file(path)), paths)),
            "decode": timed(on_all_cores(lambda _, scaled: bool(_decoded(*scaled).size), scaled)),
            "decode, usual": timed(on_all_cores(lambda _, c: bool(_decoded(c, 2 * size, 2 * size).size), contents)),
            "picture": timed(
                on_all_cores(lambda n, path: bool(to_input(square(read_file(path), n.input_size)).size), paths)
            ),
            "network": timed(on_all_cores(lambda n, picture: bool(n.run(picture).size), [blank] * len(paths))),
            "whole": timed(lambda: extraction(paths)),
        },
        repeats,
    )
    rates = {name: len(paths) / measured.seconds for name, measured in medians.items()}
    both = 1 / (1 / rates["picture"] + 1 / rates["network"])
    rows: list[tuple[Any, ...]] = [
        (name, rates[key], "", "", "", medians[key].cores)
        for name, key in (
            ("reading alone", "read"),
            ("decoding alone, same scale", "decode"),
            ("decoding alone, simplejpeg's scale", "decode, usual"),
            ("network alone: set, invoke, get", "network"),
        )
    ]
    for name, key, limit, limit_rate in (
        ("picture: read, decode, resize, to float", "picture", "decoding, same scale", rates["decode"]),
        ("picture", "picture", "decoding, simplejpeg's scale", rates["decode, usual"]),
        ("extraction, with hashes and the cache", "whole", "1/(1/picture + 1/network)", both),
    ):
        rows.append((name, rates[key], limit, limit_rate, f"{rates[key] / limit_rate:.0%}", medians[key].cores))
    return Table(f"{title}: {len(paths):,} photos, S = {size}, D = {bundle.depth}", NOTE, COLUMNS, rows)


def _scale(content: bytes, size: int) -> tuple[int, int]:
    pixels = decode_jpeg(content, size, MAX_PIXELS)
    if pixels is None:
        raise SystemExit("The benchmark measures only JPEGs that simplejpeg decodes.")
    return pixels.shape[0], pixels.shape[1]


def _decoded(content: bytes, height: int, width: int) -> Any:
    return simplejpeg.decode_jpeg(content, "RGB", min_height=height, min_width=width)
