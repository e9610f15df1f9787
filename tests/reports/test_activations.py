"""Activation maps are exact: their places add up to the logit of the class."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Configure, Photos
from mapped_backbone import MAPPED, write_mapped
from PIL import Image

from retrainer import retrain
from retrainer.arrays import Floats
from retrainer.backbones.available import find_bundle
from retrainer.backbones.bundle import FeatureMap
from retrainer.errors import ModelError
from retrainer.models.tflite.inner_maps import InnerMaps
from retrainer.models.tflite.litert import Network
from retrainer.options.report import ReportOptions
from retrainer.reports.activations import averaged, speaking
from retrainer.reports.contents import contents_of
from retrainer.training.head import Head


@pytest.fixture
def mapped_dir(tmp_path: Path) -> Path:
    write_mapped(tmp_path / "mapped")
    return tmp_path / "mapped"


def random(*shape: int) -> Floats:
    values: Floats = np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)
    return values


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (4, 4), (5, 7), (1, 1)])
def test_averages_keep_the_mean(shape: tuple[int, int]) -> None:
    values = random(4, 6)
    small = averaged(values, shape)
    assert small.shape == shape
    assert small.mean() == pytest.approx(values.mean(), abs=1e-6)
    assert averaged(values, (4, 6)) == pytest.approx(values, abs=1e-6)


def test_places_add_up_to_the_logit_of_their_class() -> None:
    maps = FeatureMap("fine", 3), FeatureMap("coarse", 4, 2.0)
    found = [np.abs(random(4, 4, 3)), np.abs(random(2, 2, 4))]
    weights = np.zeros((7, 3), np.float32)
    weights[:, 1] = np.abs(random(7, 1))[:, 0]  # all speak for class 1, so that no place is cut at 0
    head = Head(weights, np.zeros(3, np.float32))
    places = speaking(found, maps, head, 1)
    assert places is not None
    assert (places.shape, places.max()) == ((2, 2), 1)
    features = np.concatenate([found[0].mean(axis=(0, 1)), 2 * found[1].mean(axis=(0, 1))])
    logits = head.logits(features[np.newaxis])[0]
    relative = logits[1] - logits.mean()
    fine = averaged(found[0] @ (weights[:3, 1] * np.float32(2 / 3)), (2, 2))
    coarse = 2 * found[1] @ (weights[3:, 1] * 2 / 3)
    assert (fine + coarse).mean() == pytest.approx(relative, rel=1e-5)
    assert places == pytest.approx((fine + coarse) / (fine + coarse).max(), rel=1e-5)
    assert speaking(found, maps, head, 0) is None  # every place speaks against it


def test_inner_maps_are_those_of_the_features(mapped_dir: Path) -> None:
    bundle = find_bundle(MAPPED, str(mapped_dir))
    content = bundle.tflite_path.read_bytes()
    picture = random(8, 8, 3)
    fine, coarse = InnerMaps(content, ["fine", "coarse"], "model").maps(picture)
    assert (fine.shape, coarse.shape) == ((4, 4, 3), (2, 2, 3))
    means = np.concatenate([fine.mean(axis=(0, 1)), 2 * coarse.mean(axis=(0, 1))])
    assert Network(content).run(picture) == pytest.approx(means, abs=1e-5)
    with pytest.raises(ModelError, match="'model': expected the tensors none"):
        InnerMaps(content, ["none"], "model")
    with pytest.raises(ModelError):
        InnerMaps(content[:200], ["fine"], "model")


def test_the_red_half_of_a_photo_speaks_for_red(photos: Photos, configured: Configure, mapped_dir: Path) -> None:
    root = photos(count=20)
    half = np.zeros((16, 16, 3), np.uint8)
    half[:, :8], half[:, 8:] = (200, 30, 30), (30, 190, 30)
    Image.fromarray(half).save(root / "green" / "half.png")
    graph = retrain(configured(root, architecture=MAPPED, model_dir=str(mapped_dir), output_graph="", folds=4))
    contents = graph.report(root / "report.html").contents
    shown = {Path(one.path).name: one for one in (*contents.mistakes, *contents.undecided)}
    one = shown["half.png"]
    assert one.activation is not None
    assert one.activation.shape == (2, 2)
    warm, cold = (one.activation[:, 0], one.activation[:, 1])
    if one.predicted == "green":
        warm, cold = cold, warm
    assert warm.min() > 0.9
    assert cold.max() < 0.1
    hidden = contents_of(ReportOptions(graph=graph.graph, no_images=True))
    assert hidden.read is None
    assert all(one.activation is None for one in (*hidden.mistakes, *hidden.undecided))
