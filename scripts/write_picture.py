"""Writes the picture on top of README.md, a session in a terminal, and the lines that show it.

    python -m scripts.write_picture FLOWERS

FLOWERS is a folder of class folders, such as the tutorial's `flower_photos`. At most 250 photos of each class are
taken, the first by name. The last rose of them is kept from the training and labelled with the new model. The
commands are really run. On a busy machine the picture shows long times.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import click

from retrainer.options.backbone import DEFAULT_ARCHITECTURE
from retrainer.system.files import write_whole
from scripts.write_readme import README, replaced

PICTURE = Path(__file__).parent.parent / ".github" / "session.svg"
COMMANDS = ("retrainer retrain photos", "retrainer label new_photo.jpg")
PER_CLASS = 250
SECTION = "picture"
_HELD_OUT = "roses"
_COLUMNS = 64
_ADVANCE, _LINE, _MARGIN, _BAR = 8.4, 20, 20, 36
_FONTS = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace'
# A dark window, as most terminals are; it reads as well on a light page as on a dark one.
_STYLE = f"""
text{{font:14px {_FONTS};fill:#d5dae1;white-space:pre}}
.prompt{{fill:#6fd08c}}
.command{{fill:#fff;font-weight:bold}}
"""


def arranged(flowers: Path, folder: Path) -> None:
    """Links the photos into `photos` of a folder, and the one that is kept from the training into the folder itself."""
    for parent in sorted(path for path in flowers.resolve().iterdir() if path.is_dir()):
        (folder / "photos" / parent.name).mkdir(parents=True)
        chosen = sorted(path for path in parent.iterdir() if path.is_file())[:PER_CLASS]
        if parent.name == _HELD_OUT:
            (folder / "new_photo.jpg").symlink_to(chosen.pop())
        for path in chosen:
            (folder / "photos" / parent.name / path.name).symlink_to(path)


def session(folder: Path) -> Iterator[tuple[str, str]]:
    """Runs the commands in a folder; gives each with what it prints."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": str(_COLUMNS), "PYTHONUNBUFFERED": "1"}

    def printed(command: str) -> str:
        line, merged = command.split(), subprocess.STDOUT
        done = subprocess.run(
            line, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=merged, text=True, check=True
        )
        return done.stdout

    # Whether it was there before does not matter to the reader.
    printed(f"retrainer fetch {DEFAULT_ARCHITECTURE}")
    for command in COMMANDS:
        # A terminal draws a bar there, and removes it.
        yield command, re.sub(r"^Reading photos: .*\n", "", printed(command), flags=re.MULTILINE).strip("\n")


def picture(runs: Sequence[tuple[str, str]]) -> str:
    """Draws commands with what they printed, as SVG whose text can be selected and copied."""
    lines: list[tuple[str, bool]] = []
    for command, printed in runs:
        lines += [(command, True), *((line, False) for line in printed.splitlines()), ("", False)]
    lines.pop()
    width = round(_COLUMNS * _ADVANCE) + 2 * _MARGIN
    height = _BAR + len(lines) * _LINE + _MARGIN
    drawn = [_drawn(line, typed, _BAR + (number + 0.7) * _LINE) for number, (line, typed) in enumerate(lines)]
    buttons = [f'<circle cx="{20 + 18 * n}" cy="18" r="5.5" fill="#5b6472"/>' for n in range(3)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape('A terminal: ' + ', then '.join(command for command, _ in runs))}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="#161b22" stroke="#5b6472"/>',
            *buttons,
            *filter(None, drawn),
            "</svg>",
            "",
        ]
    )


def _drawn(line: str, typed: bool, y: float) -> str:
    """A line of text at a height; whatever font there is, columns stand below one another."""
    if not line:
        return ""
    length = len(line) + 2 * typed
    text = escape(line)
    if typed:
        text = f'<tspan class="prompt">$ </tspan><tspan class="command">{text}</tspan>'
    size = f'textLength="{length * _ADVANCE:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{_MARGIN}" y="{y:g}" {size} xml:space="preserve">{text}</text>'


def section_of(runs: Sequence[tuple[str, str]]) -> str:
    """The lines of README.md that show the picture of the two commands, and say in words what it shows.

    Raises:
        ValueError: the commands print other texts than they used to.
    """
    (retrain, learnt), (label, answer) = runs
    accuracy = re.search(r"^Test accuracy +(.* of [0-9,]+ photos)", learnt, re.MULTILINE)
    best = re.search(r"^(.*) \(score=(.*)\)$", answer, re.MULTILINE)
    if accuracy is None or best is None:
        raise ValueError(f"The commands print neither an accuracy nor a label: {learnt}\n{answer}")
    path = PICTURE.relative_to(README.parent)
    words = f"A terminal. {retrain}: test accuracy {accuracy[1]}. {label}: {best[1]}, score {best[2]}."
    return (
        f"![{words}]({path.as_posix()})\n\nThe photos are the tutorial's flowers, 250 of each kind. "
        "`new_photo.jpg` is a rose that it did not learn from."
    )


@click.command()
@click.argument("flowers", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(flowers: Path) -> None:
    """Runs the session, writes the picture, and shows it in README.md."""
    with tempfile.TemporaryDirectory() as folder:
        arranged(flowers, Path(folder))
        runs = list(session(Path(folder)))
    write_whole(PICTURE, picture(runs).encode("utf-8"))
    text = README.read_text(encoding="utf-8")
    write_whole(README, replaced(text, SECTION, section_of(runs)).encode("utf-8"))


if __name__ == "__main__":
    main()
