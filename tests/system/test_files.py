import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import lock_descriptor

from retrainer.errors import OptionError, OutputError
from retrainer.system.files import (
    keep_as,
    locked,
    require_writable,
    require_writable_folder,
    whole_file,
    write_together,
    write_whole,
)
from retrainer.system.paths import nearest_existing, require_folder
from retrainer.system.unfinished import is_unfinished
from retrainer.text import shown


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "new" / "file") as handle:
        handle.write(b"half")
        assert [name for name in names(tmp_path / "new") if not is_unfinished(name)] == []
        handle.write(b" and half")
    assert names(tmp_path / "new") == ["file"]
    assert (tmp_path / "new" / "file").read_bytes() == b"half and half"


def test_whatever_goes_wrong_the_old_file_stays(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"old")
    with contextlib.suppress(KeyboardInterrupt), whole_file(tmp_path / "file") as handle:
        handle.write(b"new")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"Cannot write '.*file': No space left on device"):
        write_whole(tmp_path / "file", b"content")
    assert names(tmp_path) == []


@pytest.mark.parametrize("write", [write_whole, lambda path, content: keep_as(path.with_name("other"), path)])
def test_a_file_is_on_the_disk_before_it_appears_and_its_name_before_it_counts(
    write: Callable[[Path, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").write_bytes(b"content")
    done: list[str] = []
    replace, fsync = os.replace, os.fsync

    def synced(descriptor: int) -> None:
        folder = os.path.samestat(os.fstat(descriptor), tmp_path.stat())
        done.append("folder synced" if folder else "file synced")
        fsync(descriptor)

    def replaced(source: Path, target: Path) -> None:
        done.append("named")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(os, "link", lambda source, target: fails())
    write(tmp_path / "file", b"content")
    assert done == ["file synced", "named", "folder synced"]
    assert (tmp_path / "file").read_bytes() == b"content"


def fails() -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_all_that_belong_together_are_on_the_disk_before_one_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = 3

    def full(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_together({tmp_path / "a": b"old", tmp_path / "b": b"old", tmp_path / "c": b"old"})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError):
        write_together({tmp_path / "a": b"new", tmp_path / "b": b"new", tmp_path / "c": b"new"})
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"old"}
    assert names(tmp_path) == ["a", "b", "c"]


def test_a_file_of_the_same_content_is_not_written_again_but_becomes_the_newest(tmp_path: Path) -> None:
    large = bytes(2**18) + b"end"
    write_together({tmp_path / "same": large, tmp_path / "other": b"old"})
    for name in ("same", "other"):
        os.utime(tmp_path / name, (0, 0))
    before = {name: (tmp_path / name).stat() for name in ("same", "other")}
    write_together({tmp_path / "same": large, tmp_path / "other": large[:-1] + b"D"})
    after = {name: (tmp_path / name).stat() for name in ("same", "other")}
    assert after["same"].st_ino == before["same"].st_ino
    assert min(status.st_mtime for status in after.values()) > 0
    assert (tmp_path / "other").read_bytes() == large[:-1] + b"D"


def test_of_files_that_belong_together_none_appears_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        write_together({tmp_path / "first": b"1", tmp_path / "file" / "second": b"2"})
    assert names(tmp_path) == ["file"]


def test_paths_are_shown_on_one_line() -> None:
    assert shown("a\nb\x1b[31m\udcff") == r"a\nb\x1b[31m\udcff"
    assert shown("日本語 </script>") == "日本語 </script>"


def test_the_nearest_existing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert nearest_existing(str(tmp_path / "a" / "b")) == str(tmp_path)
    with pytest.raises(OptionError, match=r"Did you mean '.*photos'\?"):
        require_folder(str(tmp_path / "photoes" / "x"), "--image_dir", "a folder")
    with pytest.raises(OptionError, match="The nearest existing folder is"):
        require_folder(str(tmp_path / "quite" / "other"), "--image_dir", "a folder")


def test_a_link_is_followed_and_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_whole(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"content"
    os.mkfifo(tmp_path / "pipe")
    for special in (os.devnull, tmp_path / "pipe"):
        with pytest.raises(OutputError, match="expected a file's name, received a device or a pipe"):
            require_writable(special)
    with pytest.raises(OutputError, match="expected a file's name, received a folder"):
        write_whole(tmp_path, b"content")


def test_what_could_not_be_written_in_the_end_is_known_before(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="File name too long"):
        require_writable(tmp_path / ("x" * 250))
    require_writable(tmp_path / "new" / "file")
    assert names(tmp_path / "new") == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write '.*/file': '.*' is a file; expected a folder\.\nName"):
        require_writable_folder(tmp_path / "file")


HOLDER = """
import signal, sys
from pathlib import Path
from retrainer.system.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def is_free(path: Path) -> bool:
    with path.open("r+b") as handle:
        return lock_descriptor(handle.fileno(), blocking=False)


def test_a_lock_ends_with_the_process_that_holds_it_and_its_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert not is_free(path)
        holder.kill()
    with locked(path):
        assert not is_free(path)
    assert is_free(path)


def test_a_lock_file_may_be_a_pipe_and_cannot_lie_in_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with locked(tmp_path / "pipe"):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write '.*/file/lock': '.*/file' is a file; expected a folder\."):
        locked(tmp_path / "file" / "lock").__enter__()
    (tmp_path / "link").symlink_to("absent")
    with pytest.raises(OutputError, match=r"'.*/link' is a link to nothing; expected a folder\.\nName"):
        locked(tmp_path / "link" / "lock").__enter__()
