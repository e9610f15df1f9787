"""Lines of several processes stay whole, whatever happens."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from retrainer.errors import OutputError
from retrainer.system import appending
from retrainer.system.appending import append_line, lines_of

MANY = """
import sys
from retrainer.system.appending import append_line
for number in range(40):
    append_line(sys.argv[1], f"{sys.argv[2]}-{number}-".encode() + sys.argv[2].encode() * 20_000)
"""


def test_lines_of_processes_that_append_at_once_are_all_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines"
    running = [subprocess.Popen([sys.executable, "-c", MANY, str(path), name]) for name in "abcd"]
    assert [process.wait(60) for process in running] == [0] * 4
    lines = list(lines_of(str(path), 100_000))
    expected = {f"{name}-{number}-{name * 20_000}".encode() for name in "abcd" for number in range(40)}
    assert len(lines) == 160
    assert set(lines) == expected


def test_a_line_that_a_crash_cut_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntw")
    append_line(str(path), b"three")
    append_line(str(path), b"four")
    assert path.read_bytes() == b"one\ntw\nthree\nfour\n"


@pytest.mark.parametrize("locks", [True, False])
def test_a_full_disk_leaves_the_file_as_it_was(locks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lines"
    append_line(str(path), b"one")
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) < 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[:5])

    def no_lock(descriptor: int, *, wait: bool) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    if not locks:
        monkeypatch.setattr(appending, "lock", no_lock)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match=r"Cannot write '.*lines': No space left on device"):
        append_line(str(path), b"two-two-two")
    monkeypatch.undo()
    # Without a lock another process may have appended behind the cut line.
    assert path.read_bytes() == (b"one\n" if locks else b"one\ntwo-two-tw")


def test_a_line_is_written_in_the_end_if_each_write_takes_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:3]))
    append_line(str(tmp_path / "lines"), b"a long line")
    assert (tmp_path / "lines").read_bytes() == b"a long line\n"


def test_a_pipe_or_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OutputError, match="Cannot write"):
            append_line(str(tmp_path / name), b"line")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "lines")
    append_line(str(tmp_path / "link"), b"one")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "lines").read_bytes() == b"one\n"


def test_of_a_long_line_only_the_beginning_is_read(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"short\n" + b"x" * 1000 + b"\n12345\n123456\n\nlast")
    assert list(lines_of(str(tmp_path / "lines"), 5)) == [b"short", b"x" * 6, b"12345", b"123456", b"", b"last"]
