"""The commands as a user or a shell script meets them."""

import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest
from conftest import COLOURS, WAITING_WORKER, Command, Configure, Photos, heeding_ctrl_c, jpeg, lock_folders, wait_until
from pictures import huge_png
from servers import running, sends

from retrainer import retrain
from retrainer.cli import evaluate, label
from retrainer.cli.flags import flags_of
from retrainer.cli.label import LabelFlags
from retrainer.cli.retrain import RetrainFlags
from retrainer.cli.signals import INTERRUPTED
from retrainer.options.groups import options_of


@pytest.fixture
def trained(photos: Photos, configured: Configure) -> Path:
    """A model that tells red from green."""
    return Path(retrain(configured(photos())).graph)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "photo.jpg").write_bytes(jpeg((190, 60, 20)))
    return tmp_path / "photo.jpg"


def test_both_spellings_of_every_flag_are_taken() -> None:
    for flag, item in zip(flags_of(RetrainFlags), options_of(RetrainFlags), strict=True):
        assert flag.name == item.name
        short = {f"-{item.limits.short}"} if item.limits.short else set()
        assert set(flag.opts) == {f"--{item.name}", f"--{item.name.replace('_', '-')}"} | short


def test_retrain_and_label(command: Command, photos: Photos, model_dir: Path, photo: Path) -> None:
    root = photos(count=20)
    done = command(
        *("retrain", "--image_dir", root, "--how-many-training-steps=12", "--model_dir", model_dir),
        *("--architecture", COLOURS, "--learning_rate=1", "--print_misclassified_test_images"),
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [re.sub(r" in [\d.]+ s", "", line) for line in lines if not line.startswith("Warning: ")] == [
        "Found 40 files in 2 classes",
        "Read 40 photos in 2 classes",
        "Cross-validated: 100.0 % of 40 photos right, 5 folds",
        "Fitted",
    ]
    assert done.stdout.startswith("\nAccuracy          100.0 % of 40 photos, 91.2 to 100.0 % with 95 % confidence\n")
    assert "\nTest accuracy     100.0 % by the model itself on " in done.stdout
    assert f"  retrainer label {root}/" in done.stdout
    shown = command("label", "--graph", "tf_files/retrained_graph.pb", "--image", photo)
    assert shown.returncode == 0
    assert shown.stderr == "This photo is unlike all photos that the model learnt from; --reject leaves it out.\n"
    pattern = r"\nEvaluation time \(1-image\): \d\.\d{3}s\n\nred \(score=0\.\d{5}\)\ngreen \(score=0\.\d{5}\)\n"
    assert re.fullmatch(pattern, shown.stdout)


def test_several_photos_folders_and_globs_are_each_headed(command: Command, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in ("b.jpg", "a.jpg"):
        (tmp_path / "new" / name).write_bytes(jpeg((190, 60, 20)))
    arguments = ("label", "--graph", trained, "--top", "1")
    done = command(*arguments, "--image", "new", "--image", "new/b*", "new/a.jpg")
    heads = [line for line in done.stdout.splitlines() if line.endswith(".jpg")]
    assert heads == ["new/a.jpg", "new/b.jpg", "new/b.jpg", "new/a.jpg"]
    assert done.stdout.count("red (score=") == 4
    assert done.stdout.count("green (score=") == 0
    assert command(*arguments, "--image", "new/a.jpg").stdout.startswith("\nEvaluation time")


def test_a_bad_photo_among_others_fails_at_the_end(
    command: Command, trained: Path, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_text("Dear diary")
    done = command("label", "--graph", trained, "bad.jpg", photo)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: 'bad.jpg': expected JPEG")
    assert "red (score=" in done.stdout


def test_nothing_but_the_result_goes_to_stdout(command: Command, photos: Photos, model_dir: Path) -> None:
    line = ("retrain", "--image_dir", photos(), "--model_dir", model_dir, "--architecture", COLOURS)
    done = command(*line)
    assert done.stdout.startswith("\nAccuracy ")
    assert "Found 24 files in 2 classes" in done.stderr
    logged = command(*line, "--log=tf")
    assert all(one.startswith(("INFO:tensorflow:", "WARNING:tensorflow:")) for one in logged.stderr.splitlines())
    assert "INFO:" not in logged.stdout


BAD_OPTIONS = [
    (
        ["retrain", "--image_dir", "absent"],
        r"--image_dir: 'absent' does not exist; .*\nThe nearest existing folder is",
    ),
    (["retrain", "--image_dir", "~/absent"], r"--image_dir: '/.*/absent' does not exist"),
    (["retrain", "--image_dir", "phots"], r"Did you mean '.*/photos'\?"),
    (["retrain", "--image_dir", "photo.jpg"], r"received the file 'photo.jpg'"),
    (["retrain", "--image_dir", "loop"], r"'loop' is a link that leads nowhere or in a circle"),
    (
        ["retrain"],
        r"--image_dir is missing: expected a folder .*\nType `retrainer retrain PHOTOS`\. .* `retrainer sample draw",
    ),
    (["retrain", "--image_dri", "photos"], r"No such flag: --image_dri\.\nDid you mean --image_dir\?"),
    (
        ["retrain", "--training_batch_size", "9"],
        r"No such flag: --training_batch_size\.\nDid you mean --train_batch_size\?",
    ),
    (["retrain", "--testing_percentage", "-5"], r"--testing_percentage: expected .* received -5"),
    (["retrain", "--testing_percentage=60", "--validation-percentage=60"], r"less than 100 together"),
    (["retrain", "--how_many_training_steps", "0"], r"--how_many_training_steps: expected .* received 0"),
    (["retrain", "--learning_rate", "nan"], r"--learning_rate: expected a finite number above 0, received nan"),
    (["retrain", "--learning_rate", "fast"], r"--learning_rate.*'fast' is not a valid float"),
    (["label", "--graph", "absent.pb", "--image", "photo.jpg"], r"--graph: 'absent.pb' does not exist"),
    (["label", "--graph", "photos", "--image", "photo.jpg"], r"--graph: .* received the folder 'photos'"),
    (["label"], r"--image is missing: .*\nType `retrainer label PHOTO`\.$"),
    (["label", "photo.jpg"], r"retrained_graph.pb' does not exist; .*\nTrain one first: retrainer retrain PHOTOS$"),
    (["evaluate"], r"retrained_graph.pb' does not exist; .*\nTrain one first: retrainer retrain PHOTOS$"),
    (["inspect"], r"retrained_graph.pb' does not exist; .*\nTrain one first: retrainer retrain PHOTOS$"),
    (["runs"], r"runs.jsonl' does not exist; .*\nTrain a model first: retrainer retrain PHOTOS$"),
    (["fetch"], r"NAME is missing: .*\nType `retrainer fetch NAME`; `retrainer architectures` lists"),
    (["retrain", "photos", "b"], r"extra argument \(b\)\nUsage: retrainer retrain \[OPTIONS\] \[PHOTOS\]$"),
    (["completion", "tcsh"], r"SHELL: expected one of bash, zsh, fish, received 'tcsh'\.\nType `retrainer completion "),
    (["cache", "prune"], r"--older_than is missing: .*\n`retrainer cache prune --older_than 90d` removes"),
    (["label", "--image", "absent.jpg"], r"--image: 'absent.jpg' does not exist"),
    (["label", "--image", "none/*.jpg"], r"--image: expected photos, found none in 'none/\*.jpg'"),
    (
        ["labl"],
        r"No command 'labl'; expected one of: retrain, label, .*\.\nDid you mean label\?",
    ),
    (["retrain", "-image_dir", "photos"], r"No such flag: -image_dir\.\nDid you mean --image_dir\?"),
    (
        ["retrain", "--architecture", "poket"],
        r"--architecture: expected efficientnet_lite0@288, pocket, .*; received 'poket'\.\nDid you mean pocket",
    ),
    (
        ["retrain", "--image_dir", "photos", "--architecture", "pocket", "--final_tensor_name", "input"],
        r"received 'input', which another node has",
    ),
    (["retrain", "--image_dir", "photos", "--output_labels", "tf_files/retrained_graph.tflite"], r"different files"),
    (["retrain", "--image_dir", "photos", "--output_graph", ""], r"--output_graph: expected a path, received ''"),
    (["retrain", "--image_dir", "photos", "--output_graph", "x.onnx"], r"received 'x.onnx', the name of an ONNX model"),
    (["retrain", "--image_dir", ""], r"--image_dir: expected a path, received ''"),
    (["label", "--labels", "", "--image", "p.jpg"], r"--labels: expected a path, received ''"),
    (["inspect", "--tensorboard", ""], r"--tensorboard: expected a path, received ''"),
    (["inspect", "--tensorboard", "/"], r"--tensorboard: expected a folder of its own, received '/'"),
    (["sample", ""], r"DIR: expected a path, received ''"),
    (["sample", "/"], r"DIR: expected a folder of its own, received '/'"),
    (["fetch", "pocket", "--to", ""], r"--to: expected a path, received ''"),
    (["evaluate", "--image-dir", " "], r"--image_dir: expected a path, received ' '"),
    (["label", "--graph", "/dev/zero", "--image", "photo.jpg"], r"--graph: .* received the pipe, socket or device"),
    (["label", "--image", "pipe"], r"--image: .* received the pipe, socket or device 'pipe'"),
    (["sample"], r"DIR is missing: .*\nType `retrainer sample drawings`\.$"),
    (["sample", "photos"], r"DIR: expected a new or an empty folder"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_OPTIONS, ids=lambda value: str(value)[:60])
def test_a_bad_option_is_one_clear_line(
    arguments: list[str], message: str, command: Command, photos: Photos, photo: Path, tmp_path: Path
) -> None:
    photos(count=1)
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    done = command(*arguments)
    assert_clear(done, 2, message)
    assert not (tmp_path / "tf_files").exists()


def assert_clear(done: "subprocess.CompletedProcess[str]", exit_code: int, message: str) -> None:
    """One line of error, perhaps one of help, behind what is said of the run itself."""
    assert done.returncode == exit_code, done
    lines = done.stderr.splitlines()
    lines = lines[next(place for place, line in enumerate(lines) if line.startswith("Error: ")) :]
    assert len(lines) <= 2
    assert re.search(message, "\n".join(lines)), done.stderr
    assert done.stdout == ""


BAD_DATA = [
    ("nothing", r"No valid folders of images found at nothing\n.* To try without photos: retrainer sample nothing$"),
    ("loose", r"No valid folders of images found at loose\n.* received 3 files"),
    ("empty classes", r"No valid folders of images found at empty classes"),
    ("one class", r"Only one valid folder of images found at one class - multiple classes are needed"),
    ("no pictures", r"No valid folders of images found at no pictures"),
    ("nested", r"No valid folders of images found at nested\nDid you mean 'nested/photos'\?"),
    ("unreadable", r"None of 2 files can be read as a photo; the first is 'unreadable/a/1\.png': .* a text file\.$"),
    ("same label", r"'a-1' and 'a_1' would both become the label 'a 1'"),
]


@pytest.mark.parametrize(("folder", "message"), BAD_DATA)
def test_a_bad_folder_of_photos_is_one_clear_line(folder: str, message: str, command: Command, tmp_path: Path) -> None:
    files = {
        "nothing": ["./"],
        "loose": ["1.jpg", "2.jpg", "3.jpg"],
        "empty classes": ["a/", "b/"],
        "one class": ["a/1.jpg", "b/"],
        "no pictures": ["a/1.txt", "b/1.txt"],
        "nested": ["photos/a/1.jpg", "photos/b/1.jpg"],
        "unreadable": ["a/1.png", "b/1.png"],
        "same label": ["a_1/1.jpg", "a-1/1.jpg"],
    }
    for name in files[folder]:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_bytes(jpeg((1, 2, 3)) if name.endswith(".jpg") else b"Dear diary")
    assert_clear(command("retrain", "--image_dir", folder, "--architecture", "pocket"), 1, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Dear diary", r"received a text file"),
        (b"", r"the file is empty \(0 bytes\)"),
        (jpeg((9, 9, 9), (200, 200))[:600], r"damaged or truncated"),
        (huge_png(60_000), r"3,600,000,000 pixels are more than the limit of 268,435,456"),
    ],
    ids=["text", "empty", "truncated", "bomb"],
)
def test_a_bad_picture_is_one_clear_line(
    content: bytes, message: str, command: Command, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_bytes(content)
    assert_clear(command("label", "--graph", trained, "--image", "bad.jpg"), 1, message)


def test_a_bad_graph_is_one_clear_line(command: Command, trained: Path, photo: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.pb"
    text.write_text("Dear diary")
    cut = tmp_path / "cut.pb"
    cut.write_bytes(trained.read_bytes()[:300])
    cut_twin = tmp_path / "cut.tflite"
    cut_twin.write_bytes(trained.with_suffix(".tflite").read_bytes()[:600])
    for graph, message in (
        (text, "is no frozen graph"),
        (cut, "is no frozen graph"),
        (cut_twin, "is damaged or truncated"),
    ):
        assert_clear(command("label", "--graph", graph, "--image", photo), 1, message)


def test_labels_of_another_length_are_one_clear_line(
    command: Command, trained: Path, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    done = command("label", "--graph", trained, "--labels", "labels.txt", "--image", photo)
    assert_clear(done, 2, "--labels: expected 2 labels, one per score of the model, received 3")


def test_odd_folder_names_stay_on_one_line(command: Command, photos: Photos, model_dir: Path) -> None:
    # A folder's name cannot hold the slash of "</script>".
    root = photos({"<script>": (200, 0, 0), "two\nlines": (0, 200, 0)}, count=20)
    done = command("retrain", "--image_dir", root, "--model_dir", model_dir, "--architecture", COLOURS, "-v")
    assert done.returncode == 0, done.stderr
    assert rf"  '{root}/two\nlines': 20 files" in done.stderr.splitlines()
    assert (root.parent / "tf_files" / "retrained_labels.txt").read_text() == "script\ntwo lines\n"


def test_an_output_that_cannot_be_written_is_one_clear_line(command: Command, photos: Photos, model_dir: Path) -> None:
    root = photos()
    graph = root / "red" / "000.jpg" / "graph.pb"
    done = command("retrain", "--image_dir", root, "--architecture", "pocket", "--output_graph", graph)
    assert_clear(done, 1, r"Cannot write '.*graph.pb': '.*000.jpg' is a file; expected a folder")


def test_a_full_disk_leaves_no_half_file(command: Command, photos: Photos, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the model is larger, the cache is not."""
    done = command(
        *("retrain", "--image_dir", photos(), "--architecture", "pocket", "--how_many_training_steps", "5"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
    )
    assert_clear(done, 1, r"Cannot write '.*tf_files/retrained_graph.pb': File too large")
    left = {path.name for path in (tmp_path / "tf_files").iterdir() if path.is_file()}
    assert left == set()


IMPORTS = """
import sys
from retrainer.cli import main
try:
    main.main()
finally:
    print("IMPORTED", *sorted(sys.modules), file=sys.stderr)
"""
HEAVY = {"tensorflow", "scipy", "pyarrow", "pyarrow.compute", "rich", "tensorboard", "PIL", "requests", "click"}
HEAVY |= {"filelock", "asyncio", "importlib.metadata"}
# Each takes milliseconds, or brings others that do.
MIDDLING = {"concurrent.futures", "csv", "email", "http", "numpy.random", "random", "ssl", "subprocess", "tempfile"}
MIDDLING |= {
    "retrainer.answers.table",
    "retrainer.events",
    "retrainer.photos.archives",
    "retrainer.photos.inputs.files",
    "retrainer.sorting.sorter",
}


def imported(tmp_path: Path, *arguments: str | Path, of: Set[str] = HEAVY) -> set[str]:
    """The packages and modules that a command imports of these."""
    line = [sys.executable, "-c", IMPORTS, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()[1:]) & of


def test_no_command_imports_more_than_it_needs(
    trained: Path, photo: Path, photos: Photos, tmp_path: Path, model_dir: Path
) -> None:
    assert imported(tmp_path, "--help") == {"click"}
    assert imported(tmp_path, "retrain", "--help") == {"click"}
    for graph in (trained, trained.with_suffix(".tflite")):
        assert imported(tmp_path, "label", "--graph", graph, photo, of=HEAVY | MIDDLING) == {"click", "PIL"}
    arguments = ("retrain", "--image_dir", photos(), "--model_dir", model_dir, "--architecture", COLOURS)
    assert imported(tmp_path, *arguments) == {"click", "pyarrow", "tensorboard", "PIL"}
    (tmp_path / "pandas.py").write_text("raise RuntimeError('pandas is imported')")
    assert imported(tmp_path, *arguments) == {"click", "pyarrow", "tensorboard", "PIL"}
    assert imported(tmp_path, "report") == {"click", "pyarrow", "tensorboard", "PIL"}


def test_ctrl_c_says_that_nothing_is_lost(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import retrainer.retraining
    from retrainer.cli.commands import commands, run
    from retrainer.cli.signals import INTERRUPTED

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(retrainer.retraining, "retrain", interrupted)
    with pytest.raises(SystemExit) as error:
        run(commands, ["retrain", "--image_dir", "x"], "retrainer")
    assert error.value.code == INTERRUPTED
    assert "Run the same command again to continue" in capsys.readouterr().err


def shell(line: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a line of bash in which `retrainer` is the command."""
    program = "from retrainer.cli.main import main; main()"
    defined = f"set -o pipefail; retrainer() {{ '{sys.executable}' -c '{program}' \"$@\"; }}; {line}"
    bash = ["bash", "-c", defined]
    return subprocess.run(
        bash, capture_output=True, text=True, cwd=folder, env={**os.environ, **environment}, timeout=120
    )


def test_a_reader_that_has_seen_enough_is_no_error(trained: Path, photos: Photos, tmp_path: Path) -> None:
    done = shell(f"retrainer label --graph '{trained}' photos photos photos photos photos | head -1", tmp_path)
    assert done.stdout == "photos/green/000.jpg\n"
    assert done.stderr == ""


def test_a_full_or_closed_stream_is_no_traceback(trained: Path, photo: Path, tmp_path: Path) -> None:
    full = shell(f"retrainer label --graph '{trained}' photo.jpg >/dev/full", tmp_path)
    assert full.returncode == 1
    assert full.stderr == "Error: No space left on device.\n"
    closed = shell(f"retrainer label --graph '{trained}' photo.jpg 2>&-", tmp_path)
    assert closed.returncode == 0
    assert "red (score=" in closed.stdout


def test_labels_are_escaped_where_the_terminal_lacks_letters(photos: Photos, model_dir: Path, tmp_path: Path) -> None:
    photos({"日本語": (200, 0, 0), "猫": (0, 200, 0)}, count=20)
    arguments = f"--image_dir photos --model_dir '{model_dir}' --architecture {COLOURS}"
    for environment in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        done = shell(f"retrainer retrain {arguments} && retrainer label photos/*/001.jpg", tmp_path, **environment)
        assert done.returncode == 0, done.stderr
        # Click writes labels in UTF-8 where the stream knows only ASCII.
        assert "\n猫 (score=" in done.stdout
    assert (tmp_path / "tf_files" / "retrained_labels.txt").read_text(encoding="utf-8") == "日本語\n猫\n"


def test_sigterm_keeps_what_was_computed(photos: Photos, tmp_path: Path) -> None:
    root = photos(count=100)
    code = WAITING_WORKER + "from retrainer.cli.main import main\nmain()"
    line = [sys.executable, "-c", code, "retrain", "--image_dir", str(root), "--architecture", "pocket"]
    process = subprocess.Popen(line, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until((tmp_path / "waiting").exists)
    assert not list(tmp_path.glob("tf_files/bottlenecks/pocket-*"))
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said.endswith(b"Error: Terminated. Run the same command again to continue.\n")
    assert list(tmp_path.glob("tf_files/bottlenecks/pocket-*/part-*.parquet"))


def test_a_folder_that_cannot_be_listed_is_an_error_of_label_and_evaluate(
    trained: Path, photos: Photos, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = photos(count=20)
    (root / "red" / "locked").mkdir()
    lock_folders(monkeypatch)
    problem = f"'{root}/red/locked': the folder cannot be listed: Input/output error."
    assert label.run(LabelFlags(graph=str(trained), image=(str(root),)), ()) == 1
    out, err = capfd.readouterr()
    assert (out.count("Evaluation time"), err.splitlines()[0]) == (40, f"Error: {problem}")
    assert evaluate.run(evaluate.EvaluateFlags(graph=str(trained), image_dir=str(root), json=True)) == 0
    out, err = capfd.readouterr()
    assert f"Warning: Missed photos of {problem}" in err
    assert json.loads(out)["unlisted"] == 1


def test_a_list_that_ends_early_is_labelled_as_far_as_it_goes(command: Command, trained: Path, photo: Path) -> None:
    """The list breaks off in the middle of a name; and standard input may be closed from the beginning."""
    done = command("label", "--graph", trained, "-", "--top=1", input=f"{photo}\r\n\n{photo}\n{str(photo)[:-2]}")
    assert done.returncode == 1
    assert done.stdout.count("red (score=") == 2
    assert done.stderr.startswith(f"Error: '{str(photo)[:-2]}': cannot be read: No such file or directory.\n")
    done = command("label", "--graph", trained, "-", stdin=None, preexec_fn=lambda: os.close(0))
    assert_clear(done, 2, "--image -: expected a list of paths, but standard input is closed")
    done = command("label", "--graph", trained, "-", input="")
    assert_clear(done, 2, "--image: expected photos, found none in the list on standard input")


def test_addresses_in_lists_and_tables_are_fetched_only_if_that_is_allowed(
    command: Command, trained: Path, photo: Path, tmp_path: Path
) -> None:
    with running() as server:
        server.answers = [sends(photo.read_bytes())]
        (tmp_path / "list.csv").write_text(f"mine,page\n{server.file},x\nabsent.jpg,y\n")
        arguments = ("label", "--graph", trained, "--top=1", "list.csv", "--column=mine")
        done = command(*arguments)
        assert (done.returncode, done.stdout, server.asked) == (1, "", [])
        refused = f"'{server.file}': addresses in lists and tables are fetched only with --allow_urls"
        absent = "'absent.jpg': cannot be read: No such file or directory"
        assert done.stderr == f"Error: {refused}.\nError: {absent}.\n"
        done = command(*arguments, "--allow-urls", server.file)
        assert done.returncode == 1
        assert done.stdout.count(f"{server.file}\n\nEvaluation time") == 2
        assert done.stderr.startswith(f"Error: {absent}.\n")
        assert len(server.asked) == 2


def test_answers_come_while_the_list_goes_on(trained: Path, photo: Path, tmp_path: Path) -> None:
    """As from a program that watches a folder: also beyond the first photos, when all cores are at work."""
    line = [sys.executable, "-c", "from retrainer.cli.main import main; main()", "label", "--graph", str(trained), "-"]
    options: dict[str, Any] = {"cwd": tmp_path, "preexec_fn": heeding_ctrl_c}
    started = subprocess.Popen([*line, "--format=csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    with started as process:
        paths, answers = process.stdin, process.stdout
        assert paths
        assert answers
        for number in range(40):
            paths.write(f"{photo}\n".encode())
            paths.flush()
            if number == 0:
                assert answers.readline().startswith(b"path,")
            assert answers.readline().startswith(os.fsencode(photo))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == INTERRUPTED


@pytest.mark.slow
def test_a_hundred_thousand_photos_take_no_more_memory_than_some(trained: Path, photo: Path, tmp_path: Path) -> None:
    """The largest memory of the whole process, in KiB."""
    (tmp_path / "list.csv").write_text("path\n" + f"{photo}\n" * 100_000)
    code = "import resource, sys\nfrom retrainer.cli import main\ntry: main.main()\nfinally: "
    code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"

    def peak(count: int, given: str, lines: str = "") -> int:
        line = [sys.executable, "-c", code, "label", "--graph", str(trained), "--output=out.csv", given]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, input=lines)
        assert done.returncode == 0, done.stderr
        with open(tmp_path / "out.csv", encoding="utf-8") as answers:
            assert sum(1 for _ in answers) == count + 1
        return int(done.stderr.splitlines()[-1])

    usual = peak(1_000, "-", f"{photo}\n" * 1_000)
    assert peak(100_000, "-", f"{photo}\n" * 100_000) < usual + 16 * 1024
    assert peak(100_000, "list.csv") < usual + 16 * 1024


def test_a_terminal_shows_how_many_photos_of_a_folder_are_labelled(
    trained: Path, photos: Photos, tmp_path: Path
) -> None:
    (photos() / "red" / "bad.jpg").write_text("Dear diary")
    controller, terminal = pty.openpty()
    code = "import time; from retrainer.cli import bar, main; bar._SECONDS_BETWEEN = 0; main.main()"
    line = [sys.executable, "-c", code, "label", "--graph", str(trained), "--format=csv", "photos"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "CI": ""}
    for to_terminal in (False, True):
        out = terminal if to_terminal else subprocess.PIPE
        done = subprocess.run(line, cwd=tmp_path, stdout=out, stderr=terminal, env=environment, timeout=60)
        shown = os.read(controller, 2**20)
        assert ("Labelling" in shown.decode()) == (not to_terminal)
        assert ("25/25" in shown.decode()) == (not to_terminal)
        assert done.returncode == 0
    os.close(controller)
    os.close(terminal)


def test_a_folder_may_hold_other_files(command: Command, trained: Path, photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "photos" / "LICENSE.txt").write_text("CC-BY")
    done = command("label", "--graph", trained, "--image", "photos")
    assert done.returncode == 0
    assert done.stdout.count("Evaluation time") == 24
    assert done.stderr == "Left out 1 file or folder, 'photos/LICENSE.txt': their names are not those of photos.\n"
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.doc").write_text("no picture")
    done = command("label", "--graph", trained, "--image", "texts")
    assert done.stderr.startswith("Skipped 'texts/a.doc': expected JPEG")
    assert done.returncode == 1
