import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pictures import png_of, saved
from PIL import Image

from retrainer.errors import PictureError
from retrainer.photos.images import square

GREY = np.add.outer(np.arange(48) * 3, np.arange(64) * 1).astype(np.uint8)
RGB = np.dstack([GREY, GREY[::-1], 255 - GREY])
KINDS = {"u": 1, "i": 2, "f": 3, "c": 6}


def tiff(numbers: npt.NDArray[Any], order: str = "<", strips: int = 3, **tags: Any) -> bytes:
    """A TIFF of an array `(H, W)` or `(H, W, C)`: in strips, or with planes if `planes` says so."""
    numbers = numbers if numbers.ndim == 3 else numbers[..., np.newaxis]
    height, width, samples = numbers.shape
    rows = -(-height // strips)
    packed = tags.pop("packed", False)
    planes = [numbers[..., i : i + 1] for i in range(samples)] if tags.pop("planes", False) else [numbers]
    kind = numbers.dtype.newbyteorder("<" if order == "<" else ">")
    pieces = [p[top : top + rows].astype(kind).tobytes() for p in planes for top in range(0, height, rows)]
    pieces = [zlib.compress(piece) for piece in pieces] if packed else pieces
    offsets = (8 + np.cumsum([0, *map(len, pieces)])).tolist()
    values: dict[int, list[int]] = {
        256: [width],
        257: [height],
        258: [8 * numbers.dtype.itemsize] * samples,
        259: [8 if packed else 1],
        262: [2 if samples >= 3 else 1],
        273: offsets[:-1],
        277: [samples],
        278: [rows],
        279: [len(piece) for piece in pieces],
        284: [2 if len(planes) > 1 else 1],
        339: [KINDS[numbers.dtype.kind]] * samples,
        **{int(tag[1:]): list(value) for tag, value in tags.items()},
    }
    return _file(b"".join(pieces), values, order)


def _file(data: bytes, values: dict[int, list[int]], order: str) -> bytes:
    start = 8 + len(data) + len(data) % 2
    behind = start + 2 + 12 * len(values) + 4
    entries, extra = b"", b""
    for tag, items in sorted(values.items()):
        content = struct.pack(f"{order}{len(items)}I", *items)
        if len(content) > 4:
            entries += struct.pack(f"{order}HHII", tag, 4, len(items), behind + len(extra))
            extra += content
        else:
            entries += struct.pack(f"{order}HHI", tag, 4, 1) + content
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    directory = struct.pack(f"{order}H", len(values)) + entries + bytes(4)
    return header + data + bytes(len(data) % 2) + directory + extra


def png(pixels: npt.NDArray[Any]) -> bytes:
    return saved(Image.fromarray(pixels), "PNG")


TYPES = [
    (np.uint8, 1),
    (np.uint16, 257),
    (np.uint16, 16),
    (np.uint32, 16843009),
    (np.uint32, 1),
    (np.int16, 128),
    (np.int32, 1),
    (np.int32, 2**23),
    (np.uint64, 2**56),
    (np.float32, 1 / 255),
    (np.float32, 1),
    (np.float64, 1 / 255),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "factor"), TYPES)
def test_every_number_type_gives_the_same_picture(kind: Any, factor: float, order: str, packed: bool) -> None:
    for picture in (GREY, RGB):
        numbers = (picture.astype(np.float64) * factor).astype(kind)
        expected = square(png(picture), 16).astype(int)
        for planes in (False, True) if picture.ndim == 3 else (False,):
            pixels = square(tiff(numbers, order, planes=planes, packed=packed), 16)
            assert np.abs(pixels - expected).max() <= 1


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.float32])
def test_white_may_be_zero(kind: Any) -> None:
    most = 1.0 if kind is np.float32 else np.iinfo(kind).max
    numbers = ((255 - GREY) * (most / 255)).astype(kind)
    assert np.abs(square(tiff(numbers, t262=[0]), 16).astype(int) - square(png(GREY), 16)).max() <= 1


def test_alpha_and_inks_are_known() -> None:
    half = np.dstack([RGB.astype(np.uint16) * 257, np.zeros((48, 64), np.uint16)])
    assert (square(tiff(half, t338=[2]), 16) == 255).all()
    inks = np.dstack([(255 - RGB).astype(np.uint16) * 257, np.zeros((48, 64), np.uint16)])
    assert np.abs(square(tiff(inks, t262=[5]), 16).astype(int) - square(png(RGB), 16)).max() <= 2
    grey = np.dstack([GREY.astype(np.uint16) * 257, np.full((48, 64), 65535, np.uint16)])
    assert np.abs(square(tiff(grey, t262=[1], t338=[2]), 16).astype(int) - square(png(GREY), 16)).max() <= 1


def test_differences_are_summed() -> None:
    numbers = GREY.astype(np.uint16) * 257
    differences = np.diff(numbers, axis=1, prepend=np.uint16(0))
    content = tiff(differences, packed=True, t317=[2])
    assert np.abs(square(content, 16).astype(int) - square(png(GREY), 16)).max() <= 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tiff(GREY.astype(np.complex64)), "1 complex numbers of 64 bits a pixel"),
        (tiff(np.dstack([RGB, RGB]), t262=[1]), "6 unsigned numbers of 8 bits a pixel"),
        (tiff(np.zeros((48, 64), np.uint16)), "its numbers are all 0"),
        (tiff(np.where(GREY > 9, np.nan, 0.5).astype(np.float32)), "not finite"),
        (tiff(GREY.astype(np.uint16) * 257, t273=[8, 10**6, 10**6]), "damaged or truncated: its data end early"),
        (tiff(GREY, t50706=[1]), "a raw photo of a camera"),
        (tiff(GREY.astype(np.uint16), t256=[2**16], t257=[2**16]), "more than the limit"),
        (
            tiff(RGB.astype(np.float64), t256=[2**14 - 1], t257=[2**14]),
            "its 6,442,057,728 bytes of numbers are more than",
        ),
        (tiff(GREY.astype(np.uint16), packed=True)[:-40], "header is not that of a whole TIFF"),
        (tiff(GREY.astype(np.uint16), packed=True).replace(b"x\x9c", b"\0\0"), "damaged or truncated"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        square(content, 16)


def test_an_orientation_is_applied() -> None:
    turned = square(tiff(GREY.astype(np.uint16) * 257, t274=[6]), 16)
    np.testing.assert_array_equal(turned, np.rot90(square(tiff(GREY.astype(np.uint16) * 257), 16), 3))


@pytest.mark.parametrize("shape", [(), (3,), (4,)])
def test_twelve_bits_in_a_png_of_sixteen_are_no_black_picture(shape: tuple[int, ...]) -> None:
    picture = np.broadcast_to(GREY.reshape(48, 64, *[1] * len(shape)), (48, 64, *shape)).copy()
    numbers = picture.astype(">u2") * 16
    if shape == (4,):
        numbers[..., 3] = 65535
    colour = {(): 0, (3,): 2, (4,): 6}[shape]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in numbers)
    content = png_of(64, 48, (16, colour), rows)
    assert np.abs(square(content, 16).astype(int) - square(png(GREY), 16)).max() <= 1
