import hashlib
import shutil

import numpy as np
from conftest import Configure, Photos

from retrainer import retrain
from retrainer.arrays import Floats
from retrainer.cleaning import warn_of_oddities
from retrainer.dataset import Dataset
from retrainer.events import Event, Warned


def told(contents: list[str], label_ids: list[int], features: Floats) -> list[str]:
    """The warnings of photos `photo 0`, `photo 1` … with these contents."""
    digests = np.frombuffer(b"".join(hashlib.sha256(c.encode()).digest() for c in contents), np.uint8).reshape(-1, 32)
    paths = tuple(f"photo {number}" for number in range(len(contents)))
    events: list[Event] = []
    dataset = Dataset(("daisy", "roses", "tulips"), paths, np.array(label_ids), digests)
    warn_of_oddities(dataset, features, np.arange(len(contents)), events.append)
    return [event.message for event in events if isinstance(event, Warned)]


def apart(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 40)).astype(np.float32)


def test_photos_that_are_all_different_are_nothing_to_warn_of() -> None:
    assert told([str(n) for n in range(12)], [n % 3 for n in range(12)], apart(12)) == []


def test_the_same_bytes_in_two_classes_are_named_once() -> None:
    features = apart(6)
    features[4] = features[1]
    assert told(["a", "b", "c", "c", "b", "c"], [0, 0, 1, 1, 2, 1], features) == [
        "'photo 1' and 'photo 4' are the same file in two classes: keep it in one."
    ]


def test_the_same_picture_in_other_bytes_is_named() -> None:
    features = apart(6)
    features[5] = 3 * features[0] + 0.01
    assert told(list("abcdef"), [0, 0, 1, 1, 2, 2], features) == [
        "'photo 0' and 'photo 5' are nearly the same picture in two classes: keep it in one."
    ]
    assert told(list("abcdef"), [0, 0, 1, 1, 2, 0], features) == []


def test_classes_that_look_alike_throughout_are_no_pairs() -> None:
    """As where a camera sees good and faulty pieces of one kind."""
    features = 5 + 0.3 * apart(80)
    assert told([str(number) for number in range(80)], [0, 1] * 40, features)[:1] == [
        "The photos of 'daisy' are all nearly equal: its test says little. "
        "Photos of other days, places and things would teach more."
    ]


def test_many_pairs_are_counted_and_a_photo_in_three_classes_is_one() -> None:
    contents = [str(number % 20) for number in range(60)]
    messages = told(contents, [0] * 20 + [1] * 20 + [2] * 20, np.tile(apart(20), (3, 1)))
    assert len(messages) == 6
    assert messages[0] == "'photo 0' and 'photo 20', and 1 more, are the same file in two classes: keep it in one."
    assert messages[-1] == "15 more are the same file in two classes."


def test_a_class_of_one_picture_many_times_is_named() -> None:
    features = np.concatenate([apart(200), 5 + 0.1 * apart(200, 1)])
    messages = told([str(number) for number in range(400)], [0] * 200 + [1] * 200, features)
    assert [message[:40] for message in messages] == ["The photos of 'roses' are all nearly equ"]


def test_a_run_warns(photos: Photos, configured: Configure) -> None:
    root = photos(count=12)
    shutil.copy(root / "red" / "003.jpg", root / "green" / "a copy.jpg")
    events: list[Event] = []
    retrain(configured(root), events.append)
    messages = [event.message for event in events if isinstance(event, Warned)]
    copied = f"'{root / 'green' / 'a copy.jpg'}' and '{root / 'red' / '003.jpg'}' are the same file in two classes"
    assert any(message.startswith(copied) for message in messages)
