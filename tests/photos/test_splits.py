import hashlib
import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrainer.arrays import Integers
from retrainer.events import Event, Warned, silent
from retrainer.photos.copies.search import components
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import DRAWN, Part
from retrainer.photos.positions import path_position
from retrainer.photos.splits import split_by_content, split_by_path, stratified_folds

Photo = tuple[int, str, str]
"""Content, class and name of a photo."""


def digest(content: int) -> bytes:
    return hashlib.sha256(str(content).encode()).digest()


def dataset(photos: list[Photo]) -> Dataset:
    labels = tuple(sorted({label for _, label, _ in photos}))
    return Dataset(
        labels,
        tuple(f"photos/{label}/{name}" for _, label, name in photos),
        np.array([labels.index(label) for _, label, _ in photos]),
        np.array([list(digest(content)) for content, _, _ in photos], np.uint8),
    )


def parts_of(photos: list[Photo], validation: int = 10, testing: int = 10, seed: int = 0) -> dict[Photo, int]:
    split = split_by_content(dataset(photos), validation, testing, seed, silent)
    return dict(zip(photos, split.parts.tolist(), strict=True))


def natural(photo: Photo, validation: int = 10, testing: int = 10) -> int:
    """Where a photo goes by its bytes alone, worked out anew."""
    position = int.from_bytes(digest(photo[0])[:8], "big") / 2**64 * 100
    if position < validation:
        return Part.VALIDATION
    return Part.TESTING if position < validation + testing else Part.TRAINING


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("tf_files/flower_photos/daisy/21652746_cc379e0eea_m.jpg", 51.6692090904),
        ("./tf_files/flower_photos/daisy/21652746_cc379e0eea_m.jpg", 69.2236346694),
        ("tf_files/flower_photos/roses/2414954629_3708a1a04d.jpg", 38.2048237190),
        ("img/cat/leaf_nohash_1.jpg", 38.1440634887),
        ("img/cat/leaf_nohash_2.jpg", 38.1440634887),
        ("img/cat/leaf", 38.1440634887),
    ],
)
def test_path_positions_are_those_of_2017(path: str, position: float) -> None:
    assert path_position(path) == pytest.approx(position, abs=1e-9)


def test_the_flowers_split_as_in_the_tutorial(shared: Path) -> None:
    names = (shared / "reference" / "flower_photos_names.txt").read_text(encoding="utf-8").split()
    parts = split_by_path([f"tf_files/flower_photos/{name}" for name in names], 10, 10).parts
    assert len(names) == 3670
    assert Counter(parts.tolist()) == {Part.TRAINING: 3670 - 359 - 362, Part.VALIDATION: 359, Part.TESTING: 362}


# Fewer contents than photos, so that some are identical; names with and without _nohash_.
contents = st.integers(0, 10**6)
names = st.one_of(
    st.integers(0, 9999).map("{:04d}.jpg".format), st.integers(0, 999).map("leaf_nohash_{:03d}.jpg".format)
)
classes = st.sampled_from(["a", "b", "c"])


def with_names(label_of: dict[int, str]) -> list[Photo]:
    return [(content, label, f"{content}.jpg") for content, label in label_of.items()]


# Content -> class: no photo is there twice.
plain_sets = st.dictionaries(contents, classes, min_size=2, max_size=60)


def assert_all_at_home_but_borrowed(parts: dict[Photo, int]) -> None:
    """Every photo is where its bytes put it, but for at most two in a class, or a class too small to test."""
    for label in "abc":
        members = {photo: part for photo, part in parts.items() if photo[1] == label}
        if len(members) < 3:
            assert set(members.values()) <= {Part.TRAINING}
        else:
            assert sum(part != natural(photo) for photo, part in members.items()) <= 2


@settings(max_examples=200, deadline=None)
@given(plain_sets, plain_sets)
def test_adding_photos_moves_nobody_but_borrowed_ones(label_of: dict[int, str], others: dict[int, str]) -> None:
    before, after = parts_of(with_names(label_of)), parts_of(with_names(others | label_of))
    assert_all_at_home_but_borrowed(before)
    sizes = Counter(label_of.values())
    for photo, part in before.items():
        if sizes[photo[1]] >= 3 and part == natural(photo):
            assert after[photo] == part


