"""HTTP requests that the guard let pass, and their answers; one connection is served with limits of time and size."""

import contextlib
import io
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs

from retrainer.errors import RetrainerError
from retrainer.serving.guard import Guard, RefusedError
from retrainer.text import innermost_reason

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BODY = 2**20
# A request comes within this time; a connection waits longer for its next request.
REQUEST_SECONDS, IDLE_SECONDS = 10.0, 60.0
# What a refused client still sends is read for a while, so that it reads the answer and not of a broken connection.
_DRAINED_BYTES, _DRAIN_SECONDS = 2**24, 1.0
_TEXT = "text/plain; charset=utf-8"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Request:
    """A request that the guard let pass.

    Attributes:
        method: Such as GET.
        path: What follows the token, without the first `/`; still encoded as in a URL.
        query: Name -> its values, decoded.
        kind: The type of the body, such as `application/json`, in lower case.
        body: The whole body.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    kind: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What the client gets: the content, its type, and the HTTP status."""

    content: bytes
    kind: str
    status: int = 200


Application = Callable[[Request], Answer]


class Served(Protocol):
    """What a connection needs of its server."""

    @property
    def guard(self) -> Guard: ...  # noqa: D102
    @property
    def application(self) -> Application: ...  # noqa: D102


class _Incoming(io.RawIOBase):
    """What a client sends; each request must be whole in time, however many pieces it comes in."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._end, self._begun = 0.0, False

    def wait(self) -> None:
        """A request is expected."""
        self._end, self._begun = time.monotonic() + IDLE_SECONDS, False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Reads what has come.

        Raises:
            TimeoutError: the time is over.
        """
        self._connection.settimeout(max(0.001, self._end - time.monotonic()))
        count = self._connection.recv_into(buffer)
        if not self._begun:
            self._end, self._begun = time.monotonic() + REQUEST_SECONDS, True
        return count


class Handler(BaseHTTPRequestHandler):
    """Reads requests, has the guard check them, and sends the answers."""

    protocol_version = "HTTP/1.1"
    server: Served  # type: ignore[assignment]

    def setup(self) -> None:
        """Limits the time of a client."""
        super().setup()
        self._incoming = _Incoming(self.connection)
        self.rfile.close()
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        """Waits for a request and answers it."""
        self._incoming.wait()
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()
            return
        self.close_connection = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        """All methods are answered by the same rules."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def handle_expect_100(self) -> bool:
        """Clients that ask first whether they may send are answered after all other checks."""
        return True

    def version_string(self) -> str:
        """Tells no versions."""
        return "retrainer"

    def log_message(self, *_: object) -> None:
        """Prints nothing."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuses what is no HTTP, as the library's parser says."""
        self.close_connection = True
        self._send(Answer(f"Refused: {message or explain or code}.\n".encode(), _TEXT, code))

    def _answer(self) -> None:
        try:
            answer = self.server.application(self._request())
        except RefusedError as refused:
            self.close_connection = True
            answer = Answer(f"{refused.reason}\n".encode(), _TEXT, refused.status)
        except RetrainerError as error:
            answer = Answer(f"{error}\n".encode(), _TEXT, 500)
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:  # one request that fails leaves the server as it was
            answer = Answer(f"{innermost_reason(error)}\n".encode(), _TEXT, 500)
        self._send(answer)
        if self.close_connection:
            self._drain()

    def _request(self) -> Request:
        target = self.server.guard.behind_token(self.path, self.headers)
        path, _, query = target.partition("?")
        body = self._body()
        kind = self.headers.get_content_type() if body else ""
        return Request(self.command, path, parse_qs(query, keep_blank_values=True, max_num_fields=100), kind, body)

    def _body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers["Transfer-Encoding"] or len(lengths) > 1:
            raise RefusedError(411, "Expected one Content-Length.")
        length = lengths[0].strip() if lengths else "0"
        if not (length.isascii() and length.isdigit()):
            raise RefusedError(400, "Expected a number as Content-Length.")
        if len(length) > 9 or int(length) > MAX_BODY:
            raise RefusedError(413, f"Expected at most {MAX_BODY:,} bytes.")
        if self.headers["Expect"] and int(length):
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError
        return body

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(REQUEST_SECONDS)
        self.send_response(answer.status)
        headers = {**_HEADERS, "Content-Type": answer.kind, "Content-Length": str(len(answer.content))}
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def _drain(self) -> None:
        end, left = time.monotonic() + _DRAIN_SECONDS, _DRAINED_BYTES
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (seconds := end - time.monotonic()) > 0:
                self.connection.settimeout(seconds)
                if not (came := len(self.connection.recv(2**16))):
                    return
                left -= came
