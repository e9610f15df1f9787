"""The charts of a learning curve and of a training."""

import math

from retrainer.measuring.learning_curve import LearningCurve
from retrainer.measuring.training_curve import TrainingCurve
from retrainer.pages.charts import Curve, Point, chart
from retrainer.pages.markup import Markup

_POINTS = 40


def curve_chart(curve: LearningCurve | TrainingCurve) -> Markup:
    """The accuracy by the number of training photos, or by what training tried."""
    if isinstance(curve, LearningCurve):
        points = [Point(f"{point.photos:,}", point.accuracy, point.interval) for point in curve.points]
        return chart("Learning curve", "training photos", [Curve("accuracy, 95 % interval", points)])
    # Hundreds of steps would be as many marks, which take room and tell no more. The last one stays.
    thinned = curve.points[:: -max(1, len(curve.points) // _POINTS)][::-1]
    names = [f"{float(f'{point.at:.2g}'):g}" if curve.by == "penalty" else f"{point.at:,.0f}" for point in thinned]
    chosen = next((f"; the model takes {name}" for name, point in zip(names, thinned, strict=True) if point.chosen), "")
    accuracies = {
        "training photos": [point.training for point in thinned],
        "photos held out": [point.validation for point in thinned],
    }
    curves = [
        Curve(who, list(map(Point, names, shares)))
        for who, shares in accuracies.items()
        if any(map(math.isfinite, shares))
    ]
    return chart(f"Training: accuracy by {curve.by}{chosen}", curve.by, curves)