@settings(max_examples=200, deadline=None)
@given(plain_sets, st.randoms(use_true_random=False))
def test_renaming_and_reordering_move_nobody(label_of: dict[int, str], random: Random) -> None:
    photos = with_names(label_of)
    renamed = [(content, label, f"new-{number}.png") for number, (content, label, _) in enumerate(photos)]
    random.shuffle(renamed)
    before = {photo[0]: part for photo, part in parts_of(photos).items()}
    assert {photo[0]: part for photo, part in parts_of(renamed).items()} == before


@settings(max_examples=200, deadline=None)
@given(plain_sets, st.lists(classes, min_size=60, max_size=60))
def test_relabelling_moves_nobody_but_borrowed_ones(label_of: dict[int, str], labels: list[str]) -> None:
    relabelled = dict(zip(label_of, labels, strict=False))
    assert_all_at_home_but_borrowed(parts_of(with_names(label_of)))
    assert_all_at_home_but_borrowed(parts_of(with_names(relabelled)))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 25), classes, names), min_size=2, max_size=60, unique_by=lambda p: p[1:]))
def test_identical_photos_stay_together_and_so_do_variants(photos: list[Photo]) -> None:
    parts = parts_of(photos)
    by_content: dict[int, set[int]] = {}
    for photo, part in parts.items():
        by_content.setdefault(photo[0], set()).add(part)
    assert all(len(found) == 1 for found in by_content.values())
    # Where every photo of the same bytes is a variant of "leaf", the name decides.
    variants = {p[0] for p in photos if "_nohash_" in p[2]} - {p[0] for p in photos if "_nohash_" not in p[2]}
    assert len({part for photo, part in parts.items() if photo[0] in variants}) <= 1


@settings(max_examples=200, deadline=None)
@given(plain_sets, st.integers(0, 40), st.integers(0, 40), st.integers(0, 3))
def test_every_class_has_its_minimum(label_of: dict[int, str], validation: int, testing: int, seed: int) -> None:
    photos = with_names(label_of)
    parts = parts_of(photos, validation, testing, seed)
    for label in {photo[1] for photo in photos}:
        counts = Counter(part for photo, part in parts.items() if photo[1] == label)
        if counts.total() < 3:
            assert set(counts) == {Part.TRAINING}
        else:
            assert counts[Part.TRAINING] >= 1
            assert (counts[Part.VALIDATION] >= 1) == (validation > 0)
            assert (counts[Part.TESTING] >= 1) == (testing > 0)


def test_percentages_are_kept_on_the_whole() -> None:
    photos = [(number, "a", f"{number}.jpg") for number in range(4000)]
    counts = Counter(parts_of(photos, 10, 20).values())
    assert abs(counts[Part.VALIDATION] - 400) < 60
    assert abs(counts[Part.TESTING] - 800) < 80


def test_another_seed_is_another_split_of_the_same_size() -> None:
    photos = [(number, "a", f"{number}.jpg") for number in range(2000)]
    tests = [{p for p, part in parts_of(photos, seed=seed).items() if part == Part.TESTING} for seed in range(12)]
    assert all(150 < len(test) < 250 for test in tests)
    # Of 200 photos about 20 are in both of two splits that know nothing of one another.
    assert all(5 < len(a & b) < 45 for a, b in itertools.combinations(tests, 2))


def test_a_class_of_two_photos_only_trains_and_says_so() -> None:
    events: list[Event] = []
    photos = [(1, "a", "1"), (2, "a", "2"), *((n, "b", str(n)) for n in range(10, 40))]
    split = split_by_content(dataset(photos), 10, 10, 0, events.append)
    assert split.parts[:2].tolist() == [Part.TRAINING, Part.TRAINING]
    assert [e.message for e in events if isinstance(e, Warned)] == [
        "'a' has fewer than three different photos: they are used for training only."
    ]


def test_the_borrowed_photo_is_the_one_whose_hash_is_nearest() -> None:
    photos = [(n, "a", f"{n}.jpg") for n in range(300) if natural((n, "a", "")) == Part.TRAINING]
    hashes = {photo: int.from_bytes(digest(photo[0])[:8], "big") for photo in photos}
    nearest, second, *_ = sorted(photos, key=hashes.__getitem__)
    borrowed = {photo: part for photo, part in parts_of(photos).items() if part != Part.TRAINING}
    assert borrowed == {nearest: Part.VALIDATION, second: Part.TESTING}


