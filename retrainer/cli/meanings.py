"""What people mean by flags and commands that do not exist: the names that other programs give them."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

# A name that has less in common with what was typed is not proposed, from 0 to 1.
_NEAR = 0.75


class Meaning(NamedTuple):
    """A row of a table.

    Attributes:
        typed: Names in other programs, without leading hyphens; those inside are hyphens.
        flag: The flag that is meant; the row holds only for commands that have it, or for all if it is empty.
        sentence: What to type instead.
    """

    typed: str
    flag: str
    sentence: str


# Of several rows that hold the first is taken.
FLAGS = (
    Meaning("model name architecture backbone arch", "to", "Give the name alone: `retrainer fetch NAME`."),
    Meaning("n limit count tail", "last", "Use --last N."),
    Meaning(
        "epochs epoch num-epochs n-epochs max-epochs iterations max-iter max-steps steps num-steps training-steps",
        "how_many_training_steps",
        "Leave it out: the default solver stops by itself. Gradient descent takes --how_many_training_steps N.",
    ),
    Meaning("batch-size batch bs", "train_batch_size", "Gradient descent takes --train_batch_size N."),
    Meaning(
        "lr rate step-size learning eta",
        "learning_rate",
        "Leave it out: the default solver needs none. Gradient descent takes --learning_rate X.",
    ),
    Meaning("optimizer optim algorithm", "solver", "Use --solver lbfgs or --solver sgd."),
    Meaning(
        "weight-decay regularization l2 penalty dropout momentum early-stopping patience scheduler warmup",
        "solver",
        "Leave it out: retrainer tries several penalties and keeps the one that is best on validation photos.",
    ),
    Meaning(
        "freeze unfreeze fine-tune finetune freeze-backbone",
        "architecture",
        "Leave it out: only the head is trained, and the backbone stays as it is.",
    ),
    Meaning("pretrained", "architecture", "Leave it out: every backbone is pretrained."),
    Meaning(
        "model backbone arch network net base-model model-name encoder weights checkpoint",
        "architecture",
        "Use --architecture NAME; `retrainer architectures` lists the names.",
    ),
    Meaning(
        "model model-path weights checkpoint ckpt load m pb tflite model-file architecture output-graph",
        "graph",
        "Use --graph FILE, the model that `retrainer retrain` wrote.",
    ),
    Meaning(
        "img-size image-size imgsz input-size size resolution imsize input-height input-width height width",
        "architecture",
        "Use --architecture NAME@SIZE, such as efficientnet_lite0@352.",
    ),
    Meaning(
        "img-size image-size imgsz input-size size resolution imsize",
        "input_height",
        "Leave it out: a model says its size. For another graph give --input_height and --input_width.",
    ),
    Meaning(
        "data dataset data-dir data-path dataset-dir dir folder input input-dir input-path image images images-dir "
        "image-folder img-dir photo photos train train-dir train-data root path source file csv table",
        "image_dir",
        "Use --image_dir FOLDER, or the folder alone.",
    ),
    Meaning(
        "data dataset dir folder input input-dir image-dir image-path images img photo photos file files path source "
        "url table i",
        "image",
        "Use --image PHOTO, or the photo or the folder alone.",
    ),
    Meaning("label-file labels-file label-path class-names names classes", "labels", "Use --labels FILE."),
    Meaning(
        "classes num-classes n-classes class-names labels",
        "image_dir",
        "Leave it out: the names of the sub-folders are the classes.",
    ),
    Meaning(
        "output out output-dir out-dir output-path save save-dir save-path model-out export o output-model "
        "checkpoint-dir graph",
        "output_graph",
        "Use --output_graph FILE; --output_labels FILE names the file of labels.",
    ),
    Meaning("out output-file output-path output-csv save save-path o", "output", "Use --output FILE."),
    Meaning("output out save errors wrong misclassified", "mistakes", "Use --mistakes FILE.csv."),
    Meaning(
        "device gpu gpus cuda cpu accelerator use-gpu no-gpu backend",
        "runtime",
        "Use --runtime tensorflow for a GPU, or --runtime litert for the CPU; the default chooses.",
    ),
    Meaning(
        "device gpu gpus cuda cpu accelerator use-gpu backend",
        "",
        "Leave it out: retrainer chooses the device.",
    ),
    Meaning(
        "workers num-workers threads num-threads jobs n-jobs j processes",
        "",
        "Leave it out: retrainer uses the cores that the process may use.",
    ),
    Meaning(
        "val-split validation-split val-size val-ratio val-fraction val-percentage val",
        "validation_percentage",
        "Use --validation_percentage N, or a folder val beside train.",
    ),
    Meaning(
        "test-split test-size test-ratio test-fraction test-percentage test split train-split",
        "testing_percentage",
        "Use --testing_percentage N, or a folder test beside train.",
    ),
    Meaning("cv kfold k-fold n-folds num-folds fold cross-validate cross-validation", "folds", "Use --folds N."),
    Meaning("random-state random-seed rng", "seed", "Use --seed N."),
    Meaning(
        "augment augmentation augmentations aug data-augmentation",
        "flip_left_right",
        "Use --preset best, or --flip_left_right, --random_crop, --random_scale and --random_brightness.",
    ),
    Meaning("flip hflip horizontal-flip mirror fliplr", "flip_left_right", "Use --flip_left_right."),
    Meaning("quantize quantized int8 quantization", "architecture", "Use --architecture NAME_quantized."),
    Meaning(
        "format export-format tflite saved-model onnx",
        "output_graph",
        "Leave it out: each run writes the model as .pb and as .tflite.",
    ),
    Meaning("log-dir logdir logs tensorboard", "summaries_dir", "Use --summaries_dir FOLDER."),
    Meaning("cache cache-dir features", "bottleneck_dir", "Use --bottleneck_dir FOLDER."),
    Meaning("balance balanced class-weights weighted", "class_weight", "Use --class_weight balanced."),
    Meaning(
        "resume continue restart",
        "output_graph",
        "Leave it out: the same command goes on, since feature vectors are kept.",
    ),
    Meaning("top-k topk k n-best num-top-predictions", "top", "Use --top N."),
    Meaning(
        "threshold conf confidence min-score unknown reject-unknown",
        "reject",
        "Use --reject, which leaves out photos that are unlike all that the model learnt from.",
    ),
    Meaning("scores probabilities probs all proba", "all_scores", "Use --all_scores --format csv."),
    Meaning("csv parquet jsonl", "format", "Use --format, such as --format csv."),
    Meaning(
        "min-accuracy fail-under fail-below threshold", "assert_accuracy_at_least", "Use --assert_accuracy_at_least X."
    ),
    Meaning("silent no-progress s", "quiet", "Use --quiet."),
    Meaning("debug log-level verbosity", "verbose", "Use --verbose."),
    Meaning("age days older", "older_than", "Use --older_than 90d."),
    Meaning(
        "force overwrite yes y f", "output_graph", "Leave it out: the model that is replaced stays beside the new one."
    ),
    Meaning("count n num per-kind", "per_class", "Use --per_class N."),
    Meaning("gui ui web serve browser review decide", "interactive", "Use --interactive."),
    Meaning("fix auto yes y automatic", "accept", "Use --accept all, or --accept label,copy."),
    Meaning("html report view", "page", "Use --page FILE.html."),
    Meaning("delete remove move", "apply", "Use --apply, which moves what is set aside; --undo moves it back."),
    Meaning("restore revert rollback", "undo", "Use --undo."),
    Meaning("list output out save decisions o", "clean_list", "Use --clean_list FILE.csv."),
    Meaning("version", "", "Type `retrainer --version`."),
    Meaning("models benchmark", "compare", "Use --compare with names of backbones and commas between."),
)

COMMANDS = (
    Meaning("train fit learn finetune fine-tune teach", "", "Use `retrainer retrain PHOTOS`."),
    Meaning(
        "predict classify infer inference detect recognize label-image label_image tag run",
        "",
        "Use `retrainer label PHOTO`.",
    ),
    Meaning("test eval validate val score measure metrics", "", "Use `retrainer evaluate`."),
    Meaning("compare benchmark", "", "Use `retrainer retrain PHOTOS --compare NAME,NAME`."),
    Meaning(
        "export convert save freeze quantize",
        "",
        "Use `retrainer retrain PHOTOS`: it writes the model as .pb and as .tflite.",
    ),
    Meaning("models networks backbones list ls zoo", "", "Use `retrainer architectures`."),
    Meaning("download pull get install", "", "Use `retrainer fetch NAME`; `retrainer architectures` lists the names."),
    Meaning("info show describe summary summarize", "", "Use `retrainer inspect MODEL`."),
    Meaning("history log logs experiments list-runs", "", "Use `retrainer runs`."),
    Meaning(
        "review audit curate dedupe deduplicate duplicates find-duplicates outliers mislabeled label-errors cleanup",
        "",
        "Use `retrainer clean PHOTOS`.",
    ),
    Meaning("clear prune gc", "", "Use `retrainer cache prune --older_than 90d`."),
    Meaning("demo example examples init new start quickstart", "", "Use `retrainer sample drawings`."),
    Meaning("help", "", "Use `retrainer --help`, or `retrainer COMMAND --help`."),
    Meaning("version", "", "Use `retrainer --version`."),
    Meaning("tensorboard", "", "Use `tensorboard --logdir tf_files/retrain_logs`."),
)


def meant(table: Sequence[Meaning], typed: str, known: Collection[str]) -> str:
    """Returns what to type instead.

    Args:
        table: `FLAGS` or `COMMANDS`.
        typed: A flag with any hyphens, or a command.
        known: The flags or commands that there are.

    Returns:
        A sentence, or a near name as a question; empty if nothing is near.
    """
    plain = typed.lstrip("-").replace("_", "-").lower()
    for row in table:
        if plain in row.typed.split() and (not row.flag or f"--{row.flag}" in known):
            return row.sentence
    near = _nearest(plain, known)
    return f"Did you mean {near}?" if near else ""


def _nearest(plain: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    names = {name.lstrip("-").replace("_", "-"): name for name in reversed([*known])}
    begun = [name for name in names if name.startswith(plain)]
    close = begun if len(begun) == 1 and len(plain) > 1 else get_close_matches(plain, names, n=1, cutoff=_NEAR)
    return names[close[0]] if close else ""
