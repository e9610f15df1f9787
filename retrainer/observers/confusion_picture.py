"""Draws a confusion matrix as a PNG."""

import io
from collections.abc import Sequence

# Pixels: the side of a cell with its number in it, the least side without, and the widest picture.
_CELL, _LEAST, _WIDEST = 44, 6, 1600
_BACKGROUND, _INK, _PALE_INK = (255, 255, 255), (33, 37, 41), (255, 255, 255)
_RIGHT, _WRONG = (11, 94, 165), (190, 60, 20)


def confusion_picture(counts: Sequence[Sequence[int]]) -> tuple[bytes, tuple[int, int]]:
    """Returns a PNG and its width and height.

    Rows are the own classes and columns the predicted ones, numbered from 1. The darker a cell, the larger its share of
    the photos of its class; blue is right and red is wrong. Classes too many for numbers have none.

    Args:
        counts: How many photos of each class are predicted as each class, `(C, C)`.
    """
    from PIL import Image, ImageDraw, ImageFont

    classes = len(counts)
    cell = max(_LEAST, min(_CELL, _WIDEST // (classes + 1)))
    side = cell * (classes + 1)
    picture = Image.new("RGB", (side, side), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(13)

    def write(column: int, row: int, text: str, ink: tuple[int, int, int]) -> None:
        if cell == _CELL:
            draw.text(((column + 0.5) * cell, (row + 0.5) * cell), text, ink, font, anchor="mm")

    for own, row in enumerate(counts, start=1):
        write(0, own, str(own), _INK)
        write(own, 0, str(own), _INK)
        for predicted, count in enumerate(row, start=1):
            share = count / max(sum(row), 1)
            hue = _RIGHT if own == predicted else _WRONG
            shade = tuple(round(255 + (channel - 255) * share) for channel in hue)
            x, y = predicted * cell, own * cell
            draw.rectangle((x, y, x + cell - 2, y + cell - 2), shade, outline=(222, 226, 230))
            if count:
                write(predicted, own, str(count), _PALE_INK if share > 0.5 else _INK)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue(), picture.size
