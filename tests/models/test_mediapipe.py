"""MediaPipe is the judge of the TFLite Metadata that this project writes by itself."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import COLOURS, COLOURS_SIZE, Configure, Photos, jpeg

from retrainer import Labeler, LabelOptions, retrain

# In a process of its own: TensorFlow, which tests import, brings another copy of the same native libraries.
_READ = """
import json, sys
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata, schema_py_generated as tflite

with open(sys.argv[1], "rb") as file:
    model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(file.read(), 0))
(entry,) = [entry for entry in model.metadata if entry.name == b"TFLITE_METADATA"]
content = bytes(model.buffers[entry.buffer].data)
assert metadata.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    return value.tolist() if hasattr(value, "tolist") else vars(value)


found = metadata.ModelMetadataT.InitFromObj(metadata.ModelMetadata.GetRootAs(content, 0))
print(json.dumps(found, default=plain))
"""
_CLASSIFY = """
import json, sys
from mediapipe import Image
from mediapipe.tasks.python import BaseOptions, vision

options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]))
with vision.ImageClassifier.create_from_options(options) as classifier:
    (head,) = classifier.classify(Image.create_from_file(sys.argv[2])).classifications
print(json.dumps({category.category_name: category.score for category in head.categories}))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("mediapipe") is None, reason="mediapipe is not installed; scripts/test --slow tries to"
    ),
]


def mediapipe(program: str, *arguments: str | Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_mediapipe_reads_what_is_written(photos: Photos, configured: Configure) -> None:
    metadata = mediapipe(_READ, retrain(configured(photos())).tflite)
    assert metadata["name"] == "image classifier"
    assert COLOURS in metadata["description"]
    assert metadata["minParserVersion"] == "1.0.0"
    assert [file["name"] for file in metadata["associatedFiles"]] == ["retrainer.json"]
    (graph,) = metadata["subgraphMetadata"]
    (picture,), (scores,) = graph["inputTensorMetadata"], graph["outputTensorMetadata"]
    assert (picture["name"], scores["name"]) == ("input", "final_result")
    (unit,) = picture["processUnits"]
    assert (unit["options"]["mean"], unit["options"]["std"]) == ([127.5], [127.5])
    size = picture["content"]["contentProperties"]["defaultSize"]
    assert (size["width"], size["height"]) == (COLOURS_SIZE, COLOURS_SIZE)
    assert [(file["name"], file["type"]) for file in scores["associatedFiles"]] == [("labels.txt", 2)]


def test_mediapipe_labels_as_retrainer_does(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    result = retrain(configured(photos({"red": (200, 30, 30), "grün": (30, 200, 30), "blue": (30, 30, 200)})))
    photo = tmp_path / "new.jpg"
    photo.write_bytes(jpeg((60, 150, 90)))
    expected = dict(Labeler(LabelOptions(graph=result.tflite))(str(photo)).ranking)
    assert mediapipe(_CLASSIFY, result.tflite, photo) == pytest.approx(expected, abs=1e-4)
