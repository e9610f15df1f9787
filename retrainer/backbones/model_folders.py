"""Which folders hold bundles, downloads and feature vectors: those that are named, or the user's own.

Without `--model_dir`, all projects of a user share one folder, so that a network is downloaded and converted once. It
is `models` in the folder that the environment variable RETRAINER_HOME names, otherwise in the platform's cache folder.
`tf_files/models` of the working folder is looked into first. Feature vectors that Python caches without
`bottleneck_dir` lie beside it in `bottlenecks`.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from retrainer.errors import BackboneError, OptionError
from retrainer.options.paths import FOLDER, require_path
from retrainer.system.paths import expanded
from retrainer.system.portable import is_strangers, user_id
from retrainer.text import shown

HOME_VARIABLE = "RETRAINER_HOME"
_OF_PROJECT = Path("tf_files", "models")
_OF_HOME, _BOTTLENECKS = "models", "bottlenecks"


@dataclass(frozen=True)
class ModelFolders:
    """The folders of bundles and downloads.

    Attributes:
        searched: They are looked into in this order.
        new: New bundles and downloads go here.
        shared: The folder that all projects share, if it is looked into.
        problem: Why new bundles do not go to the shared folder; empty if they do, and with `--model_dir`.
    """

    searched: tuple[Path, ...]
    new: Path
    shared: Path | None = None
    problem: str = ""


def model_folders(model_dir: str) -> ModelFolders:
    """Returns the folders of bundles and downloads; makes none of them.

    If the platform's cache folder cannot be used, new bundles go to `tf_files/models`, so that the run goes on. A
    RETRAINER_HOME that cannot be used is an error, since the user has chosen it.

    Args:
        model_dir: The option; empty for the folders that hold without it.

    Raises:
        OptionError: RETRAINER_HOME names no folder of its own, or one that others can change or that may not be read.
    """
    if model_dir:
        return ModelFolders((Path(model_dir),), Path(model_dir))
    shared, refusal, problem = _shared(_OF_HOME, "--model_dir")
    if refusal:
        return ModelFolders((_OF_PROJECT,), _OF_PROJECT, problem=refusal)
    searched = (_OF_PROJECT, shared) if shared.is_absolute() else (_OF_PROJECT,)
    return ModelFolders(searched, _OF_PROJECT if problem else shared, searched[-1] if searched[1:] else None, problem)


def require_own_bundle(folder: Path, model_dir: str) -> None:
    """Raises BackboneError if another user could have put this bundle into the shared folder, or can change it."""
    if folder.parent != model_folders(model_dir).shared:
        return
    for path in (folder, *folder.glob("*")):
        if _is_strangers(path):
            raise BackboneError(
                f"The bundle '{shown(folder)}' is not used: '{shown(path)}' is another user's, and anybody could have "
                "changed it.",
                "Remove the bundle if you do not know it; it is made again.",
            )


def shared_bottlenecks() -> Path | None:
    """The folder of feature vectors that all projects share, which need not exist; None if it cannot be used.

    Raises:
        OptionError: as `model_folders`.
    """
    folder, refusal, problem = _shared(_BOTTLENECKS, "--bottleneck_dir")
    return None if refusal or problem else folder


def _shared(name: str, flag: str) -> tuple[Path, str, str]:
    """A folder that all projects share, why it may not even be read, and why nothing new can go there.

    Raises:
        OptionError: RETRAINER_HOME names no folder of its own, or one that others can change or that may not be read.
    """
    named = os.environ.get(HOME_VARIABLE, "")
    home = _named_home(named) if named else _home_of_platform()
    folder = home / name
    refusal = _refusal(home, folder)
    if named and refusal:
        raise OptionError(
            f"{HOME_VARIABLE}: {refusal}; expected a folder of your own.",
            f"Set {HOME_VARIABLE} to another folder, or give {flag}.",
        )
    return folder, refusal, "" if named or refusal else _problem_of(folder)


def _named_home(named: str) -> Path:
    """The folder that RETRAINER_HOME names."""
    path = expanded(named)
    require_path(HOME_VARIABLE, path, FOLDER)
    if not os.path.isabs(path):
        # Each working folder would have another one.
        raise OptionError(
            f"{HOME_VARIABLE}: expected an absolute path, received '{shown(named)}'.",
            f"Perhaps '{shown(os.path.abspath(path))}' is meant.",
        )
    return Path(path)


def _home_of_platform() -> Path:
    """The user's cache folder of this program, such as `~/.cache/retrainer`; relative if the user has no home."""
    from platformdirs import user_cache_path  # takes 10 ms

    try:
        return user_cache_path("retrainer", appauthor=False)
    except RuntimeError:
        return Path("retrainer")


def _refusal(home: Path, shared: Path) -> str:
    """Why the shared folder, which need not exist, may not even be read; empty if it may."""
    for folder in (home, shared):
        if _is_strangers(folder):
            return f"'{shown(folder)}' is another user's, and anybody can change it"
    try:
        os.scandir(shared).close()
    except PermissionError:
        return f"'{shown(shared)}' may not be read"
    except OSError:  # it is absent
        pass
    return ""


def _is_strangers(path: Path) -> bool:
    try:
        return is_strangers(path)
    except OSError:  # it is absent, or in a folder that may not be looked into
        return False


def _problem_of(folder: Path) -> str:
    """Why new bundles cannot go to a folder, which need not exist; empty if they can."""
    if not folder.is_absolute():
        return "the user has no home folder"
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not existing.is_dir():
        return f"'{shown(existing)}' is no folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"'{shown(existing)}' may not be written"
    # With the home of another user, as under sudo, files of root would lie where that user could not replace them.
    if user_id() == 0 and os.stat(existing).st_uid != 0:
        return f"'{shown(existing)}' is another user's"
    return ""
