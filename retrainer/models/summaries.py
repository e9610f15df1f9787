"""What TensorBoard shows, as its `Summary` messages, made without TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from retrainer.arrays import Floats

_BUCKETS = 30


def scalars_of(values: Mapping[str, float]) -> Any:
    """Returns the summary of numbers under their tags."""
    summary = _summary()
    for tag, value in values.items():
        summary.value.add(tag=tag, simple_value=value)
    return summary


def histogram_of(tag: str, values: Floats) -> Any:
    """Returns the summary of the distribution of numbers, as tensorboard's `histogram` plugin reads it.

    It has 30 buckets of equal width, each with its edges and its count, float64 `(30, 3)`. If all numbers are equal,
    the last bucket holds them.
    """
    from tensorboard.compat.proto import types_pb2

    lowest, highest = float(values.min()), float(values.max())
    if lowest < highest:
        counts, edges = np.histogram(values, _BUCKETS, (lowest, highest))
    else:
        counts, edges = np.array([0] * (_BUCKETS - 1) + [values.size]), np.full(_BUCKETS + 1, lowest)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1).astype("<f8")
    summary = _summary()
    value = summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = "histograms"
    value.tensor.dtype = types_pb2.DT_DOUBLE
    value.tensor.tensor_content = buckets.tobytes()
    for size in buckets.shape:
        value.tensor.tensor_shape.dim.add(size=size)
    return summary


def text_of(tag: str, markdown: str) -> Any:
    """Returns the summary of a text, as tensorboard's `text` plugin reads it."""
    from tensorboard.compat.proto import types_pb2

    summary = _summary()
    value = summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = "text"
    value.tensor.dtype = types_pb2.DT_STRING
    value.tensor.string_val.append(markdown.encode("utf-8", "replace"))
    value.tensor.tensor_shape.dim.add(size=1)
    return summary


def picture_of(tag: str, png: bytes, size: tuple[int, int]) -> Any:
    """Returns the summary of a PNG of a width and a height in pixels."""
    summary = _summary()
    image = summary.value.add(tag=tag).image
    image.encoded_image_string, (image.width, image.height), image.colorspace = png, size, 3
    return summary


def hparams_of(name: str, settings: Mapping[str, str | float | bool], seconds: tuple[float, float]) -> Any:
    """Returns the summary of a complete run, as tensorboard's `hparams` plugin reads it.

    Args:
        name: The run, which its table shows.
        settings: The table's columns.
        seconds: When the run began and ended, seconds since 1970.
    """
    from tensorboard.compat.proto import types_pb2
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    began, ended = seconds
    start = plugin_data_pb2.SessionStartInfo(group_name=name, start_time_secs=began)
    for key, setting in settings.items():
        field = {bool: "bool_value", str: "string_value"}.get(type(setting), "number_value")
        setattr(start.hparams[key], field, setting)
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=ended)
    summary = _summary()
    for tag, info in {"session_start_info": start, "session_end_info": end}.items():
        value = summary.value.add(tag=f"_hparams_/{tag}")
        value.metadata.plugin_data.plugin_name = "hparams"
        content = plugin_data_pb2.HParamsPluginData(version=0, **{tag: info})
        value.metadata.plugin_data.content = content.SerializeToString()
        # The plugin wants a tensor, but reads none.
        value.tensor.dtype = types_pb2.DT_FLOAT
        value.tensor.tensor_shape.dim.add(size=0)
    return summary


def _summary() -> Any:
    from tensorboard.compat.proto import summary_pb2

    return summary_pb2.Summary()
