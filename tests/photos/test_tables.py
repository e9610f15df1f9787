import csv
import json
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrainer.answers.texts import for_spreadsheet, stored
from retrainer.errors import DatasetError, OptionError
from retrainer.events import Event, FilesFound, Noted, PhotoSkipped, Warned, silent
from retrainer.options.in_memory import TableInMemory
from retrainer.options.split import SplitOptions
from retrainer.photos.dataset import dataset_of
from retrainer.photos.files import PhotoFiles
from retrainer.photos.parts import DRAWN, Part
from retrainer.photos.scanning import scan
from retrainer.photos.splits import split_by_content, stratified_folds

Rows = list[dict[str, Any]]
FLOWERS: Rows = [
    {"path": "a/1.jpg", "label": "daisy", "split": "train", "group": "p1"},
    {"path": "a/2.jpg", "label": "roses", "split": "Validation", "group": ""},
    {"path": "b/3.jpg", "label": "daisy", "split": "TEST", "group": "p2"},
    {"path": "b/4.jpg", "label": "roses", "split": "", "group": "p1"},
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    return tmp_path


def write(path: Path, rows: Rows, columns: list[str] | None = None) -> str:
    """Writes the photos of some rows, and a table of the rows in the format of its name."""
    for row in rows:
        if isinstance(row.get("path"), str) and row["path"] and "\0" not in row["path"]:
            photo = path.parent / row["path"]
            photo.parent.mkdir(parents=True, exist_ok=True)
            photo.write_bytes(os.fsencode(row["path"]))
    columns = columns or list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix.lower() in (".csv", ".tsv"):
        with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerows([columns, *([row.get(name) for name in columns] for row in rows)])
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return str(path.relative_to(Path.cwd()))


def rows_of(files: PhotoFiles) -> set[tuple[str, str, int]]:
    """The path, the label and the part of each file."""
    assert files.parts is not None
    labels = [files.labels[label_id] for label_id in files.class_ids]
    return set(zip(files.paths, labels, files.parts.tolist(), strict=True))


def rows_in_groups(files: PhotoFiles) -> list[int]:
    assert files.groups is not None
    numbers: list[int] = files.groups.tolist()
    return numbers


WANTED = {
    ("set/a/1.jpg", "daisy", Part.TRAINING),
    ("set/a/2.jpg", "roses", Part.VALIDATION),
    ("set/b/3.jpg", "daisy", Part.TESTING),
    ("set/b/4.jpg", "roses", DRAWN),
}


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "T.CSV"])
def test_every_format_gives_labels_parts_and_groups(here: Path, name: str) -> None:
    files = scan(write(here / "set" / name, FLOWERS), silent)
    assert rows_of(files) == WANTED
    assert (files.classes, files.labels, files.class_ids.tolist()) == (
        ("daisy", "roses"),
        ("daisy", "roses"),
        [0, 0, 1, 1],
    )
    assert files.stamps[0].tolist() == [7, *files.stamps[0].tolist()[1:]]
    by_path = dict(zip(files.paths, rows_in_groups(files), strict=True))
    assert by_path["set/a/1.jpg"] == by_path["set/b/4.jpg"]
    assert len(set(by_path.values())) == 3


