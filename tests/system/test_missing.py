"""What is said of packages that a small installation leaves out."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from conftest import COLOURS, Configure, Photos, jpeg

from retrainer import retrain
from retrainer.errors import PackageError
from retrainer.system import missing
from retrainer.system.isolation.frames import error_from, error_header
from retrainer.system.missing import NamingPackages, package_error, require_package

# Packages that are there are not found.
WITHOUT = """
import sys
from importlib.machinery import PathFinder
absent = sys.argv.pop(1).split(",")

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in absent else super().find_spec(name, path, target)

    @staticmethod
    def find_distributions(*context):
        return [one for one in PathFinder.find_distributions(*context) if one.name.replace("-", "_") not in absent]

sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
"""
MAIN = "from retrainer.cli.main import main\nmain()"
TENSORFLOW = ("tensorflow", "tensorflow_hub", "keras", "cykooz_resizer")
FOR_TENSORFLOW = (
    "This needs 'tensorflow>=2.18', which is not installed.\n"
    "Install it: pip install 'setuptools<81' 'tensorflow-hub>=0.16.1' 'tensorflow>=2.18'\n"
)


def without(
    packages: tuple[str, ...], *arguments: str | Path, cwd: Path, code: str = MAIN
) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-c", WITHOUT + code, ",".join(packages), *map(str, arguments)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture
def trained(photos: Photos, configured: Configure) -> Path:
    return Path(retrain(configured(photos())).graph)


@pytest.mark.parametrize(
    "arguments",
    [
        ("fetch", "https://tfhub.dev/google/imagenet/mobilenet_v1_050_160/feature_vector/5"),
        ("retrain", "photos", "--architecture=mobilenet_1.0_224"),
        ("retrain", "photos", "--architecture=pocket_quantized"),
        ("retrain", "photos", "--architecture=pocket", "--runtime=tensorflow"),
    ],
    ids=["TF-Hub", "by name", "int8", "runtime"],
)
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="another fix is said")
def test_what_needs_tensorflow_says_how_to_install_it_before_anything_is_downloaded(
    arguments: tuple[str, ...], photos: Photos, tmp_path: Path
) -> None:
    photos()
    done = without(TENSORFLOW, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith(FOR_TENSORFLOW)
    assert "ownload" not in done.stderr
    assert done.stdout == ""


def test_retraining_and_labelling_need_no_tensorflow(photos: Photos, model_dir: Path, tmp_path: Path) -> None:
    arguments = ("--model_dir", model_dir, "--architecture", COLOURS)
    done = without(TENSORFLOW, "retrain", photos(count=20), *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = without(TENSORFLOW, "label", "photos/red/001.jpg", cwd=tmp_path)
    assert "\nred (score=" in done.stdout
    assert without(TENSORFLOW, "evaluate", cwd=tmp_path).returncode == 0


def test_what_a_small_installation_lacks_is_named_together(trained: Path, tmp_path: Path) -> None:
    small = (*TENSORFLOW, "pyarrow", "tensorboard", "google_crc32c")
    tflite = trained.with_suffix(".tflite")
    install = "pip install 'google-crc32c>=1.6' 'pyarrow>=18' 'tensorboard>=2.18'"
    (tmp_path / "new.jpg").write_bytes(jpeg((190, 60, 20)))
    label = ("label", "--graph", tflite, "new.jpg")
    assert without(small, *label, cwd=tmp_path).returncode == 0
    for package, arguments in (
        ("tensorboard>=2.18", ("retrain", "photos")),
        ("tensorboard>=2.18", ("inspect", tflite)),
        ("pyarrow>=18", (*label, "--output", "answers.parquet")),
    ):
        done = without(small, *arguments, cwd=tmp_path)
        said = f"Error: This needs '{package}', which is not installed.\nInstall it: {install}\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert not list(tmp_path.glob("answers*"))


def test_the_library_raises_one_of_its_errors(tmp_path: Path) -> None:
    code = "import retrainer\ntry: retrainer.retrain\nexcept retrainer.RetrainerError as error: print(error.problem)"
    done = without(("tensorboard",), cwd=tmp_path, code=code)
    assert (done.stdout, done.stderr) == ("This needs 'tensorboard>=2.18', which is not installed.\n", "")


def test_other_errors_stay_as_they_are() -> None:
    for error in (
        ImportError("cannot import name 'x'", name="tensorflow"),
        ModuleNotFoundError("No module named 'nonsense'", name="nonsense"),
        ModuleNotFoundError("No module named 'click.nonsense'", name="click.nonsense"),
        ModuleNotFoundError(),
        None,
    ):
        assert package_error(error) is None
    with pytest.raises(ModuleNotFoundError), NamingPackages():
        import_module("retrainer.nonsense")
    with pytest.raises(ModuleNotFoundError):
        require_package("nonsense")
    require_package("click")


def test_a_child_process_passes_the_error_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "is_there", lambda module: False)
    with pytest.raises(PackageError) as caught:
        require_package("tensorflow_hub.nonsense")
    sent = error_from(error_header(caught.value)["error"])
    assert (type(sent), str(sent)) == (PackageError, str(caught.value))


def test_a_python_without_tensorflow_is_told_which_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "is_there", lambda module: False)
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    error = package_error(ModuleNotFoundError(name="tensorflow"))
    assert error
    assert error.fix == "Use Python 3.13 for this: TensorFlow has no release for 3.14 yet."
