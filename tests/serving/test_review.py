"""Decisions reach the disk at once, can be undone, and are told to other windows; only photos of the list are read."""

import io
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask, ask_raw
from PIL import Image
from reviewing import Reviewed, findings_in, hostile_findings, many_findings, reviewed, served_alone, written

from retrainer.errors import OutputError
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.file import read_clean_list, write_clean_list
from retrainer.photos.clean_list.finding import Action, Decision
from retrainer.photos.clean_list.list_file import ListFile

HOSTILE = [
    "</article><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "'><svg onload=alert(1)>",
    "<!--",
    "</style></script></title></textarea>",
    "&lt;b&gt;&#60;",
    "javascript:alert(1)",
    "../../../etc/passwd",
    "=HYPERLINK(1)",
    "a\x1b[31mb\u202ec",
    "<" * 1000,
]
UNDECIDED = {
    "roses/1.jpg": [""],
    "roses/2.jpg": [""],
    "roses/3.jpg": ["", ""],
    "roses/4.jpg": [""],
    "roses/5.jpg": [""],
    "roses/text.jpg": [""],
    "daisy": [""],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Reviewed]:
    path = written(tmp_path / "clean.csv", findings_in(tmp_path / "photos"))
    with reviewed(path) as server:
        yield server


def ids_of(server: Reviewed, query: str = "") -> list[str]:
    return re.findall(r'id="f-(\w+)"', server.get(f"cards?{query}").json()["html"])


def test_a_decision_is_on_the_disk_when_it_is_confirmed(server: Reviewed) -> None:
    first, second, third, *_ = ids_of(server)
    answer = server.post("decide", ids=[first], action="relabel", label="tulips").json()
    assert server.actions() == UNDECIDED | {"roses/1.jpg": ["relabel tulips"]}
    assert answer["said"].startswith("Relabel to tulips: ")
    assert (answer["decided"], answer["total"], answer["undo"]) == (1, 7, 1)
    assert answer["changed"] == {first: {"action": "relabel", "words": "Relabel to tulips", "note": ""}}
    server.post("decide", ids=[second], action="keep", note="fine =1+1")
    server.post("decide", ids=[third], action="set aside")
    assert server.actions()["roses/3.jpg"] == ["set aside", "set aside"]
    assert read_clean_list(server.path).rows[1].decision == Decision(action=Action.KEEP, note="fine =1+1")
    server.post("decide", ids=[second], note="")
    server.post("decide", ids=[third], action="")
    assert server.actions() == UNDECIDED | {"roses/1.jpg": ["relabel tulips"], "roses/2.jpg": ["keep"]}
    assert read_clean_list(server.path).rows[1].decision == Decision(action=Action.KEEP)


def test_classes_of_a_table_may_have_any_spaces_and_none_is_empty(tmp_path: Path) -> None:
    path = written(tmp_path / "clean.csv", findings_in(tmp_path / "photos"))
    with reviewed(path, ["red  rose", " "]) as server:
        first, *_ = ids_of(server)
        assert server.post("decide", ids=[first], action="relabel", label="red  rose").status == 200
        assert server.actions()["roses/1.jpg"] == ["relabel red  rose"]
        assert server.post("decide", ids=[first], action="relabel", label=" ").status == 400


def test_suggestions_are_accepted_together_but_none_of_a_test_photo(server: Reviewed) -> None:
    state = server.get("cards?finding=label").json()
    assert (state["shown"], state["accept"]) == (3, 2)
    wrong = server.post("accept", filters={"finding": "label"}, expected=3)
    assert (wrong.status, server.actions()) == (409, UNDECIDED)
    done = server.post("accept", filters={"finding": "label"}, expected=2).json()
    assert server.actions() == UNDECIDED | {
        "roses/1.jpg": ["relabel tulips"],
        "roses/3.jpg": ["relabel tulips", "relabel tulips"],
    }
    assert done["said"] == "Accepted suggestions: 2 photos"
    assert server.post("undo").json()["said"] == "Undone: Accepted suggestions: 2 photos."
    assert server.actions() == UNDECIDED
    test_photo = ids_of(server, "part=testing")
    server.post("decide", ids=test_photo, action="accept")
    assert server.actions()["roses/2.jpg"] == ["relabel tulips"]


