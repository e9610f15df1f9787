"""Which photos are called dark, light, blurry, empty or odd in shape, and which are not."""

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED, Configure
from looked import Looked, written
from pictures import exported, photo, saved
from PIL import Image, ImageDraw, ImageFilter

from retrainer.bottlenecks.look_cache import TABLE
from retrainer.events import silent
from retrainer.findings.looks import BLURRY, look_findings
from retrainer.findings.measured import measured
from retrainer.photos import reading
from retrainer.photos.clean_list.finding import Action, Finding, Kind
from retrainer.photos.copies.fingerprints import fingerprint
from retrainer.photos.images import decode
from retrainer.photos.looks import Look, look_of
from retrainer.retraining import retrain


def large(seed: int) -> Image.Image:
    return photo(seed).resize((480, 320))


def clothing(seed: int) -> Image.Image:
    """A white shirt on white ground: its shadows are grey."""
    picture = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((120, 60 + seed, 280, 260), fill=(244, 244, 240), outline=(150, 150, 150), width=4)
    pen.line((200, 60 + seed, 200, 260), fill=(170, 170, 170), width=5)
    return picture


def dim(picture: Image.Image) -> Image.Image:
    return picture.point(lambda value: value // 10)


SPOILT: dict[str, tuple[set[Kind], Callable[[], Image.Image]]] = {
    "dark": ({Kind.DARK}, lambda: dim(large(50))),
    "black": ({Kind.DARK, Kind.EMPTY}, lambda: Image.new("RGB", (300, 200))),
    "white": ({Kind.LIGHT, Kind.EMPTY}, lambda: Image.new("RGB", (300, 200), "white")),
    "one colour": ({Kind.EMPTY}, lambda: Image.new("RGB", (300, 200), (70, 120, 200))),
    "blurry": ({Kind.BLURRY}, lambda: large(51).filter(ImageFilter.GaussianBlur(0.015 * 320))),
    "long": ({Kind.SHAPE}, lambda: large(52).crop((0, 0, 480, 48))),
    "one pixel": ({Kind.SHAPE, Kind.EMPTY}, lambda: Image.new("RGB", (1, 1), (90, 90, 90))),
    "a line": ({Kind.SHAPE}, lambda: large(53).resize((30_000, 2)).crop((0, 0, 30_000, 1))),
    "transparent": ({Kind.LIGHT, Kind.EMPTY}, lambda: Image.new("RGBA", (200, 200), (5, 9, 200, 0))),
    "white shirt on white": (set(), lambda: clothing(0)),
    "small": (set(), lambda: large(54).resize((100, 67))),
    "grey": (set(), lambda: large(55).convert("L")),
    "sixteen bits": (set(), lambda: Image.fromarray(np.asarray(large(56).convert("L")).astype(np.uint16) * 257)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound photos of two classes, and spoilt ones."""
    root = tmp_path_factory.mktemp("looks") / "photos"
    for seed in range(40):
        written(root / ("one", "other")[seed % 2] / f"{seed}.jpg", exported(large(seed)))
    for name, (_, make) in SPOILT.items():
        written(root / "one" / f"{name}.png", saved(make(), "PNG"))
    written(root / "one" / "inks.jpg", saved(large(57).convert("CMYK"), "JPEG"))
    frames = [large(seed).quantize() for seed in (58, 59)]
    written(root / "one" / "moving.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    (root / "other" / "link.jpg").symlink_to(root / "one" / "dark.png")
    return root


@pytest.fixture
def looked(folder: Path, configured: Configure) -> Looked:
    return Looked(configured(folder))


def test_spoilt_photos_are_found_and_sound_ones_are_not(looked: Looked) -> None:
    found: dict[str, set[Kind]] = {}
    for finding in look_findings(looked.evidence, looked.measured):
        assert finding.kind not in found.get(Path(finding.path).stem, set())
        found.setdefault(Path(finding.path).stem, set()).add(finding.kind)
        assert 0.5 <= finding.score <= 1
        assert "\n" not in finding.reason
    assert found == {**{name: kinds for name, (kinds, _) in SPOILT.items() if kinds}, "link": {Kind.DARK}}


def finding_of(looked: Looked, name: str, kind: Kind) -> Finding:
    found = look_findings(looked.evidence, looked.measured)
    return next(one for one in found if one.path.endswith(name) and one.kind is kind)


def test_reasons_have_the_figure_and_what_is_usual(looked: Looked) -> None:
    blurry = finding_of(looked, "blurry.png", Kind.BLURRY)
    assert blurry.reason.startswith("Sharpness 0.0")
    assert "half of the other photos here have more than 0." in blurry.reason
    assert finding_of(looked, "long.png", Kind.SHAPE).reason.startswith(
        "The longer side is 10.0 times the shorter one;"
    )
    assert finding_of(looked, "one pixel.png", Kind.SHAPE).reason.startswith("The shorter side has 1 pixel;")


def test_what_shows_nothing_is_set_aside_and_the_rest_unless_its_class_is_recognised(looked: Looked) -> None:
    assert finding_of(looked, "one colour.png", Kind.EMPTY).suggestion is Action.SET_ASIDE
    assert finding_of(looked, "blurry.png", Kind.BLURRY).suggestion is Action.NONE
    evidence = looked.evidence
    looked.evidence = replace(evidence, scores=evidence.scores[:, ::-1])
    assert finding_of(looked, "blurry.png", Kind.BLURRY).suggestion is Action.SET_ASIDE


def test_what_most_photos_show_is_no_finding(configured: Configure, tmp_path: Path) -> None:
    for number in range(20):
        picture = dim(large(number)).resize((28, 28))
        written(tmp_path / "night" / ("one", "other")[number % 2] / f"{number}.png", saved(picture, "PNG"))
    looked = Looked(configured(tmp_path / "night"))
    assert look_findings(looked.evidence, looked.measured) == []


def test_looks_are_measured_while_vectors_are_extracted_or_else_once_behind_retrain(
    looked: Looked, configured: Configure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = configured(folder)
    dataset = looked.evidence.dataset
    with monkeypatch.context() as patch:
        patch.setattr("retrainer.findings.measured.content_of", None)
        measured(dataset, options.bottleneck_dir, silent)
    shutil.rmtree(options.bottleneck_dir)
    retrain(options)
    assert not (Path(options.bottleneck_dir) / TABLE).exists()
    again = measured(dataset, options.bottleneck_dir, silent)
    np.testing.assert_allclose(again.looks.sharpness, looked.measured.looks.sharpness, atol=0.25)
    np.testing.assert_array_equal(again.looks.widths, looked.measured.looks.widths)
    monkeypatch.setattr(reading, "read_file", None)
    monkeypatch.setattr("retrainer.findings.measured.content_of", None)
    found = measured(dataset, options.bottleneck_dir, silent).looks
    np.testing.assert_array_equal(found.sharpness, again.looks.sharpness)
    assert list(found.formats) == list(again.looks.formats)


def test_a_photo_that_is_gone_before_it_is_measured_has_no_look(
    looked: Looked, configured: Configure, folder: Path
) -> None:
    options = configured(folder)
    shutil.rmtree(Path(options.bottleneck_dir) / TABLE)
    dataset = looked.evidence.dataset
    paths = tuple("absent.jpg" if path.endswith("blurry.png") else path for path in dataset.paths)
    looked.evidence = replace(looked.evidence, dataset=replace(dataset, paths=paths))
    looked.measured = measured(looked.evidence.dataset, options.bottleneck_dir, silent)
    found = look_findings(looked.evidence, looked.measured)
    assert {one.path for one in found if one.kind is Kind.BLURRY} == set()
    assert finding_of(looked, "dark.png", Kind.DARK)


def test_sides_are_those_of_the_whole_upright_picture() -> None:
    picture, turned = Image.new("RGB", (3000, 1000), "red"), Image.Exif()
    turned[0x0112] = 6
    for content, sides in ((exported(picture), (3000, 1000)), (saved(picture, "JPEG", exif=turned), (1000, 3000))):
        look = look_of(content, decode(content, 64))
        assert (look.width, look.height, look.size, look.format) == (*sides, len(content), "JPEG")


@pytest.mark.parametrize(("format_", "name"), [("PNG", "PNG"), ("WEBP", "WebP"), ("TIFF", "TIFF"), ("BMP", "BMP")])
def test_formats_have_names(format_: str, name: str) -> None:
    content = saved(large(1), format_)
    assert look_of(content, decode(content, 64)).format == name


REAL = SHARED / "photos"


def spoilt(path: Path, change: Callable[[Image.Image], Image.Image]) -> bytes:
    return exported(change(Image.open(io.BytesIO(path.read_bytes())).convert("RGB")))


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not beside the project")
def test_limits_hold_on_real_photos() -> None:
    """No false alarm among 1,495 sound photos, and nearly all that are spoilt are found."""
    paths = sorted(REAL.glob("flowers/*/*.jpg")) + sorted(REAL.glob("clothing/*/*.jpg"))
    assert len(paths) == 1495

    def sharpness(contents: list[bytes]) -> list[float]:
        looks: list[Look] = [look_of(content, decode(content, 224)) for content in contents]
        return [look.sharpness for look in looks]

    assert min(sharpness([path.read_bytes() for path in paths])) > BLURRY
    blurred = [spoilt(path, lambda p: p.filter(ImageFilter.GaussianBlur(0.015 * min(p.size)))) for path in paths[::5]]
    assert np.mean(np.array(sharpness(blurred)) < BLURRY) > 0.98
    from retrainer.findings.looks import DARK, EMPTY, LIGHT, _brightness

    brightest, darkest, contrast = _brightness(np.stack([fingerprint(decode(p.read_bytes(), 224)) for p in paths]))
    assert (brightest.min() > DARK, darkest.max() < LIGHT, contrast.min() > EMPTY) == (True, True, True)
    dark = _brightness(np.stack([fingerprint(decode(spoilt(p, dim), 224)) for p in paths[::5]]))
    assert (dark[0].max() < DARK, dark[2].min() > EMPTY) == (True, True)
