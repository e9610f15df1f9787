import hashlib
from collections.abc import Sequence

import numpy as np

from retrainer.arrays import Floats
from retrainer.events import Event, Warned
from retrainer.photos.dataset import Dataset
from retrainer.photos.oddities import warn_of_copies_across_classes, warn_of_uniform_classes


def photos(contents: Sequence[str], label_ids: Sequence[int]) -> Dataset:
    """Photos `photo 0`, `photo 1` … with these contents."""
    digests = np.frombuffer(b"".join(hashlib.sha256(c.encode()).digest() for c in contents), np.uint8).reshape(-1, 32)
    paths = tuple(f"photo {number}" for number in range(len(contents)))
    return Dataset(("daisy", "roses", "tulips"), paths, np.array(label_ids), digests)


def warnings_of(contents: Sequence[str], label_ids: Sequence[int], groups: Sequence[int] | None = None) -> list[str]:
    """The warnings of copies across classes; without groups only the same contents are copies."""
    events: list[Event] = []
    groups = [contents.index(content) for content in contents] if groups is None else groups
    warn_of_copies_across_classes(photos(contents, label_ids), np.array(groups), "all.csv", events.append)
    return [event.message for event in events if isinstance(event, Warned)]


def uniformity_warnings(label_ids: Sequence[int], features: Floats) -> list[str]:
    events: list[Event] = []
    dataset = photos([str(number) for number in range(len(label_ids))], label_ids)
    warn_of_uniform_classes(dataset, features, np.arange(len(label_ids)), events.append)
    return [event.message for event in events if isinstance(event, Warned)]


def apart(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 40)).astype(np.float32)


def test_photos_that_are_all_different_are_nothing_to_warn_of() -> None:
    assert warnings_of([str(n) for n in range(12)], [n % 3 for n in range(12)]) == []
    assert uniformity_warnings([n % 3 for n in range(12)], apart(12)) == []


def test_the_same_bytes_in_two_classes_are_named_once() -> None:
    assert warnings_of(["a", "b", "c", "c", "b", "c"], [0, 0, 1, 1, 2, 1]) == [
        "'photo 1' and 'photo 4' are the same file in two classes: keep it in one."
    ]


def test_the_same_picture_in_other_bytes_is_named() -> None:
    groups = [0, 1, 2, 3, 4, 0]
    assert warnings_of(list("abcdef"), [0, 0, 1, 1, 2, 2], groups) == [
        "'photo 0' and 'photo 5' are nearly the same picture in two classes: keep it in one."
    ]
    assert warnings_of(list("abcdef"), [0, 0, 1, 1, 2, 0], groups) == []


def test_a_photo_in_three_classes_is_said_to_be_in_three() -> None:
    assert warnings_of(list("abcaa"), [0, 0, 1, 1, 2]) == [
        "'photo 0' and 'photo 3', and 1 more, are the same file in three classes: keep it in one."
    ]
    assert warnings_of(list("abcde"), [0, 0, 1, 1, 2], [0, 1, 2, 0, 0]) == [
        "'photo 0' and 'photo 3', and 1 more, are nearly the same picture in three classes: keep it in one."
    ]


def test_the_same_file_in_two_classes_that_is_like_a_photo_of_a_third_is_named_once() -> None:
    assert warnings_of(list("abcda"), [0, 0, 1, 1, 2], [0, 1, 2, 0, 0]) == [
        "'photo 0' and 'photo 3', and 1 more, are nearly the same picture in three classes: keep it in one."
    ]


def test_many_pairs_are_counted_and_their_table_is_named() -> None:
    messages = warnings_of([str(number % 20) for number in range(60)], [0] * 20 + [1] * 20 + [2] * 20)
    assert len(messages) == 6
    assert messages[-1] == "15 more are the same file in several classes; 'all.csv' lists them."


def test_a_class_of_one_picture_many_times_is_named() -> None:
    features = np.concatenate([apart(200), 5 + 0.1 * apart(200, 1)])
    assert [message[:40] for message in uniformity_warnings([0] * 200 + [1] * 200, features)] == [
        "The photos of 'roses' are all nearly equ"
    ]
