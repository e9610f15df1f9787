"""Pictures that several test files make: gradients, made-up photos and their copies, and hostile PNGs."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from retrainer.arrays import Pixels

Change = Callable[[Image.Image], bytes]


def saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, format_, **options)
    return content.getvalue()


def exported(picture: Image.Image, quality: int = 90) -> bytes:
    """A JPEG, as programs export photos."""
    return saved(picture, "JPEG", quality=quality)


def difference(a: Pixels, b: Pixels) -> int:
    """The largest difference of two pixels, 0 to 255."""
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[np.newaxis, :]
    pixels[..., 1] = np.linspace(0, 255, height)[:, np.newaxis]
    return Image.fromarray(pixels)


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


def photo(seed: int) -> Image.Image:
    """A made-up picture with the statistics of photos: noise whose amplitude falls with its frequency, and a thing."""
    generator = np.random.default_rng(seed)
    height, width = 160, 240
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis] * height, np.fft.rfftfreq(width) * width)
    noise = np.fft.irfft2(np.fft.rfft2(generator.normal(size=(3, height, width))) / np.maximum(frequency, 1) ** 1.1)
    noise = noise[0] + 0.4 * noise
    pixels = generator.uniform(80, 170, (3, 1, 1)) + 45 * noise / noise.std()
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
    left, top, width = (int(generator.integers(0, most)) for most in (140, 90, 60))
    colour = tuple(generator.integers(0, 256, 3).tolist())
    ImageDraw.Draw(picture).ellipse((left, top, left + width + 30, top + 60), fill=colour)
    return picture


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    """Keeps what lies between these shares of the sides."""

    def change(picture: Image.Image) -> bytes:
        width, height = picture.size
        return exported(picture.crop((int(left * width), int(top * height), int(right * width), int(bottom * height))))

    return change


CHANGES: dict[str, Change] = {
    "saved again": lambda picture: exported(picture, 60),
    "half the size": lambda picture: exported(picture.resize((picture.width // 2, picture.height // 2)), 85),
    "mirrored": lambda picture: exported(ImageOps.mirror(picture)),
    "15 % brighter": lambda picture: exported(ImageEnhance.Brightness(picture).enhance(1.15)),
    "cropped by 10 %": cropped(0.05, 0.05, 0.95, 0.95),
    "cropped by 10 % at two sides": cropped(0.1, 0.1, 1, 1),
    "cropped by 10 % at one side": cropped(0, 0, 0.9, 1),
}
"""Changes that leave a photo a copy."""


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, kind: tuple[int, int], data: bytes) -> bytes:
    """A PNG whose header says these sides, and bits and colour; `data` are its rows before they are compressed."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, *kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(data)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def huge_png(side: int) -> bytes:
    """A PNG whose header says `side` × `side` and whose body is nearly empty."""
    return png_of(side, side, (8, 2), b"\0")


def files_in(folder: Path, *names: str) -> None:
    """Makes files below a folder that are no pictures, each with its own name as content."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def classes_in(folder: Path, *names: str) -> None:
    """Makes class folders below a folder, with two files each."""
    files_in(folder, *(f"{name}/{number}.jpg" for name in names for number in range(2)))
