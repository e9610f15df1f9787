"""Downloads from a server that misbehaves in every way."""

import errno
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import wait_until
from servers import FIRST_VERSION, TOO_LONG, WITHOUT_END, Answer, Server, hangs, hangs_up, sends, serves
from test_archives import KERAS, WHOLE, archive, keras_file, member

from retrainer.backbones.fetching import partial_file, resuming
from retrainer.backbones.fetching.downloads import (
    cached_module,
    fetch_file,
    fetch_module,
    hub_cache,
    hub_folder,
)
from retrainer.backbones.fetching.resuming import DownloadRequest
from retrainer.backbones.network_files import network_in
from retrainer.errors import DownloadError, OutputError
from retrainer.events import DownloadAdvanced, Event, Observer
from retrainer.system.files import content_digest

HALF = len(WHOLE) // 2
CHANGED = archive({"./saved_model.pb": b"another graph"})
SECOND_VERSION = {"ETag": '"v2"'}
# Has no checksum of its own.
LITERT = b"\0\0\0\0TFL3" + bytes(range(256))


@pytest.fixture
def waits(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited between requests, from 1 s on."""
    waited: list[float] = []
    clock = SimpleNamespace(sleep=waited.append)
    monkeypatch.setattr(resuming, "time", clock)
    monkeypatch.setattr(resuming, "FIRST_WAIT_SECONDS", 1.0)
    return waited


def noting(progress: list[tuple[int, int]]) -> Observer:
    """Keeps how many bytes have come and how many are expected."""

    def observer(event: Event) -> None:
        if isinstance(event, DownloadAdvanced):
            progress.append((event.received, event.expected))

    return observer


def fetch(server: Server, cache: Path) -> Path:
    return fetch_module(DownloadRequest(server.handle, offline_hint="Use 'pocket'."), cache)


def left(cache: Path) -> list[str]:
    """What is in a folder besides its locks and marks."""
    return (
        sorted(p.name for p in cache.iterdir() if not p.name.endswith(("lock", "last-use"))) if cache.exists() else []
    )


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder besides its locks and marks."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("lock", "last-use"))]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def is_whole(folder: Path | None) -> bool:
    """Whether a folder has what `WHOLE` has."""
    return folder is not None and contents(folder) == {
        "saved_model.pb": b"graph",
        "variables/variables.index": b"index" * 1000,
        "variables/variables.data-00000-of-00001": b"weights",
    }


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def forget_hash(folder: Path) -> None:
    """Makes the module one that tensorflow_hub downloaded: it remembers no hash."""
    descriptor = folder.with_name(f"{folder.name}.descriptor.txt")
    lines = descriptor.read_text().splitlines(keepends=True)
    descriptor.write_text("".join(line for line in lines if not line.startswith("SHA-256")))


def test_a_module_comes_into_the_layout_of_tf_hub(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    progress: list[tuple[int, int]] = []
    folder = fetch_module(DownloadRequest(server.handle, observer=noting(progress)), tmp_path)
    assert folder == hub_folder(server.handle, tmp_path)
    assert is_whole(folder)
    descriptor = (tmp_path / f"{folder.name}.descriptor.txt").read_text()
    assert f"Module: {server.handle}\n" in descriptor
    assert f"SHA-256: {content_digest(folder)}\n" in descriptor
    assert progress[-1] == (len(WHOLE), len(WHOLE))
    assert server.asked == ["/google/imagenet/net/feature_vector/5?tf-hub-format=compressed"]
    assert left(tmp_path) == sorted([folder.name, f"{folder.name}.descriptor.txt"])


def test_a_module_that_the_cache_has_is_not_fetched(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    folder = fetch(server, tmp_path)
    assert cached_module(server.handle, tmp_path) == folder
    assert fetch(server, tmp_path) == folder
    assert len(server.asked) == 1


def test_a_module_that_the_cache_has_is_fetched_again_on_demand(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    folder = fetch(server, tmp_path)
    assert fetch_module(DownloadRequest(server.handle), tmp_path, again=True) == folder
    assert is_whole(folder)
    assert len(server.asked) == 2


@pytest.mark.parametrize("descriptor", ["", "Module: url\nDownload Time: now\nDownloader Hostname: here (PID:1)"])
def test_what_tensorflow_hub_downloaded_is_found(descriptor: str, server: Server, tmp_path: Path) -> None:
    placed = hub_folder(server.handle, tmp_path)
    placed.mkdir()
    (placed / "saved_model.pb").write_bytes(b"by another")
    if descriptor:
        (tmp_path / f"{placed.name}.descriptor.txt").write_text(descriptor)
    assert cached_module(server.handle, tmp_path) == placed
    assert fetch(server, tmp_path) == placed
    assert server.asked == []


def test_tensorflow_hub_finds_what_was_downloaded(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrainer.models.graph.tensorflow_graph import import_tensorflow

    server.answers = [sends(WHOLE), sends(b"", 404)]
    folder = fetch(server, tmp_path)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    import_tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_hub
    assert Path(tensorflow_hub.resolve(server.handle)) == folder
    assert len(server.asked) == 1


MODULE_FILES = ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]


@pytest.mark.parametrize("lost", MODULE_FILES)
@pytest.mark.parametrize("by_hub", [False, True])
def test_a_half_deleted_module_is_fetched_again(lost: str, by_hub: bool, server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    folder = fetch(server, tmp_path)
    if by_hub:
        forget_hash(folder)
    (folder / lost).unlink()
    assert cached_module(server.handle, tmp_path) is None
    assert is_whole(fetch(server, tmp_path))
    assert len(server.asked) == 2


@pytest.mark.parametrize("damaged", MODULE_FILES)
def test_a_module_that_was_damaged_inside_is_fetched_again(damaged: str, server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    folder = fetch(server, tmp_path)
    damage(folder / damaged)
    assert cached_module(server.handle, tmp_path) is None
    assert is_whole(fetch(server, tmp_path))
    assert len(server.asked) == 2


def test_a_module_that_vanishes_while_it_is_looked_at_is_not_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [sends(WHOLE)]
    folder = fetch(server, tmp_path)
    digest = hashlib.file_digest

    def slow_digest(file: io.BufferedReader, name: str) -> object:
        shutil.rmtree(folder, ignore_errors=True)  # by another run, which has the lock and puts a new one there
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", slow_digest)
    assert cached_module(server.handle, tmp_path) is None


def test_threads_that_want_the_same_module_fetch_it_once(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: fetch(server, tmp_path), range(8)))
    assert set(folders) == {hub_folder(server.handle, tmp_path)}
    assert len(server.asked) == 1


FETCH = """
import sys
import tarfile
from pathlib import Path
from retrainer.backbones.fetching.downloads import fetch_module
from retrainer.backbones.fetching.resuming import DownloadRequest
print(fetch_module(DownloadRequest(sys.argv[1]), Path(sys.argv[2])))
"""
# In place of a function, one that kills its process when it is called for the n-th time.
DIES = """
import os, pathlib, shutil, signal, tarfile
from retrainer.backbones.fetching import downloads
calls, function = [], {function}
def dies(*arguments, **options):
    calls.append(0)
    if len(calls) == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*arguments, **options)
{function} = dies
"""


# Leaves a file beside the module when it comes to the lock.
TELLS_OF_THE_LOCK = """
import fcntl, os, pathlib, sys
flock = fcntl.flock
def tells(*arguments):
    pathlib.Path(sys.argv[2], f"{os.getpid()}.is-at-the-lock").touch()
    return flock(*arguments)
