"""The photos of a retraining, and their split into training, validation and test photos."""

from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.groups import Options, clean_list_option, label_from_option, option, path_option, seed_option
from retrainer.options.paths import TABLE

# The number of folds if none is given.
FOLDS = 5
# The size of a batch that takes all photos.
ALL = -1
# How photos are split: by given parts if there are any, otherwise by content.
AUTO, FOLDERS = "auto", "folders"
BATCH_LIMITS = {"minimum": 1, "maximum": 1_000_000, "also": ALL}


@dataclass(frozen=True, kw_only=True)
class SplitOptions(Options):
    """Which photos there are, and which of them train, validate and test."""

    heading = headings.PHOTOS

    image_dir: str = path_option(
        "",
        "Folder with one sub-folder of photos per class, perhaps in folders train, val and test; an archive of such a "
        "folder; or a table (.csv, .jsonl, .parquet) with columns path and label, and perhaps split and group.",
        tables=True,
        heading=headings.START,
    )
    label_from: str = label_from_option()
    clean_list: str = clean_list_option("By default all photos are taken as they lie.")
    strict: bool = option(
        False,
        "Stop at the first file or folder that cannot be read or is in no class folder, instead of leaving it out.",
    )
    split_by: str = option(
        AUTO,
        "folders keeps given parts: folders such as train, val and test, or the split column of a table. content "
        "splits by a hash of the photos' bytes; path splits by a hash of their paths, as in 2017. auto is folders if "
        "there are given parts, otherwise content.",
        choices=(AUTO, "content", FOLDERS, "path"),
    )
    testing_percentage: int = option(10, "Percentage of the photos that only test the result.", minimum=0, maximum=99)
    validation_percentage: int = option(
        10, "Percentage of the photos that measure progress during training.", minimum=0, maximum=99
    )
    test_batch_size: int = option(-1, "Photos in the final test; -1 takes all.", **BATCH_LIMITS)
    copies: str = option(
        "together",
        "together keeps a photo and its copies (saved again, resized, cropped a little, mirrored, brightened) in one "
        "part and one fold. apart may separate them, which flatters the figures. A split by path ignores copies.",
        choices=("together", "apart"),
    )
    duplicates: str = path_option(
        "",
        "CSV table to list photos and their copies in.",
        TABLE,
        command="tf_files/duplicates.csv",
        heading=headings.PLACES,
    )
    folds: int | None = option(
        None,
        "Cross-validate with N folds before the final fit; 0 skips it. By default five folds if there are fewer than "
        "1,000 photos or 100 test photos, and if they take seconds. A split by path or with "
        "given test photos has none by default.",
        minimum=2,
        maximum=1000,
        also=0,
        usual="auto",
        heading=headings.HOW_GOOD,
    )
    learning_curve: bool = option(
        False,
        "Measure how much more photos would help, and of which class. It takes five folds unless --folds is given.",
        heading=headings.HOW_GOOD,
    )
    seed: int = seed_option()

    def __post_init__(self) -> None:
        """Checks the percentages together."""
        super().__post_init__()
        if self.testing_percentage + self.validation_percentage >= 100:
            raise OptionError(
                "--testing_percentage and --validation_percentage: expected less than 100 together, "
                f"received {self.testing_percentage} and {self.validation_percentage}.",
                "Leave some photos to train on; 10 and 10 is usual.",
            )
