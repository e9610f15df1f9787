"""The file of the list: what is written is read back, and what programs and people make of it is read, too."""

from pathlib import Path

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
