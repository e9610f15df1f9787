"""The meaning of a backbone's name, the request for its bundle, and the protocol of the origins that make one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from retrainer.backbones.available import parent_of, some_here
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.hints import Hints, Pictures
from retrainer.events import Observer
from retrainer.options.backbone import BundleOptions
from retrainer.text import shown

UNKNOWN_LICENCE = "see the source"


@dataclass(frozen=True)
class Backbone:
    """The meaning of a name that `--architecture` takes.

    Attributes:
        name: The bundle's name in `--model_dir`.
        origins: They are asked for the bundle in this order. A backbone without any is a bundle that is here already.
        hints: What the user says about the network.
        licence: The licence of the weights.
        given: The name as the user wrote it, for messages.
        floats: The float backbone, if this one is its int8 twin.
        note: What the user is told of the name as it was given; empty if nothing.
    """

    name: str
    origins: "tuple[Origin, ...]" = ()
    hints: Hints = field(default_factory=Hints)
    licence: str = UNKNOWN_LICENCE
    given: str = field(default="", compare=False)
    floats: "Backbone | None" = None
    note: str = field(default="", compare=False)


@dataclass(frozen=True)
class BundleRequest:
    """The request for a bundle; it goes to one origin after the other until one succeeds.

    Attributes:
        backbone: The backbone whose bundle is to be made.
        options: The folder of bundles, whether downloads are allowed, and whether a graph is trusted.
        known: Source -> `content_digest` of what that source gave for an earlier bundle.
        pictures: The new bundle is compared with its network on these.
        observer: Is called with events about downloads and conversions.
    """

    backbone: Backbone
    options: BundleOptions
    known: Mapping[str, str]
    pictures: Pictures
    observer: Observer

    @property
    def parent(self) -> Path:
        """The folder that the bundle's own folder lies in."""
        return parent_of(self.backbone.name, self.options.model_dir)

    @property
    def offline_hint(self) -> str:
        """The fix that a message offers to a user without an Internet connection."""
        return (
            f"Without a connection --architecture takes {some_here(self.options.model_dir)}, or the path of a network. "
            f"A machine with a connection makes a folder to carry here: `retrainer fetch {shown(self.backbone.given)} "
            "--to DIR`."
        )


class Origin(Protocol):
    """A place that may have a network; the README says how to add one."""

    def bundle(self, request: BundleRequest) -> Bundle:
        """Makes the bundle in `request.parent`.

        Raises:
            BackboneError, DownloadError: this origin cannot give it; the next origin is asked.
            OutputError: the bundle cannot be written.
        """