fcntl.flock = tells
"""


def in_a_process(server: Server, cache: Path, before: str = "") -> "subprocess.Popen[str]":
    line = [sys.executable, "-c", before + FETCH, server.handle, str(cache)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True)


def test_processes_that_want_the_same_module_fetch_it_once(server: Server, tmp_path: Path) -> None:
    def when_both_wait(request: BaseHTTPRequestHandler) -> None:
        wait_until(lambda: len(list(tmp_path.glob("*.is-at-the-lock"))) == 2)
        sends(WHOLE)(request)

    server.answers = [when_both_wait]
    processes = [in_a_process(server, tmp_path, TELLS_OF_THE_LOCK) for _ in range(2)]
    folder = hub_folder(server.handle, tmp_path)
    assert [process.communicate(timeout=30)[0] for process in processes] == [f"{folder}\n"] * 2
    assert is_whole(folder)
    assert len(server.asked) == 1


def test_what_a_killed_process_left_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    large = archive({"saved_model.pb": random.Random(0).randbytes(300_000)})
    gone = threading.Event()

    def stalls(request: BaseHTTPRequestHandler) -> None:
        serves(large, 200_000)(request)
        request.wfile.flush()
        gone.wait(20)

    server.answers = [stalls]
    part = tmp_path / f".partial-{hub_folder(server.handle, tmp_path).name}"
    process = in_a_process(server, tmp_path)
    wait_until(lambda: part.is_file() and part.stat().st_size > 0)
    assert cached_module(server.handle, tmp_path) is None
    process.kill()
    assert process.communicate(timeout=20)[0] == ""
    gone.set()
    held = part.stat().st_size
    assert large.startswith(part.read_bytes())
    assert 0 < held <= 200_000
    assert cached_module(server.handle, tmp_path) is None
    server.answers = [serves(large)]
    folder = fetch(server, tmp_path)
    assert server.ranges == [("", ""), (f"bytes={held}-", '"v1"')]
    assert (folder / "saved_model.pb").read_bytes() == random.Random(0).randbytes(300_000)
    assert left(tmp_path) == sorted([folder.name, f"{folder.name}.descriptor.txt"])


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("os.fsync", 1),
        ("tarfile.TarFile.extract", 2),
        ("shutil.rmtree", 1),
        ("pathlib.Path.rename", 1),
        ("pathlib.Path.unlink", 1),
        ("downloads.write_whole", 1),
        ("os.replace", 1),
    ],
)
@pytest.mark.parametrize("before", ["nothing", "a damaged module"])
def test_wherever_a_process_is_killed_no_half_module_is_taken_for_whole(
    function: str, call: int, before: str, server: Server, tmp_path: Path
) -> None:
    server.answers = [serves(WHOLE)]
    if before != "nothing":
        folder = fetch(server, tmp_path)
        damage(folder / "saved_model.pb")
        # One of the same second has its content already and would not be written again.
        descriptor = Path(f"{folder}.descriptor.txt")
        descriptor.write_text(descriptor.read_text().replace("Download Time: 2", "Download Time: 1"))
    process = in_a_process(server, tmp_path, DIES.format(function=function, call=call))
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == -signal.SIGKILL
    found = cached_module(server.handle, tmp_path)
    assert found is None or is_whole(found)
    assert is_whole(fetch(server, tmp_path))
    assert is_whole(cached_module(server.handle, tmp_path))


def test_what_a_killed_run_left_is_removed(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    (tmp_path / ".unfinished-1-module").mkdir()
    (tmp_path / ".unfinished-1-module" / "archive").write_bytes(b"half")
    fetch(server, tmp_path)
    assert list(tmp_path.glob(".unfinished-*")) == []


@pytest.mark.parametrize("first", [1, HALF, len(WHOLE) - 1])
@pytest.mark.parametrize("marks", [FIRST_VERSION, {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}])
def test_a_broken_download_goes_on_where_it_was(
    first: int, marks: dict[str, str], server: Server, tmp_path: Path
) -> None:
    server.answers = [serves(WHOLE, first, marks), serves(WHOLE, marks=marks)]
    progress: list[tuple[int, int]] = []
    folder = fetch_module(DownloadRequest(server.handle, observer=noting(progress)), tmp_path)
    assert is_whole(folder)
    assert server.ranges == [("", ""), (f"bytes={first}-", *marks.values())]
    assert (first, len(WHOLE)) in progress
    assert progress[-1] == (len(WHOLE), len(WHOLE))
    assert progress == sorted(progress)
    assert {expected for _, expected in progress} == {len(WHOLE)}
    assert left(tmp_path) == sorted([folder.name, f"{folder.name}.descriptor.txt"])


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(server: Server, tmp_path: Path) -> None:
    server.answers = [serves(WHOLE, HALF), hangs_up]
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        fetch(server, tmp_path)
    name = hub_folder(server.handle, tmp_path).name
    assert contents(tmp_path) == {f".partial-{name}": WHOLE[:HALF], f".partial-{name}.version": b'"v1"'}
    assert cached_module(server.handle, tmp_path) is None
    asked = len(server.asked)
    server.answers = [serves(WHOLE)]
    assert is_whole(fetch(server, tmp_path))
    assert server.ranges[asked:] == [(f"bytes={HALF}-", '"v1"')]
    assert left(tmp_path) == [name, f"{name}.descriptor.txt"]


def test_a_file_goes_on_where_an_earlier_run_gave_up(server: Server, tmp_path: Path) -> None:
    server.answers = [serves(LITERT, 100), hangs_up]
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        fetch_file(DownloadRequest(server.file), tmp_path)
    assert not (tmp_path / "weights.h5").exists()
    server.answers = [serves(LITERT)]
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == LITERT
    assert server.ranges[-1] == ("bytes=100-", '"v1"')


def test_a_download_goes_on_behind_a_redirection(server: Server, tmp_path: Path) -> None:
    def moved(then: Answer) -> Answer:
        def answer(request: BaseHTTPRequestHandler) -> None:
            if request.path == "/elsewhere":
                then(request)
            else:
                sends(b"", 302, headers={"Location": "/elsewhere"})(request)

        return answer

    to_half, to_whole = moved(serves(LITERT, 100)), moved(serves(LITERT))
    server.answers = [to_half, to_half, to_whole, to_whole]
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == LITERT
    assert server.asked == ["/weights/weights.h5", "/elsewhere"] * 2
    assert server.ranges[-1] == ("bytes=100-", '"v1"')
    assert left(tmp_path) == ["weights.h5", "weights.h5.descriptor.txt"]


def test_what_changed_meanwhile_is_fetched_from_its_beginning(server: Server, tmp_path: Path) -> None:
    new = LITERT[::-1]
    second, third = serves(new, 50, SECOND_VERSION), serves(new, marks=SECOND_VERSION)
    server.answers = [serves(LITERT, 100), second, third]
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == new
    assert server.ranges == [("", ""), ("bytes=100-", '"v1"'), ("bytes=50-", '"v2"')]


@pytest.mark.parametrize("marks", [{}, {"ETag": 'W/"v1"'}, {**FIRST_VERSION, "Accept-Ranges": "none"}], ids=str)
def test_without_a_strong_mark_a_download_starts_anew(marks: dict[str, str], server: Server, tmp_path: Path) -> None:
    broken = serves(LITERT, 100, marks)
    server.answers = [broken, serves(LITERT, marks=marks)]
    assert fetch_file(DownloadRequest(server.file), tmp_path / "good").read_bytes() == LITERT
    assert server.ranges == [("", "")] * 2
    server.answers = [broken]
    with pytest.raises(DownloadError, match="3 times"):
        fetch_file(DownloadRequest(server.file), tmp_path / "bad")
    assert server.ranges == [("", "")] * 5
    assert left(tmp_path / "bad") == []


def ranged(content_range: str) -> Answer:
    """An answer with bytes that it says are others than were asked for."""
    return sends(LITERT[100:], 206, headers={**FIRST_VERSION, "Content-Range": content_range})


@pytest.mark.parametrize(
    "other",
    [
        sends(b"", 416),
        *map(ranged, ["bytes 0-263/264", "bytes 99-263/264", "bytes 1000-1163/2000", "rows 100-", ""]),
    ],
)
def test_a_server_without_the_bytes_that_are_missing_is_asked_from_the_beginning(
    other: Answer, server: Server, tmp_path: Path
) -> None:
    server.answers = [serves(LITERT, 100), other, serves(LITERT)]
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == LITERT
    assert server.ranges == [("", ""), ("bytes=100-", '"v1"'), ("", "")]


def test_bytes_of_another_version_are_not_put_behind_those_that_came(server: Server, tmp_path: Path) -> None:
    # A server that knows Range, but not If-Range.
    new = LITERT[::-1]
    rest = sends(new[100:], 206, headers={**SECOND_VERSION, "Content-Range": "bytes 100-263/264"})
    server.answers = [serves(LITERT, 100), rest, serves(new, marks=SECOND_VERSION)]
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == new


def test_a_server_that_gives_a_piece_at_a_time_is_asked_for_the_others(server: Server, tmp_path: Path) -> None:
    # RFC 9110, 14.2: a server may send less than was asked for.
    piece = sends(LITERT[100:200], 206, headers={**FIRST_VERSION, "Content-Range": "bytes 100-199/264"})
    server.answers = [serves(LITERT, 100), piece, serves(LITERT)]
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == LITERT


def test_an_answer_in_chunks_that_breaks_off_is_not_taken_for_whole(server: Server, tmp_path: Path) -> None:
    def breaks_off(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"64\r\n" + LITERT[:100] + b"\r\n")

    server.answers = [breaks_off, sends(LITERT)]
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == LITERT
    assert len(server.asked) == 2


def test_as_long_as_something_comes_a_download_goes_on(server: Server, tmp_path: Path) -> None:
    piece = len(WHOLE) // 10 + 1
    server.answers = [serves(WHOLE, piece)]
    assert is_whole(fetch(server, tmp_path))
    assert len(server.asked) == 10 > resuming.TRIES
    assert server.ranges[1:] == [(f"bytes={piece * count}-", '"v1"') for count in range(1, 10)]


def test_failures_between_which_something_comes_are_not_counted_together(server: Server, tmp_path: Path) -> None:
    some = serves(WHOLE, len(WHOLE) // 4)
    server.answers = [hangs_up, hangs_up, some, hangs_up, hangs_up]
    with pytest.raises(DownloadError, match="3 times"):
        fetch(server, tmp_path)
    assert len(server.asked) == 5
    server.answers = [hangs_up, hangs_up, some, hangs_up, some, hangs_up, serves(WHOLE)]
    assert is_whole(fetch(server, tmp_path))
    assert len(server.asked) == 12


def test_a_download_of_endless_breaks_ends(
    server: Server, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "MAX_ATTEMPTS", 5)
    server.answers = [serves(WHOLE, 1)]
    with pytest.raises(DownloadError, match="cannot be downloaded: IncompleteRead") as error:
        fetch(server, tmp_path)
    assert "5 times" in str(error.value)
    assert len(server.asked) == 5
    # Nobody waits after the last request.
    assert len(waits) == 4
    assert cached_module(server.handle, tmp_path) is None
    assert contents(tmp_path)[f".partial-{hub_folder(server.handle, tmp_path).name}"] == WHOLE[:5]


def test_waits_grow_up_to_a_limit(
    server: Server, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "TRIES", 7)
    monkeypatch.setattr(resuming, "LONGEST_WAIT_SECONDS", 10.0)
    server.answers = [sends(b"", 503)]
    with pytest.raises(DownloadError, match="7 times"):
        fetch(server, tmp_path)
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_waits_begin_anew_when_something_came(server: Server, waits: list[float], tmp_path: Path) -> None:
    server.answers = [hangs_up, hangs_up, serves(WHOLE, HALF), hangs_up, serves(WHOLE)]
    assert is_whole(fetch(server, tmp_path))
    assert waits == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("after", "waited"),
    [
        ("7", 7.0),
        ("60", 60.0),
        ("3600", 60.0),
        ("9" * 400, 60.0),
        ("0", 1.0),
        ("-7", 1.0),
        ("soon", 1.0),
        ("", 1.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0),
    ],
)
def test_a_server_is_given_the_time_it_asks_for(
    status: int, after: str, waited: float, server: Server, waits: list[float], tmp_path: Path
) -> None:
    assert resuming.LONGEST_WAIT_SECONDS == 60.0
    server.answers = [sends(b"", status, headers={"Retry-After": after}), sends(WHOLE)]
    assert is_whole(fetch(server, tmp_path))
    assert waits == [waited]


@pytest.mark.parametrize("lost", ["the folder", "a file", "a byte"])
def test_a_module_that_changed_at_its_source_is_refused(lost: str, server: Server, tmp_path: Path) -> None:
    server.answers = [sends(CHANGED)]
    new = content_digest(fetch(server, tmp_path / "other"))
    server.answers = [sends(WHOLE)]
    folder = fetch(server, tmp_path / "cache")
    old = content_digest(folder)
    if lost == "the folder":
        shutil.rmtree(folder)
    elif lost == "a file":
        (folder / "saved_model.pb").unlink()
    else:
        damage(folder / "saved_model.pb")
    before = contents(tmp_path / "cache")
    server.answers = [sends(CHANGED)]
    with pytest.raises(DownloadError, match=f"has changed: expected .*{old[:16]}….* received {new[:16]}…") as error:
        fetch(server, tmp_path / "cache")
    assert "\n" not in error.value.problem
    assert contents(tmp_path / "cache") == before
    assert cached_module(server.handle, tmp_path / "cache") is None
    server.answers = [sends(WHOLE)]
    assert is_whole(fetch(server, tmp_path / "cache"))


def test_a_module_that_is_fetched_again_and_changed_is_refused(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE), sends(CHANGED)]
    folder = fetch(server, tmp_path)
    with pytest.raises(DownloadError, match="has changed"):
        fetch_module(DownloadRequest(server.handle), tmp_path, again=True)
    assert is_whole(folder)
    assert cached_module(server.handle, tmp_path) == folder


@pytest.mark.parametrize("content", [WHOLE, LITERT], ids=["archive", "file"])
def test_a_module_of_another_hash_than_is_wanted_is_refused(content: bytes, server: Server, tmp_path: Path) -> None:
    server.answers = [sends(content)]
    received = content_digest(fetch(server, tmp_path / "other"))
    with pytest.raises(DownloadError, match=f"has changed: expected .*{'0' * 16}….* received {received[:16]}…"):
        fetch_module(DownloadRequest(server.handle, "0" * 64), tmp_path / "cache")
    assert left(tmp_path / "cache") == []
    folder = fetch_module(DownloadRequest(server.handle, received), tmp_path / "cache")
    assert content_digest(folder) == received


@pytest.mark.parametrize("by_hub", [False, True])
def test_a_cached_module_of_another_hash_than_is_wanted_is_not_used(
    by_hub: bool, server: Server, tmp_path: Path
) -> None:
    server.answers = [sends(WHOLE)]
    request = DownloadRequest(server.handle, content_digest(fetch(server, tmp_path / "other")))
    server.answers = [sends(CHANGED)]
    folder = fetch(server, tmp_path / "cache")
    if by_hub:
        forget_hash(folder)
    server.answers = [sends(WHOLE)]
    assert is_whole(fetch_module(request, tmp_path / "cache"))


@pytest.mark.parametrize(
    ("content", "name"), [(LITERT, "network.tflite"), (keras_file(KERAS), "network.keras")], ids=["tflite", "keras"]
)
def test_an_address_may_give_a_network_that_is_one_file(
    content: bytes, name: str, server: Server, tmp_path: Path
) -> None:
    server.answers = [sends(content, kind="application/octet-stream")]
    folder = fetch(server, tmp_path)
    assert contents(folder) == {name: content}
    assert network_in(folder) == folder / name
    assert cached_module(server.handle, tmp_path) == folder
    damage(folder / name)
    assert contents(fetch(server, tmp_path)) == {name: content}
    assert len(server.asked) == 2
    assert left(tmp_path) == sorted([folder.name, f"{folder.name}.descriptor.txt"])


def test_an_address_may_give_an_archive_of_a_frozen_graph(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(archive({"mobilenet/frozen_graph.pb": b"graph", "mobilenet/labels.txt": b"a\n"}))]
    folder = fetch(server, tmp_path)
    assert contents(folder) == {"frozen_graph.pb": b"graph", "labels.txt": b"a\n"}
    assert network_in(folder) == folder / "frozen_graph.pb"
    assert cached_module(server.handle, tmp_path) == folder


def test_a_file_comes_under_its_own_name_once(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(LITERT)]
    progress: list[tuple[int, int]] = []
    for _ in range(2):
        file = fetch_file(DownloadRequest(server.file, observer=noting(progress)), tmp_path / "new")
        assert file == tmp_path / "new" / "weights.h5"
        assert file.read_bytes() == LITERT
    assert progress == [(len(LITERT), len(LITERT))]
    assert server.asked == ["/weights/weights.h5"]
    assert left(tmp_path / "new") == ["weights.h5", "weights.h5.descriptor.txt"]
    assert (
        f"SHA-256: {hashlib.sha256(LITERT).hexdigest()}\n" in (file.parent / f"{file.name}.descriptor.txt").read_text()
    )


def test_a_file_that_was_damaged_is_fetched_again(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(LITERT)]
    damage(fetch_file(DownloadRequest(server.file), tmp_path))
    assert fetch_file(DownloadRequest(server.file), tmp_path).read_bytes() == LITERT
    assert len(server.asked) == 2


@pytest.mark.parametrize("lost", [True, False])
def test_a_file_that_changed_at_its_source_is_refused(lost: bool, server: Server, tmp_path: Path) -> None:
    server.answers = [sends(LITERT), sends(b"another")]
    file = fetch_file(DownloadRequest(server.file), tmp_path)
    if lost:
        file.unlink()
    else:
        damage(file)
    before = contents(tmp_path)
    old, new = hashlib.sha256(LITERT).hexdigest(), hashlib.sha256(b"another").hexdigest()
    with pytest.raises(DownloadError, match=f"has changed: expected .*{old[:16]}….* received {new[:16]}…"):
        fetch_file(DownloadRequest(server.file), tmp_path)
    assert contents(tmp_path) == before


def test_a_file_of_another_hash_than_is_wanted_is_refused(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(LITERT)]
    with pytest.raises(DownloadError, match=f"has changed: expected .*{'0' * 16}….* received "):
        fetch_file(DownloadRequest(server.file, "0" * 64), tmp_path)
    assert left(tmp_path) == []
    request = DownloadRequest(server.file, hashlib.sha256(LITERT).hexdigest())
    assert fetch_file(request, tmp_path).read_bytes() == LITERT


def test_a_file_that_is_there_and_of_another_hash_than_is_wanted_is_not_used(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(b"another"), sends(LITERT)]
    fetch_file(DownloadRequest(server.file), tmp_path)
    request = DownloadRequest(server.file, hashlib.sha256(LITERT).hexdigest())
    assert fetch_file(request, tmp_path).read_bytes() == LITERT


def trickles(pace: int) -> Answer:
    """Sends this many bytes a second, with a mark of their version."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        sends(b"", length=len(WHOLE), headers=FIRST_VERSION)(request)
        step = -(-pace // 50)
        for start in range(0, len(WHOLE), step):
            request.wfile.write(WHOLE[start : start + step])
            time.sleep(0.02)

    return answer


def redirects(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "http://[bad")
    request.send_header("Content-Length", "0")
    request.end_headers()


def redirects_without_end(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "/elsewhere")
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(bytes(2**20))
    raise AssertionError("all of it was read")


def says_no_number(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "abc")
    request.end_headers()
    request.wfile.write(WHOLE)


@pytest.mark.parametrize("case", WITHOUT_END)
def test_what_has_no_end_is_given_up_within_the_limit(
    case: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "SLOW_SECONDS", 0.5)
    server.answers = [WITHOUT_END[case]]
    began = time.monotonic()
    with pytest.raises(DownloadError, match=r"fewer than 60,000 bytes came in 0\.5 s, which is too slow"):
        fetch(server, tmp_path)
    assert time.monotonic() - began < 3
    assert len(server.asked) == 1
    assert left(tmp_path) == []


def test_a_download_may_take_long_at_a_pace_above_the_least(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "SLOW_SECONDS", 0.4)
    monkeypatch.setattr(resuming, "FEWEST_BYTES", 1 + len(WHOLE) // 10)
    server.answers = [trickles(len(WHOLE))]
    began = time.monotonic()
    assert is_whole(fetch(server, tmp_path))
    assert time.monotonic() - began > 2 * resuming.SLOW_SECONDS
    assert len(server.asked) == 1


def test_a_server_that_becomes_slow_is_gone_on_with_later(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(resuming, "FEWEST_BYTES", len(WHOLE))
    server.answers = [trickles(len(WHOLE)), serves(WHOLE)]
    with pytest.raises(DownloadError, match="too slow to go on"):
        fetch(server, tmp_path)
    assert is_whole(fetch(server, tmp_path))
    assert server.ranges[0] == ("", "")
    assert server.ranges[1][1] == FIRST_VERSION["ETag"]


def test_a_server_that_sends_without_end_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial_file, "MAX_BYTES", 100)
    server.answers = [serves(WHOLE, 60)]
    with pytest.raises(DownloadError, match="more than the limit"):
        fetch(server, tmp_path)
    assert len(server.asked) == 2
    assert left(tmp_path) == []


def test_the_body_of_a_redirection_is_not_read(server: Server, tmp_path: Path) -> None:
    tracemalloc.start()
    server.answers = [redirects_without_end, sends(WHOLE)]
    assert is_whole(fetch(server, tmp_path))
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_odd_answers_are_no_tracebacks(server: Server, tmp_path: Path) -> None:
    server.answers = [redirects]
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        fetch(server, tmp_path)
    server.answers = [says_no_number]
    assert is_whole(fetch(server, tmp_path))


def test_the_cache_is_where_tf_hub_has_it_or_in_the_model_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)
    assert hub_cache("models") == Path("models/tfhub_modules")
    monkeypatch.setenv("TFHUB_CACHE_DIR", "/var/hub")
    assert hub_cache("models") == Path("/var/hub")


@pytest.mark.parametrize("first", [sends(b"", 503), sends(b"", 429), hangs, sends(WHOLE[:50], length=len(WHOLE))])
def test_what_may_be_better_in_a_moment_is_tried_again(first: Answer, server: Server, tmp_path: Path) -> None:
    server.answers = [first, sends(WHOLE)]
    assert is_whole(fetch(server, tmp_path))
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "tries", "message"),
    [
        (sends(b"", 404), 1, r"the server answered 404 Not Found\.\nCheck the handle's spelling"),
        (sends(b"", 403), 1, r"the server answered 403 Forbidden"),
        (sends(b"", 503), 3, r"the server answered 503 Service Unavailable, 3 times\.\nUse 'pocket'"),
        (sends(b"", 416), 3, r"the server has not as many bytes as came before, 3 times"),
        (sends(b"<html>", kind="text/html; charset=utf-8"), 1, r"expected an archive.*, received a web page"),
        (sends(b"<html>" * 100), 1, r"received a damaged or truncated one"),
        (sends(b""), 1, r"received a damaged or truncated one"),
        (hangs, 3, r"no answer within 0.3 s, 3 times"),
        (hangs_up, 3, r"RemoteDisconnected: .*, 3 times"),
        *((answer, 3, r"got more than .*, 3 times") for answer in TOO_LONG.values()),
        (sends(WHOLE[:60], length=len(WHOLE)), 3, r"IncompleteRead.*, 3 times"),
        (sends(WHOLE[:-60]), 1, r"received a damaged or truncated one"),
        (serves(WHOLE[:-60]), 1, r"received a damaged or truncated one"),
        (sends(archive({"../outside": b"x"})), 1, r"'\.\./outside' lies outside the archive"),
        (sends(archive({}, member("link", tarfile.SYMTYPE, target="/etc"))), 1, r"'link' is a link or a device"),
        (sends(archive({"readme.txt": b"x"})), 1, r"in the archive, received readme\.txt"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error_and_leaves_nothing(
    answer: Answer, tries: int, message: str, server: Server, tmp_path: Path
) -> None:
    server.answers = [answer]
    with pytest.raises(DownloadError, match=message) as error:
        fetch(server, tmp_path / "cache")
    assert "\n" not in error.value.problem
    assert len(server.asked) == tries
    assert left(tmp_path / "cache") == []
    assert left(tmp_path) == ["cache"]


def test_nobody_listens(tmp_path: Path, server: Server) -> None:
    with pytest.raises(DownloadError, match=r"cannot be downloaded: .*refused.*, 3 times"):
        fetch_module(DownloadRequest("http://127.0.0.1:9/module"), tmp_path)


def test_a_cache_that_cannot_be_written_is_an_error(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        fetch(server, tmp_path / "file" / "cache")
    assert server.asked == []


def test_a_full_disk_leaves_nothing(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    server.answers = [sends(WHOLE)]
    with pytest.raises(OutputError, match=r"No space left on device.*\n.*Nothing half-written stays"):
        fetch(server, tmp_path)
    assert len(server.asked) == 1
    assert left(tmp_path) == []
