import io
from importlib.util import find_spec

import numpy as np
import pytest
from pictures import noise, saved
from PIL import Image

from retrainer.arrays import Pixels
from retrainer.photos import resizing
from retrainer.photos.images import square
from retrainer.photos.resizing import middle, squashed


@pytest.mark.parametrize(("height", "width"), [(333, 500), (160, 160), (61, 1200), (97, 43), (1, 1), (161, 159)])
def test_both_resizers_agree(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(height, width)
    fast = squashed(pixels, 160)
    monkeypatch.setattr(resizing, "simd", None)
    slow = squashed(pixels, 160)
    assert fast.shape == slow.shape == (160, 160, 3)
    assert np.abs(fast.astype(int) - slow).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(333, 500), (160, 160), (161, 1200)])
def test_the_middle_is_half_of_the_rows_with_both_resizers(
    height: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = noise(height, width)
    pixels[: height // 4] = pixels[height // 4 + height // 2 :] = 0
    fast = middle(pixels, 160)
    monkeypatch.setattr(resizing, "simd", None)
    slow = middle(pixels, 160)
    assert fast.shape == slow.shape == (80, 160, 3)
    # Centres on a border may belong to either side.
    assert np.mean(np.abs(fast.astype(int) - slow) > 1) < 0.03
    assert fast.min(axis=(1, 2)).max() > 0
    assert (middle(Image.new("RGBA", (200, 200), (200, 0, 0, 0)), 160) == 255).all()


def test_areas_are_averaged() -> None:
    pixels = noise(48, 24)
    expected = pixels.reshape(8, 6, 8, 3, 3).mean(axis=(1, 3))
    assert np.abs(squashed(pixels, 8) - expected).max() <= 1


def test_transparent_parts_show_white() -> None:
    pixels = squashed(Image.new("RGBA", (10, 10), (200, 0, 0, 0)), 4)
    assert (pixels == 255).all()


def rebuilt(pixels: Pixels, size: int, *, fast: bool) -> Pixels:
    """The rule as photos/README.md states it: rows first, then columns, each rounded."""
    grows = min(pixels.shape[:2]) < size
    for axis in (1, 0):
        count = pixels.shape[axis]
        ratio = count / size
        weights = np.zeros((size, count))
        for i in range(size):
            j, c = np.arange(count), (i + 0.5) * ratio
            distances = j - (c - 0.5) if fast else j - c + 0.5
            if grows:
                weights[i] = np.maximum(1 - np.abs(distances) / max(ratio, 1), 0)
            else:
                scaled = distances * (1 / ratio)
                weights[i] = (scaled > -0.5) & (scaled <= 0.5)
                if not fast:  # Pillow's side of centres that lie just on a border
                    weights[i] *= (j >= int(c - ratio / 2 + 0.5)) & (j < int(c + ratio / 2 + 0.5))
        weights /= weights.sum(axis=1, keepdims=True)
        sums = np.moveaxis(np.tensordot(weights, pixels.astype(float), axes=(1, axis)), 0, axis)
        pixels = np.floor(sums + 0.5).astype(np.uint8)
    return pixels


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (333, 500, 160),
        (313, 500, 224),
        (97, 43, 64),
        (61, 1200, 64),
        (160, 161, 160),
        (640, 480, 160),
        (5, 7, 32),
        (97, 250, 40),
    ],
)
def test_the_rule_can_be_rebuilt_from_its_words(
    height: int, width: int, size: int, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(resizing, "simd", None)
    pixels = noise(height, width)
    assert np.abs(squashed(pixels, size).astype(int) - rebuilt(pixels, size, fast=fast)).max() <= 1


def test_transparent_pixels_count_by_their_opaqueness() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (97, 130, 4), np.uint8)
    opaque = pixels[..., 3:] / 255
    premultiplied = np.floor(pixels[..., :3] * opaque + 0.5).astype(np.uint8)
    resized = rebuilt(premultiplied, 40, fast=False).astype(float)
    alpha = rebuilt(np.repeat(pixels[..., 3:], 3, axis=2), 40, fast=False) / 255
    expected = resized + 255 * (1 - alpha)
    assert np.abs(squashed(Image.fromarray(pixels), 40) - expected).max() <= 2


def test_a_jpeg_is_halved_first() -> None:
    fast = find_spec("cykooz_resizer") is not None
    content = saved(Image.fromarray(noise(701, 1001)), "JPEG", quality=95)
    for size, halvings in ((40, 3), (90, 1), (160, 1), (176, 0)):
        sides = [701, 1001]
        for _ in range(halvings):
            sides = [(side + 1) // 2 for side in sides]
        whole = Image.open(io.BytesIO(content))
        whole.draft("RGB", (1001 >> halvings, 701 >> halvings))
        halved = np.asarray(whole.convert("RGB"))
        assert halved.shape == (*sides, 3)
        assert np.abs(square(content, size).astype(int) - rebuilt(halved, size, fast=fast)).max() <= 1
