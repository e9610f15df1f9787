"""A backbone becomes a bundle: by the first origin that gives it, once, and compared with its network."""

import os
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import networks
import numpy as np
import pytest
from conftest import SHARED, Command, Configure, Photos
from networks import SIZE, inputs
from servers import Server, sends

from retrainer import Labeler, LabelOptions, retrain
from retrainer.arrays import Floats
from retrainer.backbones import making
from retrainer.backbones.architectures import KerasApplication, architectures
from retrainer.backbones.backbone import Backbone
from retrainer.backbones.bundle import read_bundle
from retrainer.backbones.converting.hints import ConversionContext, Hints
from retrainer.backbones.fetching.downloads import hub_folder
from retrainer.backbones.making import bundle_of
from retrainer.backbones.origins import HubOrigin, KerasOrigin, LocalOrigin
from retrainer.backbones.resolving import resolve
from retrainer.errors import BackboneError, DownloadError, OptionError
from retrainer.events import Event, Noted, Warned, silent
from retrainer.models.graph.tensorflow_graph import import_tensorflow
from retrainer.models.tflite.litert import Network
from retrainer.options.backbone import BundleOptions
from retrainer.photos.images import square, to_input


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a SavedModel, `good`, for pictures in [0, 1], and an archive of it."""
    tf = import_tensorflow()
    parent = tmp_path_factory.mktemp("modules")
    picture = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "inputs")
    networks.saved_model(parent / "good", lambda inputs: {"y": networks.features_of(inputs * 2.0 - 1.0)}, picture)
    with tarfile.open(parent / "good.tar.gz", "w:gz") as members:
        members.add(parent / "good", ".")
    return parent


@pytest.fixture(autouse=True)
def own_homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No cache of whoever runs the tests is looked at."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras_home"))
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)


def given(model_dir: Path | str = "absent", **options: Any) -> BundleOptions:
    return BundleOptions(model_dir=str(model_dir), **options)


def warnings_of(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned)]


def conversions_in(events: list[Event]) -> int:
    return sum(isinstance(event, Noted) and event.message.startswith("Converting") for event in events)


def test_retrain_on_a_folder_an_archive_and_a_handle(
    modules: Path, photos: Photos, configured: Configure, tmp_path: Path, server: Server
) -> None:
    root = photos(count=20)
    server.answers = [sends((modules / "good.tar.gz").read_bytes())]
    model_dir = tmp_path / "bundles"
    for architecture in (str(modules / "good"), str(modules / "good.tar.gz"), server.handle):
        events: list[Event] = []
        options = configured(root, architecture=architecture, model_dir=str(model_dir))
        first, again = retrain(options, on_progress=events.append), retrain(options, on_progress=events.append)
        assert (first.computed, again.computed) == (40, 0)
        assert first.accuracy == 1.0
        assert conversions_in(events) == 1
    assert len(server.asked) == 1
    assert len(list(model_dir.glob("*/backbone.json"))) == 3


def test_retrain_on_a_frozen_archive_and_on_its_logits(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    networks.frozen_classifier(tmp_path / "net" / "frozen_graph.pb")
    with tarfile.open(tmp_path / "net_frozen.tgz", "w:gz") as members:
        members.add(tmp_path / "net", "net")
    root, depths = photos(count=20), []
    for layer in ("", "logits"):
        options = configured(
            root,
            architecture=str(tmp_path / "net_frozen.tgz"),
            model_dir=str(tmp_path / "bundles"),
            bottleneck_layer=layer,
        )
        result = retrain(options)
        assert result.accuracy == 1.0
        depths.append(read_bundle(tmp_path / "bundles" / result.backbone).depth)
    assert depths == [networks.DEPTH, networks.CLASSES]


def test_retrain_on_a_tflite_gives_a_tflite(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    lite = networks.as_tflite(tmp_path / "net.tflite", networks.features_of)
    root, given = photos(count=20), {"architecture": str(lite), "model_dir": str(tmp_path / "bundles")}
    with pytest.raises(
        OptionError, match=r"was made of a .tflite and gives no .pb; .*\nName it --output_graph .*tflite"
    ):
        retrain(configured(root, **given))
    output = tmp_path / "out" / "graph.tflite"
    kept = {"intermediate_store_frequency": 100, "eval_step_interval": 100}
    result = retrain(configured(root, output_graph=str(output), **given, **kept))
    assert (result.graph, result.tflite) == (str(output), str(output))
    assert not output.with_suffix(".pb").exists()
    assert [path.suffix for path in (tmp_path / "out" / "intermediate").iterdir()] == [".tflite"]
    label, _ = Labeler(LabelOptions(graph=result.graph))(str(root / "green" / "001.jpg")).ranking[0]
    assert label == "green"
    with pytest.raises(OptionError, match=r"--runtime: .* was made of a .tflite, and LiteRT runs it; received"):
        retrain(configured(root, output_graph=str(output), runtime="tensorflow", **given))


def test_an_int8_backbone_gives_an_int8_model(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    from retrainer.evaluation import evaluate
    from retrainer.inspection import inspect
    from retrainer.options.model import EvaluateOptions

    root = photos(count=40)
    options = configured(
        root,
        architecture="colours_quantized",
        model_dir=str(shutil.copytree(configured(root).model_dir, tmp_path / "bundles")),
    )
    events: list[Event] = []
    result = retrain(options, on_progress=events.append)
    assert result.accuracy == 1.0
    assert [event.message for event in events if isinstance(event, Noted)] == [
        "Calibrating 'colours_quantized' on the photos, once",
        "Kept step 199 (best on 71 photos, scored out of fold). "
        "Few photos validate, so the model learns from them, too.",
    ]
    operations = inspect(result.tflite).operations
    assert operations == {"QUANTIZE": 1, "MEAN": 1, "DEQUANTIZE": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
    measured = evaluate(EvaluateOptions(graph=result.tflite, image_dir=str(root)), on_progress=silent)
    assert (measured.assessment.accuracy, measured.assessment.count) == (1.0, result.count)
    assert measured.assessment.log_loss < 0.5
    assert retrain(options).computed == 0
    with pytest.raises(OptionError, match=r"--runtime: 'colours_quantized' is int8, and LiteRT runs it"):
        retrain(configured(root, architecture="colours_quantized", model_dir=options.model_dir, runtime="tensorflow"))


def test_the_int8_twin_of_a_bundle_may_be_carried_alone(tmp_path: Path, photos: Photos, configured: Configure) -> None:
    options = configured(photos(count=20))
    backbone = resolve("colours_quantized", options)
    made = bundle_of(backbone, given(options.model_dir), inputs, silent)
    shutil.copytree(made.folder, tmp_path / "carried" / made.name)
    alone = resolve("colours_quantized", given(tmp_path / "carried"))
    assert alone == Backbone("colours_quantized")
    assert bundle_of(alone, given(tmp_path / "carried"), inputs, silent).sha256 == made.sha256
    shutil.rmtree(made.folder)


def test_a_bundle_that_is_there_is_never_converted_again(
    modules: Path, photos: Photos, command: Command, tmp_path: Path
) -> None:
    root = photos(count=20)
    arguments = ("retrain", "--image_dir", root, "--architecture", modules / "good", "--how_many_training_steps", "9")
    done = command(*arguments, "--log", "tf")
    assert done.returncode == 0, done.stderr
    others = [line for line in done.stderr.splitlines() if not line.startswith("INFO:tensorflow:")]
    assert all("are all nearly equal" in line for line in others), done.stderr
    program = (
        "import sys\nfrom retrainer.cli.main import main\n"
        "try:\n    main()\nfinally:\n    print('tensorflow' in sys.modules)"
    )
    line = [sys.executable, "-c", program, *map(str, arguments)]
    again = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert again.stdout.splitlines()[-1] == "False"


def test_a_damaged_bundle_is_made_again(modules: Path, tmp_path: Path) -> None:
    backbone = resolve(str(modules / "good"), given(tmp_path))
    bundle = bundle_of(backbone, given(tmp_path), inputs, silent)
    content = bundle.tflite_path.read_bytes()
    bundle.tflite_path.write_bytes(content[:-1])
    events: list[Event] = []
    again = bundle_of(backbone, given(tmp_path), inputs, events.append)
    assert again == read_bundle(bundle.folder)
    assert bundle.tflite_path.read_bytes() == content
    (message,) = warnings_of(events)
    assert "is damaged: its SHA-256 differs. It is made again." in message


def test_two_runs_that_want_the_same_backbone_make_it_once(modules: Path, tmp_path: Path, server: Server) -> None:
    server.answers = [sends((modules / "good.tar.gz").read_bytes())]
    backbone, options = resolve(server.handle, given(tmp_path)), given(tmp_path / "models")
    events: list[Event] = []
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: bundle_of(backbone, options, inputs, events.append), range(4)))
    assert len({bundle.sha256["backbone.pb"] for bundle in made}) == 1
    assert conversions_in(events) == 1
    assert len(server.asked) == 1


def test_a_folder_that_changed_is_another_backbone(modules: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(modules / "good", tmp_path / "good")
    backbone = resolve(str(changed), given())
    assert (backbone.name, backbone.origins) == (
        resolve(str(modules / "good"), given()).name,
        (LocalOrigin(str(changed)),),
    )
    (changed / "assets" / "note.txt").write_text("changed")
    assert resolve(str(changed), given()).name != backbone.name


def test_a_source_that_changed_is_refused_and_said_so(modules: Path, tmp_path: Path, server: Server) -> None:
    server.answers = [sends((modules / "good.tar.gz").read_bytes())]
    backbone, options = resolve(server.handle, given(tmp_path)), given(tmp_path)
    bundle = bundle_of(backbone, options, inputs, silent)
    shutil.rmtree(tmp_path / "tfhub_modules")
    bundle.tflite_path.write_bytes(b"damaged")
    changed = shutil.copytree(modules / "good", tmp_path / "changed")
    (changed / "fingerprint.pb").write_bytes(b"another")
    with tarfile.open(tmp_path / "changed.tar.gz", "w:gz") as members:
        members.add(changed, ".")
    server.answers = [sends((tmp_path / "changed.tar.gz").read_bytes())]
    with pytest.raises(DownloadError, match=rf"has changed: expected .* {bundle.source_sha256[:16]}.*, received"):
        bundle_of(backbone, options, inputs, silent)
    assert bundle.tflite_path.read_bytes() == b"damaged"
    server.answers = [sends((modules / "good.tar.gz").read_bytes())]
    assert bundle_of(backbone, options, inputs, silent).source_sha256 == bundle.source_sha256


def test_a_name_of_the_tutorial_works_offline_once_tf_hub_has_it(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = given(tmp_path, offline=True)
    backbone = resolve("mobilenet_0.25_128", options)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub"))
    assert isinstance(backbone.origins[0], HubOrigin)
    shutil.copytree(modules / "good", hub_folder(backbone.origins[0].url, tmp_path / "hub"))
    assert bundle_of(backbone, options, inputs, silent).name == "mobilenet_0.25_128"
    shutil.rmtree(tmp_path / "hub")
    assert bundle_of(backbone, options, inputs, silent).depth == networks.DEPTH


def test_a_copy_in_tf_hubs_cache_that_is_no_network_is_fetched_again(
    modules: Path, tmp_path: Path, server: Server
) -> None:
    server.answers = [sends((modules / "good.tar.gz").read_bytes())]
    backbone, options = resolve(server.handle, given(tmp_path)), given(tmp_path)
    cached = hub_folder(server.handle, tmp_path / "tfhub_modules")
    cached.mkdir(parents=True)
    (cached / "saved_model.pb").write_bytes(b"damaged inside")
    with pytest.raises(BackboneError, match="cannot be converted"):
        bundle_of(backbone, given(tmp_path, offline=True), inputs, silent)
    events: list[Event] = []
    assert bundle_of(backbone, options, inputs, events.append).depth == networks.DEPTH
    (message,) = warnings_of(events)
    assert message.endswith("It is fetched again.")
    shutil.rmtree(tmp_path / backbone.name)
    (cached / "saved_model.pb").unlink()
    events.clear()
    assert bundle_of(backbone, options, inputs, events.append).depth == networks.DEPTH
    (message,) = warnings_of(events)
    assert message.startswith("TF-Hub's cache has a damaged copy")


def keras_network(size: int = 32) -> tuple[KerasOrigin, Any]:
    """A network of Keras whose weights lie where nobody answers, and its model with random ones."""
    from retrainer.backbones.converting.keras_networks import keras_application

    address = "http://127.0.0.1:9/mobilenet/small_no_top.h5"
    origin = KerasOrigin(KerasApplication("MobileNet", {"alpha": 0.25}, address, ""), size)
    return origin, keras_application(origin.application, size, None)


def keras_features(model: Any, picture: Floats) -> Floats:
    vector: Floats = np.asarray(model(picture[np.newaxis], training=False))[0]
    return vector


def test_keras_is_asked_where_tf_hub_fails_and_each_failure_is_one_line(tmp_path: Path, server: Server) -> None:
    server.answers = [sends(b"", 404)]
    origin, model = keras_network()
    backbone = Backbone("net", (HubOrigin(server.handle), origin), Hints(32))
    events: list[Event] = []
    with pytest.raises(
        DownloadError, match=r"small_no_top.h5' cannot be downloaded: .*\nWithout a connection"
    ) as error:
        bundle_of(backbone, given(tmp_path), inputs, events.append)
    assert "\n" not in error.value.problem
    (message,) = warnings_of(events)
    assert message == f"'{server.handle}' cannot be downloaded: the server answered 404 Not Found."
    weights = tmp_path / "keras_home" / "models" / "small_no_top.h5"
    weights.parent.mkdir(parents=True)
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    with h5py.File(weights, "w") as file:
        save_weights_to_hdf5_group(file, model)  # as Keras's published weights are written
    events.clear()
    bundle = bundle_of(backbone, given(tmp_path), inputs, events.append)
    assert warnings_of(events) == [message]
    assert (bundle.input_size, bundle.depth) == (32, 256)
    assert bundle.source.startswith("keras.applications.MobileNet, http://127.0.0.1:9/")
    for picture in inputs(32):
        np.testing.assert_allclose(Network(bundle.tflite_path).run(picture), keras_features(model, picture), atol=1e-5)


def test_weights_of_another_hash_than_keras_states_are_refused(tmp_path: Path, server: Server) -> None:
    server.answers = [sends(b"other weights")]
    address = server.handle + "/weights.h5"
    origin = KerasOrigin(KerasApplication("MobileNet", {}, address, "0" * 32), 32)
    with pytest.raises(DownloadError, match="expected a file of MD5 0000"):
        bundle_of(Backbone("net", (origin,)), given(tmp_path), inputs, silent)
    assert not list(tmp_path.rglob("*.h5"))


NO_NETWORK = (
    "import socket, sys\n"
    "def refuse(*arguments, **more):\n    print('TOUCHED THE NETWORK', flush=True)\n    raise OSError('no network')\n"
    "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse\n"
    "from retrainer.cli.main import main\nmain()"
)


@pytest.mark.parametrize(
    ("architecture", "exit_code"),
    [("pocket", 0), ("mobilenet_0.25_128", 1), ("mobilenet_0.25_128_quantized", 1), ("https://127.0.0.1:9/x", 1)],
)
def test_offline_touches_no_network(architecture: str, exit_code: int, photos: Photos, tmp_path: Path) -> None:
    line = [sys.executable, "-c", NO_NETWORK, "retrain", "--image_dir", str(photos(count=20)), "--offline"]
    line += ["--architecture", architecture, "--how_many_training_steps", "5"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode == exit_code, done.stderr
    assert "TOUCHED" not in done.stdout
    assert ("Error: --offline: '" in done.stderr) == bool(exit_code)
    without = [argument for argument in line if argument != "--offline"]
    if architecture.startswith("https"):  # what watches the network sees it
        assert "TOUCHED" in subprocess.run(without, capture_output=True, text=True, cwd=tmp_path).stdout


def test_offline_and_not_here_names_what_works(tmp_path: Path) -> None:
    backbone = Backbone("net", (HubOrigin("http://127.0.0.1:9/net"),))
    with pytest.raises(
        DownloadError,
        match=r"\nWithout a connection --architecture takes efficientnet_lite0@288, pocket, or the path of a network",
    ):
        bundle_of(backbone, given(tmp_path, offline=True), inputs, silent)


def test_a_wrong_layer_is_no_reason_to_fetch_again_or_elsewhere(modules: Path, tmp_path: Path, server: Server) -> None:
    server.answers = [sends((modules / "good.tar.gz").read_bytes())]
    origin, _ = keras_network()
    backbone = Backbone("net", (HubOrigin(server.handle), origin), Hints(bottleneck_layer="nope"))
    for _ in range(2):
        with pytest.raises(OptionError, match="expected one node 'nope'"):
            bundle_of(backbone, given(tmp_path), inputs, silent)
    assert len(server.asked) == 1
    with pytest.raises(OptionError, match=r"gives features and has no logits; expected a classifier\.\nThe tutorial's"):
        resolve("mobilenet_0.50_160", given(bottleneck_layer="logits"))


def test_the_hint_names_what_was_typed(tmp_path: Path) -> None:
    handle = "http://127.0.0.1:9/google/net/feature_vector/5"
    options = given(tmp_path, offline=True)
    with pytest.raises(DownloadError, match=rf"`retrainer fetch {handle} --to DIR`"):
        bundle_of(resolve(handle, options), options, inputs, silent)


def test_the_folder_of_a_bundle_is_no_source_of_one(modules: Path, tmp_path: Path) -> None:
    bundle = bundle_of(resolve(str(modules / "good"), given(tmp_path)), given(tmp_path), inputs, silent)
    with pytest.raises(OptionError, match=rf"\nGive it as --model_dir {tmp_path} --architecture {bundle.name}"):
        resolve(str(bundle.folder), given())


def test_a_bundle_whose_source_is_unknown_is_not_made_again(modules: Path, tmp_path: Path) -> None:
    options = given(tmp_path)
    bundle = bundle_of(resolve(str(modules / "good"), options), options, inputs, silent)
    assert resolve(bundle.name, options) == Backbone(bundle.name)
    bundle.tflite_path.write_bytes(b"damaged")
    with pytest.raises(BackboneError, match="is damaged"):
        bundle_of(resolve(bundle.name, options), options, inputs, silent)


def test_the_description_of_a_damaged_bundle_may_be_anything(tmp_path: Path) -> None:
    for content in (b"", b"[]", b"{}", b'{"source": 1}', b"\xff"):
        (tmp_path / "backbone.json").write_bytes(content)
        assert making._known(tmp_path / "backbone.json") == {}


REAL = SHARED / "modules" / "google" / "imagenet"
FROZEN = SHARED / "modules" / "frozen"


def real_pictures(size: int, count: int) -> list[Floats]:
    photos = sorted((SHARED / "photos" / "flowers").glob("*/*.jpg"))[::60][:count]
    return [to_input(square(photo.read_bytes(), size)) for photo in photos]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real modules are not beside the project")
@pytest.mark.parametrize("name", ["mobilenet_v1_050_160", "mobilenet_v1_025_224", "mobilenet_v1_075_224"])
def test_real_modules_convert_and_agree_on_real_photos(name: str, tmp_path: Path, server: Server) -> None:
    server.answers = [sends((REAL / name / "feature_vector" / "5").read_bytes())]
    bundle = bundle_of(Backbone(name, (HubOrigin(server.handle),)), given(tmp_path), real_pictures, silent)
    assert bundle.input_size == int(name[-3:])
    assert bundle.depth == {"050": 512, "025": 256, "075": 768}[name[13:16]]
    import tensorflow as tf

    module = tf.saved_model.load(str(hub_folder(server.handle, tmp_path / "tfhub_modules")))
    network = Network(bundle.tflite_path)
    for picture in real_pictures(bundle.input_size, 20):
        expected = module((picture * 0.5 + 0.5)[np.newaxis]).numpy()[0]
        assert np.abs(network.run(picture) - expected).max() / expected.max() < 1e-3


@pytest.mark.skipif(not FROZEN.is_dir(), reason="the real archives are not beside the project")
@pytest.mark.parametrize(("name", "depth"), [("mobilenet_v1_0.50_160", 512), ("mobilenet_v1_0.25_224", 256)])
def test_the_tutorials_frozen_archives_work_as_they_are(name: str, depth: int, tmp_path: Path) -> None:
    path = str(FROZEN / f"{name}_frozen.tgz")
    for layer, expected in (("", depth), ("logits", 1001)):
        options = given(tmp_path, bottleneck_layer=layer)
        bundle = bundle_of(resolve(path, options), options, real_pictures, silent)
        assert (bundle.input_size, bundle.depth) == (int(name[-3:]), expected)
    features = Network(bundle_of(resolve(path, given(tmp_path)), given(tmp_path), real_pictures, silent).tflite_path)
    (picture,) = real_pictures(features.input_size, 1)
    assert features.run(picture).min() >= 0  # pooled after ReLU6
    assert features.run(picture).max() <= 6


SMALL = {
    "mobilenet_0.25_128": 256,
    "mobilenet_v2_0.35_96": 1280,
    "mobilenet_v3_small_1.0_224": 1024,
    "mobilenet_v3_large_0.75_224": 1280,
    "efficientnet_v2_b0": 1280,
    "resnet_v2_50": 2048,
    "inception_v3": 2048,
}


def test_every_family_that_keras_has_is_tried() -> None:
    assert {architectures()[name].family for name in SMALL} == {r.family for r in architectures().values() if r.keras}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_every_family_of_keras_converts_and_agrees(name: str, tmp_path: Path) -> None:
    """With random weights, and batch statistics that keep the numbers in range; the range is the caller's to know."""
    from retrainer.backbones.bundle import Bundle
    from retrainer.backbones.converting.from_tensorflow import convert
    from retrainer.backbones.converting.keras_networks import import_keras, keras_application, open_keras

    keras, row = import_keras(), architectures()[name]
    assert row.keras is not None
    keras.utils.set_random_seed(0)
    model = keras_application(row.keras, row.input_size, None)
    pixels = row.family in ("MobileNet V3", "EfficientNet V2")
    factor, offset = (127.5, 127.5) if pixels else (1.0, 0.0)
    pictures = np.stack([np.resize(p, (row.input_size,) * 2 + (3,)) for p in inputs(row.input_size)])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(pictures * factor + offset, training=True)
    hints, draft = Hints(row.input_size), Bundle(name, name, "none", 0, 0, "")
    bundle = convert(lambda: open_keras(model, name, hints), hints, draft, tmp_path, ConversionContext(inputs))
    assert (bundle.input_size, bundle.depth) == (row.input_size, SMALL[name])
    assert bundle.depth == row.depth
    if row.family == "MobileNet V3":  # built with its top, to be cut at what its last layer takes
        dense = model.get_layer("logits")
        model = keras.Model(model.input, keras.layers.Flatten()(dense.input))
    features = Network(bundle.tflite_path)
    for picture in inputs(row.input_size):
        expected = keras_features(model, picture * factor + offset)
        assert np.abs(expected).max() > 0.01
        assert np.abs(features.run(picture) - expected).max() / np.abs(expected).max() < 1e-3


