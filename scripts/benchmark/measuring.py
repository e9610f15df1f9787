"""Medians of interleaved runs. On a shared machine only the ratios of neighbouring runs mean something."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = str(Path(__file__).parent / "launcher.py")


@dataclass(frozen=True)
class Measured:
    """Medians over the runs of one measure.

    Attributes:
        seconds: Wall time.
        cores: Processor time divided by wall time: the mean number of busy cores.
        peak_mb: The most memory that the process held, MiB; 0 if the measure has no process of its own.
        printed: What the last run printed.
    """

    seconds: float
    cores: float
    peak_mb: float = 0.0
    printed: str = ""


Run = Callable[[], Measured]


def interleaved(runs: Mapping[str, Run], repeats: int) -> dict[str, Measured]:
    """The medians of each measure. All take turns; the first round does not count."""
    taken: dict[str, list[Measured]] = {name: [] for name in runs}
    for round_ in range(repeats + 1):
        for name, run in runs.items():
            measured = run()
            if round_:
                taken[name].append(measured)
    return {name: _median(measures) for name, measures in taken.items()}


def _median(measures: Sequence[Measured]) -> Measured:
    return Measured(
        statistics.median(m.seconds for m in measures),
        statistics.median(m.cores for m in measures),
        statistics.median(m.peak_mb for m in measures),
        measures[-1].printed,
    )


def timed(work: Callable[[], object]) -> Run:
    """A measure of work in this process."""

    def run() -> Measured:
        started, processor = time.perf_counter(), time.process_time()
        work()
        seconds = time.perf_counter() - started
        return Measured(seconds, (time.process_time() - processor) / seconds)

    return run


def process(line: Sequence[str], folder: str) -> Run:
    """A measure of a whole process, from its start to its end.

    Raises:
        SystemExit: the process failed.
    """

    def run() -> Measured:
        launched = [sys.executable, "-I", "-S", _LAUNCHER, *line]
        done = subprocess.run(launched, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"failed with {done.returncode}: {' '.join(line)}")
        measured = json.loads(done.stdout)
        seconds = measured["seconds"]
        return Measured(seconds, measured["processor"] / seconds, measured["peak_kb"] / 1024, measured["printed"])

    return run
