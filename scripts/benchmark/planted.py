"""Photos with something planted among them, of which a benchmark knows what and where."""

import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from retrainer.photos.clean_list.finding import Finding, Kind


@dataclass(frozen=True)
class Planted:
    """What was planted.

    Attributes:
        kind: What the findings of it are called.
        photos: The path of each planted photo -> the photo that it was made of, or an empty text.
    """

    kind: Kind
    photos: Mapping[str, str]

    def found(self, findings: Iterable[Finding]) -> tuple[float, float]:
        """The recall and the precision of findings, 0 to 1; only those of the planted kind count.

        Of a copy and the photo that it was made of either may be named, if the other one stands beside it.
        """
        named = [one for one in findings if one.kind is self.kind]
        right = {planted for one in named if (planted := self._planted_in(one))}
        wrong = sum(not self._planted_in(one) for one in named)
        return len(right) / len(self.photos), len(right) / max(len(right) + wrong, 1)

    def _planted_in(self, finding: Finding) -> str:
        """The planted photo that a finding is about; empty if it is about another one."""
        if finding.path in self.photos and (self.kind is not Kind.COPY or self._beside(finding.path, finding)):
            return finding.path
        return next((path for path in finding.compared_with if self.photos.get(path) == finding.path), "")

    def _beside(self, path: str, finding: Finding) -> bool:
        return self.photos[path] in finding.compared_with


def linked(photos: Path, folder: Path) -> list[str]:
    """Fills a new folder with links to all photos of class folders; returns their paths, sorted."""
    for path in sorted(photos.glob("*/*")):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / path.name).symlink_to(path.resolve())
    return sorted(map(str, folder.glob("*/*")))


Change = Callable[[Image.Image], Image.Image]


def _scaled(picture: Image.Image) -> Image.Image:
    return picture.resize((max(1, round(0.6 * picture.width)), max(1, round(0.6 * picture.height))))


def _cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((int(0.05 * width), int(0.05 * height), int(0.95 * width), int(0.95 * height)))


COPIES: Mapping[str, tuple[Change, int]] = {
    "resized": (_scaled, 85),
    "quality 60": (lambda picture: picture, 60),
    "cropped": (_cropped, 90),
    "mirrored": (ImageOps.mirror, 90),
    "brighter": (lambda picture: ImageEnhance.Brightness(picture).enhance(1.2), 90),
}
"""What near copies of a photo are made by, and the quality of their JPEG."""

LOOKS: Mapping[Kind, Change] = {
    Kind.DARK: lambda picture: picture.point(lambda value: value // 10),
    Kind.LIGHT: lambda picture: Image.new("RGB", picture.size, "white"),
    Kind.BLURRY: lambda picture: picture.filter(ImageFilter.GaussianBlur(0.015 * min(picture.size))),
    Kind.EMPTY: lambda picture: Image.new("RGB", picture.size, picture.getpixel((0, 0))),
    Kind.SHAPE: lambda picture: picture.crop((0, 0, picture.width, max(1, picture.width // 10))),
}
"""What spoilt photos are made by."""


def plant_copies(paths: Sequence[str], count: int, generator: np.random.Generator) -> Planted:
    """Adds near copies of some photos, each to a class by chance, and as many of each of `COPIES`."""
    classes = sorted({os.path.dirname(path) for path in paths})
    photos = {}
    for number, original in enumerate(generator.choice(np.array(paths), count, replace=False).tolist()):
        change, quality = list(COPIES.values())[number % len(COPIES)]
        path = os.path.join(classes[generator.integers(len(classes))], f"copy {number}.jpg")
        Path(path).write_bytes(_saved(change(_opened(original)), quality))
        photos[path] = original
    return Planted(Kind.COPY, photos)


def spoil(paths: Sequence[str], kind: Kind, count: int, generator: np.random.Generator) -> Planted:
    """Spoils some photos in their places, in the way of a kind."""
    chosen = generator.choice(np.array(paths), count, replace=False).tolist()
    for path in chosen:
        content = _saved(LOOKS[kind](_opened(path)), 90)
        os.unlink(path)
        Path(path).write_bytes(content)
    return Planted(kind, dict.fromkeys(chosen, ""))


def _opened(path: str) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _saved(picture: Image.Image, quality: int) -> bytes:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=quality)
    return content.getvalue()


def mislabel(paths: Sequence[str], share: float, generator: np.random.Generator) -> Planted:
    """Moves a share of the photos to the folders of other classes."""
    classes = sorted({os.path.dirname(path) for path in paths})
    photos = {}
    for number, path in enumerate(generator.choice(np.array(paths), round(share * len(paths)), replace=False).tolist()):
        own = classes.index(os.path.dirname(path))
        other = classes[(own + generator.integers(1, len(classes))) % len(classes)]
        moved = os.path.join(other, f"moved {number}{os.path.splitext(path)[1]}")
        os.rename(path, moved)
        photos[moved] = ""
    return Planted(Kind.LABEL, photos)


def plant_strange(paths: Sequence[str], strange: Path, count: int, generator: np.random.Generator) -> Planted:
    """Links some photos of other classes into the classes, each by chance."""
    classes = sorted({os.path.dirname(path) for path in paths})
    photos = {}
    others = sorted(map(str, strange.resolve().glob("*/*")))
    for number, other in enumerate(generator.choice(np.array(others), count, replace=False).tolist()):
        path = os.path.join(classes[generator.integers(len(classes))], f"strange {number}{os.path.splitext(other)[1]}")
        os.symlink(other, path)
        photos[path] = ""
    return Planted(Kind.OUTLIER, photos)
