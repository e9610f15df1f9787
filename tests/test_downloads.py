"""Downloads from a server that misbehaves in every way."""

import io
import socketserver
import tarfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from retrainer import downloads
from retrainer.downloads import fetch_module, hub_cache, hub_folder, unpack
from retrainer.errors import DownloadError, OutputError

Answer = Callable[[BaseHTTPRequestHandler], None]


def archive(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """A `.tar.gz` of files, and of members that have no content of their own."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as members:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            members.addfile(member, io.BytesIO(data))
        for other in others:
            members.addfile(other)
    return content.getvalue()


WHOLE = archive({"./saved_model.pb": b"graph", "./variables/variables.index": b"index" * 1000})


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


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
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


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


def test_a_half_deleted_module_is_fetched_again(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(WHOLE)]
    placed = hub_folder(server.handle, tmp_path)
    (placed / "variables").mkdir(parents=True)
    assert (fetch(server, tmp_path) / "saved_model.pb").is_file()


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
        (sends(WHOLE[:60], length=len(WHOLE)), 3, r"IncompleteRead|Connection broken"),
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
        (sends(archive({"readme.txt": b"x"})), 1, r"expected saved_model.pb in the archive, received readme.txt"),
        (sends(archive({})), 1, r"expected saved_model.pb in the archive, received nothing"),
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
