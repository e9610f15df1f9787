"""A limit of the whole time that requests may take.

The timeout of `requests` limits each wait for a byte, so that a server that sends a byte now and then is never late.
"""

import contextlib
import socket
import threading
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Cuts all connections of its sessions when the time is over; begins with `with`.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.has_passed = False

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def session(self) -> requests.Session:
        """A session whose connections are cut, and that follows no redirection."""
        session = _Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(self))
        return session

    def require(self) -> None:
        """Raises TimeoutError if the time is over; an answer that was cut looks as if it had ended."""
        if self.has_passed:
            raise TimeoutError

    def watch(self, opened: Any) -> None:
        """Cuts a socket when the time is over."""
        with self._lock:
            self._sockets.append(opened)
        self.require()

    def _cut(self) -> None:
        self.has_passed = True
        with self._lock:
            for opened in self._sockets:
                with contextlib.suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)


class _Session(requests.Session):
    """Follows no redirection: it would first read all that comes with one, however much that is."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, as for an answer that does not redirect."""


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
