"""Too little memory is said to be that, and is never taken for damage."""

import io
import os
import resource
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow
import pytest
from conftest import Command, Photos, jpeg
from PIL import Image

from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.cli import commands
from retrainer.errors import ModelError, OutputError, PictureError, ResourceError
from retrainer.events import silent
from retrainer.models.tflite import litert
from retrainer.photos import images
from retrainer.photos.decoding import limits
from retrainer.system.memory import has_room, is_shortage, require_address_space
from retrainer.system.process import reserve_less_under_limit

SHORTAGES = [
    MemoryError(),
    pyarrow.ArrowMemoryError("malloc of size 64 failed"),
    OSError(12, "Cannot allocate memory"),
    OSError("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
    OSError("out of memory error when reading image file"),
    RuntimeError("can't start new thread"),
    ImportError("libarrow.so: failed to map segment from shared object"),
]


def raising(error: BaseException) -> Any:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("error", SHORTAGES)
def test_a_shortage_is_known_however_it_shows(error: Exception) -> None:
    assert is_shortage(error)
    damaged = ModelError("damaged")
    damaged.__cause__ = error
    assert is_shortage(damaged)


def test_other_errors_are_no_shortage() -> None:
    assert not is_shortage(ValueError("damaged"))
    assert not is_shortage(OSError(28, "No space left on device"))
    circular = ValueError("damaged")
    circular.__cause__ = circular
    assert not is_shortage(circular)
    assert not is_shortage(OutputError("Cannot write 'out of memory/x': it is a file."))
    assert not is_shortage(None)


@pytest.mark.parametrize("error", SHORTAGES)
def test_a_command_that_lacks_memory_ends_with_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = ModelError("'model.pb' is damaged.", "Retrain it.")
    damaged.__cause__ = error
    for raised in (error, damaged):
        command = click.Command("work", callback=raising(raised))
        assert commands._exit_code(command, [], "work") == 1
        said = capsys.readouterr().err
        assert said.startswith("Error: Not enough memory.\nRaise the limit")
        assert said.count("\n") == 2


def test_other_errors_stay_errors() -> None:
    with pytest.raises(ZeroDivisionError):
        commands._exit_code(click.Command("work", callback=raising(ZeroDivisionError())), [], "work")


@pytest.mark.parametrize("error", [error for error in SHORTAGES if isinstance(error, OSError | MemoryError)])
def test_a_part_of_the_cache_is_not_set_aside(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = BottleneckCache(tmp_path, "net", 2, silent)
    cache.add(np.zeros((1, 32), np.uint8), np.zeros(1, np.int64), np.zeros((1, 2), np.float32))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", raising(error))
    with pytest.raises(ResourceError, match="Not enough memory to read the cache"):
        BottleneckCache(tmp_path, "net", 2, silent)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_model_is_not_called_damaged(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = next(model_dir.rglob("*.tflite"))
    monkeypatch.setattr("ai_edge_litert.interpreter.Interpreter", raising(RuntimeError("tensor arena")))
    with pytest.raises(ModelError, match="damaged"):
        litert.Network(path)
    monkeypatch.setattr(litert, "has_room", lambda size: False)
    with pytest.raises(ResourceError, match="Not enough memory to open a model"):
        litert.Network(path)


def saved(format_: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 99, 199)).save(content, format_)
    return content.getvalue()


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "GIF"])
def test_a_picture_is_not_called_damaged(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("decode_jpeg", "decoded_png", "rgb_of"):
        monkeypatch.setattr(images, name, raising(MemoryError()))
    with pytest.raises(ResourceError, match="Not enough memory to decode a photo"):
        images.square(saved(format_), 8)
    monkeypatch.setattr(limits, "LARGE_PIXELS", 1000)
    with pytest.raises(PictureError, match="not enough memory to decode its 1,200 pixels"):
        images.square(saved(format_), 8)


def test_a_decoder_that_does_not_say_why_is_asked_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "rgb_of", raising(OSError("decoder error -2")))
    with pytest.raises(PictureError, match="damaged or truncated: decoder error -2"):
        images.square(saved("GIF"), 8)
    monkeypatch.setattr(limits, "has_room", lambda size: False)
    with pytest.raises(ResourceError):
        images.square(saved("GIF"), 8)


def test_room_is_what_can_be_had() -> None:
    assert has_room(2**20)
    assert not has_room(2**62)


def test_a_limit_below_what_is_needed_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARROW_DEFAULT_MEMORY_POOL", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    require_address_space(10**9, "to work")
    reserve_less_under_limit()
    assert "ARROW_DEFAULT_MEMORY_POOL" not in os.environ
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100 * 2**20, 100 * 2**20))
    require_address_space(100, "to work")
    reserve_less_under_limit()
    assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == "system"
    with pytest.raises(ResourceError, match="to work, which takes at least 101 MB: `ulimit -v` allows 100 MB"):
        require_address_space(101, "to work")


@pytest.mark.parametrize("megabytes", [150, 790, 1200])
def test_commands_under_a_limit_work_or_say_so(
    megabytes: int, command: Command, photos: Photos, model_dir: Path, tmp_path: Path
) -> None:
    root = photos()
    done = command(
        *("retrain", "--image_dir", root, "--model_dir", model_dir, "--architecture", "colours"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20)),
    )
    if megabytes < 1000:
        assert done.returncode == 1
        assert done.stderr.startswith("Error: Not enough memory to retrain, which takes at least 800 MB")
        assert done.stderr.count("\n") == 2
        assert not (tmp_path / "tf_files").exists()
    else:
        assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("_set-aside*"))


def test_a_photo_is_labelled_under_a_limit_or_the_line_says_why(command: Command, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(jpeg((1, 2, 3)))
    done = command(
        *("label", "--graph", "absent.pb", "--image", "photo.jpg"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**27, 2**27)),
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Not enough memory to label, which takes at least 180 MB")
