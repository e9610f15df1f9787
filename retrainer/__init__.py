"""Teach a pretrained image network your own classes from folders of photos.

from retrainer import Labeler, retrain

result = retrain("photos", folds=5)
labeler = Labeler(result.graph)
print(labeler("photo.jpg").label)
"""

# As `typing.TYPE_CHECKING`; importing `typing` takes longer than all else before the command heeds signals.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from retrainer.cleaning.looking import clean as clean
    from retrainer.cleaning.looking import measure_cleaning as measure_cleaning
    from retrainer.comparison import compare as compare
    from retrainer.errors import RetrainerError as RetrainerError
    from retrainer.evaluation import evaluate as evaluate
    from retrainer.labeler import Labeler as Labeler
    from retrainer.measuring.cleaning_effect import CleaningEffect as CleaningEffect
    from retrainer.observers.notebook import progress_bar as progress_bar
    from retrainer.options.cleaning import CleanOptions as CleanOptions
    from retrainer.options.features import FeatureOptions as FeatureOptions
    from retrainer.options.model import EvaluateOptions as EvaluateOptions
    from retrainer.options.model import LabelOptions as LabelOptions
    from retrainer.options.retraining import RetrainOptions as RetrainOptions
    from retrainer.photos.photo import Photo as Photo
    from retrainer.photos.pictures import Picture as Picture
    from retrainer.prediction import Prediction as Prediction
    from retrainer.reports.report import Report as Report
    from retrainer.reports.report import report as report
    from retrainer.results.cleaning import Cleaning as Cleaning
    from retrainer.results.comparison import Comparison as Comparison
    from retrainer.results.evaluation import Evaluation as Evaluation
    from retrainer.results.retraining import Retraining as Retraining
    from retrainer.retraining import retrain as retrain
    from retrainer.vectors import features as features

    __version__: str

# Module -> the public names that it holds.
_NAMES = {
    "cleaning.looking": ("clean", "measure_cleaning"),
    "comparison": ("compare",),
    "errors": ("RetrainerError",),
    "evaluation": ("evaluate",),
    "labeler": ("Labeler",),
    "measuring.cleaning_effect": ("CleaningEffect",),
    "observers.notebook": ("progress_bar",),
    "options.cleaning": ("CleanOptions",),
    "options.features": ("FeatureOptions",),
    "options.model": ("EvaluateOptions", "LabelOptions"),
    "options.retraining": ("RetrainOptions",),
    "photos.photo": ("Photo",),
    "photos.pictures": ("Picture",),
    "results.cleaning": ("Cleaning",),
    "results.comparison": ("Comparison",),
    "results.evaluation": ("Evaluation",),
    "results.retraining": ("Retraining",),
    "prediction": ("Prediction",),
    "reports.report": ("Report", "report"),
    "retraining": ("retrain",),
    "vectors": ("features",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = sorted(_MODULES)  # noqa: PLE0605 (one table holds the names)


def __getattr__(name: str) -> object:
    # Imported on first use, so that `retrainer --help` and `retrainer label` start without the rest.
    if name == "__version__":
        from retrainer.version import VERSION

        return VERSION
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        from retrainer.system.missing import package_error

        raise package_error(error) or error from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
