"""The options of a retraining, composed of its groups."""

from dataclasses import dataclass

from retrainer.options.backbone import BackboneOptions
from retrainer.options.distortion import DistortionOptions
from retrainer.options.fit import FitOptions
from retrainer.options.output import OutputOptions
from retrainer.options.preset import PresetOptions, preset_line, with_preset
from retrainer.options.split import SplitOptions


@dataclass(frozen=True, kw_only=True)
class RetrainOptions(SplitOptions, PresetOptions, FitOptions, DistortionOptions, BackboneOptions, OutputOptions):
    """How to retrain: the 2017 flags with their meanings, and new ones."""

    @property
    def split(self) -> SplitOptions:
        """The photos and their split."""
        return self.only(SplitOptions)

    @property
    def fit(self) -> FitOptions:
        """The solver and its settings."""
        return self.only(FitOptions)

    @property
    def distortion(self) -> DistortionOptions:
        """The distorted views to train on; the preset sets what is not given."""
        return DistortionOptions(**with_preset(self.preset, self.values(DistortionOptions)))

    @property
    def backbone(self) -> BackboneOptions:
        """The backbone; the preset sets what is not given."""
        return BackboneOptions(**with_preset(self.preset, self.values(BackboneOptions)))

    @property
    def preset_line(self) -> str:
        """The line of the log that says what the preset stands for; empty if other options replace all of it."""
        return preset_line(self.preset, self.values(RetrainOptions))

    @property
    def output(self) -> OutputOptions:
        """The files that are written."""
        return self.only(OutputOptions)
