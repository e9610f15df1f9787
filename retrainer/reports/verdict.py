"""A sentence that judges a model, and the next thing to do. It praises nothing that chance explains."""

from dataclasses import dataclass

from retrainer.measuring.assessment import Assessment, ClassFigures
from retrainer.measuring.shares import between, percent
from retrainer.text import counted, shown
from retrainer.training.metrics import accuracy_interval

# A model whose interval begins here is good if no class is clearly weak.
_GOOD = 0.85
# One that removes less than this share of the errors of the baseline is barely better.
_BARELY = 0.25
# Figures with a wider interval say little.
_WIDE = 0.2
# A class is clearly weak if its interval ends below this.
_WEAK = 0.7
# Scores are called too sure, or not sure enough, if their error is this large and this many times that of chance.
_UNSURE, _TIMES = 0.05, 2.0


@dataclass(frozen=True)
class Judged:
    """What is known of how good a model is.

    Attributes:
        assessment: The figures; None if there are none.
        baseline: The accuracy of always answering the largest class, 0 to 1.
        largest: That class.
        folds: The number of folds that measured it; 0 if its test photos did.
        stated: The accuracy and the number of test photos that the model itself states; None if it states none.
        leaked: How many test photos have a copy or their group among other photos, if the figures are of test photos.
    """

    assessment: Assessment | None
    baseline: float = 0.0
    largest: str = ""
    folds: int = 0
    leaked: int = 0
    stated: tuple[float, int] | None = None

    @property
    def is_chance(self) -> bool:
        """Whether chance explains that the model is better than the baseline, or it is not better."""
        return self.assessment is not None and self.assessment.interval[0] <= self.baseline

    @property
    def is_barely_better(self) -> bool:
        """Whether it removes only a small share of the baseline's errors."""
        figures = self.assessment
        if figures is None:
            return False
        return figures.accuracy - self.baseline < _BARELY * (1 - self.baseline)

    @property
    def is_good(self) -> bool:
        """Whether most photos are right for certain, in each class, and the figures can be believed."""
        figures = self.assessment
        if figures is None or self.is_chance or self.is_barely_better or self.leaked:
            return False
        return figures.interval[0] >= _GOOD and self.weak is None

    @property
    def weak(self) -> ClassFigures | None:
        """The class with the fewest right photos if chance does not explain that it is below the others."""
        tested = [one for one in self.assessment.classes if one.support] if self.assessment else []
        worst = min(tested, key=lambda one: (one.correct / one.support, -one.support), default=None)
        if worst is None or self.assessment is None:
            return None
        _, high = accuracy_interval(worst.correct, worst.support)
        return worst if high < min(_WEAK, self.assessment.accuracy) else None

    @property
    def is_uncertain(self) -> bool:
        """Whether too few photos were measured to tell."""
        return self.assessment is not None and self.assessment.interval[1] - self.assessment.interval[0] > _WIDE


def verdict(judged: Judged) -> str:
    """Returns one sentence that judges the model."""
    figures = judged.assessment
    if figures is None and judged.stated:
        accuracy, count = judged.stated
        interval = between(accuracy_interval(accuracy * count, count))
        said = f"it states {percent(accuracy)} of {count:,} test photos right ({interval})"
        return f"Unknown: what the run measured is not beside the model; {said}."
    if figures is None:
        return "Unknown: no photo tested the model, so nobody can say how good it is."
    photos = counted(figures.count, "photo" if judged.folds else "test photo")
    by = f" by {judged.folds:,} folds" if judged.folds else ""
    right = f"{percent(figures.accuracy)} of {photos} right{by} ({between(figures.interval)}"
    baseline = f"always answering '{shown(judged.largest)}' gives {percent(judged.baseline)}"
    if judged.is_chance:
        better = figures.accuracy > judged.baseline
        reason = "which chance can explain" if better else "so it has learnt nothing"
        return f"No better than guessing: {right}); {baseline}, {reason}."
    if judged.is_barely_better:
        return f"Barely better than guessing: {right}); {baseline}."
    word = "Good" if judged.is_good else "Usable"
    if but := _but(judged, figures):
        return f"{word}: {right}, baseline {percent(judged.baseline)}), but {but}."
    return f"{word}: {right}); {baseline}."


def _but(judged: Judged, figures: Assessment) -> str:
    """The weightiest of what speaks against a model; empty if nothing does."""
    if judged.leaked:
        have = "has a copy" if judged.leaked == 1 else "have copies"
        return f"{counted(judged.leaked, 'test photo')} {have} among other photos, which flatters the figures"
    if judged.is_uncertain:
        return f"{figures.count:,} photos are too few to tell more"
    if weak := judged.weak:
        return f"'{shown(weak.label)}' is often wrong: only {weak.correct:,} of {weak.support:,} right"
    error, floor = figures.calibration_error, figures.calibration_floor
    if error > _UNSURE and error > _TIMES * floor:
        return f"its scores are off by {100 * error:.0f} points on average"
    return ""
