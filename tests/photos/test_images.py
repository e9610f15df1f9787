import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import jpeg
from pictures import difference, gradient, huge_png, noise, png_chunk, saved
from PIL import Image, ImageOps, features

from retrainer.errors import PictureError
from retrainer.photos.decoding import limits
from retrainer.photos.decoding.limits import MAX_PIXELS
from retrainer.photos.images import square, to_input
from retrainer.photos.reading import read_file


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_format_is_known_by_its_content(format_: str) -> None:
    pixels = square(saved(Image.new("RGB", (40, 30), (200, 100, 50)), format_), 8)
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8
    assert difference(pixels, np.full((8, 8, 3), (200, 100, 50), np.uint8)) <= 4


def test_shrinking_averages_areas() -> None:
    pixels = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3) % 97
    expected = pixels.reshape(4, 4, 4, 3, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(square(saved(Image.fromarray(pixels), "PNG"), 4) - expected).max() <= 1


def test_a_picture_smaller_than_the_target_is_interpolated() -> None:
    pixels = square(saved(gradient(4, 4), "PNG"), 16)[:, :, 0].astype(int)
    steps = np.diff(pixels[8])
    assert (steps >= 0).all()
    assert steps.max() < 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(orientation: int, format_: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format_ == "WEBP" else {}
    content = saved(gradient(64, 48), format_, exif=exif, **options)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    expected = np.asarray(upright.convert("RGB").resize((16, 16), Image.Resampling.BOX))
    assert difference(square(content, 16), expected) <= 6


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_damaged_exif_block_does_not_matter() -> None:
    content = jpeg((10, 200, 10), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert difference(square(content, 4), np.full((4, 4, 3), (10, 200, 10), np.uint8)) <= 4


@pytest.mark.parametrize(
    ("picture", "format_", "expected"),
    [
        (Image.new("L", (20, 20), 90), "JPEG", (90, 90, 90)),
        (Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG", (254, 0, 0)),
        (Image.new("RGBA", (20, 20), (255, 0, 0, 128)), "PNG", (255, 127, 127)),
        (Image.new("LA", (20, 20), (0, 0)), "PNG", (255, 255, 255)),
        (Image.new("RGB", (20, 20), (9, 8, 7)).convert("P"), "PNG", (9, 8, 7)),
        (Image.new("1", (20, 20), 1), "PNG", (255, 255, 255)),
        (Image.fromarray(np.full((20, 20), 128 * 257, np.uint16)), "PNG", (128, 128, 128)),
        (Image.fromarray(np.full((20, 20), 128 * 257, np.uint16)), "TIFF", (128, 128, 128)),
    ],
)
def test_other_pixels_become_rgb(picture: Image.Image, format_: str, expected: tuple[int, int, int]) -> None:
    assert difference(square(saved(picture, format_), 5), np.full((5, 5, 3), expected, np.uint8)) <= 12


def test_a_palette_with_transparency_is_laid_on_white() -> None:
    palette = Image.new("P", (20, 20), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert (square(saved(palette, "PNG", transparency=b"\xff\x00"), 4) == 255).all()


def test_the_first_frame_of_a_gif_counts() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ((250, 0, 0), (0, 0, 250))]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert difference(square(content, 4), np.full((4, 4, 3), (250, 0, 0), np.uint8)) <= 8


def test_a_large_jpeg_is_decoded_at_a_reduced_scale_and_looks_the_same() -> None:
    content = saved(gradient(1600, 1200), "JPEG", quality=95)
    expected = np.asarray(gradient(1600, 1200).resize((32, 32), Image.Resampling.BOX))
    assert difference(square(content, 32), expected) <= 4


def test_to_input_is_the_range_of_the_networks() -> None:
    floats = to_input(np.array([[[0, 255, 127]]], np.uint8))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, [[[-1.0, 1.0, -0.00392157]]], atol=1e-6)
    np.testing.assert_allclose(to_input(np.array([[[0, 255, 51]]], np.uint8), 0, 255), [[[0, 1, 0.2]]], atol=1e-6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Dear diary,\nno picture today.\n", "received a text file"),
        (b"\x00\x01\x02\x03" * 20, "received a file that begins with 00 01 02 03"),
        (jpeg((1, 2, 3), (300, 300))[:700], "damaged or truncated"),
        (saved(gradient(99, 99), "PNG")[:200], "damaged or truncated"),
        (huge_png(60_000), "3,600,000,000 pixels are more than the limit"),
        (huge_png(20_000), "400,000,000 pixels are more than the limit"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "pip install pillow-heif"),
        (b"%PDF-1.7\n%\xe2\xe3", "received a PDF document"),
        ("Élève, aucune photo.\n".encode() * 9, "received a text file"),
        (b"\n<!DOCTYPE HTML>\n<html><title>\xe9", "received a web page; fetch the picture itself"),
        (b"<?xml version='1.0'?><svg xmlns='x'>", r"received a drawing \(SVG\)"),
        (b"<?xml version='1.0'?><annotation>", "received an XML document"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), "received a JPEG 2000 picture; save it"),
        (b"\xff\x4f\xff\x51" + bytes(99), "received a JPEG 2000 picture"),
        (b"\xff\x0a" + bytes(99), "received a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99), "received a JPEG XL picture"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(99), "received a raw photo of Canon"),
        (b"\0\0\0\x20ftypisom" + bytes(99), r"received a video \(MP4\)"),
        (b"PK\x03\x04" + bytes(99), "received a ZIP archive"),
        (bytes(9000), "received a file of zeros"),
        (saved(gradient(99, 99), "WEBP")[:60], "header is not that of a whole WebP"),
        (b"II+\0\x08\0\0\0" + bytes(20), "header is not that of a whole BigTIFF"),
    ],
)
def test_what_is_no_picture_gives_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        square(content, 8)


def test_one_pixel_limit_holds_for_every_format() -> None:
    assert 200_000_000 < MAX_PIXELS < 400_000_000


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "TIFF of 16 bits"])
def test_the_limit_of_pillow_neither_refuses_a_picture_nor_changes(
    format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Image.fromarray(noise(48, 64))
    if format_ == "TIFF of 16 bits":
        picture = Image.fromarray(noise(48, 64)[..., 0].astype(np.uint16) * 257)
    content = saved(picture, format_.split(maxsplit=1)[0], **({"exif": Image.Exif()} if format_ == "JPEG" else {}))
    expected = square(content, 8)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(limits, "LARGE_PIXELS", 100)
    np.testing.assert_array_equal(square(content, 8), expected)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_file_that_cannot_be_read_gives_its_reason(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="No such file"):
        read_file(str(tmp_path / "absent.jpg"))
    video = tmp_path / "video.mp4"
    with video.open("wb") as handle:
        handle.truncate(2**30 + 1)
    with pytest.raises(PictureError, match="more than the limit"):
        read_file(str(video))


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with more chunks behind its header."""
    content = saved(gradient(64, 48), "PNG")
    return content[:33] + b"".join(png_chunk(*item) for item in chunks) + content[33:]


@pytest.mark.parametrize(
    "large",
    [
        (b"zTXt", b"workflow\0\0" + zlib.compress(bytes(3_000_000))),
        (b"tEXt", b"workflow\0" + b"word " * 400_000),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x/>" * 900_000)),
        (b"iCCP", b"press\0\0" + zlib.compress(bytes(3_000_000))),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(3_000_000))),
        (b"acTL", b"damaged"),
    ],
)
def test_a_png_is_read_whatever_it_carries_beside_its_pixels(large: tuple[bytes, bytes]) -> None:
    np.testing.assert_array_equal(square(png_with(large), 16), square(png_with(), 16))


def test_a_png_with_a_wrong_checksum_is_damaged() -> None:
    content = png_with()
    offset = content.index(b"IDAT") + 40
    with pytest.raises(PictureError, match="checksum of a chunk IDAT is wrong"):
        square(content[:offset] + bytes([content[offset] ^ 1]) + content[offset + 1 :], 16)


@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("TIFF", {"compression": "jpeg"}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "packbits"}),
        ("WEBP", {"quality": 95}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_a_lost_block_is_noticed(format_: str, options: dict[str, object]) -> None:
    if format_ == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    content = saved(Image.fromarray(pixels), format_, **options)
    assert square(content, 8).shape == (8, 8, 3)
    with pytest.raises(PictureError, match="a block of its data is missing"):
        square(content[:4096] + bytes(4096) + content[8192:], 8)


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
RAW_EXIF = b"\nexif\n      32\n" + (
    b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".hex().encode() + b"\n"
)
RAW_XMP = f"\nxmp\n{len(XMP):8}\n{XMP.hex()}\n".encode()


def turned(format_: str) -> bytes:
    if format_ == "PNG with raw EXIF":
        return png_with((b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(RAW_EXIF)))
    if format_ == "PNG with raw APP1":
        return png_with((b"tEXt", b"Raw profile type APP1\0" + RAW_EXIF))
    if format_ == "PNG with raw XMP":
        return png_with((b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(RAW_XMP)))
    if format_ == "PNG with XMP":
        return png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))
    if format_ == "TIFF":
        return saved(gradient(64, 48), format_, tiffinfo={700: XMP})
    return saved(gradient(64, 48), format_, xmp=XMP, lossless=True, quality=95)


@pytest.mark.parametrize(
    "format_", ["PNG with raw EXIF", "PNG with raw APP1", "PNG with raw XMP", "PNG with XMP", "JPEG", "WEBP", "TIFF"]
)
def test_an_orientation_elsewhere_than_in_exif_counts(format_: str) -> None:
    expected = np.asarray(gradient(64, 48).rotate(-90, expand=True).resize((16, 16), Image.Resampling.BOX))
    assert difference(square(turned(format_), 16), expected) <= 6


def test_exif_wins_over_xmp() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    content = saved(gradient(64, 48), "JPEG", exif=exif, xmp=XMP, quality=95)
    expected = np.asarray(gradient(64, 48).rotate(180).resize((16, 16), Image.Resampling.BOX))
    assert difference(square(content, 16), expected) <= 6


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_a_picture_that_is_cut_off_is_damaged(format_: str, share: float) -> None:
    content = saved(Image.fromarray(noise(120, 160)), format_)
    closing = {"JPEG": b"\xff\xd9", "PNG": content[-12:], "GIF": b";"}.get(format_, b"")
    for end in (b"", closing):
        with pytest.raises(PictureError, match="damaged or truncated"):
            square(content[: int(share * len(content))] + end, 8)
