from pathlib import Path

import pytest

from retrainer.errors import DatasetError, ModelError
from retrainer.photos.labels import class_ids_of, label_of, labels_file, labels_of, read_labels


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("daisy", "daisy"),
        ("african_bush_elephant", "african bush elephant"),
        ("Roses-2017", "roses 2017"),
        ("Café", "café"),
        ("Cafe\u0301", "café"),
        ("pássaro-2_grande", "pássaro 2 grande"),
        ("हिन्दी_फूल", "हिन्दी फूल"),
        ("\u06af\u0644\u200c\u0647\u0627", "\u06af\u0644\u0647\u0627"),
        ("\u2764\ufe0f rose \u0301", "rose"),
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


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["rose_1", "rose-1"], "'rose_1' and 'rose-1' would both become the label 'rose 1'"),
        (["\x01"], "gives no label"),
    ],
)
def test_folders_that_give_no_label_of_their_own_are_an_error(folders: list[str], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        labels_of(folders)


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


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ("\ufeffdaisy\r\nRoses \r\n\ttulips\r\n", ("daisy", "Roses", "tulips")),
        ("\ndaisy\n\n  \nroses\n\n\n", ("daisy", "roses")),
        ("0 daisy\n1 roses\n", ("daisy", "roses")),
        ("0:daisy\n1: Cowslip\n2 : tulips", ("daisy", "Cowslip", "tulips")),
        ("1\troses\n0\tdaisy\n", ("daisy", "roses")),
        ("1 roses\n2 daisy\n", ("1 roses", "2 daisy")),
        ("0 euro\n1 euro\n", ("0 euro", "1 euro")),
        ("0 daisy\nroses\n", ("0 daisy", "roses")),
        ("n01440764 tench, Tinca tinca\nn01443537 goldfish\n", ("n01440764 tench, Tinca tinca", "n01443537 goldfish")),
        ("a\x0bb\u2028c\n", ("a\x0bb\u2028c",)),
    ],
)
def test_labels_files_as_others_write_them(tmp_path: Path, content: str, labels: tuple[str, ...]) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(content.encode("utf-8"))
    assert read_labels(str(path)) == labels


def test_what_a_model_states_tells_which_lines_are_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("a\n \nb\n")
    assert read_labels(str(path), ("a", "x", "b")) == ("a", "", "b")
    assert read_labels(str(path), ("a", "b")) == ("a", "b")
    path.write_text("0 dots\n1 dot\n")
    assert read_labels(str(path), ("0 dots", "1 dot")) == ("0 dots", "1 dot")
    assert read_labels(str(path), ("none", "one")) == ("dots", "dot")


@pytest.mark.parametrize(
    ("folder", "labels", "class_id"),
    [
        ("Daisy", ("roses", "Daisy"), 1),
        ("daisy", ("Daisy", "daisy"), 1),
        ("daisy", ("roses", "Daisy "), 1),
        ("African_bush", ("asian", "african bush"), 1),
        ("african bush", ("asian", "African_Bush"), 1),
        ("roses", ("1 daisy", "2 roses"), 1),
        ("2_roses", ("daisy", "roses"), 1),
        ("n01440764", ("n01443537 goldfish", "n01440764 tench, Tinca tinca"), 1),
        ("tench", ("n01443537 goldfish", "n01440764 tench, Tinca tinca"), 1),
        ("n01440764", ("goldfish", "n01440764"), 1),
        ("C++", ("C#", "C++"), 1),
        ("c", ("C#", "C++"), -1),
        ("tulips", ("daisy", "roses"), -1),
        ("\x01", ("", "roses"), -1),
    ],
)
def test_a_folder_stands_for_a_label(folder: str, labels: tuple[str, ...], class_id: int) -> None:
    assert class_ids_of([folder], labels) == [class_id]
