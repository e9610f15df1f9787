"""Files of tensors in PyTorch's old format: what is in them, and what is refused."""

import pickle
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensor_files import (
    MAGIC,
    ORDERED,
    SYSTEM,
    Called,
    Named,
    Persistent,
    Raw,
    dictionary,
    numbers,
    of_arrays,
    opcodes,
    pickled,
    storage,
    tensor,
    written,
)

from retrainer.backbones.packages import tensor_file
from retrainer.backbones.packages.pickles import NAMES, read_pickle
from retrainer.backbones.packages.tensor_file import read_tensors

VECTOR = np.arange(6, dtype=np.float32)
ONE = {"a": tensor(storage("0", 6), (6,), (1,))}


def whole(**changes: Any) -> bytes:
    return written(**{"tensors": ONE, "keys": ["0"], "content": numbers(VECTOR), **changes})


def test_tensors_of_both_kinds_with_any_strides() -> None:
    arrays: dict[str, Any] = {
        "kernel": np.random.default_rng(0).normal(size=(4, 3, 5, 2)).astype(np.float32),
        "scalar": np.array(7, np.int64),
        "vector": VECTOR,
    }
    received = read_tensors(of_arrays(arrays, transposed=frozenset({"kernel"})))
    assert list(received) == list(arrays)
    for name, array in arrays.items():
        assert received[name].dtype == array.dtype
        np.testing.assert_array_equal(received[name], array)
        assert received[name].flags.c_contiguous


def test_tensors_may_share_a_storage() -> None:
    views = {
        "start": tensor(storage("0", 6), (2,), (1,)),
        "every_other": tensor(storage("0", 6), (2,), (2,), offset=2),
    }
    received = read_tensors(whole(tensors=views))
    assert received["start"].tolist() == [0, 1]
    assert received["every_other"].tolist() == [2, 4]


