import io

import numpy as np
import pytest
from PIL import Image

from retrainer.images import MAX_PIXELS
from retrainer.jpegs import decode_jpeg, has_exif


def jpeg_of(picture: Image.Image, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, "JPEG", **options)
    return content.getvalue()


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (500, 333, 160, (333, 500)),
        (500, 333, 83, (167, 250)),
        (500, 333, 84, (333, 500)),
        (4000, 3000, 224, (750, 1000)),
        (4000, 3000, 10, (375, 500)),
        (4000, 15, 5, (15, 4000)),
    ],
)
def test_both_sides_stay_twice_the_square(width: int, height: int, size: int, expected: tuple[int, int]) -> None:
    pixels = decode_jpeg(jpeg_of(Image.new("RGB", (width, height), (9, 99, 199))), size, MAX_PIXELS)
    assert pixels is not None
    assert pixels.shape == (*expected, 3)
    assert np.abs(pixels.astype(int) - (9, 99, 199)).max() <= 3


def test_what_pillow_should_see_is_left_to_it() -> None:
    content = jpeg_of(Image.new("RGB", (40, 30)))
    assert decode_jpeg(content, 8, 40 * 30) is not None
    assert decode_jpeg(content, 8, 40 * 30 - 1) is None
    assert decode_jpeg(content[:200], 8, MAX_PIXELS) is None
    assert decode_jpeg(content[: len(content) // 2], 8, MAX_PIXELS) is None
    assert decode_jpeg(jpeg_of(Image.new("CMYK", (40, 30))), 8, MAX_PIXELS) is None


def test_an_exif_block_is_found_among_other_segments() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (40, 30))
    profile = bytes(200_000)
    assert not has_exif(jpeg_of(picture))
    assert not has_exif(jpeg_of(picture, icc_profile=profile, comment=b"Exif"))
    assert has_exif(jpeg_of(picture, exif=exif))
    assert has_exif(jpeg_of(picture, exif=exif, icc_profile=profile))


@pytest.mark.parametrize(
    "odd", [b"\xff\xd8\xff\xff\xe0\0\x10", b"\xff\xd8\xff\xe0\0\0", b"\xff\xd8\0", b"\xff\xd8\xff"]
)
def test_odd_segments_are_looked_at_by_pillow(odd: bytes) -> None:
    assert has_exif(odd)
