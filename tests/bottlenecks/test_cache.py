import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import dataset, parquet

from retrainer.arrays import Digests, Floats, Integers
from retrainer.bottlenecks import cache as bottleneck_cache
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.bottlenecks.digests import contains, sorted_digests
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.errors import OutputError
from retrainer.events import Event, Warned, silent

DEPTH = 4
ZERO: Integers = np.zeros(3, np.int64)


@pytest.fixture(params=["read", "mapped"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small caches are read into memory, large ones are mapped."""
    if request.param == "mapped":
        monkeypatch.setattr(bottleneck_cache, "MAPPED_BYTES", 0)
    return str(request.param)


def digests(*numbers: int) -> Digests:
    """Rows of 32 equal bytes; the last bytes are zero for 0, which a string comparison must not drop."""
    return np.array([[number] * 32 for number in numbers], np.uint8)


def vectors(*numbers: int) -> Floats:
    return np.array([[number + 0.5] * DEPTH for number in numbers], np.float32)


def cache(folder: Path, events: list[Event] | None = None) -> BottleneckCache:
    return BottleneckCache(folder, "net-1", DEPTH, silent if events is None else events.append)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "net-1").glob("part-*.parquet"))


def test_what_was_added_is_found_by_the_next_run(tmp_path: Path, way: str) -> None:
    cache(tmp_path).add(digests(7, 0, 200), ZERO, vectors(7, 0, 200))
    cache(tmp_path).add(digests(7), np.array([2]), vectors(99))
    opened = cache(tmp_path)
    rows = opened.rows(digests(0, 7, 8, 200, 7), np.array([0, 0, 0, 0, 2]))
    assert (rows < 0).tolist() == [False, False, True, False, False]
    np.testing.assert_array_equal(opened.matrix[rows[rows >= 0]], vectors(0, 7, 200, 99))


def test_an_empty_cache_knows_nothing(tmp_path: Path, way: str) -> None:
    assert cache(tmp_path).rows(digests(1, 2, 3), ZERO).tolist() == [-1, -1, -1]
    assert not (tmp_path / "net-1").exists()


def test_other_tools_read_the_folder_as_it_is(tmp_path: Path) -> None:
    events: list[Event] = []
    cache(tmp_path).add(digests(1, 2, 3), ZERO, vectors(1, 2, 3))
    cache(tmp_path).add(digests(4, 5, 6), ZERO, vectors(4, 5, 6))
    files(tmp_path)[0].write_bytes(b"PAR1 nothing")
    cache(tmp_path, events)
    table = dataset.dataset(tmp_path / "net-1").to_table()
    assert len(events) == 1
    assert table.column_names == ["sha256", "view", "vector"]
    assert table["vector"].to_pylist() == vectors(4, 5, 6).tolist()
    assert table.schema.field("vector").type.list_size == DEPTH


def test_what_was_added_is_found_after_a_refresh(tmp_path: Path, way: str) -> None:
    opened = cache(tmp_path)
    for number in range(5):
        opened.add(digests(number), np.array([0]), vectors(number))
        opened.refresh()
        rows = opened.rows(digests(*range(number + 1)), np.zeros(number + 1, np.int64))
        np.testing.assert_array_equal(opened.matrix[rows], vectors(*range(number + 1)))


def test_photos_that_share_the_beginning_of_their_digests_are_kept_apart(tmp_path: Path, way: str) -> None:
    same = digests(1, 1, 1)
    same[:, 31] = (5, 6, 7)
    cache(tmp_path).add(same, ZERO, vectors(5, 6, 7))
    other = digests(1)
    opened = cache(tmp_path)
    assert opened.rows(np.concatenate([same[::-1], other]), np.zeros(4, np.int64)).tolist() == [2, 1, 0, -1]


def test_a_large_cache_is_mapped_and_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bottleneck_cache, "MAPPED_BYTES", 0)
    cache(tmp_path).add(digests(1, 2, 3), ZERO, vectors(1, 2, 3))
    cache(tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "net-1" / "_vectors.npy", mmap_mode="r"), vectors(1, 2, 3))
    monkeypatch.setattr(BottleneckCache, "_vectors_of", lambda self, names: pytest.fail("read again"))
    opened = cache(tmp_path)
    assert not opened.matrix.flags.writeable
    np.testing.assert_array_equal(opened.matrix, vectors(1, 2, 3))


def test_a_file_that_another_one_replaced_has_its_own_vectors(tmp_path: Path, way: str) -> None:
    for number in (1, 2, 3):
        cache(tmp_path).add(digests(number), np.array([0]), vectors(number))
    cache(tmp_path / "other").add(digests(4, 5), np.zeros(2, np.int64), vectors(4, 5))
    cache(tmp_path)
    first, second, third = files(tmp_path)
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    files(tmp_path / "other")[0].replace(third)
    opened = cache(tmp_path)
    rows = opened.rows(digests(1, 2, 4, 5), np.zeros(4, np.int64))
    np.testing.assert_array_equal(opened.matrix[rows], vectors(1, 2, 4, 5))


def test_a_folder_for_reading_only_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache(tmp_path).add(digests(1, 2, 3), ZERO, vectors(1, 2, 3))
    monkeypatch.setattr(bottleneck_cache, "MAPPED_BYTES", 0)
    (tmp_path / "net-1" / "_vectors.lock").mkdir()
    np.testing.assert_array_equal(cache(tmp_path).matrix, vectors(1, 2, 3))
    monkeypatch.setattr(bottleneck_cache, "MOST_READ", 0)
    with pytest.raises(OutputError, match=r"_vectors\.lock"):
        cache(tmp_path)


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_file_whose_vectors_are_damaged_leaves_a_large_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    for number in (1, 2, 3):
        cache(tmp_path).add(digests(number), np.array([0]), vectors(number))
    index = ("first", "middle", "last").index(place)
    bad = files(tmp_path)[index]
    content = bad.read_bytes()
    start = content.index(np.float32(index + 1.5).tobytes())
    bad.write_bytes(content[:start] + bytes([content[start] ^ 1]) + content[start + 1 :])
    monkeypatch.setattr(bottleneck_cache, "MAPPED_BYTES", 0)
    events: list[Event] = []
    opened = cache(tmp_path, events)
    left = [number for number in (1, 2, 3) if number != index + 1]
    rows = opened.rows(digests(1, 2, 3), ZERO)
    assert len(events) == 1
    assert rows[index] == -1
    np.testing.assert_array_equal(opened.matrix[rows[rows >= 0]], vectors(*left))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "damaged or truncated"),
        (lambda path: path.write_bytes(b""), "damaged or truncated"),
        (lambda path: path.write_bytes(b"no parquet at all"), "damaged or truncated"),
        (lambda path: path.write_bytes(flipped(path.read_bytes())), "damaged or truncated"),
        (lambda path: parquet.write_table(pyarrow.table({"a": [1]}), path), "another table or version"),
        (lambda path: path.write_bytes(other_depth(path)), "another table or version"),
    ],
)
def test_a_bad_file_is_named_set_aside_and_rebuilt(tmp_path: Path, damage, reason: str) -> None:  # type: ignore[no-untyped-def]
    cache(tmp_path).add(digests(1, 2, 3), ZERO, vectors(1, 2, 3))
    cache(tmp_path).add(digests(4), np.array([0]), vectors(4))
    bad, good = files(tmp_path)
    damage(bad)
    events: list[Event] = []
    opened = cache(tmp_path, events)
    (event,) = events
    assert isinstance(event, Warned)
    assert str(bad) in event.message
    assert reason in event.message
    assert (bad.parent / f"_set-aside-{bad.name}").is_file()
    assert files(tmp_path) == [good]
    assert opened.rows(digests(1, 4), np.zeros(2, np.int64)).tolist() == [-1, 0]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_folder_in_the_place_of_a_file_is_set_aside_unopened(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    cache(tmp_path).add(digests(1), np.array([0]), vectors(1))
    (file,) = files(tmp_path)
    file.unlink()
    make(file)
    events: list[Event] = []
    assert not len(cache(tmp_path, events).matrix)
    (event,) = events
    assert isinstance(event, Warned)
    assert "it is no file" in event.message


def flipped(content: bytes) -> bytes:
    """One bit of a vector is flipped; only a checksum notices."""
    place = content.index(np.float32(2.5).tobytes())
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def other_depth(path: Path) -> bytes:
    BottleneckCache(path.parent, "elsewhere", DEPTH + 1, silent).add(
        digests(1), np.array([0]), np.zeros((1, DEPTH + 1), np.float32)
    )
    (written,) = (path.parent / "elsewhere").glob("*.parquet")
    return written.read_bytes()


def test_files_are_known_by_path_size_and_times(tmp_path: Path) -> None:
    paths = ["/a/ü.jpg", "/a/\udcff.jpg", "/b.jpg", "/c.jpg"]
    stamps = np.array([[10, 1, 5], [20, 2, 6], [30, 3, 7], [40, 4, 8]])
    FileIndex(tmp_path, silent).add(paths, stamps, digests(1, 2, 3, 4))
    index = FileIndex(tmp_path, silent)
    found, known = index.digests(paths, stamps + np.array([[0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]]))
    assert known.tolist() == [True, True, False, False]
    np.testing.assert_array_equal(found, digests(1, 2, 0, 0))


def test_the_newest_entry_of_a_file_counts(tmp_path: Path) -> None:
    stamp = np.array([[1, 1, 1]])
    FileIndex(tmp_path, silent).add(["/a"], stamp, digests(1))
    FileIndex(tmp_path, silent).add(["/a"], stamp, digests(2))
    np.testing.assert_array_equal(FileIndex(tmp_path, silent).digests(["/a"], stamp)[0], digests(2))


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "net-1").write_text("not a folder")
    with pytest.raises(OutputError, match="Cannot write"):
        cache(tmp_path).add(digests(1), np.array([0]), vectors(1))


def test_sorted_digests_contain_what_was_put_in() -> None:
    generator = np.random.default_rng(0)
    known: Digests = generator.integers(0, 256, (1000, 32), np.uint8)
    # Bytes beyond 127, zeros at the end, and what differs in the last byte only.
    known[:4] = [[255] * 32, [0] * 32, [7] * 31 + [0], [128] + [0] * 31]
    content = sorted_digests(known)
    assert content == b"".join(sorted(digest.tobytes() for digest in known))
    assert sorted_digests(content) == content
    assert all(contains(content, digest.tobytes()) for digest in known)
    for absent in (bytes([7] * 31 + [1]), bytes([255] * 31 + [254]), bytes([0] * 31 + [1]), bytes([254] * 32)):
        assert not contains(content, absent)
    assert not contains(b"", bytes(32))
