"""Which backbone extracts features, where it lies, and how a new one is prepared."""

from dataclasses import dataclass

from retrainer.options import headings
from retrainer.options.groups import MEAN_LIMITS, STD_LIMITS, TRUST, Options, option, path_option
from retrainer.options.paths import BOTTLENECKS, FOLDER


@dataclass(frozen=True, kw_only=True)
class ModelDirOptions(Options):
    """Where backbones lie."""

    heading = headings.BACKBONE

    model_dir: str = path_option(
        "",
        "Folder of the backbones' bundles and downloads; by default tf_files/models for those that it has, and for the "
        "others the folder that all projects share.",
        FOLDER,
    )


@dataclass(frozen=True, kw_only=True)
class BundleOptions(ModelDirOptions):
    """Where backbones lie, and how a new one is downloaded and converted."""

    offline: bool = option(False, "Download nothing; fail if a file is missing on this machine.")
    bottleneck_layer: str = option(
        "", "Layer to take the features from: 'logits', or a name; by default the pooled features."
    )
    input_layer: str = option("", "Name of the input, if the backbone has several.")
    input_mean: float | None = option(
        None, "The backbone sees (pixel - mean) / std; by default inferred.", **MEAN_LIMITS
    )
    input_std: float | None = option(None, "The backbone sees (pixel - mean) / std; by default inferred.", **STD_LIMITS)
    trust_graph: bool = option(False, TRUST)


# Lite0's weights are installed with retrainer. It was trained on 224 pixels, and more of them pay, since photos of a
# folder fill the frame less than ImageNet's crops. Accuracies at 224, 288 and 320 pixels, by five folds: 92.2, 93.0 and
# 93.1 % on 3,000 flowers, 81.6, 84.9 and 83.3 % on 245 photos of clothing.
DEFAULT_ARCHITECTURE = "efficientnet_lite0@288"


@dataclass(frozen=True, kw_only=True)
class BackboneOptions(BundleOptions):
    """Which backbone extracts features, and how."""

    architecture: str | None = option(
        None,
        "The backbone: a name of `retrainer architectures`, a TF-Hub handle or a network's path; @SIZE sets pixels.",
        usual=DEFAULT_ARCHITECTURE,
    )
    runtime: str = option(
        "auto",
        "Library that extracts features. auto takes TensorFlow if it sees a GPU, otherwise LiteRT.",
        choices=("auto", "litert", "tensorflow"),
    )
    bottleneck_dir: str = path_option(
        "", "Folder of the cached feature vectors.", FOLDER, command=BOTTLENECKS, heading=headings.PLACES
    )

    @property
    def network(self) -> str:
        """What `architecture` says, or the default."""
        return DEFAULT_ARCHITECTURE if self.architecture is None else self.architecture


@dataclass(frozen=True, kw_only=True)
class FetchOptions(BundleOptions):
    """Which photos new backbones are checked on, and which folder they are copied to."""

    heading = headings.START

    to: str = path_option("", "Folder to copy the bundles to: the --model_dir of a machine without Internet.", FOLDER)
    image_dir: str = path_option("", "Folder of photos to check new bundles on, and to calibrate int8 ones on.")
