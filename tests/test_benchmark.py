import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import COLOURS, Configure, Photos
from PIL import Image

from retrainer.backbones.available import find_bundle
from retrainer.backbones.model_folders import HOME_VARIABLE
from retrainer.backbones.networks.embedded import weights
from retrainer.retraining import retrain
from scripts.benchmark import cleaning_scale, first_label, results, small
from scripts.benchmark.commands import PROJECT, module
from scripts.benchmark.contenders import CONTENDERS
from scripts.benchmark.heads import LBFGS, auroc, loaded, rejections, rejections_of_a_class
from scripts.benchmark.measuring import Measured, interleaved, process
from scripts.benchmark.stages import stages
from scripts.benchmark.synthetic import make_cached, make_photos
from scripts.benchmark.tables import Table
from scripts.write_readme import README, section


def test_medians_leave_out_the_first_round() -> None:
    seconds = iter([100.0, 3.0, 1.0, 2.0])
    measured = interleaved({"a": lambda: Measured(next(seconds), 1.0)}, 3)
    assert measured["a"].seconds == 2.0


def test_a_process_is_measured_apart_from_its_parent(tmp_path: Path) -> None:
    large = np.ones(2**25)  # 256 MiB of the parent's own
    code = "import os; print(os.getcwd()); held = bytearray(64 * 2**20)"
    measured = process([sys.executable, "-S", "-c", code], str(tmp_path))()
    assert measured.printed == f"{tmp_path}\n"
    assert 64 < measured.peak_mb < 128 < large.nbytes / 2**20
    with pytest.raises(SystemExit, match="failed with 3"):
        process([sys.executable, "-c", "raise SystemExit(3)"], str(tmp_path))()


def test_a_table_is_markdown_and_json() -> None:
    table = Table("Title", "Note.", ("what", "s"), [("a", 0.12345), ("b", 12345.6), ("c", 7)])
    assert table.markdown() == (
        "## Title\n\nNote.\n\n| what | s |\n| --- | --- |\n| a | 0.123 |\n| b | 12,346 |\n| c | 7 |\n"
    )
    assert json.loads(json.dumps(table.document()))["rows"][0] == {"what": "a", "s": 0.12345}


def test_stages_are_set_beside_their_limits(photos: Photos, model_dir: Path) -> None:
    table = stages("Photos", str(photos()), find_bundle(COLOURS, str(model_dir)), 1)
    rows = {row[0]: row for row in table.rows}
    whole = rows["extraction, with hashes and the cache"]
    picture, network = rows["picture"][1], rows["network alone: set, invoke, get"][1]
    assert whole[3] == pytest.approx(1 / (1 / picture + 1 / network))
    assert whole[4] == f"{whole[1] / whole[3]:.0%}"


def test_made_photos_are_photos(tmp_path: Path) -> None:
    make_photos(tmp_path, (500, 333), 6)
    paths = sorted(tmp_path.glob("*/*.jpg"))
    assert len(paths) == 6
    for path in paths:
        with Image.open(path) as picture:
            assert picture.size == (500, 333)
        assert 30_000 < path.stat().st_size < 150_000


def test_made_up_photos_are_all_cached(tmp_path: Path, model_dir: Path, configured: Configure) -> None:
    root, cache = tmp_path / "made", tmp_path / "cached"
    make_cached(root, cache, find_bundle(COLOURS, str(model_dir)), 100)
    result = retrain(configured(root, bottleneck_dir=str(cache)))
    assert (result.photos, result.computed, result.skipped) == (100, 0, 0)


def test_auroc_is_how_often_the_strange_are_stranger() -> None:
    known, strange = np.array([1, 2, 3, 4], np.float32), np.array([3, 5], np.float32)
    assert auroc(known, strange) == pytest.approx((2 + 0.5 + 0 + 4) / 8)
    assert auroc(known, known) == 0.5
    assert auroc(strange, known) == pytest.approx(1 - auroc(known, strange))


