"""The next thing to do with a model, and the command for it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from retrainer.backbones.available import HIGH_ACCURACY, is_weaker
from retrainer.errors import RetrainerError
from retrainer.measuring.learning_curve import LearningCurve
from retrainer.options.command_line import command_of, place_of
from retrainer.options.in_memory import was_in_memory
from retrainer.options.model import InspectOptions
from retrainer.options.preset import BEST_PRESET, PRESETS
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS
from retrainer.pages.report.contents import Step
from retrainer.reports.left import Left
from retrainer.reports.verdict import Judged
from retrainer.text import named, shown

# Looking at suspicious photos comes first if they are at least this share.
_SUSPICIOUS = 0.01
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Known:
    """What decides about the next step.

    Attributes:
        left: What the run left.
        judged: How good the model is.
        image_dir: The place of the photos.
        suspicious: How many photos are suspicious; None if nobody looked.
        curve: The worth of more photos; None if it was not measured.
    """

    left: Left
    judged: Judged
    image_dir: str
    suspicious: int | None = None
    curve: LearningCurve | None = None


def step_of(known: Known) -> Step:
    """Returns the next thing to do: what is likely to help most, and cheap things first."""
    return next(_steps(known))


def _steps(known: Known) -> Iterator[Step]:
    """Yields the things that may be done next, the first first."""
    judged, figures = known.judged, known.judged.assessment
    if judged.stated:
        command = f"retrainer evaluate{graph_flag(known.left.graph)}"
        yield Step(sentence="Measure the model on photos that it has not seen.", command=command)
    if figures is None:
        yield Step(sentence="Measure the model by folds.", command=_retrain(known, folds=FOLDS))
        return
    if judged.leaked:
        command = _retrain(known, split_by="content", copies="together")
        yield Step(sentence="Draw the test photos anew, so that copies stay together.", command=command)
    if known.suspicious and known.suspicious >= _SUSPICIOUS * figures.count:
        photos = "the suspicious photo" if known.suspicious == 1 else f"the {known.suspicious:,} suspicious photos"
        command = on_photos(known, "clean", " --interactive")
        yield Step(sentence=f"Look at {photos}: some labels may be wrong.", command=command)
    if judged.is_chance or judged.is_barely_better:
        sentence = "Check that the photos show what their classes say, and that a photo tells its class."
        yield Step(sentence=sentence, command=on_photos(known, "clean"))
    if known.curve and known.curve.help_most:
        labels = named(known.curve.help_most, _NAMED)
        yield Step(sentence=f"Collect more photos of {labels}, and retrain.", command=_retrain(known))
    if judged.weak:
        label = shown(judged.weak.label)
        yield Step(sentence=f"Collect more photos of '{label}', or check those that it has.", command=_retrain(known))
    if figures.accuracy < HIGH_ACCURACY and _may_be_better(known.left):
        yield Step(sentence="Try the most accurate preset.", command=_best(known))
    if judged.is_uncertain and not (known.left.record and known.left.record.folds):
        yield Step(sentence="Measure the model on all photos by folds.", command=_retrain(known, folds=FOLDS))
    yield Step(sentence="Label new photos with it.", command=f"retrainer label PHOTO{graph_flag(known.left.graph)}")


def graph_flag(graph: str) -> str:
    """The flag that names a model, after a space; empty for the usual one."""
    return "" if graph == InspectOptions().graph else f" --graph {place_of(graph)}"


def _may_be_better(left: Left) -> bool:
    """Whether another preset is known to exceed the backbone of a model."""
    return left.given("preset") != BEST_PRESET and is_weaker(str(left.metadata.backbone.get("name", "")))


def _best(known: Known) -> str:
    """The run with the best preset, and without the options that it stands for."""
    replaced = dict.fromkeys(name for preset in PRESETS.values() for name in preset)
    return _retrain(known, preset=BEST_PRESET, **replaced)


def _retrain(known: Known, **changes: Any) -> str:
    """The run again with other options; empty if its photos are in memory."""
    if was_in_memory(known.image_dir) or not known.image_dir:
        return ""
    given = known.left.record.options if known.left.record else {}
    try:
        options = RetrainOptions(**{**given, "image_dir": known.image_dir})
        return command_of("retrain", "image_dir", replace(options, **changes))
    except (RetrainerError, TypeError):  # an option of another version, or a path that is gone
        return f"retrainer retrain {place_of(known.image_dir)}"


def on_photos(known: Known, command: str, more: str = "") -> str:
    """A command on the photos; empty if they are in memory."""
    if was_in_memory(known.image_dir) or not known.image_dir:
        return ""
    return f"retrainer {command} {place_of(known.image_dir)}{more}"
