"""One digit at many sizes and places of a canvas, by many pens, dark on light and light on dark.

A drawing means the same however large it is and wherever it is drawn. Most demos of digit
recognition fail here, for they shrink the canvas as a whole.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from ml.classifier import Classifier
from ml.preprocessing.strokes import Grid
from ml.recognition import predict_picture
from ml.training.data import LabeledImages

PAD = 280
# Shares of the pad that the longer side of the ink takes, and where in what is left it lies.
SIZES = (0.15, 0.3, 0.6, 1.0)
PLACES: Mapping[str, tuple[float, float]] = {
    "center": (0.5, 0.5),
    "corner": (0.0, 0.0),
    "edge": (1.0, 0.5),
}
# Before it is scaled, ink is this tall: the pen of MNIST is about 11 pixels wide, and is made
# thinner by 2 or thicker by 4.
TALL = 84
PENS: Mapping[str, ImageFilter.RankFilter | None] = {
    "thin": ImageFilter.MinFilter(3),
    "as written": None,
    "thick": ImageFilter.MaxFilter(5),
}
INKS = ("dark on light", "light on dark")


class Cell(NamedTuple):
    """How many digits were misread under one set of circumstances."""

    size: float
    place: str
    pen: str
    ink: str
    errors: int
    of: int


def measure(classifier: Classifier, digits: LabeledImages) -> Iterator[Cell]:
    """Read all digits under each set of circumstances, ``CELLS`` of them."""
    written = list(zip(digits.images.numpy(), digits.labels.tolist(), strict=True))
    for size, place, pen, ink in product(SIZES, PLACES, PENS, INKS):
        errors = sum(
            predict_picture(classifier, draw(image, size, place, pen, ink)).text != str(label)
            for image, label in written
        )
        yield Cell(size, place, pen, ink, errors, len(written))


CELLS = len(SIZES) * len(PLACES) * len(PENS) * len(INKS)


def draw(digit: Grid, size: float, place: str, pen: str, ink: str) -> Image.Image:
    """A canvas of 280x280 pixels with a digit, uint8[28, 28], on it."""
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    cut = Image.fromarray(digit).crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    written = _scaled(cut, TALL)
    if drawn := PENS[pen]:
        written = ImageOps.expand(written, 4).filter(drawn)
        written = written.crop(written.getbbox())
    written = _scaled(written, round(size * PAD))
    across, down = PLACES[place]
    canvas = Image.new("L", (PAD, PAD))
    canvas.paste(
        written, (round(across * (PAD - written.width)), round(down * (PAD - written.height)))
    )
    return canvas if ink == "light on dark" else ImageOps.invert(canvas)


def _scaled(picture: Image.Image, side: int) -> Image.Image:
    """A picture whose longer side is ``side`` pixels."""
    scale = side / max(picture.size)
    size = [max(1, round(scale * length)) for length in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
