import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from retrainer.arrays import Floats
from retrainer.bottlenecks import mapped_matrix as module
from retrainer.bottlenecks.mapped_matrix import mapped_matrix
from retrainer.errors import OutputError

DEPTH = 3
VECTORS = {f"part-{n}": np.full((n + 1, DEPTH), n, np.float32) for n in range(4)}
NAMES = list(VECTORS)


def matrix(folder: Path, names: Sequence[str], read: list[str] | None = None) -> Floats:
    def reading(wanted: Sequence[str]) -> Iterator[tuple[str, Floats]]:
        for name in wanted:
            if read is not None:
                read.append(name)
            yield name, VECTORS[name]

    made, held = mapped_matrix(folder, names, DEPTH, reading)
    assert held == list(names)
    return made


def expected(names: Sequence[str]) -> Floats:
    return np.concatenate([VECTORS[name] for name in names])


def test_new_files_are_appended(tmp_path: Path) -> None:
    read: list[str] = []
    for end in range(1, 5):
        np.testing.assert_array_equal(matrix(tmp_path, NAMES[:end], read), expected(NAMES[:end]))
    assert read == NAMES


def test_after_a_file_is_gone_or_came_between_all_are_copied_again(tmp_path: Path) -> None:
    before = matrix(tmp_path, NAMES)
    for names in (NAMES[1:], NAMES):
        np.testing.assert_array_equal(matrix(tmp_path, names), expected(names))
    np.testing.assert_array_equal(before, expected(NAMES))


def test_a_copy_that_was_killed_goes_on_where_the_list_ends(tmp_path: Path) -> None:
    matrix(tmp_path, NAMES[:2])
    with (tmp_path / "_vectors.npy").open("ab") as handle:
        handle.write(b"half a row")
    np.testing.assert_array_equal(matrix(tmp_path, NAMES), expected(NAMES))
    np.testing.assert_array_equal(np.load(tmp_path / "_vectors.npy"), expected(NAMES))


def test_without_a_file_that_can_be_read_the_matrix_is_empty(tmp_path: Path) -> None:
    for _ in range(2):
        assert matrix(tmp_path, []).shape == (0, DEPTH)
    np.testing.assert_array_equal(matrix(tmp_path, NAMES), expected(NAMES))


def hostile_header(folder: Path, header: str) -> None:
    """A header that NumPy would evaluate."""
    length = len(header).to_bytes(4, "little")
    (folder / "_vectors.npy").write_bytes(b"\x93NUMPY\x02\x00" + length + header.encode() + bytes(1000))


def listed(folder: Path, parts: object) -> None:
    (folder / "_vectors.json").write_text(json.dumps({"format": 2, "parts": parts}))


def into_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "_vectors.npy").unlink(),
        lambda folder: os.truncate(folder / "_vectors.npy", 150),
        lambda folder: (folder / "_vectors.npy").write_bytes(b"no matrix" * 100),
        lambda folder: (folder / "_vectors.json").write_text("{"),
        lambda folder: (folder / "_vectors.json").write_text(json.dumps({"format": 2, "parts": [["part-0", 1]]})),
        lambda folder: (folder / "_vectors.json").write_text(json.dumps([1])),
        lambda folder: np.save(folder / "_vectors.npy", np.zeros((100, DEPTH + 1), np.float32)),
        lambda folder: np.save(folder / "_vectors.npy", np.array([{}] * 100), allow_pickle=True),
        lambda folder: hostile_header(folder, "(" * 5000 + ")" * 5000),
        lambda folder: hostile_header(folder, "{'descr': '<f4', 'fortran_order': False, 'shape': (10**12, 3)}"),
        lambda folder: listed(folder, [["part-0", 10**30, 0]]),
        lambda folder: listed(folder, [["part-0", -1, 0], *[[name, 2, 0] for name in NAMES[1:]]]),
        lambda folder: listed(folder, [["part-0", 1.0, 0]]),
        lambda folder: listed(folder, "abc"),
        lambda folder: (folder / "_vectors.json").write_text("[" * 100_000),
        lambda folder: (folder / "_vectors.json").write_bytes(b"\xff"),
        lambda folder: into_pipe(folder / "_vectors.json"),
        lambda folder: into_pipe(folder / "_vectors.npy"),
        lambda folder: into_pipe(folder / "_vectors.lock"),
    ],
)
def test_a_damaged_matrix_or_list_is_copied_again(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    matrix(tmp_path, NAMES)
    damage(tmp_path)
    np.testing.assert_array_equal(matrix(tmp_path, NAMES), expected(NAMES))


@pytest.mark.parametrize("file", ["_vectors.npy", "_vectors.json"])
def test_every_flipped_bit_is_noticed(file: str, tmp_path: Path) -> None:
    """In the header, in vectors, and in the list with its names, lengths and checksums."""
    whole = matrix(tmp_path, NAMES)
    content = (tmp_path / file).read_bytes()
    assert len(content) > 128
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        (tmp_path / file).write_bytes(flipped)
        read: list[str] = []
        np.testing.assert_array_equal(matrix(tmp_path, NAMES, read), expected(NAMES))
        assert read == NAMES or (file == "_vectors.json" and not read and json.loads(flipped) == json.loads(content))
    np.testing.assert_array_equal(whole, expected(NAMES))


def test_a_copy_that_was_checked_is_not_made_again_and_needs_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix(tmp_path, NAMES)
    monkeypatch.delattr(module, "locked")
    read: list[str] = []
    matrix(tmp_path, NAMES, read)
    assert read == []


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    matrix(tmp_path, NAMES[:2])

    def full(names: Sequence[str]) -> Iterator[tuple[str, Floats]]:
        yield names[0], VECTORS[names[0]]
        raise OSError(errno.ENOSPC, "No space left on device")

    size = (tmp_path / "_vectors.npy").stat().st_size
    with pytest.raises(OutputError, match="No space left on device"):
        mapped_matrix(tmp_path, NAMES, DEPTH, full)
    assert (tmp_path / "_vectors.npy").stat().st_size == size
    np.testing.assert_array_equal(matrix(tmp_path, NAMES), expected(NAMES))
