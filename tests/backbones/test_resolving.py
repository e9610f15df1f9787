"""The table of resolvers: a new origin is one class and one row; the built-in backbone needs none of the others."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import networks
import pytest
from conftest import COLOURS, Configure, Photos

from retrainer import retrain
from retrainer.backbones import resolving
from retrainer.backbones.available import find_bundle
from retrainer.backbones.backbone import Backbone, BundleRequest
from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.origins import convert_network
from retrainer.backbones.resolving import resolve
from retrainer.events import silent
from retrainer.options.backbone import BundleOptions


@dataclass(frozen=True)
class CopyOrigin:
    """Gives a copy of a bundle."""

    bundle_to_copy: Bundle

    def bundle(self, request: BundleRequest) -> Bundle:
        own = self.bundle_to_copy
        draft = replace(own, name=request.backbone.name, source="a copy")
        return write_bundle(request.parent, draft, own.tflite_path.read_bytes(), own.graph_path.read_bytes())


@dataclass(frozen=True)
class RegistryOrigin:
    """Gives networks from a folder."""

    path: Path

    def bundle(self, request: BundleRequest) -> Bundle:
        return convert_network(request, self.path.name, self.path)


def add(resolver: resolving.Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "RESOLVERS", (resolver, *resolving.RESOLVERS))


def test_an_origin_from_outside_is_a_class_and_a_row(
    photos: Photos, configured: Configure, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(name: str, options: BundleOptions) -> Backbone | None:
        if name != "copy:colours":
            return None
        return Backbone("copied", (CopyOrigin(find_bundle(COLOURS, str(model_dir))),))

    add(copy, monkeypatch)
    options = configured(photos(count=20), architecture="copy:colours", model_dir=str(tmp_path / "bundles"))
    result = retrain(options)
    assert (result.backbone, result.test_accuracy) == ("copied", 1.0)
    assert find_bundle("copied", options.model_dir).source == "a copy"
    twin = resolve("copy:colours_quantized", options)
    assert (twin.name, twin.floats) == ("copied_quantized", resolve("copy:colours", options))


def test_an_origin_from_outside_converts_as_the_others_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def registry(name: str, options: BundleOptions) -> Backbone | None:
        path = tmp_path / f"{name.removeprefix('registry:')}.pb"
        return Backbone(path.stem, (RegistryOrigin(path),)) if name.startswith("registry:") else None

    networks.frozen_classifier(tmp_path / "net.pb")
    add(registry, monkeypatch)
    options = BundleOptions(model_dir=str(tmp_path / "bundles"))
    bundle = bundle_of(resolve("registry:net", options), options, networks.inputs, silent)
    assert (bundle.name, bundle.source, bundle.depth) == ("net", "net.pb", networks.DEPTH)


IMPORTED = """
import sys
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.events import silent
from retrainer.options.backbone import BundleOptions
options = BundleOptions(model_dir="models")
backbone = resolve(sys.argv[1], options)
if sys.argv[1] == "pocket":
    bundle_of(backbone, options, lambda size, count: [], silent)
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize(("name", "needed"), [("pocket", False), ("mobilenet_0.50_224", True)])
def test_the_built_in_backbone_needs_no_table_and_no_downloads(name: str, needed: bool, tmp_path: Path) -> None:
    line = [sys.executable, "-c", IMPORTED, name]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, check=True)
    modules = done.stdout.split()
    others = {f"retrainer.backbones.{module}" for module in ("architectures", "origins", "fetching.downloads")}
    assert others & set(modules) == (others if needed else set())
    assert not {"requests", "tensorflow", "tarfile"} & set(modules) or needed
