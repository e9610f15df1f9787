"""Checks paths that users write, and suggests others if they do not exist."""

import os

from retrainer.errors import OptionError
from retrainer.text import pasted, shown


def expanded(path: str) -> str:
    """The path with a leading `~` replaced by the home folder."""
    return os.path.expanduser(path)


def is_address(text: str) -> bool:
    """Whether a text is the address of a file on a server rather than a path."""
    return text.lower().startswith(("http://", "https://"))


def nearest_existing(path: str) -> str:
    """The nearest folder above a path that exists; a misspelt name is looked for there."""
    current = os.path.abspath(path)
    while not os.path.isdir(current):
        current = os.path.dirname(current)
    return current


def require_folder(path: str, flag: str, purpose: str, fix: str = "") -> None:
    """Raises OptionError unless `path` is a folder that can be listed.

    Args:
        path: The folder, as the user wrote it.
        flag: The option that names it, for the message.
        purpose: What it should hold, for the message.
        fix: What to do if none is given.
    """
    if not path:
        raise OptionError(f"{flag} is missing: expected {purpose}.", fix or f"Give it as {flag} FOLDER.")
    if os.path.isdir(path):
        if not os.access(path, os.R_OK | os.X_OK):
            raise OptionError(f"{flag}: folder '{shown(path)}' may not be read: permission denied.", path=path)
        return
    if os.path.exists(path):
        raise OptionError(
            f"{flag}: expected {purpose}, received the file '{shown(path)}'.",
            f"Name the folder instead, perhaps {flag} {pasted(os.path.dirname(path) or '.')}",
            path=path,
        )
    raise _absent(path, flag, purpose, _near_name(path, folders_only=True) or _nearest_folder(path))


def require_file(path: str, flag: str, purpose: str, fix: str = "") -> None:
    """Raises OptionError unless `path` is a file that can be read.

    Args:
        path: The file, as the user wrote it.
        flag: The option that names it, for the message.
        purpose: What it should be, for the message.
        fix: What to do if it does not exist and no name there is near; by default the nearest folder is named.
    """
    if not path:
        raise OptionError(f"{flag} is missing: expected {purpose}.", f"Give it as {flag} FILE.")
    if not os.path.exists(path):
        hint = _near_name(path, folders_only=False) or fix
        raise _absent(path, flag, purpose, hint or _nearest_folder(path))
    if not os.path.isfile(path):
        kind = "folder" if os.path.isdir(path) else "pipe, socket or device"
        raise OptionError(f"{flag}: expected {purpose}, received the {kind} '{shown(path)}'.", path=path)
    if not os.access(path, os.R_OK):
        raise OptionError(f"{flag}: '{shown(path)}' may not be read: permission denied.", path=path)


def _absent(path: str, flag: str, purpose: str, hint: str) -> OptionError:
    if os.path.islink(path):
        problem = f"'{shown(path)}' is a link that leads nowhere or in a circle"
    else:
        problem = f"'{shown(path)}' does not exist"
    return OptionError(f"{flag}: {problem}; expected {purpose}.", hint, path=path)


def _near_name(path: str, *, folders_only: bool) -> str:
    from difflib import get_close_matches

    try:
        parent = nearest_existing(path)
        missing = os.path.relpath(os.path.abspath(path), parent).split(os.sep)[0]
        entries = [e.name for e in os.scandir(parent) if os.path.isdir(e.path) or not folders_only]
        entries = [name for name in entries if name != missing]  # it is a link that leads nowhere
    except OSError:  # the folder may not be listed, or the working folder is gone
        return ""
    close = get_close_matches(missing, entries, n=1, cutoff=0.75)
    return f"Did you mean '{shown(os.path.join(parent, close[0]))}'?" if close else ""


def _nearest_folder(path: str) -> str:
    try:
        return f"The nearest existing folder is '{shown(nearest_existing(path))}'."
    except OSError:  # the working folder is gone
        return ""
