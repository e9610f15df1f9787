"""What the estimators share: how they take pictures, and which options they were given."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import BaseEstimator

from retrainer.options.features import FeatureOptions
from retrainer.options.groups import options_of
from retrainer.options.preset import DEFAULT_PRESET
from retrainer.sklearn.inputs import InputError, pictures_in
from retrainer.text import brief
from retrainer.vectors import FeatureSource


class TakesPictures(BaseEstimator):  # type: ignore[misc]
    """An estimator whose `X` holds pictures, and whose parameters are options of retrainer."""

    def __init__(  # noqa: PLR0913 (scikit-learn wants each parameter by its name)
        self,
        *,
        preset: str = DEFAULT_PRESET,
        architecture: str | None = None,
        runtime: str = "auto",
        offline: bool = False,
        model_dir: str = "",
        bottleneck_dir: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.preset = preset
        self.architecture = architecture
        self.runtime = runtime
        self.offline = offline
        self.model_dir = model_dir
        self.bottleneck_dir = bottleneck_dir
        self.options = options

    def __sklearn_tags__(self) -> Any:
        """Says that `X` is no table of numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def _pictures(self, X: Any) -> Sequence[Any]:  # noqa: N803 (scikit-learn's name)
        """The pictures in `X`."""
        return pictures_in(X)

    def _given(self) -> dict[str, Any]:
        """The options, without those that are None, which leaves them to retrainer."""
        given = self.get_params(deep=False)
        more = given.pop("options")
        if not isinstance(more, Mapping | None):
            raise InputError(f"options: expected a dict, received {brief(more)}.")
        return {name: value for name, value in {**given, **(more or {})}.items() if value is not None}

    def _source(self) -> FeatureSource:
        """The backbone and its cache."""
        names = [option.name for option in options_of(FeatureOptions)]
        return FeatureSource(FeatureOptions(**{name: value for name, value in self._given().items() if name in names}))
