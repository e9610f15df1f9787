"""What a report shows, as plain values: whoever has run or measured a model fills them in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from retrainer.arrays import Floats
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.learning_curve import LearningCurve
from retrainer.measuring.measured import Measured
from retrainer.measuring.training_curve import TrainingCurve


@dataclass(frozen=True, kw_only=True)
class NearPhoto:
    """A training photo that is near to another photo.

    Attributes:
        path: The photo.
        label: Its class.
        similarity: The cosine of the two feature vectors, -1 to 1.
    """

    path: str
    label: str
    similarity: float


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenPhoto:
    """A photo with its scores, as the report shows it.

    Attributes:
        path: The photo.
        label, predicted: Its own class, and the one with the highest score.
        score: That score, 0 to 1.
        second: The class with the second score, and that score; None with one class.
        nearest: The training photos nearest to it, the nearest first; at most three.
        activation: How much each place speaks for the predicted class, `(h, w)`, 0 to 1; None if it is not known.
    """

    path: str
    label: str
    predicted: str
    score: float
    second: tuple[str, float] | None = None
    nearest: tuple[NearPhoto, ...] = ()
    activation: Floats | None = None

    @classmethod
    def of(
        cls, measured: Measured, row: int, nearest: tuple[NearPhoto, ...] = (), activation: Floats | None = None
    ) -> "SeenPhoto":
        """A photo by its row among those measured."""
        scores, predicted = measured.scores[row], int(measured.predicted[row])
        second = max((n for n in range(len(scores)) if n != predicted), key=scores.__getitem__, default=None)
        return cls(
            path=measured.paths[row],
            label=measured.labels[measured.label_ids[row]],
            predicted=measured.labels[predicted],
            score=float(scores[predicted]),
            second=None if second is None else (measured.labels[second], float(scores[second])),
            nearest=nearest,
            activation=activation,
        )


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Photos with similar scores: their number, the mean of the scores and the share that is right, both 0 to 1."""

    count: int
    score: float
    right: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """The next thing to do: a sentence, and the command for it, which may be empty."""

    sentence: str
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportContents:
    """A run, as its report shows it. What is not known is None or empty, and the report says so in a sentence.

    Attributes:
        name: What was learnt from, as typed; the title names it.
        verdict: One sentence that judges the model.
        measured_on: Which photos the figures are of, such as `5 folds` or `test photos`.
        assessment: The figures; None if no photo tested the model.
        baseline: The accuracy of always answering the largest class, 0 to 1, on the same photos.
        measured: The photos measured, with their scores.
        mistakes: The surest mistakes, the surest first.
        undecided: The photos nearest to the decision between two classes, the nearest first.
        suspicious: How many photos `clean` would list; None if nobody looked.
        suspects: Those that are shown.
        step: The next thing to do.
        split: Class -> number of photos that train, validate and test.
        training_curve, learning_curve: How training went; the worth of more photos.
        calibration: Bins of scores from low to high, empty ones left out.
        copies: Sentences about copies and leaks, and tables that list them.
        skipped: Path -> reason, of files and folders that were left out.
        warnings: What the run warned of.
        command: The command that reproduces the run.
        card: Heading -> facts by their names: the model, its data, its backbone with licence, its limits.
        read: Returns the bytes of a photo's file by its path; may raise. None shows no pictures.
        list_command: The command that lists all photos with their scores, or all mistakes.
        clean_command: The command that looks for suspicious photos, or lists all of them.
        notes: What the report lacks and why, a sentence each, such as that the photos are no longer there.
    """

    name: str
    verdict: str
    measured_on: str = ""
    assessment: Assessment | None = None
    baseline: float | None = None
    measured: Measured | None = None
    mistakes: Sequence[SeenPhoto] = ()
    undecided: Sequence[SeenPhoto] = ()
    suspicious: int | None = None
    suspects: Sequence[SeenPhoto] = ()
    step: Step | None = None
    split: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    training_curve: TrainingCurve | None = None
    learning_curve: LearningCurve | None = None
    calibration: Sequence[Bin] = ()
    copies: Sequence[str] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    command: str = ""
    card: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    read: Callable[[str], bytes] | None = None
    list_command: str = ""
    clean_command: str = ""
    notes: Sequence[str] = ()
