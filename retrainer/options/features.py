"""Options of feature vectors for models of others."""

from dataclasses import dataclass

from retrainer.options.backbone import BackboneOptions
from retrainer.options.preset import PresetOptions, with_preset


@dataclass(frozen=True, kw_only=True)
class FeatureOptions(PresetOptions, BackboneOptions):
    """Which backbone computes feature vectors, and where they are cached."""

    @property
    def backbone(self) -> BackboneOptions:
        """The backbone; the preset sets what is not given."""
        return BackboneOptions(**with_preset(self.preset, self.values(BackboneOptions)))
