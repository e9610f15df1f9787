"""The result of a retraining."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrainer.answers.texts import plain
from retrainer.arrays import Integers
from retrainer.events import Changed, Cleaned, CopiesFound
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.cross_validation import CrossValidation
from retrainer.measuring.learning_curve import LearningCurve
from retrainer.measuring.measured import Measured, Mistake, no_photos
from retrainer.measuring.shares import between, percent
from retrainer.measuring.training_curve import TrainingCurve
from retrainer.previous_model import PreviousModel
from retrainer.reporting import WARNING, Problem
from retrainer.results.fields import (
    Fields,
    of_changes,
    of_copies,
    of_decisions,
    of_folds,
    of_learning_curve,
    of_mistakes,
    of_previous,
    of_problems,
)
from retrainer.results.lines import line, of_texts
from retrainer.results.model import NAME, Trained, working_folder

if TYPE_CHECKING:
    from typing import Unpack

    import pandas

    from retrainer.options.keywords import ReportKeywords
    from retrainer.reports.report import Report


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Retraining(Trained):
    """The result of a retraining: how good the model is, and the model.

    The headline is measured by folds if there are any, otherwise on the test photos: `accuracy`, `interval`, `count`,
    `confusion`, `mistakes` and `to_dataframe()` are about the same photos.

    Attributes:
        files, labels, model_id, folder: The model, see `Trained`.
        backbone: The backbone's name.
        photos: How many photos were used.
        computed: How many of them went through the backbone; the feature vectors of the others were cached.
        distorted: How many photos had distorted views computed.
        skipped: How many files were no readable photos.
        test: The figures of the model on the test photos; None without test photos.
        test_photos: The test photos with the model's scores; None without test photos.
        cross_validation: The figures of folds; None if the options or the photos ask for none.
        fold_photos: All photos with the scores of the head that did not see them; None without folds.
        learning_curve: The worth of more photos; None unless the options ask for it.
        training_curve: The accuracies of the penalties that were tried, or those after steps.
        seconds: Stage -> how long it took.
        previous: The model that was replaced; None if there was none, or the same one.
        unlisted: How many folders could not be listed, or only in part.
        left_out: How many files and folders lie in no class folder or are hidden.
        leaked: How many test photos share a group with other photos, as copies do that a given split tears apart.
        image_dir: The folder or table of photos, as typed.
        copies: How many photos are copies; None if there are none.
        changed: What has changed since the last model; None if nothing has, or if it is not known.
        cleaned: How many photos a list of decisions set aside and relabelled; None if there is no list.
        problems: All warnings, and all files and folders that the run went on without.
        warnings: A line for the warnings of each kind.
        photo: The path of a photo to try the model on, which it did not learn from if photos test.
    """

    backbone: str
    photos: int
    computed: int
    distorted: int
    skipped: int
    test: Assessment | None
    cross_validation: CrossValidation | None
    seconds: Mapping[str, float]
    learning_curve: LearningCurve | None = None
    training_curve: TrainingCurve | None = None
    previous: PreviousModel | None = None
    unlisted: int = 0
    left_out: int = 0
    photo: str = ""
    leaked: int = 0
    test_photos: Measured | None = None
    fold_photos: Measured | None = None
    image_dir: str = ""
    copies: CopiesFound | None = None
    changed: Changed | None = None
    cleaned: Cleaned | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        missed = sum(one.kind != WARNING for one in self.problems)
        left_out = f"; {missed:,} {'file or folder' if missed == 1 else 'files or folders'} left out"
        photos = f"{self.photos:,} of {self.image_dir}" + left_out * bool(missed)
        return "\n".join(
            [
                f"Retraining: {self._headline}",
                line(f"{len(self.labels):,}: {', '.join(self.labels)}", "classes"),
                line(photos, "photos"),
                line(self.backbone, "backbone"),
                line(self.place, "model"),
                *of_texts("warnings", self.warnings),
            ]
        )

    @property
    def _headline(self) -> str:
        figures = self.assessment
        if figures is None:
            return "the accuracy is unknown, since no photos test"
        by = f"{len(self.cross_validation.accuracies)} folds" if self.cross_validation else "test photos"
        right = f"{percent(figures.accuracy)} of {figures.count:,} photos right ({by})"
        return f"{right}, 95 % interval {between(figures.interval)}"

    @property
    def assessment(self) -> Assessment | None:
        """All figures of the headline: those of the folds, otherwise those of the test photos; None without both."""
        return self.cross_validation.assessment if self.cross_validation else self.test

    @property
    def accuracy(self) -> float | None:
        """The share of photos that are right, 0 to 1; None if none were measured."""
        return self.assessment.accuracy if self.assessment else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval of the accuracy, 0 to 1; None if no photos were measured."""
        return self.assessment.interval if self.assessment else None

    @property
    def count(self) -> int:
        """How many photos the accuracy was measured on."""
        return self.assessment.count if self.assessment else 0

    @property
    def confusion(self) -> Integers:
        """How many photos of each class (row) are predicted as each class (column), int64 `(C, C)`."""
        rows = self.assessment.confusion if self.assessment else np.zeros((len(self.labels),) * 2)
        return np.array(rows, np.int64)

    @property
    def measured(self) -> Measured | None:
        """The photos that the accuracy was measured on, with their scores; None if there are none."""
        return self.fold_photos or self.test_photos

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The photos that were wrong among those that the accuracy was measured on, the highest scores first."""
        return self.measured.mistakes if self.measured else ()

    def report(self, path: str | os.PathLike[str], **options: "Unpack[ReportKeywords]") -> "Report":
        """Writes the report of the run, one page in HTML: `result.report("report.html")`.

        Args:
            path: Where to write it.
            options: As in `retrainer.report`, such as `no_images=True`.

        Raises:
            ModelError: the model is gone, or another run has replaced it.
            OutputError: the page cannot be written.
        """
        from retrainer.options.report import ReportOptions
        from retrainer.reports.report import made

        self._require_own()
        here = self.folder is None and working_folder() == self.working_folder
        graph = self.graph if here else self._place_of(self.graph)
        given = ReportOptions.given(graph, "graph", {**options, "report": path}, "report")
        # A folder that is removed with the result is no name for its model.
        return made(given, named=NAME if self.folder else "")

    def to_dataframe(self) -> "pandas.DataFrame":
        """A row for each photo measured: `path`, `label`, `predicted`, `score` (0 to 1) and `correct`.

        Raises:
            PackageError: pandas is not installed.
        """
        return (self.measured or no_photos(self.labels)).to_dataframe()

    def to_dict(self) -> Fields:
        """The content of the document that `retrain --json` prints, as values that JSON knows."""
        folds, curve = self.cross_validation, self.learning_curve
        fields: Fields = plain(
            {
                "image_dir": self.image_dir,
                "model": {
                    "model_id": self.model_id,
                    "graph": self.graph,
                    "files": self.files,
                    "backbone": self.backbone,
                    "labels": self.labels,
                },
                "photos": self.photos,
                "computed": self.computed,
                "distorted": self.distorted,
                "skipped": self.skipped,
                "unlisted": self.unlisted,
                "left_out": self.left_out,
                "test": self.test and asdict(self.test),
                "mistakes": of_mistakes(self.test_photos),
                "folds": of_folds(folds, self.fold_photos) if folds and self.fold_photos else None,
                "learning_curve": curve and of_learning_curve(curve),
                "previous": self.previous and of_previous(self.previous),
                "changes": of_changes(self.changed),
                "clean_list": of_decisions(self.cleaned),
                "duplicates": of_copies(self.copies),
                "problems": of_problems(self.problems),
                "seconds": self.seconds,
            },
            str,
        )
        return fields

    def _repr_html_(self) -> str:
        from retrainer.pages.notebook import Outcome, outcome_html

        folds = self.cross_validation and len(self.cross_validation.accuracies)
        return outcome_html(
            lambda: Outcome(
                assessment=self.assessment,
                photos=f"{folds} folds, each tested by a head that did not learn from it" if folds else "test photos",
                facts={
                    "Photos": f"{self.photos:,} in {len(self.labels):,} classes, from {self.image_dir}",
                    "Backbone": self.backbone,
                    "Model": self.place,
                    "Time": f"{sum(self.seconds.values()):,.1f} s",
                },
                mistakes=self.mistakes,
                curve=self.learning_curve or self.training_curve,
            )
        )
