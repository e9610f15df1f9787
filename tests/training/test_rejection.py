import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import Command, Configure, Photos, jpeg

from retrainer import Labeler, LabelOptions, Retraining, retrain
from retrainer.arrays import normalised
from retrainer.errors import ModelError, OptionError
from retrainer.models.tflite.heads import with_associated_files
from retrainer.training.examples import Examples
from retrainer.training.outliers import fit_rejection
from retrainer.training.rejection import Rejection, from_npy, prototypes_of, threshold_of, to_npy


def around(centre: list[float], count: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    generator = np.random.default_rng(seed)
    return (np.array(centre) + 0.1 * generator.normal(size=(count, len(centre)))).astype(np.float32)


def test_a_distance_is_one_less_the_cosine_to_the_nearest_prototype() -> None:
    rejection = Rejection(np.array([[1, 0], [0, 1]], np.float16), 0.3)
    features = np.array([[5, 0], [0, 0.2], [1, 1], [-3, 0], [-1, -1], [0, 0]], np.float32)
    expected = [0, 0, 1 - np.sqrt(0.5), 1, 1 + np.sqrt(0.5), 1]
    assert rejection.distances(features) == pytest.approx(expected, abs=1e-3)


def test_prototypes_stand_where_the_vectors_are() -> None:
    features = np.concatenate([around([3, 0, 0], 40), around([0, 2, 0], 40), around([0, 0, 9], 40)])
    prototypes = prototypes_of(features, 3)
    assert np.linalg.norm(prototypes, axis=1) == pytest.approx(1)
    assert np.sort(prototypes.argmax(axis=1)).tolist() == [0, 1, 2]
    assert prototypes.max(axis=1) == pytest.approx(1, abs=0.01)
    assert (prototypes_of(features, 3) == prototypes).all()


def test_few_vectors_are_their_own_prototypes() -> None:
    features = around([3, 0, 1], 4)
    assert prototypes_of(features, 16) == pytest.approx(normalised(features))
    assert np.isfinite(prototypes_of(np.zeros((40, 3), np.float32), 16)).all()


def test_a_threshold_keeps_at_least_95_of_100() -> None:
    distances = np.random.default_rng(0).random(200).astype(np.float32)
    assert (distances <= threshold_of(distances)).sum() in (190, 191)
    assert threshold_of(distances[:7]) == pytest.approx(distances[:7].max())


def test_what_is_fitted_keeps_the_known_and_tells_the_strange() -> None:
    def examples(seed: int) -> Examples:
        features = np.concatenate([around([3, 0, 0], 50, seed), around([0, 3, 0], 50, seed + 1)])
        return Examples(features, np.arange(100), np.repeat([0, 2], 50))

    rejection = fit_rejection(examples(0), examples(2))
    assert rejection is not None
    assert rejection.prototypes.shape == (32, 3)
    known, strange = rejection.distances(examples(4).features), rejection.distances(around([0, 0, 3], 50))
    assert (known <= rejection.threshold).mean() > 0.85
    assert (strange > rejection.threshold).all()
    assert fit_rejection(examples(0), examples(0).at(np.array([], np.int64))) is None


@pytest.mark.parametrize("validating", [20, 200])
def test_only_the_last_features_count_if_the_deepest_map_gives_them(validating: int) -> None:
    def examples(count: int, seed: int) -> Examples:
        noise = np.random.default_rng(seed).normal(size=(2 * count, 5)).astype(np.float32)
        deep = np.concatenate([around([3, 0, 0], count, seed), around([0, 3, 0], count, seed + 1)])
        return Examples(np.hstack([100 * noise, deep]), np.arange(2 * count), np.repeat([0, 1], count))

    training, validation = examples(100, 0), examples(validating // 2, 2)
    rejection = fit_rejection(training, validation, 3)
    alone, others = (Examples(one.matrix[:, 5:], one.rows, one.label_ids) for one in (training, validation))
    expected = fit_rejection(alone, others)
    assert rejection is not None
    assert expected is not None
    np.testing.assert_array_equal(rejection.prototypes, expected.prototypes)
    assert rejection.threshold == expected.threshold
    distances = rejection.distances(training.features)
    np.testing.assert_array_equal(distances, expected.distances(alone.features))


def test_many_classes_have_fewer_prototypes_each() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(3000, 4)).astype(np.float32)
    examples = Examples(features, np.arange(3000), np.arange(3000) % 1000)
    rejection = fit_rejection(examples, examples)
    assert rejection
    assert len(rejection.prototypes) == 2000


def test_prototypes_are_written_and_read_and_nothing_else() -> None:
    prototypes = np.eye(3, dtype=np.float16)
    assert (from_npy(to_npy(prototypes)) == prototypes).all()
    with pytest.raises(ValueError, match=r"expected a float16 array \(M, D\) of NumPy's"):
        from_npy(to_npy(np.zeros(2)))  # type: ignore[arg-type]
    with pytest.raises((ValueError, EOFError)):
        from_npy(b"")


@pytest.fixture
def result(photos: Photos, configured: Configure) -> Retraining:
    return retrain(configured(photos(count=30)))


def colour(tmp_path: Path, name: str, shade: tuple[int, int, int]) -> str:
    path = tmp_path / f"{name}.jpg"
    path.write_bytes(jpeg(shade))
    return str(path)


def test_both_files_of_a_model_tell_strange_photos_in_both_runtimes(result: Retraining, tmp_path: Path) -> None:
    red, blue = colour(tmp_path, "red", (220, 60, 60)), colour(tmp_path, "blue", (30, 30, 200))
    alone = shutil.copy(result.graph, tmp_path / "alone.pb")
    distances = []
    for graph in (result.graph, result.tflite, str(alone)):
        labeler = Labeler(LabelOptions(graph=graph, reject=True))
        known, strange = labeler(red), labeler(blue)
        assert not known.rejected
        assert strange.rejected
        plainly = Labeler(LabelOptions(graph=graph))(red)
        assert dict(known.ranking) == pytest.approx(dict(plainly.ranking))
        assert (known.distance, known.limit) == (plainly.distance, plainly.limit)
        assert strange.limit == known.limit
        distances.append(strange.distance)
    assert distances[0] == distances[1] == pytest.approx(distances[2], abs=1e-5)


def test_label_says_none_of_these(result: Retraining, tmp_path: Path, command: Command) -> None:
    photos = colour(tmp_path, "a", (220, 60, 60)), colour(tmp_path, "b", (30, 30, 200))
    done = command("label", "--graph", result.graph, "--reject", *photos)
    assert (done.returncode, done.stderr) == (0, "")
    known, strange = done.stdout.split("\n\n" + photos[1] + "\n")
    assert "red (score=" in known
    assert "none of these (distance=" in strange
    assert "score" not in strange
    assert "none of these" not in command("label", "--graph", result.graph, *photos).stdout


def test_a_model_that_cannot_reject_says_so(photos: Photos, configured: Configure, result: Retraining) -> None:
    without = retrain(configured(photos(), validation_percentage=0, output_graph=result.graph + ".pb"))
    assert Labeler(LabelOptions(graph=without.graph)).labels == ("green", "red")
    with pytest.raises(OptionError, match=r"--reject: .* cannot reject photos"):
        Labeler(LabelOptions(graph=without.graph, reject=True))


def test_damaged_prototypes_are_an_error_and_only_with_reject(result: Retraining, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tflite"
    content = Path(result.tflite).read_bytes()
    with zipfile.ZipFile(result.tflite) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
        start = min(item.header_offset for item in archive.infolist())
    damaged.write_bytes(with_associated_files([content[:start]], {**files, "prototypes.npy": b"\x93NUMPY"}))
    plain = Labeler(LabelOptions(graph=str(damaged)))(colour(tmp_path, "blue", (30, 30, 200)))
    assert (plain.distance, plain.limit, plain.rejected) == (None, None, False)
    with pytest.raises(ModelError, match="its prototypes for --reject are damaged"):
        Labeler(LabelOptions(graph=str(damaged), reject=True))
