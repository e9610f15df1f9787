"""Pictures in memory are seen as the same pixels in a file are, and whatever is no picture is one clear line."""

import io
import os
import pickle
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import gradient, noise, saved
from PIL import Image, ImageOps

from retrainer.errors import PictureError, ResourceError
from retrainer.photos import in_memory
from retrainer.photos.images import square
from retrainer.photos.photo import Photo, content_of, name_of, path_of
from retrainer.photos.pictures import Picture

PIXELS = noise(37, 61)
RGB = Image.fromarray(PIXELS)
PNG = saved(RGB, "PNG")
# Neither side of the square is a divisor of the picture's, and one picture grows.
SIZES = 17, 64


def seen(picture: Any) -> list[Any]:
    """The squares of a picture, as lists that are compared bit by bit."""
    content = content_of(picture)
    assert isinstance(content, bytes)
    return [square(content, size).tolist() for size in SIZES]


class LikePath:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


class Tensor:
    """As PyTorch's: `numpy()` apart, NumPy asks for `__array__`."""

    def __array__(self, *_: object, **__: object) -> Any:
        return PIXELS


class Response:
    """As a server's answer: gives less than it is asked for."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def read(self, size: int) -> bytes:
        return self._rest.read(min(size, 1000))


def read_only(array: Any) -> Any:
    array = array.copy()
    array.flags.writeable = False
    return array


FORMS: dict[str, Callable[[], Picture]] = {
    "bytes": lambda: PNG,
    "bytearray": lambda: bytearray(PNG),
    "memoryview": lambda: memoryview(PNG),
    "every other byte": lambda: memoryview(bytes(byte for one in PNG for byte in (one, 0)))[::2],
    "image": lambda: RGB,
    "lazy image": lambda: Image.open(io.BytesIO(PNG)),
    "array": lambda: PIXELS,
    "Fortran's order": lambda: np.asfortranarray(PIXELS),
    "mirrored twice": lambda: PIXELS[::-1, ::-1].copy()[::-1, ::-1],
    "BGR turned": lambda: PIXELS[..., ::-1].copy()[..., ::-1],
    "read-only": lambda: read_only(PIXELS),
    "big-endian": lambda: PIXELS.astype(">u1"),
    "subclass": lambda: np.ma.masked_array(PIXELS),
    "tensor": Tensor,
    "opaque": lambda: np.dstack([PIXELS, np.full((37, 61), 255, np.uint8)]),
    "file": lambda: io.BytesIO(PNG),
    "slow file": lambda: Response(PNG),
    "photo": lambda: Photo("a name", lambda: PNG),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_seen_as_the_file_is(form: str) -> None:
    assert seen(FORMS[form]()) == seen(PNG)


def test_paths_are_texts_or_like_paths(tmp_path: Path) -> None:
    path = tmp_path / "Grüße 1.png"
    path.write_bytes(PNG)
    for one in (path, str(path), LikePath(path)):
        assert (seen(one), name_of(one), path_of(one)) == (seen(PNG), str(path), str(path))
    with path.open("rb") as file:
        assert (name_of(file), seen(file)) == (str(path), seen(PNG))
    with Image.open(path) as image:
        assert (name_of(image), seen(image)) == (str(path), seen(PNG))
        assert path_of(image.copy()) is None
    with tempfile.TemporaryFile() as unnamed:
        assert (path_of(unnamed), name_of(unnamed), name_of(PNG)) == (None, "picture", "picture")


def of_mode(mode: str) -> Image.Image:
    grey = gradient(50, 30).convert("L")
    if mode == "I;16":
        return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    if mode == "P with transparency":
        picture = gradient(50, 30).quantize(16)
        picture.info["transparency"] = 3
        return picture
    if mode in ("RGBA", "LA"):
        picture = gradient(50, 30).convert(mode)
        picture.putalpha(grey)
        return picture
    if mode in ("La", "RGBa"):
        return of_mode(mode.upper()).convert(mode)
    return grey.convert(mode) if mode in ("1", "I", "F") else gradient(50, 30).convert(mode)


@pytest.mark.parametrize("mode", ["L", "1", "P", "P with transparency", "RGB", "RGBA", "LA", "I;16"])
def test_each_mode_of_a_png_is_seen_as_the_png_is(mode: str) -> None:
    picture = of_mode(mode)
    file = saved(picture, "PNG")
    assert seen(picture) == seen(file)
    assert seen(Image.open(io.BytesIO(file))) == seen(file)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "F", "I"])
def test_each_mode_of_a_tiff_is_seen_as_the_tiff_is(mode: str) -> None:
    picture = of_mode(mode)
    assert seen(picture) == seen(saved(picture, "TIFF"))


@pytest.mark.parametrize(("mode", "same"), [("HSV", "RGB"), ("La", "LA"), ("RGBa", "RGBA"), ("RGBX", "RGB")])
def test_modes_that_no_file_has_are_close_to_those_that_files_have(mode: str, same: str) -> None:
    for a, b in zip(seen(of_mode(mode)), seen(of_mode(same)), strict=True):
        assert np.abs(np.subtract(a, b)).max() <= 6  # these modes round


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_the_orientation_of_an_image_counts_as_that_of_a_file(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    file = saved(gradient(40, 24), kind, exif=exif, **options)
    image = Image.open(io.BytesIO(file))
    # A JPEG of the file is resized by another resizer, which may differ by one.
    for a, b in zip(seen(image), seen(file), strict=True):
        assert np.abs(np.subtract(a, b)).max() <= (kind in ("JPEG", "TIFF"))
    turned = ImageOps.exif_transpose(image)
    for a, b in zip(seen(turned), seen(file), strict=True):
        assert np.abs(np.subtract(a, b)).max() <= 1


def test_grey_arrays_are_seen_as_grey_files() -> None:
    grey = PIXELS[..., 0]
    assert seen(grey) == seen(grey[..., np.newaxis]) == seen(saved(Image.fromarray(grey), "PNG"))


def test_transparent_arrays_show_white_as_files_do() -> None:
    pixels = np.dstack([PIXELS, PIXELS[..., 0]])
    assert seen(pixels) == seen(saved(Image.fromarray(pixels), "PNG"))
    assert np.min(seen(np.zeros((4, 4, 4), np.uint8))[0]) == 255


def test_a_file_is_read_from_its_position() -> None:
    file = io.BytesIO(b"before" + PNG)
    file.seek(6)
    assert content_of(file) == PNG
    with pytest.raises(PictureError, match="the file has no more bytes after its position"):
        content_of(file)


def test_a_picture_may_be_asked_for_by_threads_at_once() -> None:
    for _ in range(5):
        lazy = Image.open(io.BytesIO(PNG))
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(seen, [lazy] * 16)) == [seen(PNG)] * 16


class Untouchable:
    def __array__(self, *_: object, **__: object) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


class Failing:
    def read(self, _: int) -> bytes:
        raise OSError(5, "Input/output error")


class Uploaded:
    """As in web frameworks, whose handlers are coroutines."""

    async def read(self, _: int) -> bytes:
        return PNG


def left() -> Image.Image:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(PNG)
        file.flush()
        with Image.open(file.name) as picture:
            return picture


def closed(file: Any) -> Any:
    file.close()
    return file


ARRAY, UINT8 = (
    r"expected an array \(H, W\), \(H, W, 3\) or \(H, W, 4\), received ",
    "expected an array of uint8, 0 to 255, ",
)
HOSTILE: dict[str, tuple[Callable[[], Any], str]] = {
    "None": (lambda: None, "expected a path, bytes, a PIL.Image, a uint8 array, .*, received None$"),
    "a number": (lambda: 3, "expected a path, .* received 3$"),
    "a list": (lambda: [[1, 2], [3, 4]], r"received \[\[1, 2\], \[3, 4\]\]\nGive its pictures one by one"),
    "a class": (lambda: io.BytesIO, "the file cannot be read: "),
    "an empty text": (lambda: "", "expected a path, received an empty text$"),
    "a zero byte": (lambda: "a\0b", "cannot be read: this is no path: embedded null byte"),
    "no text": (lambda: "\ud800", "cannot be read: this is no path"),
    "an address": (
        lambda: "https://example.org/a.jpg",
        "cannot be read: this is an address and no file\nGive the bytes",
    ),
    "an absent path": (lambda: "absent.jpg", "cannot be read: No such file or directory$"),
    "a path as bytes": (lambda: os.fsencode(__file__), "expected the bytes of a picture, received a path as bytes\n"),
    "text in a file": (
        lambda: io.StringIO("abc"),
        "expected a file that gives bytes, received one that gives text\nOpen",
    ),
    "a text file": (lambda: io.TextIOWrapper(io.BytesIO(PNG), "utf-8"), "the file cannot be read: 'utf-8' .*\nOpen it"),
    "a closed file": (lambda: closed(io.BytesIO(PNG)), "the file cannot be read: I/O operation on closed file"),
    "a coroutine": (Uploaded, "received one that gives a coroutine\nGive the bytes: await file.read()"),
    "a failing file": (Failing, r"the file cannot be read: \[Errno 5\] Input/output error"),
    "a closed image": (lambda: closed(Image.open(io.BytesIO(PNG))), "the picture cannot be read: .*closed"),
    "an image whose file is closed": (left, "its file was closed before its pixels were read\nCall picture.load"),
    "a photo that fails": (lambda: Photo("a", lambda: dict[str, bytes]()["b"]), "cannot be read: KeyError: 'b'$"),
    "a photo of bytes": (lambda: Photo("a", PNG), "cannot be read: TypeError: 'bytes' object is not callable"),  # type: ignore[arg-type]
    "a cut image": (
        lambda: Image.open(io.BytesIO(saved(RGB, "JPEG")[:-500])),
        "the picture cannot be read: .*truncated",
    ),
    "an image of nothing": (lambda: Image.new("RGB", (0, 5)), "the picture has no pixels: its size is 0×5"),
    "floats": (
        lambda: PIXELS / 255,
        rf"{UINT8}received float64 \(37, 61, 3\)\n.*\(array \* 255\)\.round\(\)\.astype\('uint8'\)",
    ),
    "integers": (lambda: PIXELS.astype(np.int64), rf"{UINT8}received int64 .*\n.*array\.astype\('uint8'\)"),
    "yes and no": (lambda: PIXELS > 9, rf"{UINT8}received bool .*\n.*array\.astype\('uint8'\) \* 255"),
    "objects": (lambda: PIXELS.astype(object), rf"{UINT8}received object \(37, 61, 3\)$"),
    "ragged objects": (lambda: np.array([PIXELS, None], object), rf"{ARRAY}object \(2,\)$"),
    "channels first": (lambda: PIXELS.transpose(2, 0, 1), rf"{ARRAY}uint8 \(3, 37, 61\)\n.*transpose\(1, 2, 0\)"),
    "a batch": (lambda: PIXELS[np.newaxis], rf"{ARRAY}uint8 \(1, 37, 61, 3\)\nGive its pictures one by one"),
    "two channels": (lambda: PIXELS[..., :2], rf"{ARRAY}uint8 \(37, 61, 2\)$"),
    "one number": (lambda: np.uint8(3), rf"{ARRAY}uint8 \(\)$"),
    "no rows": (lambda: PIXELS[:0], r"the array has no pixels: received uint8 \(0, 61, 3\)"),
    "too many pixels": (lambda: np.broadcast_to(np.uint8(0), (2**15, 2**15, 3)), "1,073,741,824 pixels are more than"),
    "a tensor elsewhere": (Untouchable, "a Untouchable that is no array: can't convert cuda:0 device"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_is_one_clear_error(name: str) -> None:
    make, expected = HOSTILE[name]
    picture = make()
    with pytest.raises(PictureError, match=expected) as caught:
        content_of(picture)
    assert caught.value.problem.isprintable()
    assert len(str(caught.value).splitlines()) <= 2
    if isinstance(picture, Image.Image):
        picture.close()


def test_files_without_end_are_cut_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrainer.photos.reading.MAX_BYTES", 5000)
    monkeypatch.setattr(in_memory, "MAX_BYTES", 5000)
    with (
        open("/dev/zero", "rb") as endless,
        pytest.raises(PictureError, match="bytes are more than the limit of 5,000"),
    ):
        content_of(endless)
    with pytest.raises(PictureError, match="bytes are more than the limit of 5,000"):
        content_of(bytes(5001))


def test_too_little_memory_is_no_fault_of_the_picture() -> None:
    class Large:
        def read(self, _: int) -> bytes:
            raise MemoryError

    with pytest.raises(ResourceError, match="Not enough memory to read a picture"):
        content_of(Large())


def test_an_image_keeps_what_it_holds() -> None:
    picture = of_mode("P with transparency")
    before = pickle.dumps((picture.info, picture.mode, picture.tobytes()))
    content_of(picture)
    assert pickle.dumps((picture.info, picture.mode, picture.tobytes())) == before
