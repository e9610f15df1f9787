"""What runs in a process of its own may do anything: its parent gets one line."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from retrainer.errors import ModelError
from retrainer.system.isolation.frames import Frame
from retrainer.system.isolation.parent import IsolatedProcess


def asked(what: str, seconds: float = 30.0) -> Frame:
    return IsolatedProcess("misbehaving", "it.pb").ask({"do": what}, seconds=seconds)


def test_frames_carry_documents_and_arrays() -> None:
    header, (array,) = asked("answer")
    assert header == {"given": 1}
    np.testing.assert_array_equal(array, [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("abort", r"'it.pb' crashed the process that ran it \(signal 6\)"),
        ("leave", r"'it.pb' crashed the process that ran it \(exit code 0\)"),
        ("fill", "'it.pb' takes more memory than it may"),
        ("stumble", "'it.pb' cannot be used: pop from empty list"),
        *((what, "nonsense") for what in ("long header", "no JSON", "objects", "huge array", "negative array")),
        ("escapes", r"\\x1b\[31mred\\nnext"),
        ("error", "failed"),
    ],
)
def test_whatever_a_child_does_is_one_line(what: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        asked(what)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in caught.value.problem


def test_a_child_that_takes_too_long_is_stopped() -> None:
    child = IsolatedProcess("misbehaving", "it.pb")
    with pytest.raises(ModelError, match=r"took more than 1 s, and was stopped"):
        child.ask({"do": "loop"}, seconds=1.0)
    assert child._process.returncode is not None


def test_a_child_that_was_ended_is_asked_no_more() -> None:
    child = IsolatedProcess("misbehaving", "it.pb")
    with pytest.raises(ModelError, match="pop from empty list"):
        child.ask({"do": "stumble"}, seconds=30.0)
    with pytest.raises(ModelError, match=r"'it.pb': the process that ran it was ended"):
        child.ask({"do": "answer"}, seconds=30.0)


def test_what_libraries_leave_in_the_temporary_folder_goes_with_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    child = IsolatedProcess("misbehaving", "it.pb")
    header, _ = child.ask({"do": "litter"}, seconds=30.0)
    left = Path(header["left"])
    assert left.exists()
    child.close()
    assert not left.exists()
    assert not list(tmp_path.iterdir())


def test_what_a_child_prints_does_not_reach_the_parent(capfd: pytest.CaptureFixture[str]) -> None:
    asked("answer")
    assert capfd.readouterr() == ("", "")


def test_a_child_ends_with_what_started_it() -> None:
    child = IsolatedProcess("misbehaving", "it.pb")
    process = child._process.pid
    del child
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_child_ends_with_a_parent_that_is_killed_while_native_code_holds_the_lock_of_python() -> None:
    # In a thread that has ended, too: the process counts.
    code = """if True:
        import json, signal, sys, threading
        sys.path[:] = json.loads(sys.argv[1])
        from retrainer.system.isolation.parent import IsolatedProcess
        def start():
            children.append(IsolatedProcess("misbehaving", "it.pb"))
        children = []
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        print(children[0].ask({"do": "hold"}, seconds=30)[0]["pid"], flush=True)
        signal.pause()"""
    parent = subprocess.Popen([sys.executable, "-c", code, json.dumps(sys.path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent:
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    poll = select.poll()
    poll.register(child, select.POLLIN)
    ended = poll.poll(10_000)
    if not ended:
        signal.pidfd_send_signal(child, signal.SIGKILL)
    os.close(child)
    assert ended