def test_other_frameworks_of_keras_and_no_home_do_not_matter(modules: Path, tmp_path: Path, command: Command) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = command("fetch", modules / "good", env=environment)
    assert done.returncode == 0, done.stderr
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "KERAS_HOME")}
    program = (
        "import pwd\ndef nobody(_):\n    raise KeyError\npwd.getpwuid = nobody\n"
        "from retrainer.cli.main import main\nmain()"
    )
    line = [sys.executable, "-c", program, "fetch", "--offline", "mobilenet_0.25_128"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert "\nError: --offline: 'mobilenet_2_5_128_tf_no_top.h5' is neither in" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_only_input_of_a_tflite_may_be_named_and_no_other(tmp_path: Path) -> None:
    lite = networks.as_tflite(tmp_path / "net.tflite", networks.features_of)
    options = given(tmp_path, input_layer="nonsense")
    with pytest.raises(
        OptionError, match=r"--input_layer: expected the only input of .*, 'picture', received 'nonsense'"
    ):
        bundle_of(resolve(str(lite), options), options, inputs, silent)
    options = given(tmp_path, input_layer="picture")
    assert bundle_of(resolve(str(lite), options), options, inputs, silent).depth == networks.DEPTH


def test_a_download_says_that_it_begins_and_why_it_waits(modules: Path, tmp_path: Path, server: Server) -> None:
    server.answers = [sends(b"", 503), sends((modules / "good.tar.gz").read_bytes())]
    events: list[Event] = []
    bundle_of(resolve(server.handle, given(tmp_path)), given(tmp_path), inputs, events.append)
    notes = [event.message for event in events if isinstance(event, Noted)]
    assert notes[0] == f"Downloading '{server.handle}'"
    assert notes[1] == f"'{server.handle}' is tried again in 0.01 s: the server answered 503 Service Unavailable"
    assert notes[2].startswith("Converting ")
