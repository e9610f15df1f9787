"""The options of retraining, and of the backbones that it starts from."""

import re
from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options.groups import MEAN, STD, TRUST, Options, option, path_option
from retrainer.options.paths import FOLDER, LABELS, MODEL, TABLE

# What TensorFlow takes for the name of a node.
_NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
STEP_FLAGS = ("how_many_training_steps", "learning_rate", "train_batch_size")
# What a comparison of backbones, which makes no model, does not take.
_OF_A_MODEL = (
    *("learning_curve", "print_misclassified_test_images", "intermediate_store_frequency"),
    *("flip_left_right", "random_crop", "random_scale", "random_brightness"),
)
# Where folds are wanted and nobody says how many.
FOLDS = 5
_BATCH = {"minimum": 1, "maximum": 1_000_000, "also": -1}


@dataclass(frozen=True)
class ModelDirOptions(Options):
    """Where backbones lie."""

    model_dir: str = path_option("tf_files/models", "Folder of the backbones' bundles and downloads.", FOLDER)


@dataclass(frozen=True)
class BackboneOptions(ModelDirOptions):
    """Where backbones lie, and what is said of one that is still to be converted."""

    offline: bool = option(False, "Download nothing: take what is here, or say what is missing.")
    bottleneck_layer: str = option(
        "", "Layer to take the features from: 'logits', or a name; by default the pooled features."
    )
    input_layer: str = option("", "Input of a backbone that has several.")
    input_mean: float | None = option(None, "The backbone sees (pixel - mean) / std; by default inferred.", **MEAN)
    input_std: float | None = option(None, "The backbone sees (pixel - mean) / std; by default inferred.", **STD)
    trust_graph: bool = option(False, TRUST)


