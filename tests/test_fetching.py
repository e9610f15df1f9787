"""`retrainer fetch` and `retrainer architectures`."""

import json
from pathlib import Path

import networks
import numpy as np
import pytest
from conftest import COLOURS, Command, Photos

from retrainer.backbones.architectures import architectures
from retrainer.backbones.bundle import Bundle, copy_bundle, read_bundle, write_bundle
from retrainer.backbones.catalogue import catalogue
from retrainer.backbones.fetching.downloads import hub_folder
from retrainer.backbones.networks.embedded import weights
from retrainer.bottlenecks.inputs import drawn_inputs
from retrainer.cli.architectures import table
from retrainer.errors import OptionError, RetrainerError
from retrainer.events import Event, Warned, silent
from retrainer.fetching import fetch
from retrainer.models.tflite.litert import Network
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, FetchOptions


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    return networks.frozen_classifier(tmp_path / "net.pb")


def fetched(name: str, options: FetchOptions, events: list[Event] | None = None) -> Bundle:
    ((given, bundle),) = fetch([name], options, on_progress=silent if events is None else events.append)
    assert given == name
    assert isinstance(bundle, Bundle), bundle
    return bundle


def test_a_bundle_is_prepared_and_carried(classifier: Path, tmp_path: Path, command: Command, photos: Photos) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    done = command("fetch", "pocket", classifier, "--model_dir", here, "--to", there)
    assert done.returncode == 0, done.stderr
    pocket, own, empty, carry, line = done.stdout.splitlines()
    assert pocket == f"pocket: ready in '{there}/pocket'"
    name = own.split(":")[0]
    assert (empty, carry) == ("", "Carry the folder to the other machine, and name it there:")
    assert line == "  retrainer retrain --model_dir there --architecture pocket --image_dir PHOTOS"
    assert {path.name for path in there.iterdir()} == {"pocket", name}
    assert read_bundle(there / name).sha256 == read_bundle(here / name).sha256
    classifier.unlink()
    trained = command(
        "retrain", "--offline", "--model_dir", "there", "--architecture", name, "--image_dir", photos(count=20)
    )
    assert trained.returncode == 0, trained.stderr


def test_a_copy_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    bundle = weights()
    copied = copy_bundle(bundle, tmp_path)
    stamp = copied.tflite_path.stat().st_mtime_ns
    assert copy_bundle(bundle, tmp_path) == copied
    assert copied.tflite_path.stat().st_mtime_ns == stamp
    copied.tflite_path.write_bytes(b"damaged")
    assert copy_bundle(bundle, tmp_path).tflite_path.read_bytes() == bundle.tflite_path.read_bytes()


def test_one_that_fails_does_not_stop_the_others(classifier: Path, command: Command, tmp_path: Path) -> None:
    (tmp_path / "broken.pb").write_bytes(b"no graph")
    done = command("fetch", "--offline", "broken.pb", "mobilenet_0.25_128", classifier)
    assert done.returncode == 1
    assert done.stdout.count(": ready in ") == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert errors[0].startswith("Error: 'broken.pb' is no frozen graph")
    assert errors[1].startswith("Error: --offline: 'mobilenet_2_5_128_tf_no_top.h5' is neither in")


def test_a_misspelt_name_stops_before_anything_is_fetched(classifier: Path, command: Command, tmp_path: Path) -> None:
    done = command("fetch", classifier, "mobilenet_0.25_182")
    assert done.returncode == 2
    assert "Did you mean mobilenet_0.25_192 or mobilenet_0.25_128" in done.stderr
    assert not (tmp_path / "tf_files").exists()
    assert command("fetch").returncode == 2


def test_int8_is_prepared_as_far_as_it_goes_without_photos(classifier: Path, tmp_path: Path, photos: Photos) -> None:
    name, events = f"{classifier}_quantized", list[Event]()
    options = FetchOptions(model_dir=str(tmp_path / "models"))
    floats = fetched(name, options, events)
    assert not floats.quantized
    warned, guessed = [event.message for event in events if isinstance(event, Warned)]
    assert "nothing in the file says what pictures it takes" in guessed
    assert warned.startswith(f"'{name}' is calibrated on photos: only its float backbone is prepared")
    whole = FetchOptions(model_dir=str(tmp_path / "models"), image_dir=str(photos(count=20)))
    bundle = fetched(name, whole)
    assert (bundle.quantized, bundle.name) == (True, f"{floats.name}_quantized")
    assert fetched(name, options) == bundle  # it is here, and needs no photos
    with pytest.raises(OptionError, match="NAME is missing"):
        list(fetch([], options, on_progress=silent))
    with pytest.raises(OptionError, match="'nowhere' does not exist"):
        list(fetch([name], FetchOptions(image_dir="nowhere"), on_progress=silent))


