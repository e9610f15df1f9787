"""What `label` reads: lists, tables, archives; whatever is wrong with one row, the others come."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pytest
from pyarrow import parquet

from retrainer.errors import DatasetError, OptionError, PictureError
from retrainer.events import silent
from retrainer.photos.inputs import kinds
from retrainer.photos.inputs.kinds import Kind, inputs_of
from retrainer.photos.inputs.lists import photos_from
from retrainer.photos.inputs.source import TABLES, Request, Source
from retrainer.photos.inputs.table_files import READERS
from retrainer.photos.photo import Photo, content_of, name_of

ODD = os.fsdecode(b"caf\xe9.jpg")
HOSTILE = [
    "a\nb.jpg",
    "a\tb.jpg",
    'a"b.jpg',
    "a,b.jpg",
    "=cmd().jpg",
    "\x1b[31mred.jpg",
    "\u202egpj.jpg",
    "é" * 120,
    ODD,
]


def listed(*blocks: bytes, request: Request | None = None) -> list[str]:
    """The names of the photos in a list that comes in blocks."""
    return [name_of(photo) for photo in photos_from(reads(*blocks), request or Request(silent))]


def reads(*blocks: bytes) -> Callable[[int], bytes]:
    coming = iter([*blocks, b""])
    return lambda size: next(coming)


@pytest.mark.parametrize(
    ("blocks", "names"),
    [
        ([b"a.jpg\nb c.jpg\n"], ["a.jpg", "b c.jpg"]),
        ([b"a.jpg\r\n\r\n  \r\nb.jpg"], ["a.jpg", "b.jpg"]),
        ([b"\xef\xbb\xbfa.jpg\n"], ["a.jpg"]),
        ([b"a", b".jp", b"g\nb.jpg"], ["a.jpg", "b.jpg"]),
        ([b"two\nlines.jpg\0b\r\0", b" \0c.jpg"], ["two\nlines.jpg", "b\r", "c.jpg"]),
        ([b"caf\xe9.jpg\nBM.jpg\n"], [ODD, "BM.jpg"]),
        ([b"BM1.jpg\0GIF87a.jpg\0"], ["BM1.jpg", "GIF87a.jpg"]),
        ([b"a.jpg\n", b"b\0.jpg\n"], ["a.jpg", "b\0.jpg"]),
        ([b""], []),
    ],
)
def test_a_list_is_split_at_zero_bytes_or_else_at_line_ends(blocks: list[bytes], names: list[str]) -> None:
    assert listed(*blocks) == names


def test_each_path_of_a_list_comes_before_the_next_one_is_there() -> None:
    coming = iter([b"a.jpg\nb.j", b"pg\n"])
    photos = photos_from(lambda size: next(coming), Request(silent))
    assert next(photos) == "a.jpg"
    assert next(photos) == "b.jpg"


def test_a_picture_that_comes_instead_of_a_list_is_the_photo() -> None:
    for content in (b"\xff\xd8\xff\xe0more", b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0", b"\x89PNG\r\n\x1a\n\0\0"):
        (photo,) = photos_from(reads(content[:8] + content[8:14], content[14:] or b"more"), Request(silent))
        assert isinstance(photo, Photo)
        assert photo.name == "-"
        assert photo.read().startswith(content)


def test_what_is_neither_a_list_nor_a_picture_is_an_error() -> None:
    with pytest.raises(DatasetError, match="received one of more than 131,072 bytes"):
        listed(*[b"x" * 2**16] * 4)
    with pytest.raises(DatasetError, match="expected paths in UTF-8, received UTF-16"):
        listed("a.jpg\n".encode("utf-16"))


def problem_of(photo: str | Photo) -> str:
    with pytest.raises(PictureError) as error:
        content_of(photo)
    return str(error.value)


def test_a_row_that_names_no_file_is_an_error_of_its_own() -> None:
    lines = [b"http://127.0.0.1:1/a.jpg", b"s3://bucket/a.jpg", b"file:///etc/passwd", b"absent.jpg", b"."]
    problems = [problem_of(photo) for photo in photos_from(reads(b"\n".join(lines)), Request(silent))]
    assert problems[0] == "addresses in lists and tables are fetched only with --allow_urls"
    assert set(problems[1:3]) == {"expected a path or an address that begins with http:// or https://"}
    assert problems[3] == "cannot be read: No such file or directory"
    assert problems[4].startswith("expected a file, received a folder")
    (late,) = list(photos_from(reads(b"a\n", b"b\0\n"), Request(silent)))[1:]
    assert problem_of(late) == "expected a path, received one with a zero byte"


def inputs(*values: str, **request: object) -> list[str | Photo]:
    """The photos that values stand for."""
    return [photo for photo, _ in inputs_of(values, Request(silent, **request))]  # type: ignore[arg-type]


def names(*values: str, **request: object) -> list[str]:
    return [name_of(photo) for photo in inputs(*values, **request)]


def write_csv(path: str, cells: Sequence[str]) -> None:
    quoted = ['"{}"'.format(cell.replace('"', '""')) for cell in cells]
    text = "\r\n".join(["id;path", *(f"{number};{cell}" for number, cell in enumerate(quoted))])
    Path(path).write_bytes(b"\xef\xbb\xbf" + text.encode("utf-8", "surrogateescape"))


def write_json_lines(path: str, cells: Sequence[str]) -> None:
    Path(path).write_text("\n\n".join(json.dumps({"id": 1, "path": cell}) for cell in cells), encoding="utf-8")


def write_parquet(path: str, cells: Sequence[str]) -> None:
    content = pa.array([cell.encode("utf-8", "surrogateescape") for cell in cells]).cast(pa.binary())
    column = pa.StringArray.from_buffers(len(cells), content.buffers()[1], content.buffers()[2])
    parquet.write_table(pa.table({"id": [*range(len(cells))], "path": column}), path)


WRITERS: dict[str, Callable[[str, Sequence[str]], None]] = {
    "csv": write_csv,
    "jsonl": write_json_lines,
    "parquet": write_parquet,
}


@pytest.mark.parametrize("folder", ["", "in", "/"])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_hostile_names_come_out_of_tables_as_they_are(folder: str, ending: str, here: Path) -> None:
    """A relative path is relative to the table, whatever the working folder is."""
    (here / "in").mkdir()
    folder = f"{here}/in" if folder == "/" else folder
    table = os.path.join(folder, f"photos.{ending}")
    WRITERS[ending](table, [*HOSTILE, "/absolute.jpg"])
    found = names(table)
    expected = [os.path.join(folder, name) for name in HOSTILE]
    assert found[:-2] == expected[:-1]
    assert found[-1] == "/absolute.jpg"
    # Parquet's texts are UTF-8, so that this row is wrong.
    assert found[-2] == (f"{table}#{len(HOSTILE)}" if ending == "parquet" else expected[-1])


def test_escapes_of_tables_of_answers_are_read_as_the_names_that_they_stand_for(here: Path) -> None:
    Path("a\nb.jpg").write_bytes(b"")
    Path("a\\u0063.jpg").write_bytes(b"")
    Path("photos.csv").write_text("path\na\\u000ab.jpg\na\\u0063.jpg\nno\\u0063.jpg\n")
    assert names("photos.csv") == ["a\nb.jpg", "a\\u0063.jpg", "no\\u0063.jpg"]


def test_parquet_holds_pictures_as_bytes_or_as_pairs_of_bytes_and_path(here: Path) -> None:
    pairs = [{"bytes": b"one", "path": "1.jpg"}, {"bytes": None, "path": "2.jpg"}, None, {"bytes": None, "path": None}]
    column = pa.array(pairs, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    categories = pa.array(["3.jpg", "3.jpg", None, ""]).dictionary_encode()
    raw = pa.array([b"four", b"five", b"six", b""], pa.large_binary())
    views, fixed = raw.cast(pa.binary_view()), pa.array([b"abc"] * 4, pa.binary(3))
    columns = {"image": column, "file name": categories, "raw": raw, "label": [1, 2, 3, 4]}
    table = pa.table({**columns, "views": views, "fixed": fixed})
    parquet.write_table(table, "photos.parquet")
    found = inputs("photos.parquet", column="image")
    assert [name_of(photo) for photo in found] == ["photos.parquet#1", "2.jpg", "photos.parquet#3", "photos.parquet#4"]
    assert content_of(found[0]) == b"one"
    assert problem_of(found[2]) == "expected a path or the bytes of a picture, received an empty cell"
    assert names("photos.parquet", column="file name")[:2] == ["3.jpg", "3.jpg"]
    for name in ("raw", "views"):
        assert [content_of(photo) for photo in inputs("photos.parquet", column=name)] == [b"four", b"five", b"six", b""]
    assert content_of(inputs("photos.parquet", column="fixed")[0]) == b"abc"
    with pytest.raises(OptionError, match=r"expected paths or bytes, received int64 in 'label' of 'photos\.parquet'"):
        inputs("photos.parquet", column="label")
    with pytest.raises(OptionError, match="has several columns that may hold the photos: 'image', 'file name'"):
        inputs("photos.parquet")


def test_bad_rows_of_tables_are_errors_of_their_own(here: Path) -> None:
    Path("photos.csv").write_text("path,label\na.jpg,1\nb.jpg\n\nc,d.jpg,1\n,1\nhttp://x/y.jpg,2\n")
    found = inputs("photos.csv")
    assert [name_of(photo) for photo in found] == [
        *("a.jpg", "photos.csv#3", "photos.csv#5", "photos.csv#6", "http://x/y.jpg")
    ]
    assert problem_of(found[1]) == "expected a cell for each of 2 columns, received 1"
    Path("photos.jsonl").write_text('{"file": "a.jpg"}\n{"file": \n[1]\n{}\n{"file": "\\ud800"}\n' + "[" * 99_999)
    found = inputs("photos.jsonl")
    problems = [problem_of(photo) for photo in found[1:]]
    assert problems[0].startswith("expected an object of JSON: ")
    assert problems[1] == "expected an object of JSON, received another value"
    assert problems[2] == "expected a path or the bytes of a picture, received an empty cell"
    assert problems[3] == "expected a path, received half of a character"
    assert problems[4].startswith("expected an object of JSON: ")


BAD_TABLES = [
    ("a.csv", b"", "", "'a.csv': expected a table with the names of columns first; it is empty"),
    (
        "a.csv",
        b"a.jpg\nb.jpg\n",
        "",
        "such as 'path', 'image' or 'file'; its columns are 'a.jpg'",
    ),
    ("a.tsv", b"path\timage\n1\t2", "", "several columns that may hold the photos: 'path', 'image'"),
    ("a.tsv", b"path\timage\n1\t2", "label", "'a.tsv' has no column 'label'; its columns are 'path', 'image'"),
    ("a.csv", b"path,path\n1,2", "path", "several columns that may hold the photos: 'path', 'path'"),
    ("a.csv", b"path\n", "", "expected photos, found none in 'a.csv'"),
    ("a.csv", b"p\0ath,\x1b[31m\n1,2", "", r"its columns are 'p\\x00ath', '\\x1b\[31m'"),
    ("a.csv", b"p" * 5000 + b",b\n1,2", "", r"its columns are 'p{60}…', 'b'\."),
    ("a.csv", b"\xff\xfep", "", "'a.csv': the table cannot be read: "),
    ("a.jsonl", b"\n \n", "", "it is empty"),
    ("a.jsonl", b"[1]", "", "expected an object of JSON on each line, received none on the first"),
    ("a.jsonl", b'{"x": 1}', "", "its columns are 'x'"),
    ("a.parquet", b"PAR1", "", "'a.parquet': the table cannot be read: "),
    ("a.parquet", b"", "", "'a.parquet': the table cannot be read: "),
    ("folder.csv", None, "", "expected photos, found none in 'folder.csv'"),
    ("absent.csv", None, "", "'absent.csv' does not exist"),
]


@pytest.mark.parametrize(("name", "content", "column", "message"), BAD_TABLES)
def test_a_bad_table_is_one_clear_line(name: str, content: bytes | None, column: str, message: str, here: Path) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    Path("folder.csv").mkdir()
    with pytest.raises(OptionError, match=message) as error:
        inputs(name, column=column)
    assert len(str(error.value).splitlines()) <= 2


def test_a_table_that_breaks_off_keeps_the_rows_before(here: Path) -> None:
    for content, message in (
        (b'path\na.jpg\nb.jpg\n"c.jpg\nd.jpg\n', "'a.csv', row 4: the table cannot be read: unexpected end of data"),
        (b"path\na.jpg\nb.jpg\n" + b"x" * 2**21, "'a.csv': expected lines of at most 1,048,576 characters"),
    ):
        Path("a.csv").write_bytes(content)
        taken: list[str] = []
        with pytest.raises(DatasetError, match=message):
            taken.extend(name_of(photo) for photo, _ in inputs_of(["a.csv"], Request(silent)))
        assert taken == ["a.jpg", "b.jpg"]
    write_parquet("a.parquet", [f"{number}.jpg" for number in range(50_000)])
    size = Path("a.parquet").stat().st_size
    with open("a.parquet", "r+b") as file:
        file.seek(4)
        file.write(b"\xff" * (size - 4000))
    with pytest.raises((DatasetError, OptionError), match="the table cannot be read"):
        inputs("a.parquet")


def test_archives_and_folders_in_them_are_read_in_place(here: Path) -> None:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for name in ("photos/b/2.jpg", "photos/a/1.jpg", "photos/notes.txt"):
            archive.writestr(name, name)
    Path("x.zip").write_bytes(content.getvalue())
    assert names("x.zip") == ["x.zip/photos/a/1.jpg", "x.zip/photos/b/2.jpg"]
    assert names("x.zip/photos/a") == ["x.zip/photos/a/1.jpg"]
    assert [content_of(photo) for photo in inputs("x.zip/photos/a/1.jpg")] == [b"photos/a/1.jpg"]
    assert problem_of(inputs("x.zip/photos/c.jpg")[0]) == "cannot be read: the archive has no such file"
    with pytest.raises(OptionError, match=r"'absent\.zip' does not exist; expected an archive or a file in one"):
        inputs("absent.zip")
    Path("y.zip").write_bytes(b"no archive")
    with pytest.raises(DatasetError):
        inputs("y.zip")


def test_inputs_come_in_the_order_given_and_are_counted(here: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"")
    write_csv("t.csv", ["x.jpg"])
    write_parquet("t.parquet", ["y.jpg"])
    values = ["b", "a.jpg", "t.parquet", "b/*"]
    assert names(*values) == ["b/1.jpg", "b/2.jpg", "a.jpg", "y.jpg", "b/1.jpg", "b/2.jpg"]
    assert inputs_of(values, Request(silent)).count == 6
    assert inputs_of([*values, "t.csv"], Request(silent)).count is None
    assert inputs_of(["a.jpg"], Request(silent)).is_one_photo
    assert not inputs_of(["b/1*"], Request(silent)).is_one_photo
    with pytest.raises(OptionError, match="standard input can be read once; received - 2 times"):
        inputs("-", "a.jpg", "-")
    with pytest.raises(OptionError, match="--column: expected a table"):
        inputs("a.jpg", column="path")


def test_an_input_from_outside_is_a_row(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def frames(value: str, _: Request) -> Source:
        return Source([Photo(f"{value}#{number}", bytes) for number in range(2)], 2)

    monkeypatch.setattr(kinds, "KINDS", (Kind(lambda value: value.endswith(".mp4"), frames), *kinds.KINDS))
    assert names("a.mp4") == ["a.mp4#0", "a.mp4#1"]


def test_each_ending_of_a_table_has_a_reader() -> None:
    assert set(TABLES) == set(READERS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["list", "csv", "jsonl", "parquet", "bytes"])
def test_a_hundred_thousand_rows_take_bounded_memory(kind: str, here: Path) -> None:
    """The peak is that of Python's objects, and of Arrow's for Parquet: two pages of 1,024 rows."""
    import tracemalloc

    rows, row = 100_000, "photos/" + "x" * 100 + ".jpg"
    blocks: Iterator[bytes] = iter(())
    if kind == "list":
        blocks = (f"{row}\n".encode() * 10 for _ in range(rows // 10))
    elif kind == "bytes":
        rows = 10_000
        pictures = pa.array([os.urandom(20_000) for _ in range(rows)])
        parquet.write_table(pa.table({"image": pictures}), "t.parquet", row_group_size=rows)
        del pictures
    else:
        WRITERS[kind](f"t.{kind}", [row] * rows)
    arrow = pa.total_allocated_bytes()
    tracemalloc.start()
    photos = (
        photos_from(lambda size: next(blocks, b""), Request(silent))
        if kind == "list"
        else (photo for photo, _ in inputs_of([f"t.{'parquet' if kind == 'bytes' else kind}"], Request(silent)))
    )
    count = 0
    for count, _ in enumerate(photos, start=1):
        if count % 1000 == 0:
            assert pa.total_allocated_bytes() - arrow < 64 * 2**20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == rows
    assert peak < 8 * 2**20
