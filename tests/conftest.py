"""The world of the tests: a backbone whose features can be worked out by hand, and pictures made on the spot."""

import errno
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partialmethod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from browser import browser, browser_page  # noqa: F401
from PIL import Image
from servers import Server, running
from tensorboard.compat.proto import types_pb2

from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.backbones.converting.isolated import Conversion
from retrainer.backbones.fetching import resuming
from retrainer.backbones.model_folders import HOME_VARIABLE
from retrainer.models import isolated
from retrainer.models.graph import graphdef
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.options.retraining import RetrainOptions

Colour = tuple[int, int, int]
SHARED = Path(__file__).resolve().parents[2] / "shared"
COLOURS = "colours"
COLOURS_SIZE = 8


def jpeg(colour: Colour, size: tuple[int, int] = (24, 16), **options: object) -> bytes:
    """A JPEG of one colour."""
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "JPEG", quality=95, **options)
    return content.getvalue()


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the folder of real photos is not beside the project")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that all projects share lies in the tests' own, for child processes, too."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(home))
        yield home


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the bundle `colours`: the feature vector is the mean of each colour channel, in [-1, 1]."""
    parent = tmp_path_factory.mktemp("models")
    size = COLOURS_SIZE
    builder = TFLiteBuilder.empty()
    picture = builder.add_tensor("input", (1, size, size, 3))
    axes = builder.add_constant("axes", np.array([1, 2], np.int32))
    features = builder.add_tensor("mean", (1, 3))
    builder.graph.inputs, builder.graph.outputs = [picture], [features]
    builder.add_operator("MEAN", (picture, axes), (features,), schema.ReducerOptionsT())
    graph = graphdef.new_graph()
    graphdef.add_placeholder(graph, "input", (-1, size, size, 3))
    graphdef.add_constant(graph, "axes", np.array([1, 2], np.int32))
    float_type, int_type = types_pb2.DT_FLOAT, types_pb2.DT_INT32
    graphdef.add_node(graph, "Mean", "mean", ("input", "axes"), T=float_type, Tidx=int_type, keep_dims=False)
    bundle = Bundle(COLOURS, "made by a test", "none", size, 3, "mean")
    write_bundle(parent, bundle, builder.packed(), graph.SerializeToString())
    return parent


class ProcessHere:
    """Stands in for `IsolatedProcess`: runs in this process, which has imported TensorFlow, what a child would run."""

    def __init__(self, _module: str, _source: str) -> None:
        self._runner: Any = None

    def ask(self, header: Any, arrays: Any = (), **_: float) -> Any:
        if self._runner is None:
            self._runner = isolated._opened(arrays[0].tobytes(), header["path"], header["nodes"])
            inferred = getattr(self._runner, "inferred", None)
            return {"input_size": self._runner.input_size, "inferred": inferred and asdict(inferred)}, []
        return {}, self._runner.outputs(arrays[0])


@pytest.fixture(autouse=True)
def no_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this process what would run in a child, unless the test is marked `children`: a child takes seconds."""
    if "children" not in request.keywords:
        monkeypatch.setattr(isolated, "IsolatedProcess", ProcessHere)
        monkeypatch.setattr(Conversion, "isolated", partialmethod(Conversion.here, trusted=False))


Photos = Callable[..., Path]


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    """Makes class folders of photos that are nearly one colour, all different."""

    def make(classes: Mapping[str, Colour] | None = None, count: int = 12, root: str = "photos") -> Path:
        for folder, colour in (classes or {"red": (200, 30, 30), "green": (30, 200, 30)}).items():
            (tmp_path / root / folder).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                shade = tuple(min(c + 3 * number, 255) for c in colour)
                (tmp_path / root / folder / f"{number:03d}.jpg").write_bytes(jpeg(shade))  # type: ignore[arg-type]
        return tmp_path / root

    return make


Configure = Callable[..., RetrainOptions]


@pytest.fixture
def configured(tmp_path: Path, model_dir: Path) -> Configure:
    """Options that write to the test's folder and use the backbone `colours`."""

    def configure(image_dir: Any, **options: object) -> RetrainOptions:
        out = tmp_path / "out"
        given: dict[str, object] = {
            "image_dir": str(image_dir) if isinstance(image_dir, Path) else image_dir,
            "output_graph": str(out / "graph.pb"),
            "output_labels": str(out / "labels.txt"),
            "bottleneck_dir": str(out / "bottlenecks"),
            "duplicates": str(out / "duplicates.csv"),
            "intermediate_output_graphs_dir": str(out / "intermediate"),
            "model_dir": str(model_dir),
            "architecture": COLOURS,
            "how_many_training_steps": 200,
            "learning_rate": 1.0,
            "folds": 0,
        }
        return RetrainOptions(**{**given, **options})  # type: ignore[arg-type]

    return configure


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Looks again and again, as at the files of another process, until a condition holds; fails after a time."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.01)


# For a process that is to be stopped while it works: after the photos 000 to 059 of the first class it waits until its
# parent closes a pipe. A thread that comes to the next photo early waits for the others.
WAITING_WORKER = """
import os, pathlib, threading
from retrainer.engines import photo_worker

done, all_done = [], threading.Event()

class Waiting(photo_worker.PhotoWorker):
    def __call__(self, path):
        if int(pathlib.Path(path).stem) < 60:
            result = super().__call__(path)
            done.append(path)
            if len(done) >= 60:
                all_done.set()
            return result
        all_done.wait()
        pathlib.Path("waiting").touch()
        os.read(0, 1)
        return super().__call__(path)

photo_worker.PhotoWorker = Waiting
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that runs; who downloads from it waits a short time only."""
    monkeypatch.setattr(resuming, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(resuming, "READ_SECONDS", 0.3)
    with running() as server:
        yield server


def lock_folders(patch: pytest.MonkeyPatch) -> None:
    """Keeps folders that are named `locked` from being listed, as a damaged disk does."""
    scandir = os.scandir

    def scan(path: str) -> object:
        if os.path.basename(path) == "locked":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return scandir(path)

    patch.setattr(os, "scandir", scan)


def heeding_ctrl_c() -> None:
    """For `preexec_fn`: what a shell starts in the background ignores SIGINT, and passes that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs the command line in a process of its own, in the test's folder."""

    def run(*arguments: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
        line = [sys.executable, "-c", "from retrainer.cli.main import main; main()", *map(str, arguments)]
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            # readline, which pytest imports, sets COLUMNS behind Python's back.
            line,
            **{"capture_output": True, "text": True, "cwd": tmp_path, "timeout": 120, "env": {**os.environ}, **options},
        )

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
