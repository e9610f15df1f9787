"""The description of a bundle is data: it is believed whole, or refused."""

import json
from pathlib import Path

import networks
import pytest
from conftest import Command

from retrainer.backbones.bundle import read_bundle
from retrainer.errors import BackboneError


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", "../../elsewhere", r"its 'name' is not as expected: its folder's, received '../../elsewhere'"),
        ("sha256", {"../../passwd": "0"}, r"its 'sha256' is not as expected: .*, received an object of 1"),
        ("sha256", {}, r"received an object of 0"),
        ("sha256", {"backbone.tflite": 5}, r"received an object of 1"),
        ("depth", "many", r"its 'depth' is not as expected: a whole number from 1 to 1,048,576, received 'many'"),
        ("depth", True, r"its 'depth' is not as expected: .*, received true"),
        ("input_size", None, r"its 'input_size' is not as expected: .*, received null"),
        ("input_size", 2**70, r"its 'input_size' is not as expected: .*, received 1180591620717411303424"),
        ("input_mean", float("nan"), r"cannot be read: expected numbers, received NaN"),
        ("feature_node", "a\x1b[31m", r"its 'feature_node' is not as expected: .*, received 'a\\x1b\[31m'"),
        ("format", 9, r"its 'format' is not as expected: one of 1, received 9"),
        ("new_key", 1, r"cannot be read: its 'new_key' is not as expected: no such field is known"),
        (None, "text", r"cannot be read: expected an object, received 'text'"),
    ],
)
def test_a_description_that_is_not_one_is_one_clear_error(
    key: str | None, value: object, message: str, tmp_path: Path, command: Command
) -> None:
    folder = networks.bundle_from(networks.frozen_classifier(tmp_path / "net.pb"), tmp_path / "models").folder
    description = json.loads((folder / "backbone.json").read_text())
    (folder / "backbone.json").write_text(json.dumps(value if key is None else {**description, key: value}))
    with pytest.raises(BackboneError, match=message) as error:
        read_bundle(folder)
    assert "\n" not in error.value.problem
    done = command("architectures", "--model_dir", "models")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nnet " not in done.stdout
