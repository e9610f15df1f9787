"""Who may ask a server on this machine: whoever knows its token, and no page from anywhere else.

Each request is checked before anything else happens. The token, which is random, is the first part of each path.
`Host` must name this server: a foreign name that leads to 127.0.0.1 (DNS rebinding) is refused. `Origin`, which a
browser adds if a page asks, must be this server's own.
"""

import hmac
import secrets
from email.message import Message

_TOKEN_BYTES = 24
_REFUSAL = "Refused. Open the address that the command printed, with all of its letters."


class RefusedError(Exception):
    """A request that is not served.

    Attributes:
        status: The HTTP status, such as 403.
        reason: What the client reads, plain text.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Guard:
    """Checks requests to a server of this machine.

    Attributes:
        address: The URL of the server's first page, with its token.

    Args:
        port: The server's port.
        token: Letters and digits that nobody can guess; made if it is empty.
    """

    def __init__(self, port: int, token: str = "") -> None:
        self._token = token or secrets.token_urlsafe(_TOKEN_BYTES)
        names = ("127.0.0.1", "localhost")
        self._hosts = {f"{name}:{port}" for name in names} | ({*names} if port == 80 else set())
        self.address = f"http://127.0.0.1:{port}/{self._token}/"

    def behind_token(self, target: str, headers: Message) -> str:
        """What follows the token in the target of a request, such as `photo/1?size=large`.

        Raises:
            RefusedError: the token is wrong, or the request is for another host or comes from another one's page.
        """
        hosts, origins = headers.get_all("Host", []), headers.get_all("Origin", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise RefusedError(403, _REFUSAL)
        if origins and origins != [f"http://{hosts[0].lower()}"]:
            raise RefusedError(403, _REFUSAL)
        root, _, rest = target.partition("/")
        token, slash, inner = rest.partition("/")
        # The time of the comparison does not tell how many letters are right.
        if root or not slash or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise RefusedError(403, _REFUSAL)
        return inner
