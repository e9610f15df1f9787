"""The page on backbones and the card of the built-in one name what is there."""

import re
from dataclasses import fields
from pathlib import Path

import retrainer.backbones
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.from_tflite import _INT8_TOLERANCE
from retrainer.backbones.converting.hints import COMPARED
from retrainer.backbones.converting.verification import TOLERANCE

FOLDER = Path(retrainer.backbones.__file__).parent
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8").split("# Backbones: from a name to a bundle")[1]
CARD = (FOLDER / "pocket" / "CARD.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py"))


def test_paths_and_names_of_the_page_exist() -> None:
    paths = re.findall(r"`([\w/]+(?:\.py|\.csv|/))`", PAGE)
    assert len(paths) > 15
    for path in paths:
        assert ((FOLDER.parents[1] if path.startswith("tests/") else FOLDER) / path).exists(), path
    for name in re.findall(r"`([A-Za-z_.]+)\(\)`", PAGE):
        assert f"def {name.split('.')[-1]}(" in CODE, name
    for name in re.findall(r"`([A-Z][A-Za-z]+|[A-Z]+)`", PAGE):
        assert re.search(rf"^(class )?{name}\b", CODE, re.MULTILINE) or name in ("BackboneError", "DownloadError"), name


def test_the_page_names_all_fields_and_the_limits_of_a_bundle() -> None:
    section = PAGE.split("## A bundle")[1].split("## ")[0]
    described = {field.name for field in fields(Bundle)} - {"folder"}
    assert described <= set(re.findall(r"`(\w+)`", section))
    assert f"at most {COMPARED} photos" in PAGE
    assert (TOLERANCE, _INT8_TOLERANCE) == (1e-3, 5e-2)
    assert "more than 1e-3 of the largest\n   feature is an error (5e-2 if" in PAGE


def test_the_card_names_the_files_of_the_built_in_backbone() -> None:
    named = set(re.findall(r"`([\w.]+\.\w+)`", CARD.split("## Files")[1].split("## ")[0]))
    assert {path.name for path in (FOLDER / "pocket").iterdir()} - {"CARD.md"} == named - {"build_pocket.py"}
