"""Which photos are looked through for what may be wrong, and where findings and decisions are kept."""

from dataclasses import dataclass

from retrainer.options import headings
from retrainer.options.backbone import BackboneOptions
from retrainer.options.command_line import flags_of, place_of
from retrainer.options.groups import Options, as_in, option, options_of, path_option
from retrainer.options.in_memory import TableInMemory
from retrainer.options.paths import TABLE
from retrainer.options.preset import PresetOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import FOLDS, SplitOptions


@dataclass(frozen=True, kw_only=True)
class _ListOptions(Options):
    """The list of findings and decisions."""

    heading = headings.START

    clean_list: str = path_option(
        "",
        "CSV table of findings and decisions. Decisions that stand in it are kept, and the photos are looked at as if "
        "they were carried out.",
        TABLE,
        command="tf_files/clean.csv",
    )
    accept: str = option(
        "",
        "Take the suggestions of these kinds of findings, such as label,copy, or those of all. Photos that are "
        "decided, and test photos, stay as they are.",
        heading=headings.DECIDING,
    )


@dataclass(frozen=True, kw_only=True)
class _PhotoOptions(Options):
    """Which photos there are, how `retrain` splits them, and by which folds decisions are measured."""

    heading = headings.PHOTOS

    image_dir: str = as_in(SplitOptions, "image_dir")
    label_from: str = as_in(SplitOptions, "label_from")
    strict: bool = as_in(SplitOptions, "strict")
    split_by: str = as_in(SplitOptions, "split_by")
    testing_percentage: int = as_in(SplitOptions, "testing_percentage")
    validation_percentage: int = as_in(SplitOptions, "validation_percentage")
    folds: int = option(
        FOLDS,
        "Measure what the decisions bring by N folds.",
        minimum=2,
        maximum=1000,
        heading=headings.HOW_GOOD,
    )
    seed: int = as_in(SplitOptions, "seed")


@dataclass(frozen=True, kw_only=True)
class CleanOptions(_PhotoOptions, _ListOptions, PresetOptions, BackboneOptions):
    """How to look for photos that may be wrong."""

    def __post_init__(self) -> None:
        """Checks the options of a retraining together."""
        super().__post_init__()
        self.run  # noqa: B018 (it raises)

    @property
    def run(self) -> RetrainOptions:
        """The options of a retraining on these photos, which reads no list and writes nothing."""
        known = {item.name for item in options_of(RetrainOptions)} - {"clean_list"}
        return RetrainOptions(**{name: value for name, value in self.values(CleanOptions).items() if name in known})

    @classmethod
    def like(cls, run: RetrainOptions) -> "CleanOptions":
        """Returns the options that look at the photos of a retraining as it saw them."""
        shared = {item.name for item in options_of(RetrainOptions)} - {"folds"}
        known = {item.name for item in options_of(cls)}
        return cls(**{name: value for name, value in run.values(RetrainOptions).items() if name in known & shared})

    def command(self, *flags: str) -> list[str]:
        """Returns the command that looks at the same photos with the same list, and with more flags, in its words."""
        own = flags_of(self, ("image_dir", "accept"))
        return ["retrainer clean", place_of(self.image_dir), *own, *flags]

    @property
    def deciding(self) -> str:
        """The command that serves a page to decide on; empty if there is none, as without a list."""
        if not self.clean_list or isinstance(self.image_dir, TableInMemory):
            return ""
        return " ".join(self.command("--interactive"))
