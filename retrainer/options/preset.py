"""Presets: names for a backbone, its size and the views that heads learn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrainer.options import headings
from retrainer.options.backbone import DEFAULT_ARCHITECTURE
from retrainer.options.groups import Options, option

DEFAULT_PRESET, BEST_PRESET = "good", "best"
# The options that each preset sets; their default is None. An option that the user gives keeps its value.
# Accuracy and log loss on 1,250 flowers and on 245 photos of clothing, means of three seeds, five folds each: 91.7 %,
# 0.248 and 84.2 %, 0.492 at 288 pixels; 93.1 %, 0.218 and 82.7 %, 0.521 at 352. With the mirror image and four other
# views beside the photo 93.0 %, 0.215 and 82.6 %, 0.502 at 352: log losses lower by 0.002 ± 0.004 and 0.018 ± 0.011.
# Eight views bring no more. scripts/benchmark/README.md has all sizes and numbers of views.
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"architecture": "efficientnet_lite0@160"},
    DEFAULT_PRESET: {"architecture": DEFAULT_ARCHITECTURE},
    BEST_PRESET: {
        "architecture": "efficientnet_lite0@352",
        "flip_left_right": True,
        "random_scale": 50,
        "distortion_views": 4,
    },
}


@dataclass(frozen=True, kw_only=True)
class PresetOptions(Options):
    """Which options are set together."""

    heading = headings.START

    preset: str = option(
        DEFAULT_PRESET,
        "Chooses the backbone, its size and distorted views; the flags that it stands for replace it one by one.",
        choices=PRESETS,
    )


def with_preset(preset: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values of options in which those of a preset stand for None."""
    sets = PRESETS[preset]
    return {name: sets.get(name) if value is None else value for name, value in values.items()}


def preset_line(preset: str, values: Mapping[str, Any]) -> str:
    """Returns the line of the log that says what a preset stands for.

    Args:
        preset: Its name.
        values: The values of the options that it may set; None if the user gives none.

    Returns:
        The line; empty if the user replaces all that the default preset sets.
    """
    sets = PRESETS[preset]
    replaced = {name: values[name] for name in sets if values[name] is not None}
    if preset == DEFAULT_PRESET and len(replaced) == len(sets):
        return ""
    line = f"Preset '{preset}' stands for {_flags(sets)}"
    return f"{line}; {_flags(replaced)} is taken instead" if replaced else line


def _flags(values: Mapping[str, Any]) -> str:
    return " ".join(f"--{name}" if value is True else f"--{name} {value}" for name, value in values.items())
