"""Each recipe of the README runs as it stands there, and does what it says."""

import csv
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import COLOURS, wait_until
from test_readme import needs_the_default

from retrainer import Labeler, retrain
from retrainer.backbones.bundle import read_bundle, write_bundle
from retrainer.backbones.model_folders import HOME_VARIABLE
from retrainer.options.sampling import SampleOptions
from retrainer.photos.sample import draw_sample
from scripts.write_readme import README, ROOT, section

KINDS = ("daisy", "dandelion", "rose", "sunflower", "tulip")


def recipes(text: str) -> dict[str, str]:
    """The code of each recipe, by its name: a comment in a block of commands, or bold words above code."""
    found = {}
    for name, block, line in re.findall(
        r"^\*\*([\w ]+)\.\*\* [^\n]+\n(?:```\w+\n(.*?)```|`([^`]+)`$)", text, re.MULTILINE | re.DOTALL
    ):
        found[name] = block or line
    for block in re.findall(r"```sh\n(#.*?)```", text, re.DOTALL):
        for part in re.split(r"^# ", block, flags=re.MULTILINE)[1:]:
            said, code = part.split("\n", maxsplit=1)
            found[said.split(":")[0]] = code
    return found


RECIPES = recipes(section(README.read_text(encoding="utf-8"), "recipes"))


def test_each_recipe_has_its_test() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert {*re.findall(r"RECIPES\[[\"']([\w ]+)[\"']\]", source)} == {*RECIPES}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawings of flowers, and the model of them in `tf_files`."""
    folder = tmp_path_factory.mktemp("made")
    draw_sample(str(folder / "photos"), SampleOptions(per_class=12))
    files = folder / "tf_files"
    retrain(
        folder / "photos",
        architecture="pocket",
        folds=0,
        output_graph=files / "retrained_graph.pb",
        output_labels=files / "retrained_labels.txt",
        bottleneck_dir=files / "bottlenecks",
    )
    shutil.copy(folder / "photos" / "tulip" / "tulip_007.jpg", folder / "new_photo.jpg")
    return folder


@pytest.fixture
def flowers(made: Path, here: Path) -> Path:
    """A working folder of one's own with these drawings and this model."""
    shutil.copytree(made, here, dirs_exist_ok=True)
    return here


