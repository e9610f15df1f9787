"""`retrainer architectures`."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrainer.backbones.catalogue import BUNDLE, Listed, catalogue
from retrainer.cli.flags import command as command_of
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, ModelDirOptions
from retrainer.options.documents import DocumentOptions
from retrainer.system.terminal import say
from retrainer.text import shown

_HEADINGS = ("name", "size", "depth", "params", "MAdds", "top-1", "", "here")
_WIDTHS = (29, 4, 5, 7, 7, 5, 1, 8)
_LEGEND = f"""
size    pixels a side
depth   numbers in a feature vector
params  weights of the whole classifier, millions
MAdds   its multiply-adds for one picture, millions
top-1   published accuracy on ImageNet, percent; --json names the sources
*       a good trade: no other is as accurate with as few multiply-adds
here    bundle: ready; package: weights installed; download: not converted yet
NAME@SIZE is most of them at another size, a multiple of 32; NAME_quantized and
NAME@SIZE_quantized are int8 twins, calibrated on your photos.
The default is {DEFAULT_ARCHITECTURE}."""


@dataclass(frozen=True, kw_only=True)
class ArchitecturesFlags(ModelDirOptions, DocumentOptions):
    """The flags of the command."""


def run(flags: ArchitecturesFlags) -> None:
    """Prints the table."""
    listed = list(catalogue(flags.model_dir))
    if flags.json:
        from retrainer.cli.documents.document import print_document
        from retrainer.cli.documents.lists import of_architectures

        print_document("architectures", of_architectures(listed, DEFAULT_ARCHITECTURE))
        return
    for line in table(listed):
        say(line)
    say(_LEGEND)


def table(listed: Sequence[Listed]) -> list[str]:
    """The lines of the table; an int8 twin has a line only if its bundle is here."""
    shown_items = [item for item in listed if not item.quantized or item.here == BUNDLE]
    return [_line(_HEADINGS), *(_line(_cells(item)) for item in shown_items)]


def _cells(item: Listed) -> tuple[str, ...]:
    row, sizes = item.architecture, (str(item.input_size), str(item.depth))
    if row is None:
        return (shown(item.name), *sizes, "", "", "", "", item.here)
    top1 = f"{row.top1:.1f}" if item.is_published else ""
    good = "*" if item.good_trade else ""
    return (item.name, *sizes, f"{row.parameters:.1f}", f"{item.multiply_adds:,.0f}", top1, good, item.here)


def _line(cells: Sequence[str]) -> str:
    name, *others = cells
    if len(name) > _WIDTHS[0]:  # gets a line of its own
        name = f"{name}\n{'':<{_WIDTHS[0]}}"
    right = [f"{cell:>{width}}" for cell, width in zip(others[:-1], _WIDTHS[1:-1], strict=True)]
    return " ".join([f"{name:<{_WIDTHS[0]}}", *right, others[-1]]).rstrip()


command = command_of(
    "architectures",
    ArchitecturesFlags,
    run,
    "List the networks that are known by name, and show which are here.",
    (
        "retrainer architectures",
        "retrainer architectures --json",
    ),
)
