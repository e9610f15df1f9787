"""`retrainer report`, and `retrain --report`."""

from pathlib import Path

from conftest import COLOURS, Command, Photos


def test_a_report_is_a_verdict_and_a_file(command: Command, photos: Photos, model_dir: Path, tmp_path: Path) -> None:
    root = photos(count=20)
    line = ("retrain", root, "--model_dir", model_dir, "--architecture", COLOURS)
    done = command(*line, "--report", "run.html")
    assert done.returncode == 0, done.stderr
    assert "\nReport            run.html\n" in done.stdout
    made = command("report")
    assert (made.returncode, made.stderr) == (0, ""), made.stderr
    assert made.stdout == (
        "Good: 100.0 % of 40 photos right by 5 folds (91.2 to 100.0 %); always answering\n"
        "'green' gives 50.0 %.\n"
        "Written           tf_files/report.html\n"
    )
    assert (tmp_path / "run.html").read_bytes() == (tmp_path / "tf_files" / "report.html").read_bytes()
    again = command(*line)
    assert "Report " not in again.stdout
    hidden = command("report", "tf_files/retrained_graph.tflite", "--report", "hidden.html", "--no-images")
    assert hidden.returncode == 0
    assert "data:image/" not in (tmp_path / "hidden.html").read_text()
    assert "data:image/" in (tmp_path / "run.html").read_text()


def test_a_report_where_none_can_be_is_one_line(command: Command, photos: Photos, model_dir: Path) -> None:
    root = photos()
    line = ("retrain", root, "--model_dir", model_dir, "--architecture", COLOURS)
    for path, problem in (
        ("tf_files/retrained_graph.pb", "--report: expected a page in HTML"),
        (f"{root}/red/000.jpg/report.html", "Error: Cannot write"),
    ):
        done = command(*line, "--report", path)
        assert done.returncode in (1, 2)
        assert problem in done.stderr
        assert "Read " not in done.stderr
    done = command("retrain", root, "--compare", COLOURS, "--report", "report.html", "--model_dir", model_dir)
    assert "--compare: expected no --report beside it" in done.stderr
    done = command("retrain", root, "--no_images")
    assert "--no_images: expected --report FILE, received none." in done.stderr
    done = command("report")
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    assert "Train one first: retrainer retrain PHOTOS" in done.stderr
