"""Presets: names for a backbone and its size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrainer.options.backbone import DEFAULT_ARCHITECTURE
from retrainer.options.groups import Options, option

DEFAULT_PRESET, BEST_PRESET = "good", "best"
# The options that each preset sets; their default is None. An option that the user gives keeps its value.
# Accuracy and log loss by five folds, at 288 and at 352 pixels: 91.8 %, 0.249 and 92.6 %, 0.222 on 1,250 flowers;
# 82.0 %, 0.530 and 82.0 %, 0.561 on 245 photos of clothing. At 352 pixels mirrored: 92.6 %, 0.221 and 81.6 %,
# 0.555; with four views, enlarged by up to 40 %: 92.7 %, 0.222 and 81.6 %, 0.550; with eight: 92.5 %, 0.223 on flowers.
# That is too little to tell from chance, and views take three to nine times as long, so no preset sets them.
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"architecture": "efficientnet_lite0@160"},
    DEFAULT_PRESET: {"architecture": DEFAULT_ARCHITECTURE},
    BEST_PRESET: {"architecture": "efficientnet_lite0@352"},
}


@dataclass(frozen=True, kw_only=True)
class PresetOptions(Options):
    """Which options are set together."""

    heading = "Preset"

    preset: str = option(
        DEFAULT_PRESET, "Chooses the backbone and its size; --architecture replaces it.", choices=PRESETS
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
    return " ".join(f"--{name} {value}" for name, value in values.items())
