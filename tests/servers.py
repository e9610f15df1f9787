"""A server that answers as a test says, and answers that misbehave."""

import select
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]
# The mark of a file's version that `serves` gives.
FIRST_VERSION = {"ETag": '"v1"'}


def sends(
    content: bytes,
    status: int = 200,
    kind: str = "application/gzip",
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def serves(content: bytes, most: int | None = None, marks: Mapping[str, str] = FIRST_VERSION) -> Answer:
    """Goes on where a client was if its mark is one of these, and hangs up after so many bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        start, headers = 0, dict(marks)
        if request.headers["Range"] and request.headers["If-Range"] in marks.values():
            start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        sent = content[start:] if most is None else content[start : start + most]
        sends(sent, 206 if start else 200, length=len(content) - start, headers=headers)(request)

    return answer


def hangs(request: BaseHTTPRequestHandler) -> None:
    """Answers nothing until the client gives up."""
    select.select([request.connection], [], [], 10)


def repeats(beginning: bytes, rest: bytes, pause: float = 0.0) -> Answer:
    """Sends a beginning, and then the same again and again until the client hangs up."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(beginning)
        while True:
            request.wfile.write(rest)
            time.sleep(pause)

    return answer


_STATUS, _INTERIM = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"
_CHUNKS = _STATUS + b"Transfer-Encoding: chunked\r\n\r\n"
_LAST_CHUNK = _CHUNKS + b"5\r\nhello\r\n0\r\n"
# Python's own client refuses these.
TOO_LONG = {
    "a header": repeats(_STATUS + b"X: ", b"x" * 2**16),
    "headers": repeats(_STATUS, b"X: y\r\n" * 1000),
    "the extension of a chunk": repeats(_CHUNKS + b"5;", b"x" * 2**16),
}
# No more than a few bytes of a body come, however long a client waits.
WITHOUT_END = {
    "a header, slowly": repeats(_STATUS + b"X: ", b"x", 0.05),
    "interim answers, slowly": repeats(b"", _INTERIM, 0.05),
    "interim answers": repeats(b"", _INTERIM * 1000),
    "a body, slowly": repeats(_STATUS + b"\r\n", b"x", 0.05),
    "the length of a chunk, slowly": repeats(_CHUNKS, b"0", 0.05),
    "trailers, slowly": repeats(_LAST_CHUNK, b"X: y\r\n", 0.05),
    "trailers": repeats(_LAST_CHUNK, b"X: y\r\n" * 1000),
}


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    """Nothing is answered."""


class Server(ThreadingHTTPServer):
    """Gives one answer after the other, the last again and again, and keeps what was asked for."""

    answers: list[Answer]
    asked: list[str]
    # `Range` and `If-Range` of each request, empty where it has none.
    ranges: list[tuple[str, str]]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error of the test."""

    @property
    def handle(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/google/imagenet/net/feature_vector/5"

    @property
    def file(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights/weights.h5"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.ranges.append((self.headers["Range"] or "", self.headers["If-Range"] or ""))
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing goes to the terminal."""


@contextmanager
def running() -> Iterator[Server]:
    """Runs a server; the test sets its answers."""
    socketserver.TCPServer.allow_reuse_address = True
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked, server.ranges = [], []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
