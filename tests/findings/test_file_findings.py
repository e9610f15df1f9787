"""Files that are no whole picture, and endings of another format."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from conftest import Configure
from looked import Looked, written
from pictures import exported, photo, saved

from retrainer.findings.files import extension_findings, file_findings
from retrainer.photos.clean_list.finding import Action


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for seed in range(8):
        written(root / ("one", "other")[seed % 2] / f"{seed}.jpg", exported(photo(seed)))
    written(root / "one" / "half.jpg", exported(photo(20))[:4000])
    written(root / "other" / "empty.png", b"")
    written(root / "other" / "page.jpg", b"<html>404</html>")
    written(root / "one" / "really.jpg", saved(photo(21), "PNG"))
    written(root / "one" / "upper.PNG", saved(photo(22), "WEBP"))
    written(root / "one" / "right.JPEG", exported(photo(23)))
    return root


def test_files_that_cannot_be_read_are_found_with_their_reason(root: Path, configured: Configure) -> None:
    looked = Looked(configured(root))
    found = {Path(one.path).name: one for one in file_findings(looked.files, looked.problems)}
    assert set(found) == {"half.jpg", "empty.png", "page.jpg"}
    assert found["half.jpg"].reason.startswith("Damaged or truncated: ")
    assert found["half.jpg"].sha256 == hashlib.sha256((root / "one" / "half.jpg").read_bytes()).hexdigest()
    assert (found["empty.png"].label, found["empty.png"].part) == ("other", "")
    assert found["empty.png"].reason == "The file is empty (0 bytes)."
    assert "a web page" in found["page.jpg"].reason
    assert {one.suggestion for one in found.values()} == {Action.SET_ASIDE}
    (root / "one" / "half.jpg").unlink()
    assert file_findings(looked.files, looked.problems)[0].sha256 == ""


def test_endings_of_another_format_are_found(root: Path, configured: Configure) -> None:
    looked = Looked(configured(root))
    found = {Path(one.path).name: one for one in extension_findings(looked.evidence, looked.measured)}
    assert set(found) == {"really.jpg", "upper.PNG"}
    assert found["really.jpg"].reason == "The content is PNG, the ending '.jpg' belongs to JPEG."
    assert found["upper.PNG"].suggestion is Action.NONE


def test_photos_in_an_archive_are_looked_at_too(root: Path, configured: Configure, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in root.glob("*/*"):
            archive.write(path, path.relative_to(root))
    looked = Looked(configured(tmp_path / "photos.zip"))
    assert len(file_findings(looked.files, looked.problems)) == 3
    assert all(one.sha256 for one in file_findings(looked.files, looked.problems))
    assert len(extension_findings(looked.evidence, looked.measured)) == 2