@dataclass(frozen=True)
class RetrainOptions(BackboneOptions):
    """How to retrain: the 2017 flags with their meanings, and the few that are new."""

    image_dir: str = path_option("", "Folder with one sub-folder of photos per class.")
    output_graph: str = path_option(
        "tf_files/retrained_graph.pb", "Where to write the model; its .tflite twin lies beside it.", MODEL
    )
    intermediate_output_graphs_dir: str = path_option(
        "tf_files/intermediate_graph/", "Folder for intermediate models.", FOLDER
    )
    intermediate_store_frequency: int = option(0, "Write a model every N steps; 0 writes none.", minimum=0)
    output_labels: str = path_option(
        "tf_files/retrained_labels.txt", "Where to write the labels, one per line.", LABELS
    )
    summaries_dir: str = path_option("tf_files/retrain_logs", "Folder for TensorBoard's event files.", FOLDER)
    solver: str = option(
        "auto",
        "How to fit the head: lbfgs converges, sgd is the tutorial's gradient descent. auto takes lbfgs unless a flag "
        "of sgd is given: how_many_training_steps, learning_rate or train_batch_size.",
        choices=("auto", "lbfgs", "sgd"),
    )
    class_weight: str = option(
        "auto",
        "balanced lets each class count as much as the others, however few its photos are. auto does so if the largest "
        "class has three times as many photos as the smallest, and always in batches of gradient descent.",
        choices=("auto", "balanced", "none"),
    )
    how_many_training_steps: int | None = option(None, "Steps of gradient descent.", minimum=1, usual=4000)
    learning_rate: float | None = option(None, "Factor on the gradient at each step.", above=0, usual=0.01)
    folds: int = option(
        0,
        "Cross-validate with N folds before the final fit: each photo is tested once, by a head that did not see it; 0 "
        "skips it.",
        minimum=2,
        maximum=1000,
        also=0,
    )
    learning_curve: bool = option(
        False, "Measure what more photos would bring, and of which class, by as many folds as --folds says, or five."
    )
    compare: str = option("", "Backbones with commas between, to compare on these photos by folds; no model is made.")
    testing_percentage: int = option(10, "Percentage of the photos that only test the result.", minimum=0, maximum=99)
    validation_percentage: int = option(
        10, "Percentage of the photos that measure progress during training.", minimum=0, maximum=99
    )
    eval_step_interval: int = option(10, "Measure and log every N steps.", minimum=1)
    train_batch_size: int | None = option(None, "Photos per training step; -1 takes all.", usual=100, **_BATCH)
    test_batch_size: int = option(-1, "Photos in the final test; -1 takes all.", **_BATCH)
    validation_batch_size: int = option(
        100, "Photos per validation of gradient descent; -1 takes all, as L-BFGS always does.", **_BATCH
    )
    print_misclassified_test_images: bool = option(False, "List the test photos that the model gets wrong.")
    bottleneck_dir: str = path_option("tf_files/bottlenecks", "Folder of the cached feature vectors.", FOLDER)
    final_tensor_name: str = option("final_result", "Name of the model's output node.")
    flip_left_right: bool = option(False, "Train on mirrored views, too.")
    random_crop: int = option(0, "Train on views cropped by up to this margin, in percent.", minimum=0, maximum=1000)
    random_scale: int = option(0, "Train on views enlarged by up to this much, in percent.", minimum=0, maximum=1000)
    random_brightness: int = option(
        0, "Train on views brighter or darker by up to this much, in percent.", minimum=0, maximum=100
    )
    distortion_views: int = option(8, "Distorted views of each training photo to choose from.", minimum=1, maximum=1000)
    architecture: str = option(
        "pocket", "The backbone: 'pocket', a name of `retrainer architectures`, a TF-Hub handle, or a network's path."
    )
    runtime: str = option(
        "auto",
        "What extracts features. auto is TensorFlow if it sees a GPU, otherwise LiteRT.",
        choices=("auto", "litert", "tensorflow"),
    )
    seed: int = option(
        0,
        "Chooses the split, the first weights and the batches; the same seed gives the same model.",
        minimum=0,
        maximum=2**63 - 1,
    )
    split_by: str = option(
        "content",
        "Split by a hash of the photos' bytes, or of their paths as in 2017.",
        choices=("content", "path"),
    )
    copies: str = option(
        "together",
        "together keeps a photo and its copies (saved again, resized, cropped a little, mirrored, brightened) in one "
        "part and one fold. apart does not, which flatters the figures. A split by path ignores copies.",
        choices=("together", "apart"),
    )
    duplicates: str = path_option(
        "tf_files/duplicates.csv", "CSV table of the photos that are there more than once.", TABLE
    )
    strict: bool = option(
        False,
        "Stop at the first file or folder that cannot be read or is in no class folder, instead of leaving it out.",
    )

    def __post_init__(self) -> None:
        """Checks what one option alone cannot show."""
        super().__post_init__()
        if self.testing_percentage + self.validation_percentage >= 100:
            raise OptionError(
                "--testing_percentage and --validation_percentage: expected less than 100 together, "
                f"received {self.testing_percentage} and {self.validation_percentage}.",
                "Leave some photos to train on; 10 and 10 is usual.",
            )
        if not _NODE_NAME.fullmatch(self.final_tensor_name):
            raise OptionError(
                f"--final_tensor_name: expected a node's name, received {self.final_tensor_name!r}.",
                r"It begins with a letter, digit or dot and goes on with these and _ \ / > -, such as final_result.",
            )
        if self.solver == "lbfgs" and (given := self._step_flags()):
            raise OptionError(
                f"--{given[0]}: expected --solver sgd, whose flag it is, received --solver lbfgs.",
                "Leave one of the two out.",
            )

        if self.class_weight == "balanced" and self.train_batch_size == -1:
            raise OptionError(
                "--class_weight: expected auto or none beside --train_batch_size -1, where each photo is taken once a "
                "step; received balanced.",
                "Leave one of the two out.",
            )
        if self.compare and (given := [name for name in _OF_A_MODEL if getattr(self, name)]):
            raise OptionError(
                f"--compare: expected no --{given[0]} beside it, since it makes no model.", "Leave one of the two out."
            )

    @property
    def descends(self) -> bool:
        """Whether gradient descent fits the head, rather than L-BFGS."""
        return self.solver == "sgd" or (self.solver == "auto" and bool(self._step_flags()))

    def _step_flags(self) -> list[str]:
        """Those flags of gradient descent that were given."""
        return [name for name in STEP_FLAGS if getattr(self, name) is not None]


@dataclass(frozen=True)
class FetchOptions(BackboneOptions):
    """Which backbones to prepare, and for which machine."""

    to: str = path_option("", "Folder to carry to a machine without network: its --model_dir.", FOLDER)
    image_dir: str = path_option("", "Photos to compare new bundles on, and to calibrate int8 ones on.")


@dataclass(frozen=True)
class ArchitecturesOptions(ModelDirOptions):
    """How to show the table of networks."""

    json: bool = option(False, "Print JSON, with the source of each figure.")
