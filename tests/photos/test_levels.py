from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from retrainer.errors import PictureError
from retrainer.photos.decoding.levels import levels, opaqueness

GREY = np.arange(256).reshape(16, 16)


@pytest.mark.parametrize(
    "numbers",
    [
        GREY.astype(np.uint8),
        GREY.astype(np.uint16),
        GREY.astype(np.uint16) * 4,
        GREY.astype(np.uint16) * 16,
        GREY.astype(np.uint16) * 257,
        GREY.astype(np.int16),
        GREY.astype(np.int16) * 128,
        GREY.astype(np.int32),
        GREY.astype(np.int32) * 2**23,
        GREY.astype(np.uint32) * 16843009,
        GREY.astype(np.uint64) * 2**56,
        GREY.astype(np.float16) / 255,
        GREY.astype(np.float32) / 255,
        GREY.astype(np.float64),
        GREY.astype(np.float32) * 257,
        GREY.astype(np.float32) / 255 - 0.5,
        GREY.astype(np.int32) - 1000,
        GREY.astype(np.float32) / 255 / 1000,
        GREY.astype(">u2") * 257,
    ],
)
def test_numbers_of_every_type_give_the_same_levels(numbers: npt.NDArray[Any]) -> None:
    pixels = levels(numbers)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - GREY).max() <= 1


def test_the_bits_of_a_type_count_if_they_are_known() -> None:
    assert levels(np.array([0, 512], np.uint16), bits=12).tolist() == [0, 32]
    assert levels(np.array([0, 512], np.uint16)).tolist() == [0, 128]


def test_a_mask_of_zeros_and_ones_is_no_black_picture() -> None:
    assert levels(np.array([[0, 1]], np.int32)).tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (np.zeros((4, 4), np.uint16), "are all 0"),
        (np.full((4, 4), -3.5), "are all -3.5"),
        (np.array([0.5, np.nan]), "not finite"),
        (np.array([0.5, np.inf], np.float32), "not finite"),
        (np.zeros((0, 4)), "no numbers"),
    ],
)
def test_what_is_no_picture_is_refused(numbers: npt.NDArray[Any], reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        levels(numbers)


def test_an_alpha_channel_may_be_zero() -> None:
    assert opaqueness(np.zeros((2, 2), np.uint16)).tolist() == [[0, 0], [0, 0]]
