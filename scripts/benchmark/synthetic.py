"""Makes photos in usual sizes, and caches of photos that do not exist."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from retrainer.arrays import Digests
from retrainer.backbones.bundle import Bundle
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.bottlenecks.table_writer import ROWS_PER_FILE
from retrainer.events import silent
from retrainer.feature_source import cache_name
from retrainer.photos.copies.fingerprints import FINGERPRINT_BYTES
from retrainer.photos.scanning import scan

CLASSES = 5
# As on the web, and as from a phone.
SIZES = ((500, 333), (4000, 3000))
# With this noise a JPEG takes about 0.5 bytes a pixel; a Flickr photo, 500 pixels wide, takes 0.6.
_QUALITY, _NOISE = 90, 14.0


def make_photos(folder: Path, size: tuple[int, int], count: int) -> None:
    """Fills class folders with JPEGs of this width and height: coloured clouds with noise like that of a camera."""
    generator = np.random.default_rng(0)
    width, height = size
    for number in range(count):
        clouds = generator.integers(0, 256, (height // 40 + 2, width // 40 + 2, 3), np.uint8)
        picture = Image.fromarray(clouds).resize(size, Image.Resampling.BICUBIC)
        noise = generator.normal(0.0, _NOISE, (height, width, 1))
        pixels = (np.asarray(picture) + noise).clip(0, 255).astype(np.uint8)
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "JPEG", quality=_QUALITY)
        path = folder / f"class {number % CLASSES}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.getvalue())


def make_cached(photos: Path, cache_dir: Path, bundle: Bundle, count: int) -> None:
    """Fills class folders with `count` empty files, and a cache with a made-up digest and vector for each of them.

    All fingerprints are zero: plain pictures, which are never taken for copies.
    """
    for number in range(CLASSES):
        (photos / f"class {number}").mkdir(parents=True)
    for number in range(count):
        (photos / f"class {number % CLASSES}" / f"{number:07d}.jpg").touch()
    files = scan(str(photos), silent)
    generator = np.random.default_rng(0)
    centres = generator.normal(0.0, 1.0, (CLASSES, bundle.depth)).astype(np.float32)
    digests: Digests = generator.integers(0, 256, (count, 32), np.uint8)
    index = FileIndex(cache_dir, silent)
    cache = BottleneckCache(cache_dir, cache_name(bundle, ""), bundle.depth, silent)
    fingerprints = FingerprintCache(cache_dir, silent)
    paths: Sequence[str] = files.paths
    for start in range(0, count, ROWS_PER_FILE):
        rows = slice(start, min(start + ROWS_PER_FILE, count))
        own = digests[rows]
        noise = generator.standard_normal((len(own), bundle.depth), np.float32)
        index.add(paths[rows], files.stamps[rows], own)
        cache.add(own, np.zeros(len(own), np.int64), centres[files.class_ids[rows]] + 4.0 * noise)
        fingerprints.add(own, np.zeros((len(own), FINGERPRINT_BYTES), np.uint8))
