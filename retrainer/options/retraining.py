"""The options of a retraining, composed of its groups."""

from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options.backbone import BackboneOptions
from retrainer.options.distortion import DistortionOptions
from retrainer.options.fit import FitOptions
from retrainer.options.groups import option
from retrainer.options.output import OutputOptions
from retrainer.options.split import SplitOptions

# A comparison of backbones makes no model, so it takes none of these.
_OF_A_MODEL = (
    *("learning_curve", "intermediate_store_frequency"),
    *("flip_left_right", "random_crop", "random_scale", "random_brightness"),
)


@dataclass(frozen=True, kw_only=True)
class RetrainOptions(SplitOptions, FitOptions, DistortionOptions, BackboneOptions, OutputOptions):
    """How to retrain: the 2017 flags with their meanings, and new ones."""

    heading = "Report"

    compare: str = option("", "Backbones with commas between, to compare on these photos by folds; no model is made.")

    def __post_init__(self) -> None:
        """Checks what a comparison does not take."""
        super().__post_init__()
        if self.compare and (given := [name for name in _OF_A_MODEL if getattr(self, name)]):
            raise OptionError(
                f"--compare: expected no --{given[0]} beside it, since it makes no model.", "Leave one of the two out."
            )

    @property
    def split(self) -> SplitOptions:
        """The photos, and which of them train, validate and test."""
        return self.only(SplitOptions)

    @property
    def fit(self) -> FitOptions:
        """The solver and its settings."""
        return self.only(FitOptions)

    @property
    def distortion(self) -> DistortionOptions:
        """The distorted views to train on."""
        return self.only(DistortionOptions)

    @property
    def backbone(self) -> BackboneOptions:
        """The backbone."""
        return self.only(BackboneOptions)

    @property
    def output(self) -> OutputOptions:
        """What is written, and where."""
        return self.only(OutputOptions)
