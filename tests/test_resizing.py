import numpy as np
import pytest
from PIL import Image

from retrainer import resizing
from retrainer.arrays import Pixels
from retrainer.resizing import squashed


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(("height", "width"), [(333, 500), (160, 160), (61, 1200), (97, 43), (1, 1), (161, 159)])
def test_both_resizers_agree(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(height, width)
    fast = squashed(pixels, 160)
    monkeypatch.setattr(resizing, "simd", None)
    slow = squashed(pixels, 160)
    assert fast.shape == slow.shape == (160, 160, 3)
    assert np.abs(fast.astype(int) - slow).max() <= 1


def test_areas_are_averaged() -> None:
    pixels = noise(48, 24)
    expected = pixels.reshape(8, 6, 8, 3, 3).mean(axis=(1, 3))
    assert np.abs(squashed(pixels, 8) - expected).max() <= 1


def test_transparent_parts_show_white() -> None:
    pixels = squashed(Image.new("RGBA", (10, 10), (200, 0, 0, 0)), 4)
    assert (pixels == 255).all()
