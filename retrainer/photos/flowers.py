"""Draws five kinds of flowers; a random generator varies each picture."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]

# Pictures are drawn larger and shrunk, so that edges are smooth.
_OVERSAMPLING = 2
_BACKGROUNDS: Sequence[Sequence[Colour]] = (
    ((86, 125, 70), (52, 84, 44)),
    ((135, 180, 220), (205, 225, 238)),
    ((120, 96, 70), (84, 66, 48)),
    ((150, 150, 146), (108, 110, 112)),
    ((40, 52, 44), (20, 26, 24)),
)


def drawn(kind: str, generator: np.random.Generator) -> Image.Image:
    """Draws one picture of a kind, RGB; each side has 200 to 320 pixels."""
    width, height = (int(side) * _OVERSAMPLING for side in generator.integers(200, 321, size=2))
    picture = _background(width, height, generator)
    for _ in range(int(generator.integers(1, 3))):
        radius = generator.uniform(0.2, 0.38) * min(width, height)
        centre = (generator.uniform(0.3, 0.7) * width, generator.uniform(0.3, 0.6) * height)
        KINDS[kind](ImageDraw.Draw(picture), centre, radius, generator)
    small = picture.resize((width // _OVERSAMPLING, height // _OVERSAMPLING), Image.Resampling.BOX)
    return _lit(small.filter(ImageFilter.GaussianBlur(generator.uniform(0.0, 1.0))), generator)


def _background(width: int, height: int, generator: np.random.Generator) -> Image.Image:
    """A vertical gradient with blurred blobs; it is drawn small and enlarged, since it is blurred anyway."""
    top, bottom = (
        np.array(c) + generator.normal(0, 10, 3) for c in _BACKGROUNDS[int(generator.integers(len(_BACKGROUNDS)))]
    )
    ramp = np.linspace(0.0, 1.0, height // 4)[:, np.newaxis]
    rows = (top * (1 - ramp) + bottom * ramp)[:, np.newaxis, :]
    pixels = np.broadcast_to(rows, (height // 4, width // 4, 3))
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(generator.integers(6, 16))):
        x, y = generator.uniform(0, picture.width), generator.uniform(0, picture.height)
        r = generator.uniform(0.03, 0.16) * picture.width
        pen.ellipse((x - r, y - r, x + r, y + r * generator.uniform(0.6, 1.4)), fill=_varied(tuple(top), generator, 30))
    blurred = picture.filter(ImageFilter.GaussianBlur(generator.uniform(0.8, 2.5)))
    return blurred.resize((width, height), Image.Resampling.BICUBIC)


def _lit(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Adds coloured light from one side and a sensor's noise."""
    pixels = np.asarray(picture).astype(np.float64)
    side = np.linspace(-1.0, 1.0, picture.width) * generator.uniform(-0.25, 0.25)
    light = generator.uniform(0.65, 1.2) * (1.0 + side)[np.newaxis, :, np.newaxis] * generator.uniform(0.92, 1.08, 3)
    noise = generator.normal(0, generator.uniform(1, 7), pixels.shape)
    return Image.fromarray((pixels * light + noise).clip(0, 255).astype(np.uint8))


def _varied(colour: Sequence[float], generator: np.random.Generator, spread: float) -> Colour:
    red, green, blue = (int(np.clip(c + generator.normal(0, spread), 0, 255)) for c in colour)
    return red, green, blue


def _petal(centre: Point, angle: float, length: float, width: float) -> list[Point]:
    """The outline of a leaf-shaped petal that starts at the centre of the flower."""
    along = np.linspace(0.0, 1.0, 14)
    across = np.sin(np.pi * along**0.8) * width / 2
    x = np.concatenate([along, along[::-1]]) * length
    y = np.concatenate([across, -across[::-1]])
    sine, cosine = math.sin(angle), math.cos(angle)
    return list(zip(centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine, strict=True))


def _ring(
    pen: ImageDraw.ImageDraw, centre: Point, petals: int, size: tuple[float, float], colour: Colour, turn: float
) -> None:
    """A ring of petals of one length and width."""
    shade = (int(colour[0] * 0.75), int(colour[1] * 0.75), int(colour[2] * 0.75))
    for petal in range(petals):
        pen.polygon(_petal(centre, turn + 2 * math.pi * petal / petals, *size), fill=colour, outline=shade)


def _disc(pen: ImageDraw.ImageDraw, centre: Point, radius: float, colour: Colour) -> None:
    x, y = centre
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _stem(pen: ImageDraw.ImageDraw, centre: Point, radius: float, generator: np.random.Generator) -> None:
    foot = (centre[0] + generator.uniform(-0.5, 0.5) * radius, centre[1] + 6 * radius)
    pen.line([centre, foot], fill=_varied((70, 120, 50), generator, 12), width=max(2, int(radius * 0.1)))


