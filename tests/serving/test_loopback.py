"""Only who knows the token is served; limits hold, and nothing that a client does ends or blocks the server."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from asking import ask, ask_raw, serving

from retrainer.errors import OptionError, OutputError
from retrainer.serving import exchange
from retrainer.serving.exchange import MAX_BODY, Answer, Request
from retrainer.serving.guard import RefusedError
from retrainer.serving.loopback import LoopbackServer

SEEN: list[Request] = []


def application(request: Request) -> Answer:
    SEEN.append(request)
    if request.path == "refused":
        raise RefusedError(404, "Nothing here.")
    if request.path == "full":
        raise OutputError("The disk is full.", "Delete something.")
    if request.path == "bug":
        raise KeyError("a bug")
    return Answer(request.body or b"served", "text/plain")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    SEEN.clear()
    with serving(application) as server:
        yield server


def test_who_knows_the_token_is_served(server: LoopbackServer) -> None:
    address, port = server.guard.address, server.server_port
    answer = ask(f"{address}photo/1?size=large&size=&b=%2e")
    assert (answer.status, answer.content) == (200, b"served")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Server"] == "retrainer"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert SEEN[0] == Request("GET", "photo/1", {"size": ["large", ""], "b": ["."]})
    own = ask(address, "POST", {"a": 1}, Host=f"LOCALHOST:{port}", Origin=f"http://localhost:{port}")
    assert own.content == b'{"a": 1}'
    assert SEEN[1].kind == "application/json"
    assert len(address.split("/")[3]) >= 32
    with serving(application) as other:
        assert other.guard.address.split("/")[3] != address.split("/")[3]


def test_all_others_are_refused_and_the_application_does_not_hear_of_them(server: LoopbackServer) -> None:
    address, port = server.guard.address, server.server_port
    root, token = f"http://127.0.0.1:{port}", server.guard.address.split("/")[3]
    paths = ["/", "", "/x/", f"/{token}", f"/{token[:-1]}/", f"/{token}x/", f"/{token.upper()}/"]
    paths += [f"/x/../{token}/", f"/%2e/{token}/", f"/?token={token}", f"/{token}%2f", "/favicon.ico", "/robots.txt"]
    for path in paths:
        assert ask(f"{root}{path}").status == 403, path
    hosts = ["evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1.nip.io:{port}"]
    hosts += [f"localhost.:{port}", f"[::1]:{port}", "", f"user@127.0.0.1:{port}", f"0.0.0.0:{port}"]
    for host in hosts:
        assert ask(address, Host=host).status == 403, host
    origins = ["null", "http://evil.example", f"https://127.0.0.1:{port}", "http://127.0.0.1", f"{root}/"]
    origins += [f"http://localhost:{port}", f"{root}, {root}", "", f"{root}.evil.example", "file://"]
    for origin in origins:
        for method in ("GET", "POST", "OPTIONS", "DELETE"):
            assert ask(address, method, b"{}", Origin=origin).status == 403, origin
    head = f"GET /{token}/ HTTP/1.1\r\n"
    for lines in (
        "",
        f"Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n",
        f"Host: 127.0.0.1:{port}\r\nOrigin: {root}\r\nOrigin: http://evil.example\r\n",
    ):
        assert ask_raw(port, f"{head}{lines}\r\n".encode()).startswith(b"HTTP/1.1 403 ")
    absolute = f"GET http://evil.example/{token}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
    assert ask_raw(port, absolute.encode()).startswith(b"HTTP/1.1 403 ")
    assert SEEN == []
    assert ask(address).status == 200


def test_what_fails_is_an_answer_of_one_line_and_no_traceback(
    server: LoopbackServer, capfd: pytest.CaptureFixture[str]
) -> None:
    address = server.guard.address
    answers = {path: ask(f"{address}{path}") for path in ("refused", "full", "bug")}
    assert [answers[path].status for path in answers] == [404, 500, 500]
    assert answers["refused"].content == b"Nothing here.\n"
    assert answers["full"].content == b"The disk is full.\nDelete something.\n"
    assert answers["bug"].content == b"KeyError: 'a bug'\n"
    assert capfd.readouterr() == ("", "")


def test_bodies_have_a_length_and_a_limit(server: LoopbackServer) -> None:
    address, port = server.guard.address, server.server_port
    assert ask(address, "POST", b"x" * MAX_BODY).content == b"x" * MAX_BODY
    SEEN.clear()
    assert ask(address, "POST", b"x" * (MAX_BODY + 1)).status == 413
    assert ask(address, "POST", b"x" * (8 * MAX_BODY)).status == 413
    head = f"POST {address.removeprefix(f'http://127.0.0.1:{port}')} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
    for lines, status in {
        b"Content-Length: 99999999999999999999\r\n": b"413",
        b"Content-Length: -1\r\n": b"400",
        b"Content-Length: 1e3\r\n": b"400",
        "Content-Length: \u0664\r\n".encode(): b"400",
        b"Content-Length: 1\r\nContent-Length: 2\r\n": b"411",
        b"Transfer-Encoding: chunked\r\n": b"411",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n": b"411",
    }.items():
        assert ask_raw(port, head + lines + b"\r\nabc").startswith(b"HTTP/1.1 " + status), lines
    assert ask_raw(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").startswith(b"<") is False
    assert ask_raw(port, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 414 ")
    assert ask_raw(port, head + b"X: y\r\n" * 200 + b"\r\n").startswith(b"HTTP/1.1 431 ")
    assert SEEN == []
    assert b"100 Continue" in ask_raw(
        port, head + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"
    )


def test_slow_and_half_clients_are_cut_while_others_are_served(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(exchange, "IDLE_SECONDS", 0.6)
    port = server.server_port
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for number, client in enumerate(slow):
        client.sendall(b"GET / HT" if number % 2 else b"")
    dripping = socket.create_connection(("127.0.0.1", port))
    stopped = threading.Event()

    def drip() -> None:
        with dripping:
            for _ in range(200):
                try:
                    dripping.sendall(b"x")
                except OSError:
                    stopped.set()
                    return
                time.sleep(0.02)

    threading.Thread(target=drip).start()
    assert ask(server.guard.address).status == 200
    assert stopped.wait(5)
    for client in slow:
        with client:
            client.settimeout(5)
            assert client.recv(100) == b""
    assert ask(server.guard.address).status == 200


def test_200_at_once_are_served_and_too_many_are_cut(server: LoopbackServer, capfd: pytest.CaptureFixture[str]) -> None:
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(ask(server.guard.address).status)) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 200
    held = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(300)]
    held[-1].settimeout(10)
    assert held[-1].recv(1) == b""
    for client in held:
        client.close()
    deadline = time.monotonic() + 5
    while True:
        try:
            assert ask(server.guard.address).status == 200
            break
        except OSError:
            assert time.monotonic() < deadline
    assert capfd.readouterr() == ("", "")


def test_a_port_in_use_is_one_line(server: LoopbackServer) -> None:
    with pytest.raises(OptionError, match=rf"--port {server.server_port}: expected a free port, received one that"):
        LoopbackServer(server.server_port, application)
