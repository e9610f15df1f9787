import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pictures import saved
from PIL import Image

from retrainer.errors import PictureError
from retrainer.photos.decoding.jpeg_segments import may_be_turned
from retrainer.photos.decoding.jpegs import decode_jpeg
from retrainer.photos.decoding.limits import MAX_PIXELS
from retrainer.photos.images import square


def jpeg_of(picture: Image.Image, **options: object) -> bytes:
    return saved(picture, "JPEG", **options)


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
    assert decode_jpeg(with_three_to_one_samples(content), 8, MAX_PIXELS) is None


def with_three_to_one_samples(content: bytes) -> bytes:
    """The JPEG with a ratio of brightness to colour samples that only Pillow knows; its data fit it no longer."""
    frame = content.index(b"\xff\xc0")
    return content[: frame + 11] + b"\x31" + content[frame + 12 :]


@pytest.mark.parametrize(("size", "reduced"), [(20, (80, 60)), (40, (160, 120)), (80, (320, 240)), (121, (640, 480))])
def test_pillow_decodes_at_the_same_reduced_scale(size: int, reduced: tuple[int, int]) -> None:
    content = with_three_to_one_samples(jpeg_of(textured(640, 480), subsampling=0))
    expected = Image.open(io.BytesIO(content))
    expected.draft("RGB", reduced)
    assert expected.size == reduced
    resized = expected.convert("RGB").resize((size, size), Image.Resampling.BOX)
    np.testing.assert_array_equal(square(content, size), np.asarray(resized))


def textured(width: int, height: int) -> Image.Image:
    """Noise on a slope: pictures whose data do not fall back into step when some of them are missing."""
    generator = np.random.default_rng(0)
    slope = np.linspace(0, 200, width)[np.newaxis, :, np.newaxis] + generator.integers(0, 56, (height, width, 3))
    return Image.fromarray(slope.astype(np.uint8))


