"""Distorted views of photos to train on."""

from dataclasses import dataclass

from retrainer.options.groups import Options, option, seed_option


@dataclass(frozen=True, kw_only=True)
class DistortionOptions(Options):
    """How the views that a head learns from differ from their photos."""

    heading = "Distortions"

    flip_left_right: bool = option(False, "Train on mirrored views, too.")
    random_crop: int = option(0, "Train on views cropped by up to this margin, in percent.", minimum=0, maximum=1000)
    random_scale: int = option(0, "Train on views enlarged by up to this much, in percent.", minimum=0, maximum=1000)
    random_brightness: int = option(
        0, "Train on views brighter or darker by up to this much, in percent.", minimum=0, maximum=100
    )
    distortion_views: int = option(8, "Number of distorted views of each training photo.", minimum=1, maximum=1000)
    seed: int = seed_option()
