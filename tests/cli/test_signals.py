"""Ctrl-C and SIGTERM end a command with one line and the exit code of shells, whenever they come."""

import signal
import subprocess
import sys

import pytest
from conftest import heeding_ctrl_c

# Runs a command line whose work is a given piece of Python; {work} sends signals to its own process.
COMMAND = """
import os, signal, sys
import retrainer.cli.main as entry
def send(number):
    os.kill(os.getpid(), number)
def work():
{work}
from retrainer.cli import signals
heed = signals.heed_signals
def heed_and_replace():
    heed()
    import retrainer.cli.commands as commands
    import click
    commands.command_named = lambda name: click.Command(name, callback=work)
signals.heed_signals = heed_and_replace
entry.heed_signals = heed_and_replace
{before}
entry.start("label", [], "retrainer")
"""
SAID = {
    signal.SIGINT: "Error: Interrupted. Run the same command again to continue.\n",
    signal.SIGTERM: "Error: Terminated. Run the same command again to continue.\n",
}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def ran(work: str, before: str = "", **options: object) -> "subprocess.CompletedProcess[str]":
    """A command with this work, after some other lines."""
    indented = "".join(f"    {line}\n" for line in work.strip().splitlines())
    line = [sys.executable, "-c", COMMAND.format(work=indented, before=before)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


@BOTH
@pytest.mark.parametrize(
    "work",
    [
        "send({n})",
        "try:\n    send({n})\nfinally:\n    print('cleaned')",
        # As libraries do that take an interrupt for an error of their own, or for none.
        "try:\n    send({n})\nexcept BaseException:\n    raise AttributeError('x')",
        "try:\n    send({n})\nexcept BaseException:\n    sys.exit(1)",
        "try:\n    send({n})\nexcept BaseException:\n    import retrainer as r\n    raise r.RetrainerError('x')",
        "try:\n    send({n})\nexcept BaseException:\n    pass",
    ],
)
def test_the_first_signal_ends_the_run_in_good_order(number: signal.Signals, work: str) -> None:
    done = ran(work.format(n=int(number)), preexec_fn=heeding_ctrl_c)
    assert done.returncode == CODES[number]
    assert done.stderr == SAID[number]
    assert done.stdout == ("cleaned\n" if "cleaned" in work else "")


# The first signal comes while an object is deleted, where Python drops exceptions.
DESTRUCTOR = """
class Dying:
    def __del__(self):
        send({n})
dying = Dying()
del dying
signal.pause()
signal.pause()
print("never")
"""
TWO_SIGNALS = "try:\n    send({n})\nfinally:\n    send({n})\n    print('never')"
HIDDEN = """
from retrainer.system.process import native_stderr_hidden
with native_stderr_hidden():
    try:
        send({n})
    finally:
        send({n})
"""
# It comes while `click` is imported, which is the longest part of a start.
IMPORT = """
class Finder:
    def find_spec(self, name, *_):
        if name == "click":
            send({n})
sys.meta_path.insert(0, Finder())
entry.heed_signals = heed
"""


@BOTH
@pytest.mark.parametrize(
    ("work", "before"),
    [(DESTRUCTOR, ""), (TWO_SIGNALS, ""), (HIDDEN, ""), ("print('never')", IMPORT)],
    ids=["destructor", "two signals", "while native lines are hidden", "import"],
)
def test_a_signal_ends_the_run_whenever_it_comes(number: signal.Signals, work: str, before: str) -> None:
    done = ran(work.format(n=int(number)), before.format(n=int(number)), preexec_fn=heeding_ctrl_c)
    assert (done.returncode, done.stdout, done.stderr) == (CODES[number], "", SAID[number])


@BOTH
def test_a_signal_at_the_end_changes_nothing(number: signal.Signals) -> None:
    """After all handlers of `atexit`; what is registered first is called last."""
    before = f"import atexit; atexit.register(lambda: send({int(number)}))"
    done = ran("print('done')", before, preexec_fn=heeding_ctrl_c)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_a_command_in_the_background_ignores_ctrl_c_as_shells_want_it() -> None:
    work = "send(signal.SIGINT)\nprint('done')"
    done = ran(work, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_the_entry_point_imports_little_before_it_heeds_signals() -> None:
    imported = "known = set(sys.modules); import retrainer.cli.main; print(*sorted(set(sys.modules) - known))"
    line = [sys.executable, "-c", f"import re, signal, sys; {imported}"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    own = {"retrainer", "retrainer.cli", "retrainer.cli.main", "retrainer.cli.signals"}
    assert set(done.stdout.split()) - {"atexit", "collections.abc"} == own


def test_the_commands_can_be_imported_from_where_the_entry_point_is() -> None:
    from retrainer.cli import commands, main

    assert (main.commands, main.run) == (commands.commands, commands.run)
    assert not hasattr(main, "others")
