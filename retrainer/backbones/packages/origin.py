"""The origin of networks whose weights are installed as a package."""

from dataclasses import dataclass

from retrainer.backbones.backbone import BundleRequest
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.packages.installed import WeightPackage
from retrainer.events import Began, Noted
from retrainer.text import shown


@dataclass(frozen=True)
class PackageOrigin:
    """A network of the table whose weights are a package; without the package it is taken from TF-Hub.

    Attributes:
        network: Its name in the table.
        input_size: S, pixels, unless the user asks for another.
        package: The package.
        handle: Its handle on TF-Hub.
    """

    network: str
    input_size: int
    package: WeightPackage
    handle: str

    def bundle(self, request: BundleRequest) -> Bundle:
        """Makes the bundle, without TensorFlow if the package is installed."""
        name, path = shown(request.backbone.name), self.package.path()
        if path is None:
            from retrainer.backbones.origins import HubOrigin

            install = self.package.install
            request.observer(Noted(f"TF-Hub is asked for '{name}'. To install its weights instead: {install}"))
            return HubOrigin(self.handle).bundle(request)
        from retrainer.backbones.packages.building import build

        request.observer(Began(f"Building '{name}', once, from {self.package.requirement}"))
        draft = Bundle(
            request.backbone.name,
            f"{self.package.requirement}, {path.name}",
            request.backbone.licence,
            request.backbone.hints.wanted_size or self.input_size,
            0,
            "",
            source_sha256=self.package.sha256,
        )
        return build(self.network, path, self.package, draft, request.parent)
