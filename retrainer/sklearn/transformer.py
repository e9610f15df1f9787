"""A transformer that turns pictures into feature vectors, for any estimator behind it."""

from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin

from retrainer.arrays import Floats
from retrainer.options.features import FeatureOptions
from retrainer.sklearn.taking_pictures import TakesPictures
from retrainer.vectors import FeatureSource


class BottleneckFeatures(TransformerMixin, TakesPictures):  # type: ignore[misc]
    """Turns pictures into the feature vectors of a pretrained backbone; see `retrainer.features`.

    It learns nothing, so it need not be fitted.

    Args:
        preset, architecture: The backbone, as `retrainer.FeatureOptions` describes them.
        runtime, offline, model_dir, bottleneck_dir: What runs it, and where it and its cached vectors lie, likewise.
        options: Further options by name, such as `{"bottleneck_layer": "logits"}`.

    Examples:
        >>> from sklearn.svm import SVC
        >>> pipeline = make_pipeline(BottleneckFeatures(preset="fast"), SVC())
    """

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002, N803
        """Checks the options; `X` and `y` are not used."""
        self._source()
        return self

    def transform(self, X: Any) -> Floats:  # noqa: N803
        """Returns the feature vectors of N pictures, float32 `(N, D)`.

        Raises:
            PictureError: a picture cannot be read; `path` names it.
        """
        return self._source().vectors(self._pictures(X))

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002
        """Returns the names of the D numbers of a vector: `bottleneck0`, `bottleneck1` and so on."""
        return np.array([f"bottleneck{number}" for number in range(self._source().bundle.depth)], object)

    def _source(self) -> FeatureSource:
        return FeatureSource(FeatureOptions.given(FeatureOptions(), "", self._given(), type(self).__name__))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags
