"""`retrainer cache` lists bundles and downloads, and removes those that nobody uses."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import COLOURS, Command, Photos, wait_until

from retrainer.backbones.available import find_bundle
from retrainer.backbones.bundle import copy_bundle
from retrainer.backbones.model_folders import HOME_VARIABLE
from retrainer.backbones.networks.embedded import weights
from retrainer.errors import OptionError
from retrainer.model_cache import BUNDLE, DOWNLOAD, IN_USE, UNFINISHED, VECTORS, Cached, cached_in, prune
from retrainer.options.cache import CacheOptions
from retrainer.system import last_use
from retrainer.system.last_use import kept_unused, mark_used

HANDLE = "https://tfhub.dev/google/net/1"
WEIGHTS = "https://example.org/weights/net.h5"
DAY = 86_400


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_dir: Path) -> Path:
    """The shared folder, with a bundle and downloads that were last used 100 days ago, and files of other kinds."""
    home = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    folder = home / "models"
    for bundle in (find_bundle(COLOURS, str(model_dir)), weights()):
        copy_bundle(bundle, folder)
    module = folder / "tfhub_modules" / hashlib.sha1(HANDLE.encode()).hexdigest()
    (module / "variables").mkdir(parents=True)
    (module / "saved_model.pb").write_bytes(bytes(2_000_000))
    (module / "variables" / "data").write_bytes(bytes(500_000))
    described(module, HANDLE)
    (folder / "keras_models").mkdir()
    (folder / "keras_models" / "net.h5").write_bytes(bytes(1_000_000))
    described(folder / "keras_models" / "net.h5", WEIGHTS)
    (folder / "tfhub_modules" / ".partial-abc").write_bytes(bytes(300_000))
    (folder / "tfhub_modules" / ".partial-abc.version").write_text("v1")
    others(folder, tmp_path)
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 100 * DAY,) * 2, follow_symlinks=False)
    return folder


def described(path: Path, url: str) -> None:
    path.with_name(f"{path.name}.descriptor.txt").write_text(f"Module: {url}\nDownload Time: now\n")


def others(folder: Path, outside: Path) -> None:
    """What the cache does not know: the user's files and folders, downloads without a descriptor, and links."""
    (outside / "precious").mkdir()
    (outside / "precious" / "backbone.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    (folder / "photos").mkdir()
    (folder / "photos" / "a.jpg").write_bytes(b"photo")
    (folder / "linked").symlink_to(outside / "precious")
    (folder / "half").mkdir()
    (folder / "half" / "backbone.json").symlink_to(outside / "precious" / "backbone.json")
    (folder / "tfhub_modules" / ("0" * 40)).mkdir()
    described(folder / "tfhub_modules" / ("0" * 40), HANDLE)
    (folder / "tfhub_modules" / "other").mkdir()
    (folder / "keras_models" / "mine.h5").write_bytes(b"mine")


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def by_name(folder: Path) -> dict[str, Cached]:
    return {item.name: item for item in cached_in(folder)}


def test_bundles_and_downloads_are_listed_and_nothing_else(models: Path) -> None:
    items = by_name(models)
    kinds = {name: item.kind for name, item in items.items()}
    assert kinds == {
        HANDLE: DOWNLOAD,
        WEIGHTS: DOWNLOAD,
        COLOURS: BUNDLE,
        "pocket": BUNDLE,
        "tfhub_modules/abc": UNFINISHED,
    }
    assert items[HANDLE].size == 2_500_000 + len(f"Module: {HANDLE}\nDownload Time: now\n")
    assert [item.size for item in cached_in(models)] == sorted((item.size for item in items.values()), reverse=True)
    assert {round((time.time() - item.last_used) / DAY) for item in items.values()} == {100}
    assert cached_in(models / "absent") == []


def test_the_list_is_printed(models: Path, command: Command) -> None:
    done = command("cache")
    folder, *lines, total = done.stdout.splitlines()
    assert (done.returncode, done.stderr, folder) == (0, "", str(models))
    assert [line.split()[-1] for line in lines][1:3] == [HANDLE, WEIGHTS]
    assert "download     2.5 MB  " in done.stdout
    size = sum(item.size for item in cached_in(models))
    assert total == f"5 items, {size / 1e6:.1f} MB"
    document = json.loads(command("cache", "--json").stdout)
    assert (document["folder"], document["bytes"]) == (str(models), size)
    first = document["items"][1]
    assert (first["kind"], first["name"], first["bytes"]) == ("download", HANDLE, by_name(models)[HANDLE].size)
    assert abs(time.mktime(time.strptime(first["last_used"], "%Y-%m-%dT%H:%M:%SZ")) - time.time()) < 102 * DAY
    assert command("cache", "--model_dir", "empty").stdout == "empty\n0 items, 0.0 MB\n"


def test_what_is_old_is_removed_and_nothing_else(models: Path, command: Command, tmp_path: Path) -> None:
    mark_used(models / "pocket")
    before = everything(models)
    size = sum(item.size for item in cached_in(models)) - by_name(models)["pocket"].size
    assert command("cache", "prune", "--older_than", "101d").stdout == "0 items, 0.0 MB freed\n"
    dry = command("cache", "prune", "--older_than", "90d", "--dry_run")
    assert dry.stdout.splitlines()[-1] == f"4 items, {size / 1e6:.1f} MB would be freed"
    assert everything(models) == before
    done = command("cache", "prune", "--older_than", "90d")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == dry.stdout.replace("Would remove", "Removed").replace("would be freed", "freed")
    assert done.stdout.count("Removed") == 4
    left = {name for name in everything(models) if not name.rpartition("/")[2].startswith(".")}
    assert left == {
        *(name for name in before if name.startswith(("pocket", "photos", "half", "linked", "notes"))),
        *("tfhub_modules", "tfhub_modules/other", f"tfhub_modules/{'0' * 40}", "keras_models", "keras_models/mine.h5"),
        f"tfhub_modules/{'0' * 40}.descriptor.txt",
    }
    assert (tmp_path / "precious" / "backbone.json").read_text() == "{}"


def test_files_of_others_in_a_bundle_stay(models: Path) -> None:
    (models / COLOURS / "notes.txt").write_text("mine")
    os.utime(models / COLOURS / "notes.txt", (0, 0))
    assert [one.item.name for one in prune(models, 90 * DAY) if one.item.name == COLOURS] == [COLOURS]
    assert everything(models / COLOURS) == {"notes.txt"}


def test_links_in_place_of_the_folders_are_not_followed(models: Path, tmp_path: Path) -> None:
    for name in ("tfhub_modules", "keras_models", COLOURS):
        (models / name).rename(tmp_path / name)
        (models / name).symlink_to(tmp_path / name)
    assert by_name(models).keys() == {"pocket"}


RUNNING = """
import pathlib, sys
from retrainer import preparation
from retrainer.cli.main import main

extraction = preparation.feature_extraction

def waiting(*arguments, **named):
    pathlib.Path("waiting").touch()
    sys.stdin.read()
    return extraction(*arguments, **named)

preparation.feature_extraction = waiting
main()
"""


def test_a_bundle_that_a_run_uses_is_kept(models: Path, command: Command, photos: Photos, tmp_path: Path) -> None:
    photos(count=20)
    line = [sys.executable, "-c", RUNNING, "retrain", "--image_dir", "photos", "--architecture", COLOURS]
    with subprocess.Popen(line, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as running:
        wait_until((tmp_path / "waiting").exists)
        pruned = command("cache", "prune", "--older_than", "0h")
        assert (pruned.returncode, pruned.stderr) == (0, f"Kept bundle '{COLOURS}': {IN_USE}\n")
        assert by_name(models).keys() == {COLOURS}
        running.communicate(timeout=60)
        assert running.returncode == 0
    assert time.time() - by_name(models)[COLOURS].last_used < DAY
    assert "1 item, " in command("cache", "prune", "--older_than", "0h").stdout
    assert cached_in(models) == []


def test_a_run_needs_no_mark(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(last_use, "opened", refused)
        mark_used(models / COLOURS)
        pruned = {one.item.name: one.kept for one in prune(models, 90 * DAY)}
    assert set(pruned.values()) == {"PermissionError"}
    assert by_name(models).keys() == pruned.keys()


def test_a_mark_that_was_removed_is_made_again(tmp_path: Path) -> None:
    mark_used(tmp_path / "bundle")
    (mark,) = tmp_path.iterdir()
    mark.unlink()
    mark_used(tmp_path / "bundle")
    with kept_unused(tmp_path / "bundle") as unused:
        assert not unused
    with kept_unused(tmp_path / "other") as unused:
        assert unused


def test_windows_keeps_what_was_used_within_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    mark_used(tmp_path / "bundle")
    with kept_unused(tmp_path / "bundle") as unused:
        assert not unused
    (mark,) = tmp_path.iterdir()
    os.utime(mark, (time.time() - 2 * DAY,) * 2)
    with kept_unused(tmp_path / "bundle") as unused:
        assert unused


@pytest.mark.parametrize("age", ["90", "d", "90 d", "90D", "1.5d", "-1d", "90days", "1m", "9" * 7 + "d", "٩d"])
def test_an_age_has_a_unit(age: str) -> None:
    with pytest.raises(OptionError, match=r"^--older_than: expected a number with d, w or h .*, received '.*'\.\n90d "):
        CacheOptions(older_than=age)


def test_ages_are_days_weeks_and_hours() -> None:
    assert [CacheOptions(older_than=age).seconds for age in ("90d", "2w", "36h", "")] == [
        *(90 * DAY, 14 * DAY, 1.5 * DAY, None)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("prune",),
            "--older_than is missing: expected an age.\n"
            "`retrainer cache prune --older_than 90d` removes what was not used for 90 days.",
        ),
        (("--model_dir", ""), "--model_dir: expected a path, received ''.\nLeave the flag out for its default."),
        (("clear",), "retrainer cache: expected prune or nothing, received 'clear'."),
        (("--dry_run",), "--dry_run: expected `retrainer cache prune`, received `retrainer cache`."),
        (("--older_than", "90d"), "--older_than: expected `retrainer cache prune`, received `retrainer cache`."),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    arguments: tuple[str, ...], message: str, models: Path, command: Command
) -> None:
    before = everything(models)
    done = command("cache", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {message}\n")
    assert everything(models) == before


def test_feature_vectors_that_all_projects_share_are_listed_and_removed(
    photos: Photos, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    copy_bundle(find_bundle(COLOURS, str(model_dir)), home / "models")
    program = f"from retrainer import retrain; retrain('photos', architecture='{COLOURS}'); input()"
    photos(count=20)
    line = [sys.executable, "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(line, cwd=tmp_path, **pipes)  # type: ignore[call-overload]
    folder = home / "bottlenecks"
    wait_until(lambda: list(folder.glob("fingerprints-1/part-*.parquet")))
    (folder / "mine").mkdir()
    (folder / "mine" / "file.txt").write_text("precious")
    kinds = [(item["kind"], item["name"]) for item in json.loads(command("cache", "--json").stdout)["items"]]
    names = ["files", "fingerprints-1", next(path.name for path in folder.glob(f"{COLOURS}-*"))]
    assert sorted(kinds) == sorted([(BUNDLE, COLOURS), *((VECTORS, name) for name in names)])
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 100 * DAY,) * 2)
    if sys.platform != "win32":
        kept = [one for one in prune(home / "models", 50 * DAY, folder) if one.kept]
        assert sorted(one.item.name for one in kept) == sorted(names)
    running.communicate(b"\n", timeout=60)
    done = command("cache", "prune", "--older_than", "50d")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["copies-1.json", "mine"]
    assert (folder / "mine" / "file.txt").read_text() == "precious"
    assert "0 items" in command("cache", "--model_dir", tmp_path / "absent").stdout
