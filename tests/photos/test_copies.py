"""Which photos are copies of others: what is found, and what is not taken for a copy."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from conftest import SHARED
from pictures import CHANGES, cropped, exported, photo
from PIL import Image, ImageDraw

from retrainer.arrays import Digests
from retrainer.photos.copies import candidates
from retrainer.photos.copies.fingerprints import FINGERPRINT_BYTES, Fingerprints, fingerprint, fingerprint_of
from retrainer.photos.copies.search import Copies, components, find_copies, near_copies
from retrainer.photos.flowers import drawn
from retrainer.photos.images import decode


def prints_of(contents: Sequence[bytes]) -> Fingerprints:
    return np.stack([fingerprint(decode(content, 128)) for content in contents])


def digests_of(contents: Sequence[bytes]) -> Digests:
    return np.stack([np.frombuffer(hashlib.sha256(content).digest(), np.uint8) for content in contents])


def copies_of(contents: Sequence[bytes]) -> Copies:
    digests, prints = digests_of(contents), prints_of(contents)
    rows = {digest.tobytes(): row for row, digest in enumerate(digests)}
    return find_copies(digests, lambda wanted: near_copies(prints[[rows[digest.tobytes()] for digest in wanted]]))


@pytest.fixture(scope="module")
def originals() -> list[Image.Image]:
    return [photo(seed) for seed in range(40)]


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_found_and_nothing_else(change: str, originals: list[Image.Image]) -> None:
    contents = [exported(picture, 95) for picture in originals] + [CHANGES[change](picture) for picture in originals]
    groups = copies_of(contents).groups
    assert np.mean(groups[:40] == groups[40:]) >= 0.95
    assert len(set(groups[:40].tolist())) == 40


def test_many_crops_of_one_photo_are_one_group(originals: list[Image.Image]) -> None:
    """As exports with augmentation have them; of two crops neither shows a part of the other."""
    generator = np.random.default_rng(0)
    contents = []
    for picture in originals[:12]:
        contents.append(exported(picture))
        for left, top in generator.uniform(0, 0.1, (10, 2)):
            contents.append(cropped(left, top, left + 0.9, top + 0.9)(picture))
    groups = copies_of(contents).groups.reshape(12, 11)
    assert np.mean(groups == groups[:, :1]) > 0.95
    assert len(set(groups[:, 0].tolist())) == 12


def page(seed: int) -> Image.Image:
    """A scanned page: dark words in lines that are at the same places on every page."""
    generator = np.random.default_rng(seed)
    picture = Image.new("RGB", (600, 800), "white")
    pen = ImageDraw.Draw(picture)
    for top in range(60, 740, 30):
        left = 50
        while left < 520:
            width = int(generator.integers(15, 70))
            pen.rectangle((left, top, left + width, top + 14), fill=(40, 40, 40))
            left += width + 9
    return picture


def shaded(seed: int) -> Image.Image:
    """A plain surface, lit from one side, with a camera's noise."""
    generator = np.random.default_rng(seed)
    light = generator.uniform(20, 200) + np.add.outer(
        np.linspace(0, generator.uniform(-60, 60), 160), np.linspace(0, generator.uniform(-60, 60), 240)
    )
    pixels = light[:, :, np.newaxis] + generator.normal(0, 2, (160, 240, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


DIFFERENT: dict[str, Callable[[int], Image.Image]] = {
    "pages of text": page,
    "shaded surfaces": shaded,
    "one colour": lambda seed: Image.new("RGB", (60, 40), (8 * seed, 255 - 8 * seed, 100)),
    "white": lambda seed: Image.new("RGB", (60 + seed, 40), "white"),
    "drawings": lambda seed: drawn(("daisy", "tulip")[seed % 2], np.random.default_rng(seed)),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_pictures_of_one_kind_are_no_copies(kind: str) -> None:
    copies = copies_of([exported(DIFFERENT[kind](seed)) for seed in range(30)])
    assert len(copies.pairs) == 0
    assert copies.groups.tolist() == list(range(30))


def test_the_same_bytes_are_copies_even_of_a_plain_picture() -> None:
    plain, other = exported(Image.new("RGB", (60, 40), "white")), exported(photo(1))
    copies = copies_of([plain, other, plain, plain])
    assert copies.groups.tolist() == [0, 1, 0, 0]
    assert copies.pairs.tolist() == [[0, 2], [0, 3]]
    assert copies.likenesses.tolist() == [1, 1]


def test_other_photos_change_nothing_between_two(originals: list[Image.Image]) -> None:
    few = [
        exported(originals[0]),
        CHANGES["cropped by 10 %"](originals[0]),
        exported(originals[1]),
        exported(originals[2]),
    ]
    more = few + [exported(picture, 80) for picture in originals[2:]]
    before, after = copies_of(few), copies_of(more)
    assert before.groups.tolist() == [0, 0, 2, 3]
    assert after.groups[:3].tolist() == [0, 0, 2]
    assert after.groups[4] == after.groups[3] == 3


@pytest.mark.parametrize("count", [0, 1])
def test_no_photos_and_one_have_no_copies(count: int) -> None:
    assert near_copies(np.zeros((count, FINGERPRINT_BYTES), np.uint8)).pairs.shape == (0, 2)


def test_a_mirror_image_is_described_as_if_it_were_drawn_anew(originals: list[Image.Image]) -> None:
    thumbnails = [np.asarray(picture.resize((48, 48))) for picture in originals[:5]]
    plain = candidates._described(np.stack([fingerprint_of(pixels) for pixels in thumbnails]))
    mirrored = candidates._described(np.stack([fingerprint_of(pixels[:, ::-1]) for pixels in thumbnails]))
    np.testing.assert_allclose(plain[:, candidates._SWAPPED] * candidates._SIGNS, mirrored, atol=0.01)


def test_of_very_many_that_look_the_same_the_most_similar_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MOST_SIMILAR", 3)
    prints = prints_of([exported(photo(7), quality) for quality in range(40, 90)])
    found = candidates.find_candidates(prints)
    assert 0 < len(found.ones) <= 2 * 3 * 50
    assert np.bincount(found.ones[~found.mirrored]).max() == 3


def test_what_links_photos_makes_one_group_however_they_are_numbered() -> None:
    pairs = np.array([[8, 9], [7, 8], [1, 9], [2, 5], [5, 3]])
    assert components(10, pairs).tolist() == [0, 1, 2, 2, 4, 2, 6, 1, 1, 1]


REAL = SHARED / "photos"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not beside the project")
def test_copies_of_real_photos_are_found_and_no_two_photos_are_joined() -> None:
    flowers, clothing = sorted(REAL.glob("flowers/*/*.jpg")), sorted(REAL.glob("clothing/*/*.jpg"))
    contents = [path.read_bytes() for path in (*flowers, *clothing)]
    assert len(flowers) == 1250
    assert len(copies_of(contents).pairs) == 0
    chosen = list(range(0, len(flowers), 4))
    pictures = [Image.open(flowers[row]).convert("RGB") for row in chosen]
    for name, change in CHANGES.items():
        groups = copies_of([*contents, *map(change, pictures)]).groups
        found = [groups[row] == groups[len(contents) + number] for number, row in enumerate(chosen)]
        assert np.mean(found) >= 0.95, name
        assert len(set(groups[: len(contents)].tolist())) == len(contents), name
