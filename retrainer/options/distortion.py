"""Distorted views of photos to train on."""

from dataclasses import dataclass

from retrainer.options import headings
from retrainer.options.groups import Options, option, seed_option

_VIEWS = 8


@dataclass(frozen=True, kw_only=True)
class DistortionOptions(Options):
    """How the views that a head learns from differ from their photos."""

    heading = headings.DISTORTIONS

    flip_left_right: bool | None = option(None, "Train on mirrored views, too.")
    random_crop: int = option(0, "Train on views cropped by up to this margin, in percent.", minimum=0, maximum=1000)
    random_scale: int | None = option(
        None, "Train on views enlarged by up to this much, in percent.", minimum=0, maximum=1000, usual=0
    )
    random_brightness: int = option(
        0, "Train on views brighter or darker by up to this much, in percent.", minimum=0, maximum=100
    )
    distortion_views: int | None = option(
        None, "Number of distorted views beside each training photo.", minimum=1, maximum=1000, usual=_VIEWS
    )
    seed: int = seed_option()

    @property
    def view_count(self) -> int:
        """What `distortion_views` says, or the default."""
        return self.distortion_views or _VIEWS
