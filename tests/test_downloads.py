"""Downloads from a server that misbehaves in every way."""

import gzip
import lzma
import os
import socketserver
import tarfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from retrainer import downloads
from retrainer.downloads import fetch_module, hub_cache, hub_folder, unpack
from retrainer.errors import DownloadError, OutputError

Answer = Callable[[BaseHTTPRequestHandler], None]


def archive(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """A `.tar.gz` of files, and of members that have no content of their own."""
    content = b""
    for name, data in files.items():
        content += member(name, size=len(data)).tobuf() + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE)
    # tarfile itself refuses to write a member that claims more than it has.
    content += b"".join(other.tobuf() for other in others)
    return gzip.compress(content + b"\0" * 2 * tarfile.BLOCKSIZE)


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


WHOLE = archive(
    {
        "./saved_model.pb": b"graph",
        "./variables/variables.index": b"index" * 1000,
        "./variables/variables.data-00000-of-00001": b"weights",
    }
)


def sends(content: bytes, status: int = 200, kind: str = "application/gzip", length: int | None = None) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        request.end_headers()
        request.wfile.write(content)

    return answer


def hangs(request: BaseHTTPRequestHandler) -> None:
    time.sleep(1.0)


class Server(ThreadingHTTPServer):
    """Gives one answer after the other, the last again and again, and keeps what was asked for."""

    answers: list[Answer]
    asked: list[str]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error of the test."""

    @property
    def handle(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/google/imagenet/net/feature_vector/5"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing goes to the terminal."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(downloads, "READ_SECONDS", 0.3)
    socketserver.TCPServer.allow_reuse_address = True
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def fetch(server: Server, cache: Path) -> Path:
    return fetch_module(server.handle, cache, lambda received, expected: None, "Use 'pocket'.")


def left(cache: Path) -> list[str]:
    """What is in a folder besides its locks."""
    return sorted(p.name for p in cache.iterdir() if not p.name.endswith("lock")) if cache.exists() else []


def test_a_module_comes_into_the_layout_of_tf_hub(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    progress: list[tuple[int, int]] = []
    folder = fetch_module(server.handle, tmp_path, lambda *bytes_: progress.append(bytes_), "")
    assert folder == hub_folder(server.handle, tmp_path)
    assert (folder / "saved_model.pb").read_bytes() == b"graph"
    assert (folder / "variables" / "variables.index").stat().st_size == 5000
    assert server.handle in (tmp_path / f"{folder.name}.descriptor.txt").read_text()
    assert progress[-1] == (len(WHOLE), len(WHOLE))
    assert server.asked == ["/google/imagenet/net/feature_vector/5?tf-hub-format=compressed"]
    assert left(tmp_path) == sorted([folder.name, f"{folder.name}.descriptor.txt"])


def test_what_tensorflow_hub_downloaded_is_found(server: Server, tmp_path: Path) -> None:
    placed = hub_folder(server.handle, tmp_path)
    placed.mkdir()
    (placed / "saved_model.pb").write_bytes(b"by another")
    assert fetch(server, tmp_path) == placed
    assert server.asked == []


def test_tensorflow_hub_finds_what_was_downloaded(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrainer.models.tensorflow_graph import import_tensorflow

    server.answers = [sends(WHOLE), sends(b"", 404)]
    folder = fetch(server, tmp_path)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    import_tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_hub
    assert Path(tensorflow_hub.resolve(server.handle)) == folder
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "lost", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_half_deleted_module_is_fetched_again(lost: str, server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    (fetch(server, tmp_path) / lost).unlink()
    assert (fetch(server, tmp_path) / lost).is_file()
    assert len(server.asked) == 2


def test_processes_that_want_the_same_module_fetch_it_once(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: fetch(server, tmp_path), range(8)))
    assert set(folders) == {hub_folder(server.handle, tmp_path)}
    assert len(server.asked) == 1


def test_what_a_killed_run_left_is_removed_in_time(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    for name, age in (("old", 7200), ("young", 60)):
        leftover = tmp_path / f".unfinished-{name}"
        leftover.mkdir()
        (leftover / "archive").write_bytes(b"half")
        changed = leftover.stat().st_mtime - age
        os.utime(leftover, (changed, changed))
    fetch(server, tmp_path)
    assert [path.name for path in tmp_path.glob(".unfinished-*")] == [".unfinished-young"]


def drips(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.02)


def redirects(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "http://[bad")
    request.send_header("Content-Length", "0")
    request.end_headers()


def says_no_number(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "abc")
    request.end_headers()
    request.wfile.write(WHOLE)


def test_a_server_that_drips_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "SLOW_SECONDS", 0.2)
    server.answers = [drips]
    with pytest.raises(DownloadError, match=r"\d+ bytes came in 0 s, which is too slow"):
        fetch(server, tmp_path)


def test_odd_answers_are_no_tracebacks(server: Server, tmp_path: Path) -> None:
    server.answers = [redirects]
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        fetch(server, tmp_path)
    server.answers = [says_no_number]
    assert (fetch(server, tmp_path) / "saved_model.pb").is_file()


def pax_bomb() -> bytes:
    header = member("./PaxHeaders/x", tarfile.XHDTYPE, size=2**21).tobuf(tarfile.USTAR_FORMAT)
    return gzip.compress(header + b"\0" * 2**21)


def test_a_huge_header_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "archive.tar.gz").write_bytes(pax_bomb())
    read: list[int] = []
    process = downloads._BoundedHeader._proc_pax  # type: ignore[attr-defined]

    def counted(self: tarfile.TarInfo, archive: tarfile.TarFile) -> tarfile.TarInfo:
        read.append(self.size)
        return process(self, archive)  # type: ignore[no-any-return]

    monkeypatch.setattr(downloads._BoundedHeader, "_proc_pax", counted)
    for limit, times in ((2**20, 0), (2**22, 1)):
        monkeypatch.setattr(downloads, "MAX_HEADER_BYTES", limit)
        with pytest.raises(DownloadError):
            unpack(tmp_path / "archive.tar.gz", tmp_path / "module", "archive.tar.gz")
        assert read == [2**21] * times


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pax_bomb(), "damaged or truncated one: .*"),
        (archive({"a": b"1", "a/b": b"2"}), "damaged or truncated one: .*"),
        (archive({"x" * 300: b"1"}), "damaged or truncated one: .*File name too long"),
        (lzma.compress(gzip.decompress(WHOLE))[:60] + b"x" * 60, "damaged or truncated one: .*"),
    ],
    ids=["pax", "file and folder", "long name", "xz"],
)
def test_an_archive_is_blamed_for_its_own_faults(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "archive.tar.gz").write_bytes(content)
    with pytest.raises(DownloadError, match=message):
        unpack(tmp_path / "archive.tar.gz", tmp_path / "module", "archive.tar.gz")
    assert left(tmp_path) == ["archive.tar.gz"]


def test_the_cache_is_where_tf_hub_has_it_or_in_the_model_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)
    assert hub_cache("models") == Path("models/tfhub_modules")
    monkeypatch.setenv("TFHUB_CACHE_DIR", "/var/hub")
    assert hub_cache("models") == Path("/var/hub")


@pytest.mark.parametrize("first", [sends(b"", 503), sends(b"", 429), hangs, sends(WHOLE[:50], length=len(WHOLE))])
def test_what_may_be_better_in_a_moment_is_tried_again(first: Answer, server: Server, tmp_path: Path) -> None:
    server.answers = [first, sends(WHOLE)]
    assert (fetch(server, tmp_path) / "saved_model.pb").is_file()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "tries", "message"),
    [
        (sends(b"", 404), 1, r"the server answered 404 Not Found\.\nCheck the handle's spelling"),
        (sends(b"", 403), 1, r"the server answered 403 Forbidden"),
        (sends(b"", 503), 3, r"the server answered 503 Service Unavailable, 3 times\.\nUse 'pocket'"),
        (sends(b"<html>", kind="text/html; charset=utf-8"), 1, r"expected a \.tar\.gz.*, received a web page"),
        (sends(b"<html>" * 100), 1, r"received a damaged or truncated one"),
        (hangs, 3, r"no answer within 0.3 s, 3 times"),
        (sends(WHOLE[:60], length=len(WHOLE)), 3, r"IncompleteRead.*, 3 times"),
        (sends(WHOLE[:-60]), 1, r"received a damaged or truncated one"),
        (sends(archive({"../outside": b"x"})), 1, r"'\.\./outside' lies outside the archive"),
        (sends(archive({"/etc/outside": b"x"})), 1, r"'/etc/outside' lies outside the archive"),
        (sends(archive({}, member("link", tarfile.SYMTYPE, target="/etc"))), 1, r"'link' is a link or a device"),
        (sends(archive({}, member("link", tarfile.LNKTYPE, target="x"))), 1, r"'link' is a link or a device"),
        (sends(archive({}, member("device", tarfile.CHRTYPE))), 1, r"'device' is a link or a device"),
        (
            sends(archive({}, member("huge", size=10 * 2**30))),
            1,
            r"'huge' is too much; expected at most 10,000 files of 4 GB",
        ),
        (
            sends(archive({"readme.txt": b"x"})),
            1,
            r"expected saved_model.pb and its variables in the archive, received readme",
        ),
        (sends(archive({})), 1, r"expected saved_model.pb and its variables in the archive, received nothing"),
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
        fetch_module("http://127.0.0.1:9/module", tmp_path, lambda *_: None, "")


def test_an_archive_may_hold_one_folder(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(archive({"net/saved_model.pb": b"graph"}))
    unpack(tmp_path / "a.tgz", tmp_path / "module", "a.tgz")
    assert (tmp_path / "module" / "saved_model.pb").read_bytes() == b"graph"


def test_a_cache_that_cannot_be_written_is_an_error(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        fetch(server, tmp_path / "file" / "cache")