def test_variants_that_span_classes_leave_no_class_without_a_part() -> None:
    # Every name is there in both classes, so that a person's photos stay together across them.
    photos = [
        (100 * person + shot, f"{'ab'[shot % 2]}", f"person{person}_nohash_{shot}.jpg")
        for person in range(8)
        for shot in range(8)
    ]
    for seed in range(20):
        parts = parts_of(photos, seed=seed)
        for label in "ab":
            assert {part for photo, part in parts.items() if photo[1] == label} == set(Part)
        for person in range(8):
            assert len({part for photo, part in parts.items() if photo[2].startswith(f"person{person}_")}) == 1


def test_identical_classes_share_what_little_they_have() -> None:
    events: list[Event] = []
    photos = [(content, label, f"{content}.jpg") for label in "ab" for content in range(4)]
    split = split_by_content(dataset(photos), 10, 10, 0, events.append)
    assert split.parts[:4].tolist() == split.parts[4:].tolist()
    assert set(split.parts.tolist()) == set(Part)
    assert events == []


def parts_of_grouped(photos: list[Photo], groups: list[int], seed: int = 0) -> list[int]:
    grouped = replace(dataset(photos), groups=np.array(groups))
    parts: list[int] = split_by_content(grouped, 10, 10, seed, silent).parts.tolist()
    return parts


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 25), classes, names), min_size=2, max_size=60, unique_by=lambda p: p[1:]),
    st.lists(st.integers(0, 30), min_size=60, max_size=60),
)
def test_groups_stay_together_and_so_does_what_they_link(photos: list[Photo], groups: list[int]) -> None:
    groups = groups[: len(photos)]
    parts = parts_of_grouped(photos, groups)
    for one, other in itertools.combinations(range(len(photos)), 2):
        if groups[one] == groups[other] or photos[one][0] == photos[other][0]:
            assert parts[one] == parts[other]


def test_a_photo_that_joins_a_group_moves_that_group_at_most() -> None:
    photos = [(number, "ab"[number % 2], f"{number}.jpg") for number in range(400)]
    groups = [number // 3 for number in range(400)]
    before = parts_of_grouped(photos, groups)
    moved = 0
    for new in range(1000, 1040):
        after = parts_of_grouped([*photos, (new, "a", f"{new}.jpg")], [*groups, 5])
        assert {row for row in range(400) if after[row] != before[row]} <= {15, 16, 17}
        moved += after[15] != before[15]
    # Each of the four photos is as likely to decide the position, and most positions are those of training photos.
    assert 0 <= moved < 15


@pytest.mark.parametrize("seed", [0, 1])
def test_groups_of_many_are_tested_as_often_as_single_photos(seed: int) -> None:
    photos = [(number, "a", f"{number}.jpg") for number in range(5000)]
    counts = Counter(parts_of_grouped(photos, [number // 5 for number in range(5000)], seed))
    assert abs(counts[Part.TESTING] - 500) < 150
    assert abs(counts[Part.VALIDATION] - 500) < 150


def test_a_photo_alone_in_its_group_stays_where_its_bytes_put_it() -> None:
    photos = [(number, "a", f"{number}.jpg") for number in range(300)]
    assert parts_of_grouped(photos, list(range(300))) == list(parts_of(photos).values())


def test_folds_keep_groups_together() -> None:
    photos = [(number, "abc"[number % 3], f"{number}.jpg") for number in range(300)]
    groups = np.arange(300) // 4
    folds = stratified_folds(replace(dataset(photos), groups=groups), 5, 0)
    assert all(len(set(folds[groups == group].tolist())) == 1 for group in range(75))
    assert set(folds.tolist()) == set(range(5))


def shared_photos(classes_of: dict[int, str]) -> list[Photo]:
    """Photos, each in all classes of a text of labels."""
    return [(content, label, f"{content}.jpg") for content, labels in classes_of.items() for label in labels]


@pytest.mark.parametrize(
    "classes_of",
    [
        # A class borrows what only it has before what others have, too. Otherwise the last class finds that both of
        # its shared photos are taken.
        {20: "a", 14: "b", 54: "ab", 57: "ab"},
        # A class whose photo another borrowed is looked at again. Otherwise the other class takes the only photo of
        # a part, and nobody notices.
        {18: "a", 48: "b", 54: "bc", 57: "ab", 31: "ac"},
    ],
    ids=["own photos first", "looked at again"],
)
def test_classes_that_share_photos_have_all_parts(classes_of: dict[int, str]) -> None:
    photos = shared_photos(classes_of)
    for label in {photo[1] for photo in photos}:
        own = [photo for photo in photos if photo[1] == label]
        if len(own) >= 3:
            parts = parts_of(photos)
            assert {parts[photo] for photo in own} == set(Part), label


def test_classes_of_the_same_few_photos_train_wherever_these_lie() -> None:
    for content in range(40):
        parts = parts_of([*shared_photos({content: "ab"}), *shared_photos(dict.fromkeys(range(100, 120), "c"))])
        assert {part for photo, part in parts.items() if photo[1] != "c"} == {Part.TRAINING}


def split_with(photos: list[Photo], given: list[int], groups: list[int], percentages: tuple[int, int]) -> list[int]:
    stated = replace(dataset(photos), groups=np.array(groups), given=np.array(given, np.int8))
    parts: list[int] = split_by_content(stated, *percentages, 0, silent).parts.tolist()
    return parts


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), classes, st.sampled_from([DRAWN, *Part]), st.integers(0, 20)),
        min_size=2,
        max_size=60,
    ),
    st.sampled_from([(10, 10), (0, 20), (30, 0), (0, 0), (40, 40)]),
)
def test_given_parts_are_kept_and_the_rest_of_a_group_follows(
    rows: list[tuple[int, str, int, int]], percentages: tuple[int, int]
) -> None:
    photos = [(content, label, f"{number}.jpg") for number, (content, label, _, _) in enumerate(rows)]
    stated = [part for _, _, part, _ in rows]
    parts = split_with(photos, stated, [group for *_, group in rows], percentages)
    for part, own in zip(stated, parts, strict=True):
        lent = part == Part.TRAINING and own not in stated
        assert part in (DRAWN, own) or lent
    # Photos of one content or one group, directly or through others, that are given at most one part have one part.
    linked = components(len(rows), _links(rows))
    for group in set(linked.tolist()):
        members = [row for row in range(len(rows)) if linked[row] == group]
        given_here = {stated[row] for row in members} - {DRAWN}
        if len(given_here) <= 1:
            assert len({parts[row] for row in members}) == 1
        else:
            assert {parts[row] for row in members if stated[row] == DRAWN} <= {min(given_here)}


