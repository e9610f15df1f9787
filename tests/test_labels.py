from pathlib import Path

import pytest

from retrainer.errors import DatasetError, ModelError
from retrainer.labels import label_of, labels_file, labels_of, read_labels


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("daisy", "daisy"),
        ("african_bush_elephant", "african bush elephant"),
        ("Roses-2017", "roses 2017"),
        ("Café", "caf"),
        ("日本語", "日本語"),
        ("Роза_1", "роза 1"),
        ("123", "123"),
        ("</script>", "script"),
        ("two\nlines", "two lines"),
        ("+++", "+++"),
    ],
)
def test_label_of(folder: str, label: str) -> None:
    assert label_of(folder) == label


def test_two_folders_that_would_become_one_label_are_an_error_naming_both() -> None:
    with pytest.raises(DatasetError, match=r"'rose_1' and 'rose-1' would both become the label 'rose 1'"):
        labels_of(["rose_1", "rose-1"])


def test_a_name_without_a_printable_character_is_an_error() -> None:
    with pytest.raises(DatasetError, match="gives no label"):
        labels_of(["\x01"])


def test_the_labels_file_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(labels_file(["a", "日本語"]))
    assert path.read_text(encoding="utf-8") == "a\n日本語\n"
    assert read_labels(str(path)) == ("a", "日本語")


@pytest.mark.parametrize(("content", "reason"), [(b"", "is empty"), (b"\xff\xfe", "expected UTF-8 text")])
def test_a_labels_file_that_is_none_is_an_error(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        read_labels(str(path))
