"""Folders and files get names that every system takes, and that differ."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrainer.options.sorting import LIST
from retrainer.sorting.names import NONE_OF_THESE, UNREADABLE, file_name, fit, folder_names, numbered

TEXTS = st.text(st.characters() | st.sampled_from("./\\ CONcon1\0\n\udcff"), max_size=300)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("daisy", "daisy"),
        ("日本語", "日本語"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "_"),
        ("", "_"),
        (" .. ", "_"),
        (".git", "_git"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        ("console", "console"),
        ("end. ", "end"),
        ("a\x1b[31m\n\u202eb\udcff", "a_[31m__b_"),
        ("cafe\u0301", "caf\u00e9"),
        ("ä" * 200, "ä" * 100),
    ],
)
def test_a_label_becomes_a_name_by_one_rule(label: str, name: str) -> None:
    assert fit(label, 200) == name


def test_names_differ_from_each_other_and_from_those_that_are_taken() -> None:
    labels = ["A", "a", "a/b", "a:b", "Unreadable", "none of these", "sorted.csv", "caf\u00e9", "CAFE\u0301"]
    assert list(folder_names(labels).values()) == [
        *("A", "a_2", "a_b", "a_b_2", "Unreadable_2", "none of these_2", "sorted.csv_2", "caf\u00e9", "CAF\u00c9_2"),
    ]


@given(st.lists(TEXTS, unique=True, max_size=8))
def test_every_system_takes_every_name(labels: list[str]) -> None:
    names = list(folder_names(labels).values())
    taken = [unicodedata.normalize("NFC", one).casefold() for one in (*names, NONE_OF_THESE, UNREADABLE, LIST)]
    assert len(set(taken)) == len(taken)
    for name in names:
        assert name.isprintable()
        assert not set(name) & set('/\\:*?"<>|')
        assert 0 < len(name.encode()) <= 210
        assert not name.startswith((".", " "))
        assert not name.endswith((".", " "))
        assert name.split(".")[0].strip().lower() not in {"con", "nul", "com1", "lpt1"}


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]) | st.just("\udcff"), min_size=1)


@given(NAMES.filter(lambda name: len(os.fsencode(name)) <= 255))
def test_a_number_stands_before_the_ending_and_fits(name: str) -> None:
    assert numbered(name, 1) == name
    two, many = numbered(name, 2), numbered(name, 12345)
    assert two != many
    assert max(len(os.fsencode(one)) for one in (two, many)) <= 255


def test_an_ending_stays_behind_the_number() -> None:
    assert numbered("tulip.jpg", 2) == "tulip-2.jpg"
    assert numbered("x" * 251 + ".jpg", 10) == "x" * 248 + "-10.jpg"
    assert numbered("." + "y" * 254, 2) == "." + "y" * 252 + "-2"


@pytest.mark.parametrize(
    ("photo", "content", "name"),
    [
        ("https://example.org/a/tulip.jpg?size=3#x", b"", "tulip.jpg"),
        ("https://example.org/%2e%2e%2fevil", b"\xff\xd8\xff", "_._evil.jpg"),
        ("https://example.org/", b"\x89PNG\r\n\x1a\n", "photo.png"),
        ("photos.parquet#12", b"\x89PNG\r\n\x1a\n", "photos.parquet#12.png"),
        ("-", b"\xff\xd8\xff", "photo.jpg"),
        ("photos.zip/cat/C:\\x\n.png", b"", "C__x_.png"),
        ("photos.zip/..", b"text", "_"),
    ],
)
def test_a_photo_without_a_file_gets_a_fitting_name(photo: str, content: bytes, name: str) -> None:
    assert file_name(photo, content) == name