def _links(rows: list[tuple[int, str, int, int]]) -> Integers:
    """The pairs of photos that share a content or a group."""
    pairs = [
        (one, two)
        for one, two in itertools.combinations(range(len(rows)), 2)
        if rows[one][0] == rows[two][0] or rows[one][3] == rows[two][3]
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


@settings(max_examples=200, deadline=None)
@given(plain_sets, st.lists(st.sampled_from([Part.TRAINING, Part.TESTING]), min_size=60, max_size=60))
def test_a_part_that_no_photo_is_given_is_drawn_from_training(label_of: dict[int, str], said: list[Part]) -> None:
    photos = with_names(label_of)
    stated = [int(part) for part in said[: len(photos)]]
    if Part.TESTING not in stated or Part.TRAINING not in stated:
        return
    parts = split_with(photos, stated, list(range(len(photos))), (10, 10))
    for label in "abc":
        own = [row for row, photo in enumerate(photos) if photo[1] == label]
        trains = [row for row in own if stated[row] == Part.TRAINING]
        assert [row for row in own if parts[row] == Part.TESTING] == [row for row in own if stated[row] == Part.TESTING]
        drawn = Counter(parts[row] for row in trains)
        if len(trains) >= 3:
            assert drawn[Part.TRAINING] >= 1
            assert drawn[Part.VALIDATION] >= 1
        else:
            assert set(drawn) <= {Part.TRAINING}


def test_a_class_that_is_missing_in_a_given_part_is_warned_of_and_borrows_nothing() -> None:
    events: list[Event] = []
    photos = [(number, "ab"[number % 2], f"{number}.jpg") for number in range(60)]
    stated = [Part.TESTING if number < 20 and number % 2 else Part.TRAINING for number in range(60)]
    split = split_by_content(replace(dataset(photos), given=np.array(stated, np.int8)), 0, 10, 0, events.append)
    assert split.parts.tolist() == stated
    assert [e.message for e in events if isinstance(e, Warned)] == ["Label a has no images in the category testing."]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), min_size=20, max_size=60), st.integers(0, 3))
def test_no_group_is_in_two_folds(rows: list[tuple[int, int]], seed: int) -> None:
    photos = [(content, "ab"[number % 2], f"{number}.jpg") for number, (content, _) in enumerate(rows)]
    groups = np.array([group for _, group in rows])
    folds = stratified_folds(replace(dataset(photos), groups=groups), 5, seed)
    for same in (groups, np.array([content for content, _ in rows])):
        assert all(len(set(folds[same == one].tolist())) == 1 for one in set(same.tolist()))
