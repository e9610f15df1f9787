"""What options say of a model in place of the model itself."""

from retrainer.errors import OptionError
from retrainer.models.metadata import ModelMetadata
from retrainer.options.model import ModelOptions
from retrainer.system.paths import require_file
from retrainer.text import shown


def labels_of(options: ModelOptions, metadata: ModelMetadata) -> tuple[str, ...]:
    """The labels of a model, in the order of its scores.

    Raises:
        OptionError: there are none, or the labels file has another number of labels.
    """
    if not options.labels:
        if not metadata.labels:
            raise OptionError(
                f"'{shown(options.graph)}' carries no labels; expected a labels file.",
                "Give it as --labels FILE.",
                path=options.graph,
            )
        return metadata.labels
    from retrainer.photos.labels import read_labels

    require_file(options.labels, "--labels", "a labels file, one label per line")
    labels = read_labels(options.labels, metadata.labels)
    if metadata.labels and len(labels) != len(metadata.labels):
        raise OptionError(
            f"--labels: expected {len(metadata.labels)} labels, one per score of the model, "
            f"received {len(labels)} in '{shown(options.labels)}'.",
            "Give the labels file that was written with the model, or leave out --labels.",
            path=options.labels,
        )
    return labels


def input_size_of(options: ModelOptions, usual: int, fixed: int) -> int:
    """The height and width of the network's input, pixels.

    Args:
        options: They may state another size than the usual one.
        usual: The size if they state none.
        fixed: The only size that the network takes; 0 if it takes any.

    Raises:
        OptionError: the options state another size than the fixed one, or different sides.
    """
    height = usual if options.input_height is None else options.input_height
    width = usual if options.input_width is None else options.input_width
    if fixed and (height, width) != (fixed, fixed):
        raise OptionError(
            f"--input_height and --input_width: the network takes {fixed}×{fixed}, received {height}×{width}.",
            "Leave both out.",
        )
    if height != width:
        raise OptionError(f"--input_height and --input_width: expected the same size, received {height}×{width}.")
    return height
