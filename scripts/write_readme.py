"""Writes the generated sections of retrainer/cli/README.md: the tables of flags and the sample session.

    python -m scripts.write_readme

A section stands between two comments, `<!-- NAME -->` and `<!-- end of NAME -->`. A test compares the page with them.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from retrainer.backbones.model_folders import HOME_VARIABLE
from retrainer.cli.architectures import ArchitecturesFlags
from retrainer.cli.cache import CacheFlags
from retrainer.cli.clean import CleanFlags
from retrainer.cli.evaluate import EvaluateFlags
from retrainer.cli.fetch import FetchFlags
from retrainer.cli.inspect import InspectFlags
from retrainer.cli.label import LabelFlags
from retrainer.cli.retrain import RetrainFlags
from retrainer.cli.runs import RunsFlags
from retrainer.options.groups import Option, Options, sections_of
from retrainer.options.report import ReportOptions
from retrainer.options.sampling import SampleOptions
from retrainer.system.files import write_whole

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
COMMANDS = ROOT / "retrainer" / "cli" / "README.md"
SESSION = (
    "retrainer sample drawings",
    "retrainer retrain drawings",
    "retrainer label drawings/tulip/tulip_007.jpg",
    "retrainer evaluate",
    "retrainer runs",
)
# Times differ from run to run; less than 0.05 s are not said.
_TIMES = re.compile(r"( in)? \d+\.\d+ ?s\b|^\d{4}-\d\d-\d\d \d\d:\d\d", re.MULTILINE)
_USUAL_HOME = "~/.cache/retrainer"
GROUPS: dict[str, type[Options]] = {
    "flags of retrain": RetrainFlags,
    "flags of label": LabelFlags,
    "flags of evaluate": EvaluateFlags,
    "flags of clean": CleanFlags,
    "flags of report": ReportOptions,
    "flags of runs": RunsFlags,
    "flags of inspect": InspectFlags,
    "flags of architectures": ArchitecturesFlags,
    "flags of fetch": FetchFlags,
    "flags of cache": CacheFlags,
    "flags of sample": SampleOptions,
}


def tables(group: type[Options]) -> str:
    """Returns the flags of a group in Markdown, a table for each heading."""
    sections = sections_of(group)
    if len(sections) == 1:
        return _table(*sections.values())
    return "\n\n".join(f"**{heading}**\n\n{_table(options)}" for heading, options in sections.items())


def _table(options: Sequence[Option]) -> str:
    return "\n".join(["| flag | takes | default | meaning |", "| --- | --- | --- | --- |", *map(_row, options)])


def _row(item: Option) -> str:
    limits, default = item.limits, item.shown_default
    if item.kind in (bool, bool | None):
        takes = "nothing"
    elif limits.path:
        takes = "a path"
    else:
        takes = "a name" if item.kind in (str, str | None) and not limits.choices else limits.expected_of(item.kind)
    shown = f"`{default}`" if default not in ("", None, ()) and default is not False else ""
    return f"| `--{item.name}` | {takes} | {shown} | {limits.help} |"


def session() -> str:
    """Runs the sample session in an empty folder; returns its commands with their output."""
    lines = []
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", HOME_VARIABLE: home}
        for command in SESSION:
            done = subprocess.run(
                command.split(),
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=True,
            )
            # A slow machine prints how far it is.
            printed = re.sub(r"^\w[\w ]*: [\d,]+ of [\d,]+ \(.*\n", "", done.stdout, flags=re.MULTILINE)
            lines += [f"$ {command}", printed.rstrip("\n").replace(home, _USUAL_HOME), ""]
    return "\n".join(["```console", *lines[:-1], "```"])


def section(text: str, name: str) -> str:
    """Returns the content of a section of a page."""
    return _found(text, name).group(1).rstrip("\n")


def replaced(text: str, name: str, content: str) -> str:
    """Returns a page with new content of a section."""
    found = _found(text, name)
    return text[: found.start(1)] + content + "\n" + text[found.end(1) :]


def _found(text: str, name: str) -> re.Match[str]:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", text, re.DOTALL)
    if found is None:
        raise ValueError(f"The page has no section '{name}'.")
    return found


def kept(shown: str, printed: str) -> str:
    """Returns the session that a page shows if another one differs only in times."""
    return shown if _TIMES.sub("", shown) == _TIMES.sub("", printed) else printed


def main() -> None:
    """Writes all sections."""
    text = COMMANDS.read_text(encoding="utf-8")
    for name, group in GROUPS.items():
        text = replaced(text, name, tables(group))
    write_whole(COMMANDS, replaced(text, "session", kept(section(text, "session"), session())).encode("utf-8"))


if __name__ == "__main__":
    main()