def test_without_photos_drawings_are_compared(classifier: Path, tmp_path: Path) -> None:
    given = drawn_inputs(8, 3)
    assert [picture.shape for picture in given] == [(8, 8, 3)] * 3
    assert all(-1 <= picture.min() < picture.max() <= 1 for picture in given)
    assert not np.array_equal(given[0], given[1])
    bundle = fetched(str(classifier), FetchOptions(model_dir=str(tmp_path / "models")))
    np.testing.assert_allclose(Network(bundle.tflite_path).run(given[0]), networks.expected(given[0]), atol=1e-4)


def test_a_place_that_cannot_be_written_is_an_error(classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RetrainerError, match="Cannot write"):
        list(fetch([str(classifier)], FetchOptions(to=str(tmp_path / "file" / "to")), on_progress=silent))


def test_the_table_says_what_is_here(
    model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub"))
    cached = hub_folder(architectures()["mobilenet_0.50_160"].handle, tmp_path / "hub")
    cached.mkdir(parents=True)
    (cached / "saved_model.pb").write_bytes(b"graph")
    long = Bundle("a name that is longer than the column of names", "", "", 8, 3, "")
    write_bundle(tmp_path / "models", long, b"tflite", None)
    write_bundle(tmp_path / "models", Bundle("mobilenet_0.25_128_quantized", "", "", 128, 256, ""), b"tflite", b"graph")
    done = command("architectures", "--model_dir", "models")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "name                          size depth  params   MAdds top-1   here"
    assert lines[1] == "pocket                         160  1664                         package"
    assert lines[2:4] == [long.name, "                                 8     3                         bundle"]
    rows = {line.split()[0]: line for line in lines if line}
    assert rows["mobilenet_0.50_160"] == ("mobilenet_0.50_160             160   512     1.3      77  59.1   download")
    assert rows["mobilenet_0.25_128_quantized"].endswith("bundle")
    assert "mobilenet_1.0_224_quantized" not in rows
    assert " * " in rows["mobilenet_v2_0.35_160"] + " "
    assert {*architectures(), DEFAULT_ARCHITECTURE} <= set(rows)
    assert lines[-1] == f"The default is {DEFAULT_ARCHITECTURE}."
    (tmp_path / "models" / long.name / "backbone.tflite").write_bytes(b"damaged")
    assert long.name not in command("architectures", "--model_dir", "models").stdout


def test_the_table_as_json_names_sources_and_int8_twins(command: Command) -> None:
    done = command("architectures", "--json", "--model_dir", "models")
    listed = {item["name"]: item for item in json.loads(done.stdout)["architectures"]}
    assert len(listed) == 2 * len(architectures()) + 2
    default = listed[DEFAULT_ARCHITECTURE]
    assert (default["input_size"], default["network"], default["top1"]) == (288, "efficientnet_lite0", None)
    assert default["multiply_adds"] == round(listed["efficientnet_lite0"]["multiply_adds"] * (288 / 224) ** 2, 1)
    row = listed["mobilenet_v3_small_1.0_224"]
    assert (row["input_size"], row["depth"], row["top1"], row["quantized"]) == (224, 1024, 67.5, False)
    assert "github.com/tensorflow/models" in row["figures_from"]
    assert row["keras"]["name"] == "MobileNetV3Small"
    twin = listed["mobilenet_v3_small_1.0_224_quantized"]
    assert (twin["top1"], twin["quantized"], twin["network"]) == (None, True, "mobilenet_v3_small_1.0_224")
    assert (listed["pocket"]["here"], listed["pocket"]["depth"]) == ("package", 1664)
    assert all({"good_trade", "here", "input_size", "depth"} <= set(item) for item in listed.values())


def test_a_bundle_in_no_table_is_listed_with_its_sizes(model_dir: Path) -> None:
    listed = {item.name: item for item in catalogue(str(model_dir))}
    assert (listed[COLOURS].input_size, listed[COLOURS].depth, listed[COLOURS].here) == (8, 3, "bundle")
    assert any(line.startswith("colours  ") for line in table(list(listed.values())))
