from dataclasses import replace

import pytest

from retrainer.cli.retrain import RetrainFlags
from retrainer.errors import OptionError
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, BackboneOptions
from retrainer.options.groups import options_of
from retrainer.options.preset import DEFAULT_PRESET, PRESETS
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.distortions import Distortion


def test_a_preset_sets_the_backbone_and_its_size() -> None:
    networks = {name: RetrainOptions(preset=name).backbone.network for name in PRESETS}
    best = PRESETS["best"]["architecture"]
    assert networks == {"fast": "efficientnet_lite0@160", "good": DEFAULT_ARCHITECTURE, "best": best}
    assert RetrainOptions() == RetrainOptions(preset="good")
    assert BackboneOptions().network == DEFAULT_ARCHITECTURE


def test_each_option_of_a_preset_exists_and_is_not_given_by_default() -> None:
    defaults = {item.name: item.default for item in options_of(RetrainOptions)}
    assert {defaults[name] for sets in PRESETS.values() for name in sets} == {None}
    for sets in PRESETS.values():
        assert RetrainOptions(**sets)


def test_what_is_given_replaces_what_the_preset_sets() -> None:
    options = RetrainOptions(preset="best", architecture="pocket")
    assert options.backbone.network == "pocket"
    assert replace(RetrainOptions(), preset="fast").backbone.network == "efficientnet_lite0@160"


def test_the_best_preset_sets_views_and_flags_replace_them() -> None:
    best = Distortion.of(RetrainOptions(preset="best").distortion)
    assert best == Distortion(True, 0, 50, 0, views=4, seed=0)
    given = RetrainOptions(preset="best", random_scale=10, random_crop=5, distortion_views=7).distortion
    assert Distortion.of(given) == Distortion(True, 5, 10, 0, views=7, seed=0)
    assert Distortion.of(RetrainOptions(preset="best", flip_left_right=False, random_scale=0).distortion) is None
    assert Distortion.of(RetrainOptions().distortion) is None
    plain = Distortion.of(RetrainOptions(random_crop=5).distortion)
    assert plain is not None
    assert plain.views == 8


def test_the_log_says_what_a_preset_stands_for() -> None:
    assert RetrainOptions().preset_line == f"Preset 'good' stands for --architecture {DEFAULT_ARCHITECTURE}"
    fast = "Preset 'fast' stands for --architecture efficientnet_lite0@160"
    assert RetrainOptions(preset="fast").preset_line == fast
    best = RetrainOptions(preset="best", random_scale=0).preset_line
    assert best == (
        "Preset 'best' stands for --architecture efficientnet_lite0@352 --flip_left_right --random_scale 50 "
        "--distortion_views 4; --random_scale 0 is taken instead"
    )
    replaced = RetrainOptions(preset="fast", architecture="pocket")
    assert replaced.preset_line == f"{fast}; --architecture pocket is taken instead"
    assert RetrainOptions(architecture="pocket").preset_line == ""


def test_presets_that_do_not_exist_or_say_nothing_of_a_comparison() -> None:
    with pytest.raises(OptionError) as error:
        RetrainOptions(preset="better")
    assert str(error.value) == "--preset: expected one of fast, good, best, received 'better'."
    with pytest.raises(OptionError, match="--compare: expected no --preset beside it"):
        RetrainFlags(preset="best", compare="pocket")
    assert RetrainFlags(preset=DEFAULT_PRESET, compare="pocket")
