"""A small HTTP server on 127.0.0.1 for many connections at once; it prints nothing."""

import socket
import sys
import threading
from http.server import ThreadingHTTPServer
from socketserver import TCPServer

from retrainer.errors import OptionError
from retrainer.serving.exchange import Application, Handler
from retrainer.serving.guard import Guard

_CONNECTIONS = 256
_Connection = socket.socket | tuple[bytes, socket.socket]


class LoopbackServer(ThreadingHTTPServer):
    """Serves an application on 127.0.0.1 until `shutdown()`.

    Args:
        port: The port; 0 for any that is free.
        application: Answers the requests, in many threads. It may raise `RefusedError`.

    Attributes:
        guard: Checks all requests.

    Raises:
        OptionError: the port is in use, or may not be used.
    """

    daemon_threads = True
    request_queue_size = 256
    # On Windows it would let two servers have the same port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, port: int, application: Application) -> None:
        self.application = application
        self._connections = threading.BoundedSemaphore(_CONNECTIONS)
        try:
            super().__init__(("127.0.0.1", port), Handler)
        except OSError as error:
            raise OptionError(
                f"--port {port}: expected a free port, received one that cannot be used: {error.strerror or error}.",
                "Give another port, or no --port, which takes any free one.",
            ) from error
        self.guard = Guard(self.server_address[1])

    def server_bind(self) -> None:
        """Binds without looking up the machine's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def process_request(self, request: _Connection, client_address: object) -> None:
        """Serves a connection in a thread of its own; one too many is closed."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._connections.release()
            raise

    def process_request_thread(self, request: _Connection, client_address: object) -> None:
        """Serves a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a client that goes away, or that is too slow, is none of the user's problems."""