def test_of_copies_the_largest_is_kept_by_one_click(server: Reviewed) -> None:
    html = server.get("cards?finding=copy").json()["html"]
    assert "copy 1 of 2 of the same photo" in html
    server.post("copies", ids=ids_of(server, "finding=copy")[1:])
    assert server.actions() == UNDECIDED | {"roses/4.jpg": ["set aside"], "roses/5.jpg": ["set aside"]}
    server.post("undo")
    assert server.actions() == UNDECIDED


def test_every_step_can_be_undone_by_its_window_also_after_another_one_decided(server: Reviewed) -> None:
    first, second, *_ = ids_of(server)
    for number in range(20):
        server.post("decide", ids=[first], action=("keep", "set aside")[number % 2])
    server.post("decide", window="two", ids=[second], action="keep")
    for number in reversed(range(20)):
        assert server.post("undo").json()["undo"] == number
    assert server.actions() == UNDECIDED | {"roses/2.jpg": ["keep"]}
    assert server.post("undo").json()["said"] == "Nothing to undo in this window."
    server.post("decide", ids=[first], action="keep")
    server.post("decide", window="two", ids=[first], action="set aside")
    assert "What was decided anew since stays: 1 photo." in server.post("undo").json()["said"]
    assert server.actions()["roses/1.jpg"] == ["set aside"]


def test_windows_hear_of_each_other_and_lose_nothing(server: Reviewed) -> None:
    first, second, third, *others = ids_of(server)
    version = server.get("cards").json()["version"]
    assert server.get(f"changes?since={version}").json()["changed"] == {}
    threads = [
        threading.Thread(
            target=lambda each=each, number=number: server.post(
                "decide", window=f"w{number}", ids=[each], action="keep"
            )
        )
        for number, each in enumerate([first, second, third, *others])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {action for actions in server.actions().values() for action in actions} == {"keep"}
    news = server.get(f"changes?since={version}").json()
    assert set(news["changed"]) == {first, second, third, *others}
    assert news["counts"]["keep"] == 8
    assert news["decided"] == news["total"] == 7


def test_a_list_that_a_spreadsheet_saves_meanwhile_is_followed(server: Reviewed) -> None:
    first, second, *_ = ids_of(server)
    server.post("decide", ids=[second], action="keep")
    known = read_clean_list(server.path)
    write_clean_list(server.path, known.decided_rows([0], Decision(action=Action.SET_ASIDE)))
    news = server.get("changes?since=1").json()
    assert news["changed"] == {first: {"action": "set aside", "words": "Set aside", "note": ""}}
    write_clean_list(server.path, CleanList(known.rows[1:]))
    assert server.get("changes?since=2").json()["reload"] is True
    assert server.post("decide", ids=[first], action="keep").status == 409
    assert first not in ids_of(server)
    server.path.write_text("no list")
    broken = server.post("decide", ids=[second], action="set aside")
    assert broken.status == 500
    assert "clean.csv" in broken.content.decode()
    assert server.path.read_text() == "no list"


def test_rows_that_disagree_count_as_undecided_until_they_are_decided_together(tmp_path: Path) -> None:
    decisions = {2: Decision(action=Action.KEEP), 5: Decision(action=Action.SET_ASIDE)}
    with reviewed(written(tmp_path / "clean.csv", findings_in(tmp_path / "photos"), decisions)) as server:
        state = server.get("cards").json()
        assert state["html"].count("Its rows in the list disagree") == 2
        assert state["decided"] == 0
        server.post("decide", ids=[ids_of(server)[2]], action="keep")
        assert server.actions()["roses/3.jpg"] == ["keep", "keep"]
        server.post("undo")
        assert server.actions()["roses/3.jpg"] == ["keep", "set aside"]


def test_what_is_no_decision_changes_nothing(server: Reviewed) -> None:
    first, *_, of_class = ids_of(server)
    before = server.path.read_bytes()
    for fields, status in (
        ({"ids": [first]}, 400),
        ({"ids": [first], "action": "delete"}, 400),
        ({"ids": [first], "action": ["keep"]}, 400),
        ({"ids": [first], "action": "relabel"}, 400),
        ({"ids": [first], "action": "relabel", "label": "elephants"}, 400),
        ({"ids": [first], "action": "keep", "note": "x" * 1001}, 400),
        ({"ids": [first], "action": "keep", "note": 7}, 400),
        ({"ids": "all", "action": "keep"}, 400),
        ({"ids": [[first]], "action": "keep"}, 400),
        ({"ids": [], "action": "keep"}, 409),
        ({"ids": ["0" * 16], "action": "keep"}, 409),
        ({"ids": [of_class], "action": "set aside"}, 400),
        ({"ids": [of_class], "action": "accept"}, 409),
        ({"ids": [first], "action": "keep", "window": "<b>"}, 400),
        ({"ids": [first], "action": "keep", "window": 3}, 400),
        ({"ids": [first], "action": "keep", "since": "0"}, 400),
        ({"ids": [first], "action": "keep", "since": 10**12}, 400),
        ({"ids": [first], "action": "keep", "filters": []}, 400),
        ({"ids": [first], "action": "keep", "filters": {"class": 1}}, 400),
    ):
        assert server.post("decide", **fields).status == status, fields
    assert server.post("accept", filters=[], expected=1).status == 400
    assert server.post("accept", filters={}, expected=-1).status == 400
    assert server.post("accept", filters={}, expected=True).status == 400
    for body in (b"", b"{", b"[]", b"null", b'"a"', b"\xff", b"[" * 100_000, b'{"ids": NaN}'):
        assert ask(f"{server.address}decide", "POST", body).status in (400, 415), body[:10]
    content = {"ids": [first], "action": "keep", "window": "one"}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert ask(f"{server.address}decide", "POST", content, Content_Type=kind).status == 415
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "X"):
        assert ask(f"{server.address}decide", method).status == 405, method
    assert ask(server.address, "POST", content).status == 405
    assert server.get("changes?since=-1").status == 400
    assert server.get("nothing").status == server.get("decide/x").status == server.get("cards/x").status == 404
    assert server.path.read_bytes() == before
    assert ask(f"{server.address}decide", "POST", content, Origin="http://evil.example").status == 403
    assert ask(f"{server.address}decide", "POST", content, Host="evil.example").status == 403
    assert ask(f"http://127.0.0.1:{server.port}/decide", "POST", content).status == 403
    assert server.path.read_bytes() == before


