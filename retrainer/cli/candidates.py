"""What shells propose for the values of flags and for arguments."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from retrainer.options.groups import Option
from retrainer.options.paths import FOLDER

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]

# A name that needs no quoting in any shell.
_PLAIN = re.compile(r"[\w@.,+-]+", re.ASCII)


def values_of(item: Option) -> Completer:
    """Returns what proposes the values of an option."""
    if item.limits.choices:
        return one_of(item.limits.choices)
    if item.name == "architecture":
        return backbones
    if item.name == "compare":
        return _several_backbones
    if item.limits.path:
        return folders if item.limits.writes == FOLDER else files
    return one_of(())


def one_of(names: Iterable[str]) -> Completer:
    """Returns what proposes some names."""
    return lambda _context, _parameter, begun: _items(names, begun)


def files(_: click.Context, __: click.Parameter, begun: str) -> "list[CompletionItem[str]]":
    """Lets the shell propose files and folders."""
    return _by_shell("file", begun)


def folders(_: click.Context, __: click.Parameter, begun: str) -> "list[CompletionItem[str]]":
    """Lets the shell propose folders."""
    return _by_shell("dir", begun)


def backbones(context: click.Context, _: click.Parameter, begun: str) -> "list[CompletionItem[str]]":
    """Proposes the names of backbones, or files if none begins like this."""
    return _items(_backbones(context), begun) or _by_shell("file", begun)


def _several_backbones(context: click.Context, _: click.Parameter, begun: str) -> "list[CompletionItem[str]]":
    before, comma, _last = begun.rpartition(",")
    given = before.split(",")
    return _items((f"{before}{comma}{name}" for name in _backbones(context) if name not in given), begun)


def _backbones(context: click.Context) -> list[str]:
    """The default, the bundles that are here, and the names of the table."""
    from retrainer.backbones.architectures import architectures
    from retrainer.backbones.available import EMBEDDED, bundles_in
    from retrainer.options.backbone import DEFAULT_ARCHITECTURE

    here = bundles_in(context.params.get("model_dir") or "")
    return list(dict.fromkeys((DEFAULT_ARCHITECTURE, EMBEDDED, *here, *architectures())))


def _items(names: Iterable[str], begun: str) -> "list[CompletionItem[str]]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(begun) and _PLAIN.fullmatch(name)]


def _by_shell(kind: str, begun: str) -> "list[CompletionItem[str]]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(begun, type=kind)]