KINDS: dict[str, dict[str, object]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True},
    "not subsampled": {"subsampling": 0},
    "with restarts": {"restart_marker_rows": 1},
    "of low quality": {"quality": 30},
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a page of zeros": lambda c: c[: len(c) // 3] + bytes(4096) + c[len(c) // 3 + 4096 :],
    "cut and closed": lambda c: c[: len(c) // 2] + b"\xff\xd9",
    "cut": lambda c: c[: len(c) // 2],
    "cut in its header": lambda c: c[:200],
    "zeros to its end": lambda c: c[: len(c) // 2] + bytes(len(c) // 2),
    "zeros to its end mark": lambda c: c[: len(c) // 2] + bytes(len(c)) + c[-2:],
    "a table of zeros": lambda c: c.replace(c[c.index(b"\xff\xdb") + 5 :][:64], bytes(64), 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_missing_data_are_noticed(kind: str, mode: str, damage: str) -> None:
    content = jpeg_of(textured(320, 240).convert(mode), **KINDS[kind])
    assert square(content, 32).shape == (32, 32, 3)
    with pytest.raises(PictureError, match="damaged or truncated"):
        square(DAMAGES[damage](content), 32)


@pytest.mark.parametrize("kind", ["baseline", "optimized", "with restarts"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_zeros_that_no_picture_gives_are_noticed_wherever_they_begin(kind: str, mode: str) -> None:
    content = jpeg_of(textured(320, 240).convert(mode), **KINDS[kind])
    for offset in range(len(content) // 3 // 512 * 512 + 1, len(content) * 2 // 3, 600):
        with pytest.raises(PictureError, match="damaged or truncated"):
            square(content[:offset] + bytes(800) + content[offset + 800 :], 32)


@pytest.mark.parametrize("kind", ["baseline", "progressive", "optimized", "with restarts"])
def test_an_even_picture_may_consist_of_zeros(kind: str) -> None:
    even = Image.new("L", (2001, 2001), 128)
    assert bytes(200) in jpeg_of(even, optimize=True)
    assert (square(jpeg_of(even, **KINDS[kind]), 8) == 128).all()


def test_the_rest_of_another_file_is_noticed() -> None:
    first, second = (jpeg_of(textured(320, 240), quality=quality) for quality in (75, 85))
    with pytest.raises(PictureError, match="damaged or truncated"):
        square(first[: len(first) // 2] + second[len(second) // 2 :], 32)


def changed(content: bytes, marker: bytes, offset: int, value: bytes) -> bytes:
    start = content.index(marker) + offset
    return content[:start] + value + content[start + len(value) :]


ODDITIES: dict[str, Callable[[bytes], bytes]] = {
    "bytes behind the end": lambda c: c + b"more" * 99,
    "a second picture behind the end": lambda c: c + c,
    "zeros before the end": lambda c: c[:-2] + bytes(3000) + c[-2:],
    "fill before the end": lambda c: c[:-2] + b"\xff" * 30 + c[-2:],
    "stray bytes before the end": lambda c: c[:-2] + b"odd" + c[-2:],
    "stray bytes between segments": lambda c: c[:20] + b"odd" + c[20:],
    "an unknown revision": lambda c: changed(c, b"JFIF", 5, b"\0"),
    "a spectrum of nothing": lambda c: changed(c, b"\xff\xda", 11, b"\0\0\0"),
    "all of these": lambda c: changed(c[:20] + b"odd" + c[20:-2] + b"\0" * 9 + c[-2:], b"JFIF", 5, b"\0") + b"more",
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_what_no_picture_suffers_from_is_passed_over(oddity: str) -> None:
    content = jpeg_of(textured(320, 240))
    np.testing.assert_array_equal(square(ODDITIES[oddity](content), 32), square(content, 32))


def test_a_page_of_zeros_is_noticed_even_if_the_data_fall_into_step_again() -> None:
    content = jpeg_of(Image.new("L", (16, 16), 77))
    scan = content.index(b"\xff\xda") + 10
    with pytest.raises(PictureError, match="2 extraneous bytes"):
        square(content[:scan] + bytes(100) + b"\x28" + content[-2:], 8)


def test_a_lost_block_is_noticed_even_if_the_decoder_is_content() -> None:
    # Tables of an even picture have codes of one bit, so that zeros are data as any other.
    content = jpeg_of(Image.new("L", (1600, 1600), 77), optimize=True)
    scan = content.index(b"\xff\xda") + 10
    zeros = content.index(bytes(512), scan)
    assert square(content, 8).shape == (8, 8, 3)
    behind = zeros + len(content[zeros:]) - len(content[zeros:].lstrip(b"\0"))
    comment = b"\xff\xfe" + (-zeros % 512 + 510).to_bytes(2, "big") + bytes(-zeros % 512 + 508)
    moved = content[:2] + comment + content[2:]
    assert (zeros + len(comment)) % 512 == 0
    lost = moved[: zeros + len(comment) + 512] + content[behind:]
    with pytest.raises(PictureError, match="a block of its data is missing"):
        square(lost, 8)


def test_inks_are_read_as_pillow_reads_them() -> None:
    content = jpeg_of(textured(320, 240).convert("CMYK"))
    pixels = decode_jpeg(content, 160, MAX_PIXELS)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))


@pytest.mark.parametrize(
    ("frame", "bits", "reason"),
    [
        (b"\xff\xc0", b"\x0c", "a JPEG of 12 bits"),
        (b"\xff\xc3", b"\x10", "a lossless JPEG"),
        (b"\xff\xf7", b"\x08", "a JPEG-LS"),
        (b"\xff\xc5", b"\x08", "a hierarchical JPEG"),
    ],
)
def test_kinds_that_cannot_be_decoded_are_named(frame: bytes, bits: bytes, reason: str) -> None:
    content = jpeg_of(textured(32, 24)).replace(b"\xff\xc0", frame)
    with pytest.raises(PictureError, match=reason):
        square(changed(content, frame, 4, bits), 8)


def test_the_decoder_is_content_with_real_photos(shared: Path) -> None:
    photos = sorted((shared / "photos").rglob("*.jpg"))[::25]
    assert all(decode_jpeg(path.read_bytes(), 160, MAX_PIXELS) is not None for path in photos)


def test_an_exif_block_is_found_among_other_segments() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (40, 30))
    profile = bytes(200_000)
    assert not may_be_turned(jpeg_of(picture))
    assert not may_be_turned(jpeg_of(picture, icc_profile=profile, comment=b"Exif"))
    assert may_be_turned(jpeg_of(picture, exif=exif))
    assert may_be_turned(jpeg_of(picture, exif=exif, icc_profile=profile))
    assert may_be_turned(jpeg_of(picture, xmp=b"<x/>"))


@pytest.mark.parametrize(
    "odd", [b"\xff\xd8\xff\xff\xe0\0\x10", b"\xff\xd8\xff\xe0\0\0", b"\xff\xd8\0", b"\xff\xd8\xff"]
)
def test_odd_segments_are_looked_at_by_pillow(odd: bytes) -> None:
    assert may_be_turned(odd)
