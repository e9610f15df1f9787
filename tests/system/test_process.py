"""The library leaves the process as it was; a command, which owns its process, changes it in one place."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import COLOURS, Photos
from threadpoolctl import threadpool_info

from retrainer.system import process
from retrainer.system.process import keras_on_tensorflow, native_stderr_hidden, one_blas_thread

# Packages of others change some of it when they are imported, which is not ours to undo.
POLITE = """
import gc, locale, logging, os, random, resource, signal, socket, sys, threading, warnings
import ai_edge_litert.interpreter, click, cykooz_resizer, filelock, google_crc32c, numpy, pyarrow.parquet, rich.progress
import simplejpeg, tensorboard.compat.proto.graph_pb2
from PIL import Image, ImageFile, TiffImagePlugin
from threadpoolctl import threadpool_info

def state():
    Image.init()
    return {
        "environment": dict(os.environ),
        "warnings": list(warnings.filters),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "Pillow": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, sorted(Image.OPEN), Image.MIME),
        "descriptors": [os.fstat(number)[:3] for number in range(3)],
        "streams": [sys.stdin, sys.stdout, sys.stderr, sys.stderr.errors],
        "hooks": [sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook],
        "threads of BLAS": [found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"],
        "garbage": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "errors of NumPy": numpy.geterr(),
        "random": (random.getstate(), numpy.random.get_state()[1].tolist()),
        "limits": [resource.getrlimit(number) for number in range(16)],
        "interpreter": (sys.path[:], sys.getrecursionlimit(), sys.getswitchinterval(), locale.setlocale(locale.LC_ALL)),
        "logging": (logging.root.level, logging.root.handlers),
        "others": (os.getcwd(), os.umask(0o22), socket.getdefaulttimeout(), threading.active_count()),
    }

os.umask(0o22)
before = state()
from retrainer import Evaluation, EvaluateOptions, Labeler, LabelOptions, evaluate
from retrainer import RetrainOptions, retrain
from retrainer.system import process
options = dict(image_dir="photos", output_graph="m.pb", model_dir=sys.argv[1], architecture=sys.argv[2])
{calls}
process.keep_freed_memory()
assert process._keep_freed_memory.cache_info().misses == 0
after = state()
assert before == after, {name: (before[name], after[name]) for name in before if before[name] != after[name]}
"""
CALLS = """
retrain(RetrainOptions(**options))
retrain(RetrainOptions(**options))
labeler = Labeler(LabelOptions(graph="m.pb"))
assert len(list(labeler.many([f"photos/red/{number:03d}.jpg" for number in range(30)] * 2))) == 60
labeler("photos/picture.tif")
evaluate(EvaluateOptions(image_dir="photos", graph="m.pb"))
"""
COMMAND = """
import os, sys
from retrainer.system.process import native_stderr_hidden, own_process
own_process()
with native_stderr_hidden():
    os.write(2, b"of native code\\n")
    with native_stderr_hidden():
        print("of ours", file=sys.stderr)
    os.write(2, b"of native code\\n")
os.write(2, b"of native code, later\\n")
"""


def test_the_library_leaves_the_process_as_it_was(photos: Photos, model_dir: Path, tmp_path: Path) -> None:
    from PIL import Image

    photos(count=30)
    Image.new("RGB", (30, 20)).save(tmp_path / "photos" / "picture.tif", compression="tiff_lzw")
    code = POLITE.replace("{calls}", CALLS)
    line = [sys.executable, "-c", code, str(model_dir), COLOURS]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_command_hides_what_native_code_writes_and_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True)
    assert done.stderr == "of ours\nof native code, later\n"


def test_the_library_hides_nothing(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process._Owner, "command", False)
    with native_stderr_hidden():
        os.write(2, b"of native code\n")
    assert capfd.readouterr().err == "of native code\n"


def blas_threads() -> list[int]:
    return [found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"]


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_blas_has_its_threads_back_after_several_that_overlap(first_leaves_first: bool) -> None:
    before = blas_threads()
    entered, leave = (threading.Event(), threading.Event()), (threading.Event(), threading.Event())

    def train(number: int) -> None:
        with one_blas_thread():
            entered[number].set()
            leave[number].wait(10)

    threads = [threading.Thread(target=train, args=(number,)) for number in range(2)]
    for number in range(2):
        threads[number].start()
        assert entered[number].wait(10)
    assert set(blas_threads()) == {1}
    for number in (0, 1) if first_leaves_first else (1, 0):
        leave[number].set()
        threads[number].join()
    assert blas_threads() == before
    # No thread keeps others from setting the limit, though this one has.
    with one_blas_thread():
        pass
    leave[0].clear()
    entered[0].clear()
    thread = threading.Thread(target=train, args=(0,))
    thread.start()
    assert entered[0].wait(10)
    assert set(blas_threads()) == {1}
    leave[0].set()
    thread.join()
    assert blas_threads() == before


@pytest.mark.parametrize("before", [None, "jax"])
def test_keras_has_its_variable_back(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", before or "")
    if before is None:
        monkeypatch.delenv("KERAS_BACKEND")
    with keras_on_tensorflow():
        assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert os.environ.get("KERAS_BACKEND") == before
