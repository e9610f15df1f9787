"""A limit of the whole time that requests may take, or of the time in which some bytes must come.

The timeout of `requests` limits each wait for a byte, so that a server that sends a byte now and then is never late.
"""

import contextlib
import socket
import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Cuts all connections of its sessions when the time is over; begins with `with`.

    Attributes:
        has_passed: Whether the time is over. An answer that was cut may look as if it had ended.

    Args:
        seconds: The time.
        pace: The time begins anew with every `pace` bytes that come; 0 if it never does.
    """

    def __init__(self, seconds: float, pace: int = 0) -> None:
        self._seconds, self._pace = seconds, pace
        self._came, self._end = 0, 0.0
        self._left = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.has_passed = False

    def __enter__(self) -> "Deadline":
        self._end = time.monotonic() + self._seconds
        threading.Thread(target=self._wait, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()

    def session(self) -> requests.Session:
        """A session whose connections are cut, and that reads nothing that comes with a redirection."""
        session = requests.Session()
        session.hooks["response"] = [_without_body]
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(self))
        return session

    def came(self, size: int) -> None:
        """Counts bytes of an answer."""
        self._came += size
        if self._pace and self._came >= self._pace:
            self._came, self._end = 0, time.monotonic() + self._seconds

    def require(self) -> None:
        """Raises `requests.Timeout` if the time is over."""
        if self.has_passed:
            raise requests.Timeout

    def watch(self, opened: Any) -> None:
        """Cuts a socket when the time is over."""
        with self._lock:
            self._sockets.append(opened)
        self.require()

    def _wait(self) -> None:
        while (seconds := self._end - time.monotonic()) > 0:
            if self._left.wait(seconds):
                return
        self.has_passed = True
        with self._lock:
            for opened in self._sockets:
                with contextlib.suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)


def _without_body(answer: requests.Response, **_: Any) -> None:
    """Ends a redirection at its headers; `requests` would read its body into memory, even one without end."""
    if answer.is_redirect:
        answer.close()


class _Adapter(HTTPAdapter):
    """Makes connections that a deadline cuts."""

    def __init__(self, deadline: Deadline) -> None:
        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                deadline.watch(self.sock)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                deadline.watch(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Makes the manager of direct connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """Makes a manager of connections by a proxy."""
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager
