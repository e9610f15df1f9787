"""`retrainer cache`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from retrainer.cli.candidates import one_of
from retrainer.cli.documents.document import print_document
from retrainer.cli.documents.lists import of_cache, of_pruning
from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError
from retrainer.model_cache import IN_USE, Cached, bottleneck_folder, cache_folder, cached_in, prune
from retrainer.options.cache import CacheOptions
from retrainer.options.documents import DocumentOptions
from retrainer.system.terminal import say
from retrainer.text import shown

_FAILED = 1
_PRUNE = "prune"


@dataclass(frozen=True, kw_only=True)
class CacheFlags(CacheOptions, DocumentOptions):
    """The flags of the command."""


def run(flags: CacheFlags, action: str | None) -> int:
    """Lists the cache, or removes from it; returns the exit code."""
    if action not in (None, _PRUNE):
        raise OptionError(f"retrainer cache: expected {_PRUNE} or nothing, received '{shown(action)}'.")
    folder = cache_folder(flags.model_dir)
    if action == _PRUNE:
        return _prune(flags, folder)
    for name in ("older_than", "dry_run"):
        if getattr(flags, name):
            raise OptionError(f"--{name}: expected `retrainer cache {_PRUNE}`, received `retrainer cache`.")
    return _list(cached_in(folder, bottleneck_folder(flags.model_dir)), folder, flags)


def _list(items: Sequence[Cached], folder: Path, flags: CacheFlags) -> int:
    """Prints what is cached, and its total."""
    total = sum(item.size for item in items)
    if flags.json:
        print_document("cache", of_cache(items, folder))
        return 0
    say(shown(folder))
    for item in items:
        say(_line(item))
    say(f"{_counted(items)}, {_megabytes(total)}")
    return 0


def _prune(flags: CacheFlags, folder: Path) -> int:
    """Removes what is old enough, and prints it; returns the exit code."""
    if flags.seconds is None:
        raise OptionError(
            "--older_than is missing: expected an age.",
            f"`retrainer cache {_PRUNE} --older_than 90d` removes what was not used for 90 days.",
        )
    pruned = list(prune(folder, flags.seconds, bottleneck_folder(flags.model_dir), dry_run=flags.dry_run))
    gone, kept = [one.item for one in pruned if not one.kept], [one for one in pruned if one.kept]
    freed = sum(item.size for item in gone)
    if flags.json:
        print_document("cache prune", of_pruning(pruned, folder, dry_run=flags.dry_run))
    else:
        for item in gone:
            say(f"{'Would remove' if flags.dry_run else 'Removed'} {_line(item)}")
        say(f"{_counted(gone)}, {_megabytes(freed)} {'would be freed' if flags.dry_run else 'freed'}")
    for one in kept:
        say(f"Kept {one.item.kind} '{shown(one.item.name)}': {shown(one.kept)}", err=True)
    return _FAILED if any(one.kept != IN_USE for one in kept) else 0


def _line(item: Cached) -> str:
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(item.last_used))
    return f"{item.kind:<8} {_megabytes(item.size):>10}  {used}  {shown(item.name)}"


def _counted(items: Sequence[Cached]) -> str:
    return f"{len(items)} {'item' if len(items) == 1 else 'items'}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


command = command_of(
    "cache",
    CacheFlags,
    run,
    "List the bundles, downloads and feature vectors that all projects share; `cache prune` removes unused ones.",
    (
        "retrainer cache",
        "retrainer cache prune --older_than 90d",
    ),
)
command.params.append(click.Argument(["action"], required=False, metavar="[prune]", shell_complete=one_of([_PRUNE])))
