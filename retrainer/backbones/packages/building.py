"""A package's file of weights -> a bundle, without TensorFlow."""

import hashlib
from pathlib import Path

from retrainer.backbones.bundle import Bundle
from retrainer.backbones.networks.table_bundle import write_table
from retrainer.backbones.packages.efficientnet_lite import FACTS, require_check_values, table_of_tensors
from retrainer.backbones.packages.installed import WeightPackage
from retrainer.backbones.packages.tensor_file import MOST_BYTES, Arrays, read_tensors
from retrainer.errors import BackboneError
from retrainer.system.files import open_regular
from retrainer.text import reason_of, shown


def build(network: str, path: Path, package: WeightPackage, draft: Bundle, parent: Path) -> Bundle:
    """Makes the bundle of a network.

    Args:
        network: Its name in the table.
        path: Its file of weights.
        package: The package that the file belongs to.
        draft: Name, source, licence, input size, and the hash of the file.
        parent: The folder of bundles.

    Raises:
        BackboneError: the file is missing or another, or its features are not the known ones.
        OutputError: the bundle cannot be written.
    """
    facts = FACTS[network]
    table = table_of_tensors(_tensors(path, package), facts.factors)
    require_check_values(table, facts, draft.name)
    return write_table(table, draft, parent)


def _tensors(path: Path, package: WeightPackage) -> Arrays:
    """The tensors of a file; no byte is interpreted before the file's hash is known to be right."""
    try:
        with open_regular(path) as handle:
            content = handle.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unusable(path, package, error.strerror or shown(reason_of(error))) from error
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise _unusable(path, package, f"its SHA-256 is not that of {package.requirement}")
    try:
        return read_tensors(content)
    except ValueError as error:
        raise _unusable(path, package, shown(str(error))) from error


def _unusable(path: Path, package: WeightPackage, reason: str) -> BackboneError:
    problem = f"The weights in '{shown(path)}' cannot be used: {reason}."
    return BackboneError(problem, f"Install them again: {package.install_again}")