def test_only_photos_of_the_list_are_read_and_only_their_pixels_leave(server: Reviewed, tmp_path: Path) -> None:
    (tmp_path / "photos" / "secret.txt").write_text("secret")
    (first, *_, unreadable, of_class) = ids_of(server)
    for number, large, side in ((0, "", 240), (1, "", 240), (0, "?large", 1280)):
        answer = server.get(f"photo/{first}/{number}{large}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert b"SECRET" not in answer.content
        assert b"Exif" not in answer.content
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert max(picture.size) == side
    for path in (
        *(f"{first}/3", f"{first}/-1", f"{first}/00", f"{first}/", first, f"{first}/0/", f"{first}/0/../1", "", "x/0"),
        *("../clean.csv", "%2e%2e/clean.csv", "..%2fclean.csv", f"{first}/../../clean.csv", "..\\clean.csv"),
        *(f"{first}/%30", f"{first}/%D9%A1", f"{of_class}/0", "/etc/passwd", "//etc/passwd"),
        *(f"{first}/0%00", f"{first}/{'9' * 5000}", str(tmp_path / "photos" / "secret.txt")),
    ):
        answer = server.get(f"photo/{path}")
        assert answer.status == 404, path
        assert answer.content == b"No such photo.\n"
    answer = server.get(f"photo/{unreadable}/0")
    assert answer.status == 404
    assert answer.content.startswith(b"No picture: expected JPEG")
    token = server.address.split("/")[3]
    raw = f"GET /{token}/photo/../../../etc/passwd HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    assert ask_raw(server.port, raw.encode()).startswith(b"HTTP/1.1 404 ")
    (tmp_path / "photos" / "roses" / "1.jpg").unlink()
    gone = server.get(f"photo/{first}/0?large")
    assert (gone.status, gone.content) == (404, b"No picture: cannot be read: No such file or directory.\n")


def test_of_10000_findings_each_can_be_reached_and_answers_stay_small(tmp_path: Path) -> None:
    with reviewed(written(tmp_path / "clean.csv", many_findings(tmp_path / "photos", 10_000))) as server:
        page = server.get("").content
        assert len(page) < 200_000
        state = server.get("cards").json()
        assert (state["shown"], state["cards"], state["total"], state["accept"]) == (10_000, 10_000, 10_000, 6_667)
        assert len(state["html"]) < 400_000
        found = ids_of(server)
        assert len(found) == 40
        some = "finding=dark&part=testing"
        while more := ids_of(server, f"{some}&after={found[-1]}" if len(found) > 40 else some):
            found += more
        assert len(set(found)) == 40 + 666
        last = server.get(f"cards?finding=dark&before={found[-1]}").json()
        assert (last["earlier"], last["later"]) == (True, True)
        at = server.get(f"cards?at={found[-1]}").json()
        assert f'id="f-{found[-1]}"' in at["html"]
        began = time.monotonic()
        done = server.post("accept", filters={}, expected=6_667).json()
        assert time.monotonic() - began < 10
        assert (done["decided"], done["reload"]) == (6_667, True)
        began = time.monotonic()
        server.post("decide", ids=[found[-1]], action="keep")
        assert time.monotonic() - began < 3
        server.post("undo")
        assert server.post("undo").json()["decided"] == 0


def test_hostile_names_are_text(tmp_path: Path) -> None:
    rows = hostile_findings(HOSTILE)
    with reviewed(written(tmp_path / "clean.csv", rows)) as server:
        html = server.get("cards").json()["html"]
        assert html.count("<article") == len(HOSTILE)
        tags = "article h3 bdi p span div figure button img figcaption b kbd label input"
        assert set(re.findall(r"<(\w+)", html)) <= set(tags.split())
        assert "<script" not in server.get("").content.decode().replace('<script>"use strict"', "")


def test_a_killed_server_has_all_decisions_on_disk_and_its_list_can_be_served_again(tmp_path: Path) -> None:
    path = written(tmp_path / "clean.csv", findings_in(tmp_path / "photos"))
    with served_alone(path) as (server, process):
        ids = ids_of(server)
        assert server.post("decide", ids=ids[:1], action="keep").status == 200
        assert server.post("decide", ids=ids[1:2], action="set aside").status == 200
        with pytest.raises(OutputError, match="in use by another process"), ListFile(path):
            pass
        process.kill()
        process.wait()
    assert server.actions() == UNDECIDED | {"roses/1.jpg": ["keep"], "roses/2.jpg": ["set aside"]}
    with served_alone(path) as (server, process):
        assert server.get("cards").json()["decided"] == 2
        server.post("decide", ids=ids[2:3], action="keep")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=10)
        assert (process.returncode, output) == (0, "3 of 7 decided\n")
    assert sorted(os.listdir(tmp_path)) == ["clean.csv", "photos"]


