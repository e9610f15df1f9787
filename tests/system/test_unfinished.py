"""What a crash leaves is removed by the next run, what a living process uses never."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from retrainer.bottlenecks.parquet_files import ParquetFolder
from retrainer.models.event_files import require_own_folder
from retrainer.system.files import require_writable, whole_file, write_whole
from retrainer.system.unfinished import is_unfinished, remove_leftovers, unfinished_file, unfinished_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from retrainer.system.unfinished import unfinished_file, unfinished_folder
parent = Path(sys.argv[1])
with unfinished_file(parent / "file") as (handle, _), unfinished_folder(parent / "folder") as folder:
    handle.write(b"half"); handle.flush()
    (folder / "inner").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""

ANOTHER = """
import sys
from pathlib import Path
from retrainer.system.unfinished import remove_leftovers
remove_leftovers(Path(sys.argv[1]))
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed(folder: Path) -> None:
    """Lets a process die that has a temporary file and a temporary folder."""
    subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert [is_unfinished(name) for name in names(folder)] == [True, True]


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: write_whole(folder / "other", b"content"),
        lambda folder: require_writable(folder / "other"),
        lambda folder: ParquetFolder(folder, "table", None, print).names(),
    ],
)
def test_the_next_to_write_or_read_removes_what_a_crash_left(tmp_path: Path, use, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    killed(tmp_path)
    monkeypatch.setattr(ParquetFolder, "__init__", lambda self, folder, *_: setattr(self, "folder", folder))
    use(tmp_path)
    assert [name for name in names(tmp_path) if is_unfinished(name)] == []


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file") as handle, unfinished_folder(tmp_path / "folder") as folder:
        handle.write(b"whole")
        done = (
            "from retrainer.system.unfinished import *; from pathlib import Path; "
            f"remove_leftovers(Path({str(tmp_path)!r}))"
        )
        subprocess.run([sys.executable, "-c", done], check=True)
        remove_leftovers(tmp_path)
        assert folder.is_dir()
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_what_is_taken_for_a_leftover_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrainer.system import unfinished

    locked = unfinished._locked

    def late(descriptor: int, path: Path) -> bool:
        monkeypatch.setattr(unfinished, "_locked", locked)
        remove_leftovers(tmp_path)
        return locked(descriptor, path)

    for made in (unfinished_file, unfinished_folder):
        monkeypatch.setattr(unfinished, "_locked", late)
        with made(tmp_path / "file"):
            assert len(names(tmp_path)) == 1
        assert names(tmp_path) == []


def test_other_things_of_a_like_name_stay(tmp_path: Path) -> None:
    (tmp_path / "unfinished-symphony").write_text("")
    (tmp_path / "target").write_text("")
    (tmp_path / ".unfinished-1-abcdef-link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / ".unfinished-1-abcdef-pipe")
    before = names(tmp_path)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == before


def test_a_leftover_does_not_make_a_folder_of_summaries_foreign(tmp_path: Path) -> None:
    killed(tmp_path)
    require_own_folder(str(tmp_path))