class Frame:
    """A table with the parts of a pandas DataFrame that are used."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.columns = np.array(list(rows[0]), np.object_)

    def __getitem__(self, name: str) -> Any:
        return np.array([row[name] for row in self._rows], np.object_)


@pytest.mark.parametrize("kind", ["a frame", "pandas", "pyarrow", "polars"])
def test_a_table_in_memory_is_relative_to_the_working_folder(
    here: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here / "set" / "t.csv", FLOWERS)
    monkeypatch.chdir("set")
    table: Any = Frame(FLOWERS)
    if kind != "a frame":
        module = pytest.importorskip(kind)
        table = module.Table.from_pylist(FLOWERS) if kind == "pyarrow" else module.DataFrame(FLOWERS)
    options = SplitOptions(image_dir=table)
    for image_dir in (options.image_dir, pickle.loads(pickle.dumps(options.image_dir))):
        files = scan(image_dir, silent)
        assert rows_of(files) == {(path.removeprefix("set/"), label, part) for path, label, part in WANTED}
        assert files.root == f"{type(table).__name__} in memory"
        assert type(files.root) is str


def test_empty_cells_and_numbers_of_data_frames(here: Path) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [{"path": f"{number}.jpg", "label": number % 2} for number in range(4)]
    write(here / "t.csv", rows)
    table = pandas.DataFrame([*rows[:3], {"path": Path("3.jpg"), "label": 1}])
    table["split"], table["group"] = ["test", None, float("nan"), pandas.NA], [1.0, float("nan"), 1.0, 2.0]
    files = scan(TableInMemory(table), silent)
    assert files.labels == ("0", "1")
    assert rows_of(files) >= {("0.jpg", "0", Part.TESTING), ("3.jpg", "1", DRAWN)}
    by_path = dict(zip(files.paths, rows_in_groups(files), strict=True))
    assert by_path["0.jpg"] == by_path["2.jpg"]
    assert len(set(by_path.values())) == 3


def test_paths_may_be_absolute_or_in_an_archive_or_written_on_windows(here: Path) -> None:
    import zipfile

    with zipfile.ZipFile(here / "set" / "photos.zip", "w") as archive:
        archive.writestr("cat/1.jpg", b"photo")
    write(here / "set" / "t.csv", [{"path": "dog/2.jpg", "label": "dog"}, {"path": "dog/3.jpg", "label": "dog"}])
    (here / "set" / "t.csv").write_text(
        f"path,label\nphotos.zip/cat/1.jpg,cat\ndog\\2.jpg,dog\n{here}/set/dog/3.jpg,dog\nphotos.zip/cat/2.jpg,cat\n"
    )
    events: list[Event] = []
    files = scan("set/t.csv", events.append)
    assert set(files.paths) == {"set/photos.zip/cat/1.jpg", "set/dog/2.jpg", f"{here}/set/dog/3.jpg"}
    assert files.stamps[files.paths.index("set/photos.zip/cat/1.jpg")][0] == 5
    assert [event.path for event in events if isinstance(event, PhotoSkipped)] == ["set/photos.zip/cat/2.jpg"]


HOSTILE = [
    "new\nline",
    "tab\t",
    'quo"te',
    "com,ma",
    "semi;colon",
    "=cmd()",
    "-1",
    "@x",
    "\x1b[31mred",
    "\u202etxt",
    " a ",
]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_names_of_all_kinds_are_read_as_they_are_and_shown_safely(here: Path, name: str) -> None:
    rows: Rows = [{"path": f"{odd}.jpg", "label": "ab"[number % 2]} for number, odd in enumerate(HOSTILE)]
    if name == "t.csv":
        rows.append({"path": os.fsdecode(b"no utf-8 \xff.jpg"), "label": "a"})
    image_dir = write(here / "set" / name, rows)
    assert set(scan(image_dir, silent).paths) == {os.path.join("set", row["path"]) for row in rows}
    for row in rows:
        os.remove(here / "set" / row["path"])
    events: list[Event] = []
    with pytest.raises(DatasetError) as error:
        scan(image_dir, events.append)
    assert str(error.value).replace("\n", "").isprintable()


def test_a_table_that_was_written_as_answers_is_read_back(here: Path) -> None:
    write(here / "set" / "t.csv", [{"path": f"{odd}.jpg", "label": "a"} for odd in HOSTILE])
    with open(here / "set" / "t.csv", "w", newline="") as file:
        writer = csv.writer(file)
        labels = ["=sum(1)", "-1", "1"]
        cells = [(f"{odd}.jpg", labels[number % 3]) for number, odd in enumerate(HOSTILE)]
        writer.writerows([("path", "label"), *([for_spreadsheet(stored(cell)) for cell in row] for row in cells)])
    files = scan("set/t.csv", silent)
    assert set(files.paths) == {f"set/{odd}.jpg" for odd in HOSTILE}
    assert files.labels == ("-1", "1", "=sum(1)")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("path,class\n1.jpg,a\n", "'t.csv': expected columns 'path' and 'label', found 'path', 'class'."),
        (
            "path,label,Label\n1.jpg,a,b\n",
            "'t.csv': expected one column 'label', found several: 'path', 'label', 'L",
        ),
        ("path,label\n", "'t.csv': expected a row for each photo, received none."),
        ("", "'t.csv': expected a table with the names of columns first; it is empty."),
        ("path,label\n1.jpg,a\n2.jpg, \n", "'t.csv', row 3: expected a label, received an empty cell."),
        ("path,label\n1.jpg,a\n,b\n", "'t.csv', row 3: expected a path, received an empty cell."),
        ("path,label\n1.jpg,a\n2.jpg\n", "'t.csv', row 3: expected a label, received an empty cell."),
        ("path,label\n1.jpg,a\n2.jpg,b,c\n", "'t.csv', row 3: expected 2 cells, one for each column, received 3."),
        ('path,label\n1.jpg,a\n"2.jpg"x,b\n', "'t.csv', row 3: the table cannot be read: ',' expected after '\"'."),
        ("path,label\n1.jpg,a\n./1.jpg,b\n", "'t.csv', row 3: './1.jpg' is listed in row 2, too, with another label."),
        (
            "path,label,split\n1.jpg,a,old\n",
            "'t.csv', row 2: expected one of train, training, val, valid, validation, dev, test, testing or nothing in "
            "the column 'split', received 'old'.",
        ),
        (
            "path,label,split\n1.jpg,a,train\n1.jpg,a,test\n",
            "'t.csv', row 3: '1.jpg' is listed in row 2, too, with another split.",
        ),
        (
            "path,label\n1.jpg,a\n2.jpg,A\n",
            "'t.csv': expected at least 2 classes in the column 'label', received on",
        ),
        (
            "path,label\n1.jpg,\x1b[31m\n",
            "'t.csv', row 2: expected a label of at most 1,000 printable characters, received '\\x1b[31m'.",
        ),
        (
            "path,label\n9.jpg,a\n",
            "'t.csv', row 2: none of 1 files can be read; the first is '9.jpg': No such file",
        ),
        (
            "path,label\n.,a\n",
            "'t.csv', row 2: none of 1 files can be read; the first is '.': expected a file,",
        ),
        ("path,label\n\0,a\n", "'t.csv', row 2: none of 1 files can be read; the first is '\\x00': no such file"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_the_row(here: Path, text: str, problem: str) -> None:
    write(here / "x.csv", [{"path": f"{number}.jpg", "label": "a"} for number in (1, 2)])
    (here / "t.csv").write_text(text)
    with pytest.raises(DatasetError) as error:
        scan("t.csv", silent)
    assert error.value.problem.startswith(problem)
    assert "\n" not in error.value.problem
    assert ("delete the row" in str(error.value)) == ("an empty cell" in problem)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "t.jsonl",
            b'{"path": "1.jpg", "label": "a"}\n[1]\n',
            "'t.jsonl', row 2: expected an object of JSON, received list",
        ),
        ("t.jsonl", b'{"path": "1.jpg"\n', "'t.jsonl', row 1: expected an object of JSON: Expecting"),
        ("t.jsonl", b'{"path": "1.jpg", "label": {}}\n', "'t.jsonl', row 1: expected a text in the column 'label', r"),
        ("t.jsonl", b"[" * 100_000, "'t.jsonl', row 1: expected an object of JSON: "),
        ("t.jsonl", b"", "'t.jsonl': expected a table with the names of columns first; it is empty."),
        ("t.parquet", b"PAR1 no parquet", "'t.parquet': the table cannot be read: "),
        ("t.csv", b"\xff\xfepat", "'t.csv': the table cannot be read: "),
        ("t.csv", b"path,label\n" + b"x" * 2**21, "'t.csv': expected lines of at most 1,048,576 characters"),
    ],
)
def test_a_damaged_table_is_an_error_in_a_line(here: Path, name: str, content: bytes, problem: str) -> None:
    (here / name).write_bytes(content)
    with pytest.raises(DatasetError, match=f"^{re.escape(problem)}"):
        scan(name, silent)


def test_a_table_that_is_not_there_is_an_error_of_the_option(here: Path) -> None:
    with pytest.raises(OptionError, match=r"--image_dir: 'no\.csv' does not exist; expected a table of photos"):
        scan("no.csv", silent)
    (here / "folder.csv").mkdir()
    with pytest.raises(DatasetError, match="No valid folders of images found"):
        scan("folder.csv", silent)


def test_missing_files_are_skipped_with_their_rows(here: Path) -> None:
    image_dir = write(here / "set" / "t.csv", FLOWERS)
    os.remove("set/b/3.jpg")
    events: list[Event] = []
    assert len(scan(image_dir, events.append).paths) == 3
    assert [event for event in events if isinstance(event, PhotoSkipped)] == [
        PhotoSkipped("set/b/3.jpg", "No such file or directory (row 4 of the table)")
    ]


def test_labels_are_kept_as_they_are_but_for_case_and_spaces(here: Path) -> None:
    labels = ["Café  au lait", " café au  LAIT ", "-1", "1", "C++", "C#"]
    rows = [{"path": f"{number}.jpg", "label": label} for number, label in enumerate(labels)]
    assert scan(write(here / "set" / "t.csv", rows), silent).labels == ("-1", "1", "C#", "C++", "Café au lait")


def test_what_the_table_states_is_said_and_may_be_ignored(here: Path) -> None:
    image_dir = write(here / "set" / "t.csv", [*FLOWERS, {**FLOWERS[0], "path": "./a/1.jpg"}])
    events: list[Event] = []
    scan(image_dir, events.append)
    assert [event.message for event in events if isinstance(event, Noted)] == [
        "1 row lists a file again; each file is read once",
        "The column 'split' states training (1 file), validation (1 file), testing (1 file), of 4: "
        "--split_by folders keeps that; the others are drawn",
        "The column 'group' has 2 groups, whose photos stay together and count as one in intervals; "
        "1 of 4 photos have none",
    ]
    assert events[-1] == FilesFound(4, 2)
    assert scan(image_dir, events.append, split_by="content").parts is None
    assert Noted("The column 'split' is not used, because --split_by content is given") in events
    assert scan(image_dir, events.append, split_by="path").groups is not None
    assert Warned("--split_by path may separate the photos of a group, which flatters the figures.") in events
    plain = write(here / "set" / "plain.csv", [{"path": row["path"], "label": row["label"]} for row in FLOWERS])
    files = scan(plain, silent)
    assert (files.parts, files.groups) == (None, None)
    with pytest.raises(DatasetError, match="--split_by folders expects a column 'split' that states parts"):
        scan(plain, silent, split_by="folders")


def test_groups_that_a_given_split_tears_apart_are_counted_and_named(here: Path) -> None:
    rows = [
        {"path": f"{number}.jpg", "label": "ab"[number % 2], "split": split, "group": group}
        for number, (split, group) in enumerate(
            [
                ("train", "p\x1b1"),
                ("test", "p\x1b1"),
                ("train", "p2"),
                ("val", "p2"),
                ("test", "p3"),
                ("", "p3"),
                ("train", ""),
            ]
        )
    ]
    events: list[Event] = []
    scan(write(here / "set" / "t.csv", rows), events.append)
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "The given split leaks: 2 groups are in several parts: 'p\\x1b1', 'p2'. So the figures are too good. "
        "Give all photos of a group the same part."
    ]


photo_rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["", "train", "val", "test"]), st.integers(0, 8)),
    min_size=12,
    max_size=40,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(photo_rows, st.integers(0, 3))
def test_no_group_is_in_two_parts_or_folds(here: Path, rows: list[tuple[str, str, int]], seed: int) -> None:
    # A group has the part of its first photo or none, so that no given part tears it apart.
    part_of = {group: split for _, split, group in reversed(rows)}
    table = [
        {"path": f"{number}.jpg", "label": label, "split": part_of[group] if number % 2 else "", "group": f"g{group}"}
        for number, (label, _, group) in enumerate(rows)
    ]
    if len({label for label, _, _ in rows}) < 2:
        return
    files = scan(write(here / "set" / "t.csv", table), silent)
    digests = np.random.default_rng(seed).integers(0, 256, (len(rows), 32), np.uint8)
    dataset = dataset_of(files, np.ones(len(rows), np.bool_), digests, silent)
    assert dataset.groups is not None
    parts = split_by_content(dataset, 20, 20, seed, silent).parts
    folds = stratified_folds(dataset, 3, seed)
    for group in set(dataset.groups.tolist()):
        assert len(set(parts[dataset.groups == group].tolist())) == 1
        assert len(set(folds[dataset.groups == group].tolist())) == 1


def test_a_class_of_a_table_without_a_readable_photo_falls_away(here: Path) -> None:
    rows = [{"path": f"{number}.jpg", "label": "abc"[number % 3]} for number in range(6)]
    files = scan(write(here / "set" / "t.csv", rows), silent)
    digests = np.zeros((6, 32), np.uint8)
    events: list[Event] = []
    dataset = dataset_of(files, files.class_ids != 1, digests, events.append)
    assert (dataset.labels, dataset.label_ids.tolist()) == (("a", "c"), [0, 0, 1, 1])
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "Class has less than 20 images, which may cause issues. 'a' has 2.",
        "No readable photos in 'b': the class is skipped.",
        "Class has less than 20 images, which may cause issues. 'c' has 2.",
    ]
    with pytest.raises(DatasetError, match=r"expected readable photos of two classes, received only those of 'b'\."):
        dataset_of(files, files.class_ids == 1, digests, silent)


def said(image_dir: str | TableInMemory) -> tuple[PhotoFiles, list[str]]:
    """The files of a table, and the messages about them but for those about single files."""
    events: list[Event] = []
    files = scan(image_dir, events.append)
    return files, [event.message for event in events if isinstance(event, Noted | Warned)]


def test_texts_for_a_missing_value_are_no_group_and_no_part(here: Path) -> None:
    missing = ["nan", "NaN", "None", "<NA>", "null", "N/A", "#N/A", "NaT", ""]
    rows = [{"path": f"{n}.jpg", "label": "ab"[n % 2], "split": one, "group": one} for n, one in enumerate(missing)]
    rows += [{"path": f"{n}.jpg", "label": "a", "split": "", "group": "camera"} for n in (90, 91)]
    files, messages = said(write(here / "set" / "t.csv", rows))
    assert len(set(rows_in_groups(files))) == len(missing) + 1
    assert files.parts is None
    assert messages == [
        "The column 'group' has 1 group, whose photos stay together and count as one in intervals; "
        "9 of 11 photos have none"
    ]


def test_a_label_that_may_be_a_missing_value_and_labels_in_another_case_are_said(here: Path) -> None:
    rows = [{"path": f"{n}.jpg", "label": label} for n, label in enumerate(["Rose", "rose", "nan", "tulip", "nan"])]
    files, messages = said(write(here / "set" / "t.csv", rows))
    assert files.labels == ("Rose", "nan", "tulip")
    assert messages == [
        "Labels that differ only in case are one class, such as 'Rose' and 'rose'",
        "'nan' (2 files) is a class like the others. Leave out its rows if their class is unknown.",
    ]


def test_columns_that_are_not_used_are_named(here: Path) -> None:
    rows = [{"path": f"{n}.jpg", "label": "ab"[n % 2], "set": "test", "patient": 1, "x": 1, "y": 2} for n in range(4)]
    _, messages = said(write(here / "set" / "t.csv", rows))
    assert messages == [
        "Columns other than path, label, split and group are not used: 'set', 'patient', 'x' and 1 more"
    ]


def test_classes_and_given_parts_that_lose_all_their_files_are_warned_of(here: Path) -> None:
    rows = [
        {"path": f"{label}{part}.jpg", "label": label, "split": part} for label in "abc" for part in ("train", "test")
    ]
    image_dir = write(here / "set" / "t.csv", rows)
    os.remove(here / "set" / "ctrain.jpg")
    for label in "abc":
        os.remove(here / "set" / f"{label}test.jpg")
    events: list[Event] = []
    files = scan(image_dir, events.append)
    assert [event.message for event in events if isinstance(event, Warned) and not isinstance(event, PhotoSkipped)] == [
        "No files exist of 'c': the class is skipped.",
        "None of the 3 photos of the given part 'testing' exists. "
        "If other photos are drawn for it, its figures are of those.",
    ]
    assert files.labels == ("a", "b")


def test_given_photos_that_cannot_be_read_are_warned_of(here: Path) -> None:
    rows = [
        {"path": f"{label}{part}.jpg", "label": label, "split": part} for label in "ab" for part in ("train", "val")
    ]
    files = scan(write(here / "set" / "t.csv", rows), silent)
    events: list[Event] = []
    readable = np.array([not path.endswith("val.jpg") for path in files.paths])
    dataset_of(files, readable, np.zeros((4, 32), np.uint8), events.append)
    assert "None of the 2 photos of the given part 'validation' can be read. " in "\n".join(map(str, events))


def test_a_file_under_two_spellings_is_read_once_and_has_one_label(here: Path) -> None:
    image_dir = write(here / "set" / "t.csv", [{"path": "1.jpg", "label": "a"}, {"path": "2.jpg", "label": "b"}])
    table = here / "set" / "t.csv"
    first = table.read_text()
    table.write_text(f"{first}{here}/set/1.jpg,a\n 2.jpg,b\n")
    files, messages = said(image_dir)
    assert files.paths == ["set/1.jpg", "set/2.jpg"]
    assert messages == ["2 rows list a file again; each file is read once"]
    table.write_text(f"{first} 1.jpg,b\n")
    with pytest.raises(DatasetError, match=r"row 4: '1.jpg' is listed in row 2, too, with another label"):
        scan(image_dir, silent)


def test_only_held_out_photos_cannot_train(here: Path) -> None:
    rows = [{"path": f"{label}{part}.jpg", "label": label, "split": part} for label in "ab" for part in ("test", "val")]
    image_dir = write(here / "set" / "t.csv", rows)
    with pytest.raises(DatasetError, match=r"'set/t.csv': the column 'split' states no training photos"):
        scan(image_dir, silent)
    assert len(scan(image_dir, silent, fewest=1).paths) == 4


class Columns:
    """A table whose columns are lists, as those of some libraries are, or cannot be read."""

    columns = ("path", "label")

    def __init__(self, cells: Any) -> None:
        self.cells = cells

    def __getitem__(self, name: str) -> Any:
        return self.cells[name]


def test_other_tables_in_memory_are_read_or_refused_in_a_line(here: Path) -> None:
    for name in ("1.jpg", "2.jpg"):
        (here / name).write_bytes(b"photo")
    table = Columns({"path": ["1.jpg", "2.jpg"], "label": ["a", "b"]})
    assert scan(TableInMemory(table), silent).labels == ("a", "b")
    for cells in ({}, {"path": 1, "label": 2}):
        with pytest.raises(DatasetError, match="'Columns in memory': expected columns that can be read as lists"):
            scan(TableInMemory(Columns(cells)), silent)
    pictures = Columns({"path": [b"\xff\xd8\0" * 50_000], "label": ["a"]})
    with pytest.raises(
        DatasetError, match=r"row 1: expected a text in the column 'path', received the bytes of a file"
    ):
        scan(TableInMemory(pictures), silent)


def test_a_label_in_another_encoding_says_what_to_do(here: Path) -> None:
    write(here / "set" / "t.csv", [{"path": "1.jpg", "label": "a"}])
    for label, fix in ((b"r\xf6se", "Save the table as UTF-8."), ("\u202ea".encode(), "")):
        (here / "set" / "t.csv").write_bytes(b"path,label\n1.jpg," + label + b"\n")
        with pytest.raises(DatasetError, match="expected a label of at most 1,000 printable characters") as error:
            scan("set/t.csv", silent)
        assert error.value.fix == fix


def test_days_are_groups_and_addresses_are_not_fetched(here: Path) -> None:
    from datetime import date, datetime

    rows: Rows = [{"path": f"{n}.jpg", "label": "ab"[n % 2], "group": date(2020, 1, 1 + n // 2)} for n in range(4)]
    assert len(set(rows_in_groups(scan(write(here / "set" / "t.parquet", rows), silent)))) == 2
    times: Rows = [{**row, "group": datetime(2020, 1, 1, n // 2)} for n, row in enumerate(rows)]
    assert len(set(rows_in_groups(scan(write(here / "set" / "t.parquet", times), silent)))) == 2
    (here / "set" / "u.csv").write_text("path,label\nhttp://127.0.0.1/1.jpg,a\n")
    with pytest.raises(DatasetError, match="an address, which is not fetched; expected the path of a file"):
        scan("set/u.csv", silent)