def _daisy(pen: ImageDraw.ImageDraw, centre: Point, radius: float, generator: np.random.Generator) -> None:
    _stem(pen, centre, radius, generator)
    petals = int(generator.integers(13, 22))
    size = (radius, radius * generator.uniform(0.2, 0.3))
    _ring(pen, centre, petals, size, _varied((238, 238, 232), generator, 8), generator.uniform(0, 1))
    _disc(pen, centre, radius * generator.uniform(0.2, 0.3), _varied((235, 190, 40), generator, 12))


def _dandelion(pen: ImageDraw.ImageDraw, centre: Point, radius: float, generator: np.random.Generator) -> None:
    _stem(pen, centre, radius, generator)
    colour = _varied((240, 205, 30), generator, 12)
    for ring in (1.0, 0.8, 0.6, 0.4, 0.22):
        warm = (colour[0], int(colour[1] * (0.8 + 0.2 * ring)), colour[2])
        petals = int(generator.integers(36, 52))
        _ring(pen, centre, petals, (radius * 0.8 * ring, radius * 0.08), warm, generator.uniform(0, 1))


def _rose(pen: ImageDraw.ImageDraw, centre: Point, radius: float, generator: np.random.Generator) -> None:
    _stem(pen, centre, radius, generator)
    palette = ((190, 25, 45), (225, 110, 140), (240, 225, 200), (225, 130, 60))
    colour = np.array(_varied(palette[generator.integers(len(palette))], generator, 12))
    turn = generator.uniform(0, 2 * math.pi)
    for layer, reach in enumerate(np.linspace(0.55, 0.08, 7)):
        for petal in range(5):
            angle = turn + layer * 0.7 + 2 * math.pi * petal / 5
            x, y = centre[0] + math.cos(angle) * reach * radius, centre[1] + math.sin(angle) * reach * radius
            r = radius * (0.12 + 0.62 * reach)
            shade = _varied(tuple(colour * (0.62 + 0.06 * layer + 0.03 * (petal % 2))), generator, 3)
            pen.ellipse((x - r, y - r, x + r, y + r), fill=shade, outline=_varied(tuple(colour * 0.5), generator, 3))


def _sunflower(pen: ImageDraw.ImageDraw, centre: Point, radius: float, generator: np.random.Generator) -> None:
    _stem(pen, centre, radius, generator)
    colour = _varied((245, 180, 20), generator, 10)
    petals = int(generator.integers(18, 30))
    size = (radius, radius * generator.uniform(0.2, 0.28))
    for turn in generator.uniform(0, 1, 2):
        _ring(pen, centre, petals, size, colour, float(turn))
    heart = radius * generator.uniform(0.42, 0.55)
    _disc(pen, centre, heart, _varied((84, 52, 24), generator, 10))
    for _ in range(90):
        angle, reach = generator.uniform(0, 2 * math.pi), math.sqrt(generator.uniform()) * heart
        seed = (centre[0] + math.cos(angle) * reach, centre[1] + math.sin(angle) * reach)
        _disc(pen, seed, radius * 0.025, _varied((130, 88, 40), generator, 25))


def _tulip(pen: ImageDraw.ImageDraw, centre: Point, radius: float, generator: np.random.Generator) -> None:
    _stem(pen, centre, radius, generator)
    palette = ((200, 30, 40), (235, 180, 40), (150, 50, 130), (235, 120, 150), (240, 235, 230))
    colour = np.array(_varied(palette[generator.integers(len(palette))], generator, 12))
    foot = (centre[0], centre[1] + radius * 0.75)
    lean, width = generator.uniform(-0.12, 0.12), radius * generator.uniform(0.75, 0.95)
    for leaf in (-1, 1):
        blade = _petal((foot[0], foot[1] + 2.2 * radius), -math.pi / 2 + leaf * 0.35, 2.4 * radius, 0.4 * radius)
        pen.polygon(blade, fill=_varied((60, 115, 60), generator, 10))
    for spread, shade in ((-0.3, 0.8), (0.3, 0.85), (-0.12, 0.93), (0.12, 0.97), (0.0, 1.0)):
        outline = _varied(tuple(colour * 0.55), generator, 3)
        petal = _petal(foot, -math.pi / 2 + lean + spread, radius * 1.6, width)
        pen.polygon(petal, fill=_varied(tuple(colour * shade), generator, 3), outline=outline)


KINDS: dict[str, Callable[[ImageDraw.ImageDraw, Point, float, np.random.Generator], None]] = {
    "daisy": _daisy,
    "dandelion": _dandelion,
    "rose": _rose,
    "sunflower": _sunflower,
    "tulip": _tulip,
}