def test_heads_are_measured_in_several_ways(
    photos: Photos, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = loaded(str(photos(count=25)), COLOURS, str(model_dir))
    strange = loaded(str(photos({"b": (0, 0, 200), "c": (0, 20, 180)}, 6, "others")), COLOURS, str(model_dir))
    few = known.folds(0, per_class=8)
    assert [(len(fold.training), len(fold.validation), len(fold.testing)) for fold in few] == [(14, 2, 10)] * 5
    rows = {row[2]: row[3:] for row in rejections("colours", "both", known, strange)}
    assert len(rows) == 6
    area, kept, rejected = rows["**prototypes, cosine** (ours)"]
    assert (area, rejected) == (1.0, 1.0)
    assert 0.7 < kept <= 1.0
    others = list(rejections_of_a_class("colours", loaded(str(three(photos)), COLOURS, str(model_dir))))
    assert [row[2] for row in others] == list(rows)


def three(photos: Photos) -> Path:
    return photos({"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}, 12, "three")


@pytest.mark.slow
def test_the_way_of_2017_learns_and_labels(tmp_path: Path, photos: Photos) -> None:
    bundle, root = weights(), photos(count=40)
    graph = ("--graph", str(bundle.graph_path), "--size", str(bundle.input_size))
    arguments = ("--features", bundle.feature_node, "--photos", str(root), "--work", str(tmp_path), "--steps", "20")
    lines = (
        module("way_of_2017", "retrain", *graph, *arguments),
        module("way_of_2017", "label", "--graph", str(tmp_path / "model.pb"), *graph[2:], str(root / "red/000.jpg")),
    )
    done = [subprocess.run(line, cwd=PROJECT, capture_output=True, text=True) for line in lines]
    assert [process.returncode for process in done] == [0, 0], done
    assert "Final test accuracy = 100.0%" in done[0].stdout
    assert done[1].stdout.startswith("1 (score=0.")  # green, red: sorted


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTENDERS)
def test_all_contenders_embed_all_photos(name: str, photos: Photos) -> None:
    if name == "onnx":
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is an extra of the benchmark")
        pytest.importorskip("tf2onnx", reason="tf2onnx is an extra of the benchmark")
    bundle = weights()
    line = module("contenders", name, "--bundle", str(bundle.graph_path.parent), "--photos", str(photos(count=70)))
    done = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0


def test_heads_of_few_photos_are_measured_on_all_others(
    photos: Photos, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    every = loaded(str(photos(count=25)), COLOURS, str(model_dir))
    few, others = small.drawn(every, 15, 0)
    assert few.dataset.counts.tolist() == [15, 15]
    assert others.dataset.counts.tolist() == [10, 10]
    assert not set(few.dataset.paths) & set(others.dataset.paths)
    accuracy, loss, error, floor, kept, seconds = small.figures(few, others, LBFGS)
    assert accuracy == 1.0
    assert 0 < loss < 0.5
    assert max(error, floor) < 0.5
    assert kept > 0.8
    assert seconds > 0


def test_results_are_measured_by_whole_runs_and_written_as_a_section(
    photos: Photos, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    shutil.copytree(model_dir, tmp_path / "home" / "models")
    monkeypatch.setattr("scripts.benchmark.results.NETWORKS", (COLOURS,))
    monkeypatch.setattr("scripts.benchmark.results.README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text("a\n<!-- results -->\nold\n<!-- end of results -->\nz\n")
    source = str(photos(count=35))
    done = CliRunner().invoke(
        results.main, ["--flowers", source, "--clothing", source, "--repeats", "1", "--write"], catch_exceptions=False
    )
    text = (tmp_path / "README.md").read_text()
    assert text == f"a\n<!-- results -->\n{done.output}<!-- end of results -->\nz\n"
    row = re.fullmatch(
        rf"\| `{COLOURS}` \| 100.0 % \((.*) to 100.0\) \| (.*), then (.*) \| 100.0 % \((.*) to 100.0\) .* \| 0.0 MB \|",
        done.output.splitlines()[2],
    )
    assert row
    assert float(row[1]) > float(row[4]), "fewer photos have a wider interval"
    assert float(row[2]) > 0
    assert "`flowers` has 70 photos of" in done.output.replace("\n", " ")
    assert "`clothing` has 60 photos of" in done.output.replace("\n", " "), "at most 30 of each class"
    assert max(map(len, done.output.splitlines())) <= 120


def test_the_results_of_the_readme_have_each_network_on_each_set() -> None:
    lines = section(README.read_text(encoding="utf-8"), results.SECTION).splitlines()
    assert len(lines) <= 14
    assert max(map(len, lines)) <= 120
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2 : 2 + len(results.NETWORKS)]]
    assert [row[0] for row in rows] == [f"`{name}`" for name in results.NETWORKS]
    for row in rows:
        for cell in (row[1], row[3]):
            accuracy, low, high = map(float, re.findall(r"[\d.]+", cell))
            assert 50 < low < accuracy < high < 100
        assert all(float(cold) > float(warm) for cold, warm in (row[n].split(", then ") for n in (2, 4)))


def test_the_readme_says_how_good_the_small_network_is(shared: Path, here: Path) -> None:
    count = results.chosen(results.CLOTHING, str(shared / "photos" / "clothing"), here / "photos")
    shown = section(README.read_text(encoding="utf-8"), results.SECTION)
    assert f"{count:,} photos of `test`" in shown.replace("\n", " ")
    measured = retrain("photos", architecture="pocket", folds=5).accuracy
    figure = re.search(r"`pocket`(?: \|.*?){3}([\d.]+) %", shown)
    assert figure
    assert measured == pytest.approx(float(figure[1]) / 100, abs=0.01)


def test_a_newcomer_waits_from_the_clone_to_the_first_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda line, check: shutil.copytree(line[-2], line[-1]))
    script = tmp_path / "repository" / "scripts" / "quickstart"
    script.parent.mkdir(parents=True)
    lines = ("Drawing some flowers", "Retraining on", "Labelling a photo", "", "rose (score=0.9)", "tulip (score=0.1)")
    script.write_text("#!/bin/bash\n" + "".join(f"echo '{line}'; sleep 0.02\n" for line in lines))
    script.chmod(0o755)
    found = first_label.seconds(str(tmp_path / "repository"), tmp_path)
    assert list(found) == ["cloned", "installed", "drawn", "retrained", "labelled"]
    assert sorted(found.values()) == list(found.values())
    assert found["labelled"] >= 0.08
    script.write_text("#!/bin/bash\necho 'pip could not install'\nexit 1\n")
    shutil.rmtree(tmp_path / "clone")
    with pytest.raises(SystemExit, match="ended with 1:\npip could not install"):
        first_label.seconds(str(tmp_path / "repository"), tmp_path)


def test_made_up_photos_are_cleaned_without_being_read(tmp_path: Path, model_dir: Path) -> None:
    bundle = find_bundle(COLOURS, str(model_dir))
    cleaning_scale.make_photos(tmp_path, bundle, 300)
    found = cleaning_scale.looked(tmp_path, COLOURS, str(model_dir))
    assert found["photos"] == 300
    assert found["findings"]["copy"] == 6
    assert found["list_bytes"] > 1000
