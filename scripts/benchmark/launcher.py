"""Runs a command and prints its wall time, processor time, peak memory and output as JSON.

It is a small process of its own, because the peak memory of a child starts at that of its parent.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Runs the command given as arguments and ends with its exit code."""
    started = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    printed = child.stdout.read() if child.stdout else b""
    _, status, usage = os.wait4(child.pid, 0)
    measured = {
        "seconds": time.perf_counter() - started,
        "processor": usage.ru_utime + usage.ru_stime,
        "peak_kb": usage.ru_maxrss,
        "printed": printed.decode("utf-8", "replace"),
    }
    child.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps(measured))
    sys.exit(child.returncode)


if __name__ == "__main__":
    main()
