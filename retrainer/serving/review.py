"""Serves the page of findings to the browser of this machine, and writes decisions to the list."""

from collections.abc import Callable

from retrainer.pages.clean.shown import ShownPhotos


def serve_review(
    list_path: str, photos: ShownPhotos, *, port: int = 0, on_ready: Callable[[str], None]
) -> tuple[int, int]:
    """Serves the page of a list of findings until Ctrl-C or SIGTERM; each decision is on the disk when it is confirmed.

    Args:
        list_path: The list, such as `tf_files/clean.csv`; it exists.
        photos: Reads the photos; only those that the list names are ever read.
        port: The port on 127.0.0.1; 0 for any that is free.
        on_ready: Called once with the address of the page, which holds a random token.

    Returns:
        How many photos and classes are decided, and how many there are.

    Raises:
        OptionError: the port is in use, or the list cannot be read.
        OutputError: the list cannot be written.
    """
    raise NotImplementedError