def test_a_folder_that_cannot_be_written_is_an_answer_and_nothing_is_lost(
    server: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = ids_of(server)
    before = server.path.read_bytes()

    def fails(*_: object) -> None:
        raise OutputError("Cannot write 'clean.csv': the disk is full.", "Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr("retrainer.photos.clean_list.list_file.write_together", fails)
        answer = server.post("decide", ids=[first], action="keep")
        assert (answer.status, answer.content) == (
            500,
            b"Cannot write 'clean.csv': the disk is full.\nFree some space.\n",
        )
        assert server.get("cards").json()["decided"] == 0
    assert server.path.read_bytes() == before
    assert server.post("decide", ids=[first], action="keep").json()["undo"] == 1


def test_200_decisions_at_once_are_all_on_the_disk(tmp_path: Path) -> None:
    with reviewed(written(tmp_path / "clean.csv", many_findings(tmp_path / "photos", 200))) as server:
        kinds = ("label", "copy", "outlier", "blurry", "dark")
        ids = [each for kind in kinds for each in ids_of(server, f"finding={kind}")]
        statuses: list[int] = []
        threads = [
            threading.Thread(
                target=lambda each=each: statuses.append(server.post("decide", ids=[each], action="keep").status)
            )
            for each in ids
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 200
        assert [row.decision.action for row in read_clean_list(server.path)] == ["keep"] * 200


def test_the_page_lets_nothing_but_its_own_server_be_asked(server: Reviewed) -> None:
    answer = server.get("")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = answer.content.decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert "default-src &#x27;none&#x27;" in policy
    assert "connect-src &#x27;self&#x27;" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert json.dumps(server.address.split("/")[3]) not in page
