"""A server of a test, and clients that ask it by raw bytes or as programs do."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from retrainer.serving.exchange import Application
from retrainer.serving.loopback import LoopbackServer


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@contextmanager
def serving(application: Application) -> Iterator[LoopbackServer]:
    server = LoopbackServer(0, application)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(address: str, method: str = "GET", body: object = None, **headers: str) -> Reply:
    """Asks as a browser does; headers are named with `_` in place of `-`, and `Host` and `Origin` can be replaced."""
    host, _, path = address.removeprefix("http://").partition("/")
    sent = {"Host": host, **({"Content-Type": "application/json"} if body is not None else {})}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection = HTTPConnection(host, timeout=20)
    try:
        connection.request(method, f"/{path}", content, sent)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.headers), answer.read())
    finally:
        connection.close()


def ask_raw(port: int, content: bytes) -> bytes:
    """All bytes that come back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(content)
        received = b""
        while more := client.recv(2**16):
            received += more
    return received
