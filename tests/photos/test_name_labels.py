import re
import time

import pytest

from retrainer.errors import OptionError
from retrainer.photos import name_labels
from retrainer.photos.name_hints import label_hint
from retrainer.photos.name_labels import labels_in, require_pattern


def test_a_group_is_the_class() -> None:
    names = ["cat.1.jpg", "in/dog.2.jpg", "odd\udcff\n.3.jpg", "notes", ""]
    assert labels_in(names, r"([^/]+)\.\d+\.") == ["cat", "dog", "odd\udcff\n", "", ""]
    assert labels_in(names, r"(\w)(?P<label>[^/]*)\.\d+\.") == ["at", "og", "dd\udcff\n", "", ""]
    assert labels_in(names, r"^(in/)?dog") == ["", "in/", "", "", ""]
    assert labels_in([], "(a)") == []


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(cat", r"expected a regular expression, received '\(cat': missing \), unterminated subpattern"),
        ("cat", "expected a group in parentheses around the class, received 'cat'"),
        ("", "expected a group in parentheses"),
        ("(?:cat)", "expected a group"),
        ("(a){99999999999}", "expected a regular expression"),
    ],
)
def test_what_is_no_pattern_is_an_error(pattern: str, problem: str) -> None:
    with pytest.raises(OptionError, match=f"--label_from: {problem}"):
        require_pattern(pattern)


def test_a_pattern_that_takes_years_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_labels, "_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(OptionError, match=r"takes more than 1 s for 1 names\.\nDo not repeat"):
        labels_in(["a" * 60], "(a+)+b")
    assert time.monotonic() - began < 20


def test_a_process_that_fails_is_an_error_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_labels, "_CODE", "import sys; sys.stdin.read(); raise MemoryError")
    with pytest.raises(OptionError, match=r"--label_from: '\(a\)' cannot be matched: MemoryError\."):
        labels_in(["a"], "(a)")


def names_of(form: str, count: int = 5) -> list[str]:
    return [form.format(label, number) for label in ("cat", "dog", "sea lion") for number in range(count)]


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("{}.{}.jpg", r"'([^/]+?)\.\d+\.'"),
        ("{}_{}.jpg", r"'([^/]+?)_\d+\.'"),
        ("{}-{}.jpg", r"'([^/]+?)-\d+\.'"),
        ("{} ({}).jpg", r"'([^/]+?) ?\(\d+\)\.'"),
        ("{}({}).jpg", r"'([^/]+?) ?\(\d+\)\.'"),
        ("{} {}.jpg", r"'([^/]+?) \d+\.'"),
        ("{}{}.jpg", r"'([^/]+?)\d+\.'"),
        ("IMG_{}_{}.jpg", r"'IMG_([^/]+?)_\d+\.'"),
        ("train/{}.{}.jpg", r"'([^/]+?)\.\d+\.'"),
        ("{1:03}_{0}.png", r"'\d+[._ -]([^/]+?)\.\w+$'"),
    ],
)
def test_the_pattern_that_fits_names_is_suggested(form: str, pattern: str) -> None:
    names = names_of(form)
    hint = f"If the names tell the class, give --label_from {pattern} for the classes "
    assert label_hint(names) == hint + "'cat' (5), 'dog' (5), 'sea lion' (5)."
    # The pattern of the hint gives what it says, also if some names are odd.
    expected = [label for label in ("cat", "dog", "sea lion") for _ in range(5)]
    assert labels_in(names, pattern.strip("'")) == expected
    assert label_hint([*names, "notes.jpg", "IMG.png"]).startswith(hint)


def test_classes_before_hashes_are_found_and_many_are_counted() -> None:
    names = [f"{label}-{n * 7919 + 10:x}.jpg" for label in ("ape", "bee", "cat", "dog") for n in range(9)]
    assert label_hint(names).endswith("'ape' (9), 'bee' (9), 'cat' (9) and 1 more.")


@pytest.mark.parametrize(
    "names",
    [
        [],
        [f"{number}.jpg" for number in range(9)],
        [f"DSC{number}.jpg" for number in range(9)],
        [f"IMG_{day}_{number}.jpg" for day in (20200101, 20200102) for number in range(9)],
        [f"{number}_{number * 7919:x}.jpg" for number in range(9)],
        [f"roses_{number}.jpg" for number in range(9)],
        ["cat.jpg", "dog.jpg", "bee.jpg"],
        [f"{name} {number}.jpg" for name in ("Screenshot", "Photo", "WhatsApp Image") for number in range(9)],
        [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}-{number:04x}.jpg" for number in range(99)],
    ],
)
def test_names_that_tell_no_class_give_no_hint(names: list[str]) -> None:
    assert label_hint(names) == ""


def test_a_hint_is_one_line_that_can_be_pasted() -> None:
    hint = label_hint([f"it's\x1b[31m{label}_{number}.jpg" for label in "ab" for number in range(3)])
    assert hint.isprintable()
    assert re.search(r"--label_from \S", hint)
