"""Photos on servers that answer, and on servers that misbehave."""

import gzip
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from servers import TOO_LONG, WITHOUT_END, Answer, Server, hangs, hangs_up, running, sends

from retrainer.errors import PictureError
from retrainer.events import silent
from retrainer.photos.inputs import addresses
from retrainer.photos.inputs.addresses import fetched
from retrainer.photos.inputs.kinds import inputs_of
from retrainer.photos.inputs.rows import photo_of
from retrainer.photos.inputs.source import Request
from retrainer.photos.photo import content_of, name_of

LIMIT, SECONDS = 100_000, 1.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that runs; who fetches from it waits a short time only."""
    monkeypatch.setattr(addresses, "MAX_BYTES", LIMIT)
    monkeypatch.setattr(addresses, "SECONDS", SECONDS)
    monkeypatch.setattr(addresses, "SILENT_SECONDS", 0.4)
    with running() as server:
        yield server


def to(url: str, body: Answer | None = None) -> Answer:
    """Redirects to an address; what comes with it goes on and on if there is a body."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", url)
        request.end_headers()
        if body:
            body(request)

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    """Sends as fast as the client takes it, until that hangs up."""
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(bytes(10_000))


def commands(request: BaseHTTPRequestHandler) -> None:
    """Answers with what would colour a terminal."""
    request.send_response(404, "\x1b[31mred")
    request.end_headers()


def test_a_photo_is_fetched_when_it_is_read(server: Server) -> None:
    server.answers = [sends(b"picture", kind="image/jpeg")]
    ((photo, named),) = inputs_of([server.file], Request(silent))
    assert (name_of(photo), named, server.asked) == (server.file, True, [])
    assert content_of(photo) == b"picture"
    assert len(server.asked) == 1
    in_a_list = photo_of(server.file, Request(silent, allow_urls=True))
    assert (name_of(in_a_list), content_of(in_a_list)) == (server.file, b"picture")


def test_redirections_are_followed_to_an_end(server: Server) -> None:
    server.answers = [to("/one"), to(server.handle), to("two?a=b#c"), sends(b"picture")]
    assert fetched(server.file) == b"picture"
    folder = "/google/imagenet/net/feature_vector"
    assert server.asked == ["/weights/weights.h5", "/one", f"{folder}/5", f"{folder}/two?a=b"]
    server.answers = [to("/again")]
    server.asked.clear()
    with pytest.raises(PictureError, match="cannot be fetched: more than 5 redirections"):
        fetched(server.file)
    assert len(server.asked) == 6


BAD = {
    "absent": (sends(b"", 404), "the server answered 404 Not Found"),
    "failing": (sends(b"", 500), "the server answered 500 Internal Server Error"),
    "said to be huge": (sends(b"x", length=LIMIT + 1), "more than the limit of 100,000 bytes"),
    "said to be huger": (sends(b"x", length=10**30), "more than the limit of 100,000 bytes"),
    "huge": (sends(bytes(LIMIT + 1)), "more than the limit of 100,000 bytes"),
    "endless": (endless, "more than the limit of 100,000 bytes"),
    "cut": (sends(b"pict", length=9), "IncompleteRead: "),
    "silent": (hangs, r"the server was silent for 0\.4 s"),
    "closed": (hangs_up, "RemoteDisconnected: "),
    "compressed": (
        sends(gzip.compress(bytes(10**7)), headers={"Content-Encoding": "gzip"}),
        "the server compressed it by gzip",
    ),
    "to a file": (to("file:///etc/passwd"), "expected an address that begins with http:// or https://"),
    "to nowhere": (to("http://[::1"), "ValueError: "),
    "to another protocol": (to("ftp://127.0.0.1/"), "expected an address that begins with http:// or https://"),
    "commanding": (commands, r"the server answered 404 \\x1b\[31mred"),
    "to something endless": (to("/x", endless), "more than 5 redirections"),
    **{name: (answer, r"\w+: got more than ") for name, answer in TOO_LONG.items()},
    **{name: (answer, "it took more than 1 s$") for name, answer in WITHOUT_END.items()},
}


@pytest.mark.parametrize("case", BAD)
def test_a_server_that_misbehaves_is_one_error_within_the_limits(case: str, server: Server) -> None:
    answer, message = BAD[case]
    server.answers = [answer]
    began = time.monotonic()
    with pytest.raises(PictureError, match=f"^cannot be fetched: {message}") as error:
        fetched(server.file)
    assert time.monotonic() - began < 2 * SECONDS
    assert re.fullmatch(r"[ -~]+", str(error.value))


def test_an_address_of_nothing_is_an_error() -> None:
    for url in (
        "http://127.0.0.1:1/a.jpg",
        "https://127.0.0.1:1/a.jpg",
        "http://",
        "http://a b/",
        "http://x:99999999/",
    ):
        with pytest.raises(PictureError, match=r"^cannot be fetched: .") as error:
            fetched(url)
        assert len(str(error.value).splitlines()) == 1