OWN = Called(Named("posix", "system"), ("touch owned",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (whole(magic=MAGIC + 1), "expected a file of tensors in PyTorch's format of 2016 to 2020"),
        (b"", "pickle"),
        (b"PK\x03\x04" + bytes(100), "its pickle is cut off or damaged"),
        (whole(system={**SYSTEM, "little_endian": False}), "expected version 1001 of the format, little-endian"),
        (whole(system=[]), "expected version 1001"),
        (whole(tensors=OWN), r"its pickle wants 'posix\.system'; only collections\.OrderedDict, torch\._utils\."),
        (whole(magic=0, system=OWN), "expected a file of tensors"),
        (whole(tensors=Raw(b"(iposix\nsystem\n")), r"its pickle wants 'posix\.system'"),
        (whole(tensors=Raw(opcodes("posix") + opcodes("system") + b"\x93")), r"its pickle has the opcode STACK_GLOBAL"),
        (whole(tensors={"a": tensor(storage("0", 6, "HalfStorage"), (6,), (1,))}), r"wants 'torch\.HalfStorage'"),
        (whole(tensors=Raw(b"\x82\x01")), "has the opcode EXT1, which no tensors need"),
        (whole(tensors=Raw(b"\x8e" + bytes([255] * 7) + b"\x7f")), "pickle"),
        (whole(tensors=Raw(b"\x81")), "has the opcode NEWOBJ"),
        (whole(tensors=Called(Named("torch", "FloatStorage"), (6,))), "its pickle makes no sense"),
        (whole(tensors=Called(Named("collections", "OrderedDict"), (6,))), "its pickle makes no sense"),
        (whole(tensors=Called("os.system", ("true",))), "its pickle makes no sense"),
        (whole(tensors=Raw(b"h\x07")), "its pickle makes no sense"),
        (whole(tensors=Raw(b"t")), "its pickle makes no sense"),
        (whole(tensors=Raw(b"R")), "its pickle makes no sense"),
        (whole(tensors=Raw(b"(N(tu")), "its pickle makes no sense"),
        (whole(tensors=Raw(b"NN")), "its pickle makes no sense"),
        (whole(tensors=Raw(b"(N\x85")), "its pickle makes no sense|expected a dictionary"),
        (whole(tensors=Raw(b"}N}s")), "its pickle makes no sense"),
        (whole(tensors=Raw(b"}NNb")), "its pickle makes no sense"),
        (whole(tensors=Raw(b"N(NNe")), "its pickle makes no sense"),
        (whole(tensors=[]), "expected a dictionary of tensors"),
        (whole(tensors={"a": 1}), "expected a dictionary of tensors"),
        (
            whole(tensors={"a": tensor(storage("0", 6, location="cuda:0"), (6,), (1,))}),
            "expected storages .* on the CPU",
        ),
        (whole(tensors={"a": tensor(storage("0", 6, view=("x", 0, 6)), (6,), (1,))}), "expected storages"),
        (whole(tensors={"a": tensor(Persistent(("module", 1)), (6,), (1,))}), "pickle makes no sense|values to unpack"),
        (whole(tensors={"a": tensor("no storage", (6,), (1,))}), "its pickle makes no sense"),
        (whole(tensors={"a": tensor(storage("0", "6"), (6,), (1,))}), "its pickle makes no sense"),
        (whole(tensors={"a": tensor(storage("0", True), (6,), (1,))}), "its pickle makes no sense"),
        (whole(tensors={"a": tensor(storage("0", 6), (6,), (2,))}), "the tensor 'a' lies outside its storage"),
        (whole(tensors={"a": tensor(storage("0", 6), (6,), (1,), offset=1)}), "lies outside its storage"),
        (whole(tensors={"a": tensor(storage("0", 6), (6,), (1,), offset=-1)}), "expected a shape and strides"),
        (whole(tensors={"a": tensor(storage("0", 6), (6,), (-1,), offset=5)}), "expected a shape and strides"),
        (whole(tensors={"a": tensor(storage("0", 6), (2**40, 2**40), (0, 0))}), "lies outside its storage"),
        (whole(tensors={"a": tensor(storage("0", 6), (0,), (1,))}), "lies outside its storage"),
        (whole(tensors={"a": tensor(storage("0", 6), (6,), (1, 1))}), "expected a shape and strides"),
        (whole(tensors={"a": tensor(storage("0", 6), (1,) * 5, (1,) * 5)}), "expected a shape and strides"),
        (whole(tensors={"a": tensor(storage("0", 6), ("6",), (1,))}), "expected a shape"),
        (whole(tensors={"a": tensor(storage("0", 6), None, None)}), "expected a shape and strides"),
        (whole(keys=[]), "its list of storages is not that of its tensors"),
        (whole(keys=["0", "0"]), "its list of storages"),
        (whole(keys=["1"]), "its list of storages"),
        (whole(keys=[0]), "its list of storages"),
        (whole(content=numbers(VECTOR[:5])), "expected 6 numbers in a storage"),
        (whole(content=numbers(VECTOR)[:-1]), "expected 6 numbers in a storage"),
        (whole(content=numbers(VECTOR) + b"more"), r"expected [\d,]+ bytes, received"),
        (whole(content=b"\xff" * 8), "expected 6 numbers in a storage"),
        (whole(content=b""), "expected 6 numbers in a storage"),
        (
            whole(tensors={**ONE, "b": tensor(storage("0", 7), (6,), (1,))}),
            "its tensors state different facts of one storage",
        ),
    ],
)
def test_what_is_no_file_of_tensors_is_refused_in_one_line(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        read_tensors(content)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_no_prefix_of_a_file_is_one() -> None:
    content = whole()
    for end in range(len(content)):
        with pytest.raises(ValueError):  # noqa: PT011 (the reasons differ)
            read_tensors(content[:end])


def test_a_flipped_byte_raises_nothing_else() -> None:
    content = whole()
    for position in range(len(content)):
        for flipped in (0x00, 0x28, 0x52, 0xFF):
            changed = content[:position] + bytes([flipped]) + content[position + 1 :]
            try:
                read_tensors(changed)
            except ValueError:
                continue


def bomb(levels: int) -> Raw:
    """A tuple of a tuple of …, each twice in the next; to walk through all of it takes for ever."""
    doubled = b"q\x00h\x00\x86"
    return Raw(b")" + doubled * levels)


@pytest.mark.parametrize(
    "tensors",
    [
        Raw(b"N" + b"r\xff\xff\xff\xff"),  # Python's unpickler takes 64 GB for this memo
        bomb(1000),
        Raw(opcodes(ORDERED) + b"(" + opcodes(bomb(1000)) + b"Nu"),  # the hash of such a key takes for ever
        Raw(b"(" * 200_000),
        Raw(b")" + b"\x85" * 200_000),  # a deep nest
        Raw(b"X\xff\xff\xff\x7f"),
        Raw(b"\x8b\xff\xff\xff\x7f"),
        Raw(opcodes(bomb(60)) + b"X\x01\x00\x00\x00a\x93"),  # the text of such a module takes for ever
        Raw(b")" + b"\x85" * 200_000 + b"X\x01\x00\x00\x00a\x93"),
        {f"t{number}": tensor(storage("0", 1000), (1000,), (1,)) for number in range(3000)},
    ],
    ids=["memo", "doubled", "key", "marks", "nest", "text", "integer", "module", "deep", "views"],
)
def test_a_few_bytes_take_neither_memory_nor_time(tensors: Any) -> None:
    content = whole(tensors=tensors, content=numbers(np.zeros(1000, np.float32)))
    tracemalloc.start()
    started = time.monotonic()
    with pytest.raises(ValueError):  # noqa: PT011 (the reasons differ)
        read_tensors(content)
    assert time.monotonic() - started < 30
    assert tracemalloc.get_traced_memory()[1] < 2**28
    tracemalloc.stop()


def test_a_pickle_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrainer.backbones.packages.pickles.MOST_BYTES", 100)
    with pytest.raises(ValueError, match="pickle"):
        read_pickle(pickled("x" * 200), 0)
    monkeypatch.setattr(tensor_file, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="expected at most 10 bytes"):
        read_tensors(whole())


def test_only_the_four_names_are_known() -> None:
    assert len(NAMES) == 4
    value, end = read_pickle(b"junk" + pickled(dictionary({})) + b"more", 4)
    assert (value, end) == ({}, 4 + len(pickled(dictionary({}))))
    with pytest.raises(ValueError, match="expected a pickle of protocol 2, received 4"):
        read_pickle(pickle.dumps({}, protocol=4), 0)
    with pytest.raises(ValueError, match=r"its pickle wants 'a{100}'; only collections.OrderedDict") as error:
        read_pickle(b"\x80\x02c" + b"a" * 2**19 + b"\nb\n.", 0)
    assert len(str(error.value)) < 300