def run(code: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs lines of a shell; the first that fails ends them."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-euc", code],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def passed(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@needs_the_default
def test_a_spreadsheet_of_answers_is_a_table_to_retrain_on(flowers: Path) -> None:
    label, again = RECIPES["Spreadsheet"].splitlines()
    passed(run(label, flowers))
    answers = rows(flowers / "answers.csv")
    assert len(answers) == 60
    right = [row for row in answers if Path(row["path"]).parent.name == row["label"]]
    assert len(right) > 50
    # Somebody calls all tulips roses.
    text = (flowers / "answers.csv").read_text(encoding="utf-8")
    (flowers / "answers.csv").write_text(re.sub(r"(photos/tulip/\w+\.jpg),\w+", r"\1,rose", text), encoding="utf-8")
    printed = passed(run(f"{again} --json", flowers))
    assert json.loads(printed)["model"]["labels"] == [kind for kind in KINDS if kind != "tulip"]
    assert Labeler("tf_files/retrained_graph.tflite")("new_photo.jpg").ranking[0][0] == "rose"


@needs_the_default
def test_a_new_class_is_a_new_folder(flowers: Path) -> None:
    shutil.move(flowers / "photos" / "rose", flowers / "orchids")
    passed(run("retrainer retrain photos --quiet", flowers))
    before = Labeler("tf_files/retrained_graph.pb").labels
    done = run(RECIPES["New class"], flowers)
    assert "rose" not in before
    assert passed(done)
    assert Labeler("tf_files/retrained_graph.pb").labels == tuple(sorted({*before, "orchid"}))
    assert Labeler("tf_files/retrained_graph.previous.pb").labels == before
    assert "60 photos in 5 classes" in done.stderr
    assert "48 from the cache" in done.stderr, "only the new photos are read"


def test_a_backbone_is_carried_to_a_machine_without_the_internet(flowers: Path, model_dir: Path) -> None:
    # The one here has been fetched before; whether a download works is for other tests.
    name = re.findall(r"fetch (\S+)", RECIPES["No Internet"])[0]
    colours = read_bundle(model_dir / COLOURS)
    write_bundle(flowers / "home" / "models", replace(colours, name=name), *network_of(model_dir / COLOURS))
    here, there = RECIPES["No Internet"].splitlines()
    passed(run(here, flowers, **{HOME_VARIABLE: str(flowers / "home")}))
    elsewhere = flowers / "elsewhere"
    elsewhere.mkdir()
    for folder in ("carry", "photos"):
        shutil.move(flowers / folder, elsewhere / folder)
    shutil.rmtree(flowers / "home")
    printed = passed(run(f"{there} --json", elsewhere, **{HOME_VARIABLE: str(elsewhere / "home")}))
    assert json.loads(printed)["model"]["backbone"] == name
    assert (elsewhere / "tf_files" / "retrained_graph.tflite").is_file()


def network_of(bundle: Path) -> tuple[bytes, bytes]:
    return (bundle / "backbone.tflite").read_bytes(), (bundle / "backbone.pb").read_bytes()


def test_a_step_of_ci_fails_below_an_accuracy(flowers: Path) -> None:
    step = RECIPES["CI"].removeprefix("- run: ")
    assert RECIPES["CI"] == f"- run: {step}"
    shutil.copy("tf_files/retrained_graph.tflite", "model.tflite")
    assert "Accuracy: 1" in passed(run(step, flowers))
    tulips, roses = flowers / "photos" / "tulip", flowers / "photos" / "rose"
    # Photos that the model learnt from are left out: these are new.
    draw_sample(str(flowers / "new"), SampleOptions(per_class=12, seed=1))
    for kind, other in ((tulips, "rose"), (roses, "tulip")):
        shutil.rmtree(kind)
        shutil.copytree(flowers / "new" / other, kind)
    done = run(step, flowers)
    assert done.returncode == 3
    assert "--assert_accuracy_at_least" in done.stderr


@needs_the_default
def test_a_notebook_shows_a_result_and_an_answer(flowers: Path) -> None:
    *first, shown, also_shown = RECIPES["Notebook"].splitlines()
    shows = f"html = ({shown})._repr_html_() + '<!-- next -->' + ({also_shown})._repr_html_()"
    code = "\n".join([*first, shows, "open('shown.html', 'w', encoding='utf-8').write(html)"])
    passed(run(f"python - <<'END'\n{code}\nEND", flowers))
    result, answer = (flowers / "shown.html").read_text(encoding="utf-8").split("<!-- next -->")
    assert all(kind in result for kind in KINDS)
    assert "tulip" in answer
    assert "<script" not in result + answer


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None, reason="mediapipe is not installed; scripts/test --slow tries to"
)
def test_mediapipe_opens_the_model(flowers: Path) -> None:
    # In a process of its own: TensorFlow, which tests import, brings another copy of the same native libraries.
    printed = passed(run(f"python - <<'END'\n{RECIPES['Phone']}END", flowers))
    best = Labeler("tf_files/retrained_graph.tflite")("new_photo.jpg")
    (score,) = re.findall(r"score=([\d.]+)", printed)
    assert f"category_name='{best.label}'" in printed
    assert float(score) == pytest.approx(best.score, abs=0.1)


@pytest.fixture
def service(flowers: Path) -> Iterator[str]:
    """The address of the web service; its port is another one, which is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = RECIPES["Web service"].replace("8000", str(port))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=flowers, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or is_open(port))
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def posted(service: str, content: bytes, **headers: str) -> tuple[int, str]:
    """The code and the body of a service's answer."""
    request = urllib.request.Request(
        service, content, {name.replace("_", "-"): value for name, value in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_web_service_labels_uploads(service: str, flowers: Path) -> None:
    photos = sorted(flowers.glob("photos/*/*.jpg"))
    labeler = Labeler("tf_files/retrained_graph.tflite")
    expected = [labeler(photo).ranking[0] for photo in photos]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda photo: posted(service, photo.read_bytes()), photos))
    assert {code for code, _body in found} == {200}
    documents = [json.loads(body) for _code, body in found]
    assert [document["label"] for document in documents] == [label for label, _score in expected]
    scores = [score for _label, score in expected]
    assert [document["score"] for document in documents] == pytest.approx(scores, abs=1e-4)


def test_a_web_service_refuses_what_is_no_photo_and_goes_on(service: str, flowers: Path) -> None:
    code, body = posted(service, b"<script>")
    assert code == 400
    assert "<script>" not in body.split("<p>", maxsplit=1)[1]
    assert posted(service, b"")[0] == 413
    for length in ("20000001", "-1"):
        assert posted(service, b"", Content_Length=length)[0] == 413
    # One that promises more than it sends does not keep others waiting.
    with socket.create_connection(("127.0.0.1", int(service.rsplit(":", maxsplit=1)[1]))) as slow:
        slow.sendall(b"POST / HTTP/1.0\r\nContent-Length: 1000\r\n\r\n")
        assert posted(service, (flowers / "new_photo.jpg").read_bytes())[0] == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_asks_the_web_service(service: str, flowers: Path) -> None:
    text = section(README.read_text(encoding="utf-8"), "recipes")
    (line,) = re.findall(r"`(curl [^`]+)`", text)
    printed = passed(run(line.replace("localhost:8000", service), flowers))
    assert json.loads(printed)["label"] == "tulip"
