"""Disks that behave unlike the one that tests run on."""

import errno
import os

import pytest


def cross_device(patch: pytest.MonkeyPatch) -> None:
    """Lets nothing but temporary files be renamed, as between two disks."""
    link = os.link

    def refusing(source: str, target: str, **options: bool) -> None:
        if ".unfinished-" not in os.fspath(source):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target)
        link(source, target, **options)

    patch.setattr(os, "link", refusing)
