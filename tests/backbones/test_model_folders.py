"""Bundles lie in one folder for all projects of a user; `--model_dir` and the working folder come before it."""

import errno
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import networks
import pytest
from conftest import COLOURS, Command, Photos, wait_until
from servers import Server, sends

from retrainer.backbones import model_folders as module
from retrainer.backbones.available import bundles_in, find_bundle
from retrainer.backbones.backbone import Backbone, BundleRequest
from retrainer.backbones.bundle import Bundle, copy_bundle
from retrainer.backbones.fetching.downloads import descriptor_of, hub_cache, hub_folder
from retrainer.backbones.making import bundle_of
from retrainer.backbones.model_folders import HOME_VARIABLE, model_folders
from retrainer.backbones.networks.embedded import weights
from retrainer.backbones.resolving import resolve
from retrainer.errors import BackboneError, OptionError, OutputError
from retrainer.events import Event, Warned, silent
from retrainer.model_cache import cache_folder, cached_in
from retrainer.options.backbone import BundleOptions
from retrainer.system import portable

OF_PROJECT = Path("tf_files/models")
STRANGER = 12_345


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RETRAINER_HOME, in a working folder that is empty."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "home"


@pytest.fixture
def of_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home folder, without RETRAINER_HOME."""
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


class Copying:
    """An origin that copies a bundle and counts how often."""

    def __init__(self, bundle: Bundle) -> None:
        self.original, self.count = bundle, 0

    def bundle(self, request: BundleRequest) -> Bundle:
        self.count += 1
        return copy_bundle(self.original, request.parent)


@pytest.fixture
def origin(model_dir: Path) -> Copying:
    return Copying(find_bundle(COLOURS, str(model_dir)))


def made(origin: Copying, model_dir: str = "", events: list[Event] | None = None) -> Path:
    """Makes the bundle unless it is there; returns the folder that it lies in."""
    options = BundleOptions(model_dir=model_dir)
    observer = silent if events is None else events.append
    return bundle_of(Backbone(COLOURS, (origin,)), options, lambda size, count: [], observer).folder.parent


def test_projects_share_a_folder(home: Path, origin: Copying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(origin) == home / "models"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert made(origin) == home / "models"
    assert origin.count == 1
    assert not Path("tf_files").exists()
    assert resolve(COLOURS, BundleOptions()).name == COLOURS


def test_the_working_folder_comes_first_and_the_option_before_both(home: Path, origin: Copying) -> None:
    copy_bundle(origin.original, OF_PROJECT)
    assert made(origin) == OF_PROJECT
    assert made(origin, "mine") == Path("mine")
    assert origin.count == 1
    assert not (home / "models").exists()
    copy_bundle(weights(), home / "models")
    assert bundles_in("") == [COLOURS, "pocket"]
    assert bundles_in("mine") == [COLOURS]


def test_a_damaged_bundle_is_made_again_where_it_lies(origin: Copying) -> None:
    copy_bundle(origin.original, OF_PROJECT).tflite_path.write_bytes(b"damaged")
    events: list[Event] = []
    assert made(origin, events=events) == OF_PROJECT
    assert [event.message.endswith("It is made again.") for event in events if isinstance(event, Warned)] == [True]
    assert made(origin) == OF_PROJECT
    assert origin.count == 1


def test_a_download_of_the_working_folder_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = "https://tfhub.dev/a/b/1"
    assert hub_cache("") == hub_cache("", handle) == home / "models" / "tfhub_modules"
    hub_folder(handle, OF_PROJECT / "tfhub_modules").mkdir(parents=True)
    assert hub_cache("", handle) == OF_PROJECT / "tfhub_modules"
    assert hub_cache("") == home / "models" / "tfhub_modules"
    assert hub_cache("mine", handle) == Path("mine/tfhub_modules")
    monkeypatch.setenv("TFHUB_CACHE_DIR", "/var/hub")
    assert hub_cache("", handle) == Path("/var/hub")


TWO = """
import pathlib
from retrainer.backbones import making
from retrainer.cli.main import main

locked = making.locked

def announced(path):
    pathlib.Path("at-lock").touch()
    return locked(path)

