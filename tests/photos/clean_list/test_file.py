"""The file of the list: what is written is read back, and what programs and people make of it is read, too."""

import os
from pathlib import Path

import pytest

from retrainer.errors import DatasetError, OptionError
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.file import read_clean_list, write_clean_list
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row

ROSE = Finding(
    kind=Kind.LABEL,
    path="photos/roses/=1 | 2;+3\n\udcff.jpg",
    sha256="a" * 64,
    label="roses",
    score=0.97,
    reason='Looks like "tulips", 0.97',
    suggestion=Action.RELABEL,
    new_label="tulips",
    compared_with=("photos/tulips/a | b.jpg", "=photos/c.jpg"),
    part="training",
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    decision = Decision(action=Action.RELABEL, new_label="@tulips", note="=1+1\nsure")
    written = CleanList((Row(ROSE, decision, ("-x",)), Row(Finding(kind=Kind.SMALL_CLASS, label="a"))), "", ("=who",))
    path = tmp_path / "clean.csv"
    write_clean_list(path, written)
    assert read_clean_list(path).rows == (written.rows[0], Row(written.rows[1].finding, Decision(), ("",)))
    assert read_clean_list(path).extra_columns == ("=who",)
    cells = path.read_text("utf-8").replace("\n", ",").replace(";", ",").split(",")
    assert not [cell for cell in cells if cell.strip('"')[:1] in ("=", "+", "-", "@")]


def test_a_person_or_a_script_may_write_one(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    texts = {
        "path,action\na.jpg,set aside\n": "utf-8",
        "\ufeffaction;PATH\r\nSet_Aside;a.jpg\r\n;\r\n": "utf-8",
        "Path\tAction\tscore\na.jpg\tSET-ASIDE\t0,5\n": "utf-16",
        'note,path,action\n"two\nlines",a.jpg, set  aside \n': "utf-8",
    }
    for text, encoding in texts.items():
        path.write_text(text, encoding, newline="")
        (row,) = read_clean_list(path)
        assert (row.finding.path, row.decision.action, row.finding.kind) == ("a.jpg", Action.SET_ASIDE, Kind.OTHER)
    path.write_text(f"sha256,action,new_label\n{'A' * 64},relabel,tulips\n")
    (row,) = read_clean_list(path)
    assert (row.finding.sha256, row.decision.new_label) == ("a" * 64, "tulips")


def test_columns_of_a_person_stay(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    path.write_text("who,path,action,\nme,a.jpg,keep,\n")
    write_clean_list(path, read_clean_list(path).decided("", "b.jpg", Decision(action=Action.KEEP)))
    again = read_clean_list(path)
    assert (again.extra_columns, [row.extra for row in again]) == (("who",), [("me",), ("",)])


ACTIONS = "keep, relabel, set aside or nothing"
KINDS = ", ".join(Kind)
WRONG = {
    "path,action\na,keep\nb,delete\n": f"row 3: expected an action of {ACTIONS}, received 'delete'",
    "path,action,finding\na,keep,watermark\n": f"row 2: expected a finding of {KINDS}, received 'watermark'",
    "path,action,suggestion\na,keep,burn\n": f"row 2: expected a suggestion of {ACTIONS}, received 'burn'",
    "path,action\na,relabel\n": "row 2: expected a new_label for the action 'relabel', received an empty cell",
    "path,action,new_label\na,,x\n": "row 2: expected the action 'relabel' beside the new_label 'x', received an empty",
    "path,action\n,set aside\n": "row 2: expected a path or a sha256 for the action 'set aside', received empty cells",
    "sha256,action\nabc,keep\n": "row 2: expected a sha256 of 64 hexadecimal digits, received 'abc'",
    "path,action,score\na,,high\n": "row 2: expected a number in the column 'score', received 'high'",
    "path,action\na,keep,b\n": "row 2: expected 2 cells, one for each column, received 3",
    'path,action\n"a,keep\n': "row 2: the table cannot be read: unexpected end of data",
    "path,action,action\n": "expected each column once, received 'action' twice",
    "from,to,label\na,b,c\n": "expected a list of decisions, with the columns action and path or sha256; received",
    "action,label\n": "received the columns 'action', 'label'",
    "": "it is empty",
    "path,action\na\udcff,keep\n": "row 2: expected text in UTF-8, received other bytes",
}


@pytest.mark.parametrize("text", list(WRONG))
def test_a_wrong_list_is_refused_with_its_row(text: str, tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DatasetError) as error:
        read_clean_list(path)
    assert str(error.value).startswith(f"'{path}'")
    assert WRONG[text].replace("nothing", "nothing") in error.value.problem.replace(", or", " or")
    assert "\n" not in error.value.problem


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    large, pipe = tmp_path / "large.csv", tmp_path / "pipe.csv"
    with large.open("wb") as file:
        file.truncate(2**30)
    os.mkfifo(pipe)
    (tmp_path / "folder.csv").mkdir()
    problems = {
        tmp_path / "none.csv": "expected a list of decisions, a CSV file; it does not exist.",
        tmp_path / "folder.csv": "expected a list of decisions, a CSV file; received a folder.",
        large: "expected a list of at most 256 MiB, received 1,024 MiB.",
        pipe: "cannot be read: expected a file, received a folder, pipe or device.",
    }
    for path, problem in problems.items():
        with pytest.raises((OptionError, DatasetError)) as error:
            read_clean_list(path)
        assert error.value.problem.endswith(problem)
