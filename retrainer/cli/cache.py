"""`retrainer cache`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError
from retrainer.model_cache import IN_USE, Cached, cache_folder, cached_in, prune
from retrainer.options import headings
from retrainer.options.cache import CacheOptions
from retrainer.options.groups import Options, option
from retrainer.system.terminal import say
from retrainer.text import json_text, shown

_FAILED = 1
_PRUNE = "prune"


@dataclass(frozen=True, kw_only=True)
class _ReportFlags(Options):
    """How the list is printed."""

    heading = headings.ANSWERS

    json: bool = option(False, "Print JSON; sizes in bytes, times in UTC.")


@dataclass(frozen=True, kw_only=True)
class CacheFlags(CacheOptions, _ReportFlags):
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
    return _list(cached_in(folder), folder, flags)


def _list(items: Sequence[Cached], folder: Path, flags: CacheFlags) -> int:
    """Prints the bundles and downloads, and their total."""
    total = sum(item.size for item in items)
    if flags.json:
        say(json_text({"folder": str(folder), "items": [_record(i) for i in items], "bytes": total}, indent=1))
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
    pruned = list(prune(folder, flags.seconds, dry_run=flags.dry_run))
    gone, kept = [one.item for one in pruned if not one.kept], [one for one in pruned if one.kept]
    freed = sum(item.size for item in gone)
    if flags.json:
        records = [{**_record(one.item), "reason": one.kept} for one in kept]
        document = {"folder": str(folder), "dry_run": flags.dry_run, "removed": [_record(item) for item in gone]}
        say(json_text({**document, "kept": records, "bytes": freed}, indent=1))
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


def _record(item: Cached) -> dict[str, object]:
    used = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(item.last_used))
    return {"kind": item.kind, "name": item.name, "path": str(item.path), "bytes": item.size, "last_used": used}


command = command_of(
    "cache",
    CacheFlags,
    run,
    "List the bundles and downloads that are here; `cache prune` removes unused ones.",
    (
        "retrainer cache",
        "retrainer cache prune --older_than 90d",
    ),
)
command.params.append(click.Argument(["action"], required=False, metavar="[prune]"))