making.locked = announced
main()
"""


@pytest.mark.children
def test_two_processes_download_and_convert_once(server: Server, home: Path, tmp_path: Path) -> None:
    network = networks.as_tflite(tmp_path / "network.tflite", networks.features_of)
    projects = [tmp_path / "first", tmp_path / "second"]

    def slow(request: object) -> None:
        wait_until(lambda: all((project / "at-lock").exists() for project in projects))
        sends(network.read_bytes(), kind="application/octet-stream")(request)  # type: ignore[arg-type]

    server.answers = [slow]
    line = [sys.executable, "-c", TWO, "fetch", server.handle]
    running = []
    for project in projects:
        project.mkdir()
        running.append(subprocess.Popen(line, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    done = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], done
    assert len(server.asked) == 1
    assert sorted(err.count("Converting") for _, err in done) == [0, 1]
    assert done[0][0] == done[1][0]
    assert len(list((home / "models").glob("*/backbone.json"))) == 1
    assert [sorted(path.name for path in project.iterdir()) for project in projects] == [["at-lock"], ["at-lock"]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{}/file", "RETRAINER_HOME: expected a folder, received the file '/.*/file'."),
        (" ", "RETRAINER_HOME: expected a path, received ' '."),
        ("/", "RETRAINER_HOME: expected a folder of its own, received '/'."),
        (
            "cache",
            "RETRAINER_HOME: expected an absolute path, received 'cache'.\nPerhaps '/.*/project/cache' is meant.",
        ),
    ],
)
def test_a_home_that_is_no_folder_is_one_clear_line(
    value: str, message: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, photos: Photos
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(HOME_VARIABLE, value.format(tmp_path))
    with pytest.raises(OptionError, match=f"^{message}"):
        model_folders("")
    done = command("cache")
    assert (done.returncode, done.stderr.startswith("Error: RETRAINER_HOME: expected"), done.stdout) == (2, True, "")
    # Another folder of bundles, or the built-in backbone, needs none.
    assert command("cache", "--model_dir", "mine").returncode == 0
    assert weights().name == "pocket"


def test_an_empty_home_counts_as_unset(of_platform: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, "")
    assert model_folders("").new == of_platform / ".cache" / "retrainer" / "models"
    monkeypatch.setenv(HOME_VARIABLE, "~/mine")
    assert model_folders("").new == of_platform / "mine" / "models"
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/caches")
    assert model_folders("").shared == Path("/var/caches/retrainer/models")


def as_user(monkeypatch: pytest.MonkeyPatch, *, writable: bool) -> None:
    """Lets the tests, which root may run, be an ordinary user."""
    monkeypatch.setattr(module, "user_id", lambda: STRANGER)
    monkeypatch.setattr(os, "access", lambda path, mode: writable)


def test_without_a_home_that_can_be_written_bundles_go_to_the_working_folder(
    of_platform: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = of_platform / ".cache" / "retrainer" / "models"
    copy_bundle(weights(), shared)
    as_user(monkeypatch, writable=False)
    assert model_folders("").searched == (OF_PROJECT, shared)
    events: list[Event] = []
    assert made(origin, events=events) == OF_PROJECT
    assert [event.message for event in events if isinstance(event, Warned)] == [
        f"Backbones go to 'tf_files/models', where other projects do not find them: '{shared}' may not be written. "
        "RETRAINER_HOME names a folder for all projects."
    ]
    # What lies there is read.
    assert bundles_in("") == [COLOURS, "pocket"]
    assert made(origin, events=events) == OF_PROJECT
    assert (origin.count, len(events)) == (1, 1)


@pytest.mark.parametrize("value", ["/absent/user", "~nobody-of-this-name"])
def test_a_home_that_does_not_exist(
    value: str, of_platform: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", value)
    monkeypatch.setattr("pwd.getpwuid", lambda _: SimpleNamespace(pw_dir="/absent/user"))  # else it is the tester's
    as_user(monkeypatch, writable=False)
    assert model_folders("").problem
    assert made(origin) == OF_PROJECT
    assert [item.name for item in cached_in(cache_folder(""))] == [COLOURS]


def test_a_user_without_a_home(of_platform: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    folders = model_folders("")
    assert (folders.searched, folders.new, folders.shared) == ((OF_PROJECT,), OF_PROJECT, None)
    assert folders.problem == "the user has no home folder"
    assert made(origin) == OF_PROJECT


def test_a_file_in_place_of_the_cache_folder(of_platform: Path, origin: Copying) -> None:
    (of_platform / ".cache").touch()
    assert model_folders("").problem == f"'{of_platform}/.cache' is no folder"
    assert made(origin) == OF_PROJECT


def test_a_home_that_may_not_be_read_is_left_alone_and_one_that_was_named_is_an_error(
    of_platform: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the home of root, which `sudo -u` keeps."""
    shared = of_platform / ".cache" / "retrainer" / "models"
    scandir, stat = os.scandir, Path.stat

    def opened(path: str | Path) -> str | Path:
        if Path(path).is_relative_to(of_platform):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return path

    monkeypatch.setattr(os, "scandir", lambda path=".": scandir(opened(path)))
    monkeypatch.setattr(Path, "stat", lambda path, **how: stat(opened(path), **how))  # type: ignore[arg-type]
    assert model_folders("").problem == f"'{shared}' may not be read"
    events: list[Event] = []
    assert made(origin, events=events) == OF_PROJECT
    assert ["may not be read" in event.message for event in events if isinstance(event, Warned)] == [True]
    assert bundles_in("") == [COLOURS]
    monkeypatch.setenv(HOME_VARIABLE, str(of_platform))
    with pytest.raises(OptionError, match=r"^RETRAINER_HOME: '.*' may not be read; expected a folder"):
        made(origin)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_nothing_in_the_home_of_another_user(of_platform: Path) -> None:
    os.chown(of_platform, STRANGER, -1)
    assert model_folders("").problem == f"'{of_platform}' is another user's"
    assert model_folders("").new == OF_PROJECT


