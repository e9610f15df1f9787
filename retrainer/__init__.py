"""Teach a pretrained image network your own classes from folders of photos.

from retrainer import Labeler, LabelOptions, RetrainOptions, retrain

result = retrain(RetrainOptions(image_dir="photos"))
labeler = Labeler(LabelOptions(graph=result.graph))
print(labeler.label("photo.jpg").ranking)
"""

# As `typing.TYPE_CHECKING`, whose import takes longer than all that stands before the command heeds signals.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from retrainer.comparison import Comparison as Comparison
    from retrainer.comparison import compare as compare
    from retrainer.errors import RetrainerError as RetrainerError
    from retrainer.evaluation import Evaluation as Evaluation
    from retrainer.evaluation import evaluate as evaluate
    from retrainer.labeler import Labeler as Labeler
    from retrainer.labeler import Prediction as Prediction
    from retrainer.options.model import EvaluateOptions as EvaluateOptions
    from retrainer.options.model import LabelOptions as LabelOptions
    from retrainer.options.retraining import RetrainOptions as RetrainOptions
    from retrainer.retraining import Retraining as Retraining
    from retrainer.retraining import retrain as retrain

_HOMES = {
    "Comparison": "comparison",
    "EvaluateOptions": "options.model",
    "Evaluation": "evaluation",
    "LabelOptions": "options.model",
    "Prediction": "labeler",
    "Labeler": "labeler",
    "RetrainOptions": "options.retraining",
    "RetrainerError": "errors",
    "Retraining": "retraining",
    "compare": "comparison",
    "evaluate": "evaluation",
    "retrain": "retraining",
}
__all__ = [
    "Comparison",
    "EvaluateOptions",
    "Evaluation",
    "LabelOptions",
    "Labeler",
    "Prediction",
    "RetrainOptions",
    "RetrainerError",
    "Retraining",
    "compare",
    "evaluate",
    "retrain",
]


def __getattr__(name: str) -> object:
    # Imported on first use, so that `retrainer --help` and `retrainer label` start without the rest.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
