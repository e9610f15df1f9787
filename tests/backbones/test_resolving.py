"""The table of resolvers: a new origin is one class and one row; the built-in backbone needs none of the others."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import networks
import pytest
from conftest import COLOURS, Configure, Photos

from retrainer import retrain
from retrainer.backbones import resolving
from retrainer.backbones.architectures import architectures
from retrainer.backbones.available import find_bundle
from retrainer.backbones.backbone import Backbone, BundleRequest
from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.backbones.making import bundle_of
from retrainer.backbones.origins import HubOrigin, KerasOrigin, convert_network
from retrainer.backbones.resolving import resolve
from retrainer.errors import OptionError
from retrainer.events import silent
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, BundleOptions


def options(model_dir: Path | str = "absent", **hints: Any) -> BundleOptions:
    return BundleOptions(model_dir=str(model_dir), **hints)


def saved_model(folder: Path) -> Path:
    """What a resolver takes for a SavedModel."""
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder


def test_all_names_of_the_tutorial_are_known() -> None:
    names = [f"mobilenet_{w}_{s}" for w in ("1.0", "0.75", "0.50", "0.25") for s in (224, 192, 160, 128)]
    for name in (*names, "inception_v3"):
        backbone = resolve(name, options())
        assert backbone == resolve(name.upper(), options())
        assert (backbone.name, backbone.hints.input_size) == (name, architectures()[name].input_size)
        quantized = resolve(f"{name}_quantized", options())
        assert (quantized.name, quantized.floats) == (f"{name}_quantized", backbone)
    handle = "https://tfhub.dev/google/imagenet/mobilenet_v1_050_224/feature_vector/5"
    backbone = resolve("mobilenet_0.50_224", options())
    assert backbone.origins[0] == HubOrigin(handle)
    assert isinstance(backbone.origins[1], KerasOrigin)
    assert resolve(handle, options()) == backbone


def test_a_handle_or_a_path_becomes_a_name_of_its_own(tmp_path: Path) -> None:
    first = resolve("https://tfhub.dev/google/imagenet/mobilenet_v2_100_96/classification/5", options())
    other = resolve("https://other.example/google/imagenet/mobilenet_v2_100_96/classification/5", options())
    assert first.name.startswith("mobilenet_v2_100_96-classification-5-")
    assert first.name != other.name
    assert first.hints.input_size == 96
    assert resolve(str(saved_model(tmp_path / "good")), options()).name.startswith("good-")
    kaggle = resolve("google/mobilenet-v1/tensorFlow2/050-160-feature-vector/1", options())
    address = "https://www.kaggle.com/models/google/mobilenet-v1/tensorFlow2/050-160-feature-vector/1"
    assert kaggle.origins == (HubOrigin(address),)
    assert kaggle.hints.input_size == 160
    assert resolve("tfhub.dev/google/imagenet/resnet_v2_152/feature_vector/5", options()).hints.input_size == 0
    known = resolve("tfhub.dev/google/imagenet/mobilenet_v1_050_224/feature_vector/5", options())
    assert known.name == "mobilenet_0.50_224"


def test_hints_make_another_backbone(tmp_path: Path) -> None:
    path = str(saved_model(tmp_path / "good"))
    given = [
        options(),
        options(bottleneck_layer="logits"),
        options(input_mean=0.0),
        options(input_std=1.0),
        options(input_layer="inputs"),
        options(bottleneck_layer="block 1/relu"),
    ]
    names = [resolve(path, each).name for each in given]
    assert len(set(names)) == len(names)
    assert "logits" in names[1]
    assert all("/" not in name and " " not in name for name in names)
    with pytest.raises(OptionError, match=r"--bottleneck_layer: expected a network that is still to be converted"):
        resolve("pocket", options(bottleneck_layer="logits"))


@pytest.mark.parametrize(
    ("hints", "name"),
    [
        ({}, "z_96-a-ff9db522"),
        ({"input_mean": 0.0}, "z_96-a-ff9db522-96b9b36d"),
        ({"bottleneck_layer": "block 1/relu"}, "z_96-a-ff9db522-block-1-relu-d9ea4a47"),
        ({"input_layer": "q", "input_mean": 0, "input_std": 1.5}, "z_96-a-ff9db522-feb4eb3d"),
    ],
)
def test_names_of_bundles_stay_as_they_are_on_disk(hints: dict[str, Any], name: str) -> None:
    assert resolve("https://x.y/z_96/a", options(**hints)).name == name


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("mobilenet_0.5_224", r"received 'mobilenet_0.5_224'\.\nDid you mean .*mobilenet_0.50_224"),
        ("mobilenet_1.00_128", r"Did you mean mobilenet_1.0_128"),
        ("mobilenet_v2_1.0_224_quantised", r"Did you mean mobilenet_v2_1.0_224_quantized"),
        (
            "quite different",
            r"expected efficientnet_lite0@288, pocket, a name that `retrainer architectures` lists such as mobilenet_",
        ),
        (
            "{folder}",
            r"'saved_model.pb' and its variables, or one .pb, .tflite or .keras, in the folder '.*', found none",
        ),
        (
            "{folder}/photo.jpg",
            r"expected a file .pb, .tflite or .keras, or an archive .tar, .*, received '.*photo.jpg'",
        ),
    ],
)
def test_a_name_that_is_none_lists_the_nearest(architecture: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(OptionError, match=message):
        resolve(architecture.format(folder=tmp_path), options(tmp_path))


def test_a_message_names_some_of_many_bundles(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"net{number}").mkdir()
        (tmp_path / f"net{number}" / "backbone.json").write_text("{}")
    with pytest.raises(OptionError, match="expected efficientnet_lite0@288, pocket, net0, net1 and 7 more, a name"):
        resolve("absent", options(tmp_path))


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("", r"received ''\.\nIs a variable of the shell not set\?"),
        ("_quantized", r"received '_quantized'"),
        ("pocket_quantized_quantized", r"would be int8 twice; expected one _quantized\.\nName it pocket_quantized\."),
        ("model.h5", r"received 'model.h5'\.\nHDF5 is not taken; save the model again by model.save\('NAME.keras'\)"),
        ("absent.keras", r"'absent.keras' does not exist; .*\nThe nearest existing folder is"),
    ],
)
def test_what_names_nothing_says_so(
    architecture: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.h5").write_bytes(b"HDF")
    networks.frozen_classifier(tmp_path / "net.pb")  # which nobody named
    with pytest.raises(OptionError, match=message):
        resolve(architecture, options())


def test_the_tail_of_a_handle_and_capitals_make_no_other_network() -> None:
    handle = "https://tfhub.dev/google/imagenet/mobilenet_v1_050_224/feature_vector/5"
    for tail in ("/", "?tf-hub-format=compressed"):
        assert resolve(handle + tail, options()) == resolve("mobilenet_0.50_224", options())
    assert resolve("Pocket", options()) == resolve("pocket", options())
    assert resolve("POCKET_Quantized", options()).name == "pocket_quantized"


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
    assert (result.backbone, result.accuracy) == ("copied", 1.0)
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
from retrainer.errors import OptionError
from retrainer.events import silent
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, BundleOptions
options = BundleOptions(model_dir="models")
backbone = resolve(sys.argv[1], options)
if sys.argv[1].startswith("pocket"):
    bundle_of(backbone, options, lambda size, count: [], silent)
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("pocket", set()),
        ("pocket@64", set()),
        (DEFAULT_ARCHITECTURE, {"architectures"}),
        ("mobilenet_0.50_224", {"architectures", "origins", "fetching.downloads"}),
    ],
)
def test_backbones_that_are_here_need_no_downloads(name: str, needed: set[str], tmp_path: Path) -> None:
    line = [sys.executable, "-c", IMPORTED, name]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, check=True)
    modules = done.stdout.split()
    found = {
        one for one in ("architectures", "origins", "fetching.downloads") if f"retrainer.backbones.{one}" in modules
    }
    assert found == needed
    assert not {"requests", "tensorflow", "tarfile"} & set(modules) or "origins" in needed