def test_a_named_home_that_cannot_be_written_is_an_error(
    home: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "models").touch()
    fix = "RETRAINER_HOME or --model_dir names the folder.$"
    with pytest.raises(OutputError, match=rf"^Cannot write '{home}/models/.colours.lock': .*\n.*stays. {fix}"):
        made(origin)
    assert origin.count == 0
    assert not OF_PROJECT.exists()


def test_a_full_disk_is_an_error_that_leaves_nothing(
    home: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError) as error:
        made(origin)
    problem, fix = str(error.value).splitlines()
    assert problem.startswith(f"Cannot write '{home}/models/colours/backbone.")
    assert problem.endswith(": No space left on device.")
    assert fix == (
        "Free some space, or name another place. Nothing half-written stays. "
        "RETRAINER_HOME or --model_dir names the folder."
    )
    assert list((home / "models" / COLOURS).iterdir()) == []
    # The fix of a folder that the user has named is the usual one.
    with pytest.raises(OutputError, match=r"stays\.$"):
        made(origin, "mine")


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch, *owned: Path) -> None:
    """Lets a path, or those that are named, belong to another user."""
    strange = {os.path.realpath(other) for other in owned or (path,)}
    stat = os.stat

    def looked_at(other: str, *arguments: object, **options: object) -> os.stat_result:
        status = stat(other, *arguments, **options)  # type: ignore[arg-type]
        if os.fspath(other) not in strange:
            return status
        return os.stat_result((*status[:4], STRANGER, *status[5:10]))

    monkeypatch.setattr(os, "stat", looked_at)


@pytest.mark.parametrize("name", ["", "models"])
def test_a_folder_of_others_that_anybody_can_write_is_refused(
    name: str, home: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch, of_platform: Path
) -> None:
    cache = of_platform / ".cache" / "retrainer"
    for parent in (home, cache):
        copy_bundle(origin.original, parent / "models")
        (parent / name).chmod(0o777)
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    assert made(origin) == home / "models"  # its owner's
    give_away(home / name, monkeypatch, home / name, cache / name)
    with pytest.raises(OptionError) as error:
        made(origin)
    assert str(error.value) == (
        f"RETRAINER_HOME: '{home / name}' is another user's, and anybody can change it; "
        "expected a folder of your own.\n"
        "Set RETRAINER_HOME to another folder, or give --model_dir."
    )
    # The platform's is left alone, with a warning.
    monkeypatch.delenv(HOME_VARIABLE)
    events: list[Event] = []
    assert made(origin, events=events) == OF_PROJECT
    assert ["anybody can change it" in event.message for event in events if isinstance(event, Warned)] == [True]


def test_a_colleagues_folder_that_only_the_group_can_write_is_used(
    home: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_bundle(origin.original, home / "models")
    (home / "models").chmod(0o775)
    give_away(home, monkeypatch, home, home / "models", home / "models" / COLOURS)
    assert made(origin) == home / "models"
    # In a folder where anybody can make one, such as /tmp, it could be anybody's.
    home.parent.chmod(0o1777)
    with pytest.raises(OptionError, match="is another user's"):
        made(origin)


@pytest.mark.parametrize("opened", [".", "..", "backbone.tflite"])
def test_a_bundle_that_others_could_change_is_not_used(
    opened: str, home: Path, origin: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_bundle(origin.original, home / "models").folder
    (folder / opened).chmod(0o777)
    assert find_bundle(COLOURS, "").folder == folder
    give_away(folder, monkeypatch, folder, *folder.iterdir())
    with pytest.raises(BackboneError, match=r"is not used: '.*' is another user's, and anybody could have changed it"):
        find_bundle(COLOURS, "")
    # A folder that the user names is believed.
    assert find_bundle(COLOURS, str(home / "models")).folder == folder


def test_windows_knows_no_owners(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(mode=0o777)
    give_away(home, monkeypatch)
    monkeypatch.setattr(sys, "platform", "win32")
    assert portable.user_id() == -1
    assert not portable.is_strangers(home)


def test_a_download_goes_to_the_shared_folder(server: Server, home: Path, tmp_path: Path) -> None:
    networks.frozen_classifier(tmp_path / "frozen_graph.pb")
    with tarfile.open(tmp_path / "net.tgz", "w:gz") as members:
        members.add(tmp_path / "frozen_graph.pb", "frozen_graph.pb")
    server.answers = [sends((tmp_path / "net.tgz").read_bytes())]
    bundle = bundle_of(resolve(server.handle, BundleOptions()), BundleOptions(), networks.inputs, silent)
    folder = hub_folder(server.handle, home / "models" / "tfhub_modules")
    assert (bundle.folder.parent, descriptor_of(folder).is_file()) == (home / "models", True)
    assert not Path("tf_files").exists()
