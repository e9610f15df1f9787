"""The options that functions take by name, with their types, for editors and type checkers.

Written by `python -m scripts.write_keywords` from the groups of options, which describe them.
"""

import os
from typing import TypedDict

from retrainer.options.in_memory import PhotoSource


class RetrainKeywords(TypedDict, total=False):
    """The options of `RetrainOptions`, which describes them."""

    image_dir: PhotoSource
    label_from: str
    clean_list: str | os.PathLike[str]
    strict: bool
    split_by: str
    testing_percentage: int
    validation_percentage: int
    test_batch_size: int
    copies: str
    duplicates: str | os.PathLike[str]
    folds: int | None
    learning_curve: bool
    seed: int
    preset: str
    solver: str
    class_weight: str
    how_many_training_steps: int | None
    learning_rate: float | None
    train_batch_size: int | None
    validation_batch_size: int
    eval_step_interval: int
    flip_left_right: bool | None
    random_crop: int
    random_scale: int | None
    random_brightness: int
    distortion_views: int | None
    architecture: str | None
    runtime: str
    bottleneck_dir: str | os.PathLike[str]
    offline: bool
    bottleneck_layer: str
    input_layer: str
    input_mean: float | None
    input_std: float | None
    trust_graph: bool
    model_dir: str | os.PathLike[str]
    output_graph: str | os.PathLike[str]
    output_labels: str | os.PathLike[str]
    final_tensor_name: str
    intermediate_output_graphs_dir: str | os.PathLike[str]
    intermediate_store_frequency: int


class EvaluateKeywords(TypedDict, total=False):
    """The options of `EvaluateOptions`, which describes them."""

    image_dir: PhotoSource
    label_from: str
    clean_list: str | os.PathLike[str]
    bottleneck_dir: str | os.PathLike[str]
    graph: str | os.PathLike[str]
    labels: str | os.PathLike[str]
    trust_graph: bool
    input_height: int | None
    input_width: int | None
    input_mean: float | None
    input_std: float | None
    input_layer: str
    output_layer: str


class CleanKeywords(TypedDict, total=False):
    """The options of `CleanOptions`, which describes them."""

    image_dir: PhotoSource
    label_from: str
    strict: bool
    split_by: str
    testing_percentage: int
    validation_percentage: int
    folds: int
    seed: int
    clean_list: str | os.PathLike[str]
    accept: str
    preset: str
    architecture: str | None
    runtime: str
    bottleneck_dir: str | os.PathLike[str]
    offline: bool
    bottleneck_layer: str
    input_layer: str
    input_mean: float | None
    input_std: float | None
    trust_graph: bool
    model_dir: str | os.PathLike[str]


class ReportKeywords(TypedDict, total=False):
    """The options of `ReportOptions`, which describes them."""

    graph: str | os.PathLike[str]
    report: str | os.PathLike[str]
    image_dir: PhotoSource
    bottleneck_dir: str | os.PathLike[str]
    no_images: bool
    model_dir: str | os.PathLike[str]
