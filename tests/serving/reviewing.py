"""A list of findings with its photos, and a server of it that runs in the test's process or in one of its own."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asking import Reply, ask, serving
from conftest import heeding_ctrl_c
from pictures import photo, saved
from PIL import Image

from retrainer.pages.clean.shown import ShownPhotos
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.file import read_clean_list, write_clean_list
from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.serving.review import Review

CLASSES = ["daisy", "roses", "tulips"]
# Ends when its input does, or by Ctrl-C; the test's process reads its address.
_SERVER = """
import sys
from retrainer.pages.clean.shown import ShownPhotos
from retrainer.serving.review import serve_review
photos = ShownPhotos(classes=["daisy", "roses", "tulips"])
decided, total = serve_review(sys.argv[1], photos, on_ready=lambda address: print(address, flush=True))
print(f"{decided} of {total} decided", flush=True)
"""


def findings_in(folder: Path) -> list[Finding]:
    """Label errors, one of them of a test photo; three copies; a photo in two findings; one unreadable; one class."""
    photos = {f"roses/{number}.jpg": number for number in range(1, 8)} | {"daisy/1.jpg": 20, "tulips/1.jpg": 30}
    hashes = {}
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    for name, seed in photos.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(saved(photo(seed), "JPEG", exif=exif, quality=90))
        hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "roses" / "text.jpg").write_text("no picture")

    def finding(kind: Kind, name: str, score: float, reason: str, **more: object) -> Finding:
        more = {"label": name.split("/", maxsplit=1)[0], "part": "training", "sha256": hashes.get(name, ""), **more}
        return Finding(kind=kind, path=str(folder / name), score=score, reason=reason, **more)  # type: ignore[arg-type]

    def compared(*names: str) -> tuple[str, ...]:
        return tuple(str(folder / name) for name in names)

    relabel: Mapping[str, object] = {"suggestion": Action.RELABEL, "new_label": "tulips"}
    aside: Mapping[str, object] = {"suggestion": Action.SET_ASIDE}
    near = compared("tulips/1.jpg", "daisy/1.jpg")
    return [
        finding(Kind.LABEL, "roses/1.jpg", 0.97, "Looks like tulips (0.97).", **relabel, compared_with=near),
        finding(Kind.LABEL, "roses/2.jpg", 0.96, "Looks like tulips (0.96).", **relabel, part="testing"),
        finding(Kind.LABEL, "roses/3.jpg", 0.91, "Looks like tulips (0.91).", **relabel),
        finding(Kind.COPY, "roses/4.jpg", 1.0, "The same picture.", **aside, compared_with=compared("roses/7.jpg")),
        finding(Kind.COPY, "roses/5.jpg", 0.9, "Nearly the same.", **aside, compared_with=compared("roses/7.jpg")),
        finding(Kind.OUTLIER, "roses/3.jpg", 0.8, "Like no photo of any class.", **aside),
        finding(Kind.UNREADABLE, "roses/text.jpg", 1.0, "Expected a picture.", **aside, part=""),
        Finding(kind=Kind.SMALL_CLASS, label="daisy", reason="Only 1 photo."),
    ]


def hostile_findings(names: Sequence[str]) -> list[Finding]:
    """A finding for each name, which stands wherever a name or a text can stand."""
    return [
        Finding(
            kind=Kind.LABEL,
            path=f"{name}/{name}",
            label=name,
            reason=name,
            compared_with=(name,),
            suggestion=Action.RELABEL,
            new_label=name,
        )
        for name in names
    ]


def many_findings(folder: Path, count: int) -> list[Finding]:
    """Findings of several kinds without files of their own; all name one photo that exists."""
    base = findings_in(folder)
    kinds = [Kind.LABEL, Kind.COPY, Kind.OUTLIER, Kind.BLURRY, Kind.DARK]
    return [
        Finding(
            kind=kinds[number % 5],
            path=str(folder / f"class{number % 40}" / f"{number}.jpg"),
            sha256=f"{number:064x}",
            label=f"class{number % 40}",
            score=1 - number / count / 2,
            reason="A reason of an ordinary length, with a figure (0.97) and another (0.01).",
            suggestion=Action.SET_ASIDE,
            compared_with=(base[0].path, base[1].path, base[2].path, base[3].path),
            part=("training", "validation", "testing")[number % 3],
        )
        for number in range(count)
    ]


def written(path: Path, findings: Sequence[Finding], decisions: Mapping[int, Decision] | None = None) -> Path:
    rows = [Row(finding, (decisions or {}).get(number, Decision())) for number, finding in enumerate(findings)]
    write_clean_list(path, CleanList(tuple(rows)))
    return path


@dataclass(frozen=True)
class Reviewed:
    """A server with its list."""

    address: str
    port: int
    path: Path

    def get(self, path: str) -> Reply:
        return ask(f"{self.address}{path}")

    def post(self, path: str, *, window: str = "one", since: int = 0, **fields: object) -> Reply:
        return ask(f"{self.address}{path}", "POST", {"window": window, "since": since, **fields})

    def actions(self) -> dict[str, list[str]]:
        """The name of each photo -> the actions in its rows, as they are on the disk."""
        actions: dict[str, list[str]] = {}
        for row in read_clean_list(self.path):
            name = "/".join(Path(row.finding.path).parts[-2:]) or row.finding.label
            decided = row.decision
            actions.setdefault(name, []).append(f"{decided.action.value} {decided.new_label}".strip())
        return actions


@contextmanager
def reviewed(path: Path, classes: Sequence[str] = CLASSES) -> Iterator[Reviewed]:
    with ListFile(path) as file:
        review = Review(file, ShownPhotos(classes=classes))
        with serving(review.answer) as server:
            yield Reviewed(server.guard.address, server.server_port, path)


@contextmanager
def served_alone(path: Path) -> Iterator[tuple[Reviewed, "subprocess.Popen[str]"]]:
    """A server in a process of its own, which a test may kill."""
    arguments = [sys.executable, "-c", _SERVER, str(path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, preexec_fn=heeding_ctrl_c)  # noqa: PLW1509
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        yield Reviewed(address, int(address.split(":")[2].split("/")[0]), path), process
    finally:
        process.kill()
        process.communicate()
