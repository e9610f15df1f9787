import base64

import numpy as np
import pytest

import retrainer.measuring.remembered_split
from retrainer.arrays import Digests
from retrainer.measuring.remembered_split import AMBIGUOUS, NEW, UNKNOWN, RememberedSplit
from retrainer.models.metadata import ModelMetadata
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.positions import content_positions
from retrainer.photos.splits import Split

PHOTOS = 300


@pytest.fixture
def digests() -> Digests:
    return np.random.default_rng(0).integers(0, 256, (PHOTOS, 32), np.uint8)


def split_of(digests: Digests, parts: list[int]) -> RememberedSplit:
    dataset = Dataset(("a",), tuple(map(str, range(len(digests)))), np.zeros(len(digests), np.int64), digests)
    return RememberedSplit.of(dataset, Split(np.array(parts, np.int8)), SplitOptions(split_by="path"))


def hashed(digests: Digests) -> list[bytes]:
    return [bytes(digest[8:13]) for digest in digests]


def test_each_photo_is_known_by_its_bytes(digests: Digests) -> None:
    parts = [0, 0, 0, 1, 2] * 40
    remembered = split_of(digests[:200], parts)
    again = RememberedSplit.from_metadata(remembered.to_metadata())
    assert again
    assert again.known_parts(digests).tolist() == parts + [NEW] * 100
    assert again.learnt(digests) == (1.0, 120 / 300)


def test_bytes_of_a_test_photo_and_another_are_ambiguous(digests: Digests) -> None:
    remembered = split_of(digests[[0, 1, 1, 2, 2, 3]], [0, 0, 2, 1, 2, 2])
    assert remembered.known_parts(digests[:5]).tolist() == [Part.TRAINING, AMBIGUOUS, AMBIGUOUS, Part.TESTING, NEW]


def test_of_photos_beyond_the_largest_hash_of_a_sample_nothing_is_known(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrainer.measuring.remembered_split, "_KEPT", 50)
    parts = [0, 0, 0, 1, 2] * 40
    remembered = split_of(digests[:200], parts)
    bound = sorted(hashed(digests[:200]))[49]
    expected = [
        UNKNOWN if one > bound else part for one, part in zip(hashed(digests), parts + [NEW] * 100, strict=True)
    ]
    assert expected.count(UNKNOWN) > 200
    assert expected.count(NEW) > 10
    assert remembered.known_parts(digests).tolist() == expected
    # The share of all that trained, though one in four of their hashes is kept.
    of_training, learnt = remembered.learnt(digests[:200])
    assert of_training == 1.0
    assert learnt == pytest.approx(0.6, abs=0.1)


def test_an_earlier_version_remembers_training_photos_only(digests: Digests) -> None:
    remembered = split_of(digests[:200], [0, 0, 0, 1, 2] * 40)
    stated = {name: value for name, value in remembered.to_metadata().items() if name not in ("validated", "tested")}
    trained = digests[:200].reshape(40, 5, 32)[:, :3, :5].tobytes()
    earlier = RememberedSplit.from_metadata({**stated, "trained": base64.b64encode(trained).decode("ascii")})
    assert earlier
    assert earlier.known_parts(digests).tolist() == [0, 0, 0, UNKNOWN, UNKNOWN] * 40 + [UNKNOWN] * 100


def test_what_is_kept_of_many_photos_is_bounded() -> None:
    digests = np.random.default_rng(0).integers(0, 256, (120_000, 32), np.uint8)
    stated = split_of(digests, [0] * 120_000).to_metadata()
    assert len(stated["trained"]) == 100_000 * 5 // 3 * 4 + 4


def test_of_many_photos_that_were_moved_those_in_doubt_count_as_trained(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrainer.measuring.remembered_split, "_KEPT", 50)
    dataset = Dataset(("a",), tuple(map(str, range(PHOTOS))), np.zeros(PHOTOS, np.int64), digests)
    # All are tested, as only some would be by their bytes.
    remembered = RememberedSplit.of(
        dataset, Split(np.full(PHOTOS, Part.TESTING, np.int8)), SplitOptions(split_by="content")
    )
    assert len(remembered.moved) == 50
    hashes, _ = content_positions(dataset, 0)
    known = hashes <= int(max(remembered.moved), 16)
    assert 50 <= known.sum() < 100
    assert remembered.parts(dataset).tolist() == np.where(known, Part.TESTING, Part.TRAINING).tolist()


def test_what_many_moved_photos_leave_in_a_model_is_bounded_and_can_be_read() -> None:
    digests = np.random.default_rng(0).integers(0, 256, (120_000, 32), np.uint8)
    dataset = Dataset(("a",), ("x",) * len(digests), np.zeros(len(digests), np.int64), digests)
    split = Split(np.full(len(digests), Part.TESTING, np.int8))
    remembered = RememberedSplit.of(dataset, split, SplitOptions(image_dir="photos", split_by="content"))
    assert len(remembered.moved) == 100_000
    described = ModelMetadata(("a",), 224, 0.0, 1.0, "o", "r", split=remembered.to_metadata()).identified(b"")
    assert ModelMetadata.from_json(described.to_bytes(), "it.pb") == described
