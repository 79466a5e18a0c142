"""Errors by size, position, pen width and polarity of a digit on a canvas.

A digit means the same at every size and position. Recognizers that shrink the whole canvas to
28x28 fail here.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from PIL import Image, ImageFilter, ImageOps

from ml.classifier import Classifier
from ml.evaluation.synthetic_numbers import crop_to_ink, resize
from ml.preprocessing.strokes import Grid
from ml.recognition import predict_picture
from ml.training.data import LabeledImages

CANVAS = 280
# Longer side of the ink, relative to the canvas.
SIZES = (0.15, 0.3, 0.6, 1.0)
# Relative positions (x, y) in the free space of the canvas.
PLACES: Mapping[str, tuple[float, float]] = {
    "center": (0.5, 0.5),
    "corner": (0.0, 0.0),
    "edge": (1.0, 0.5),
}
# Height in pixels at which the pen width changes: MNIST's pen is then about 11 pixels wide; the
# filters make it 2 pixels thinner or 4 pixels thicker.
FILTER_HEIGHT = 84
PENS: Mapping[str, ImageFilter.RankFilter | None] = {
    "thin": ImageFilter.MinFilter(3),
    "as written": None,
    "thick": ImageFilter.MaxFilter(5),
}
INKS = ("dark on light", "light on dark")
CELLS = len(SIZES) * len(PLACES) * len(PENS) * len(INKS)


class Cell(NamedTuple):
    """Errors under one combination of size, position, pen and polarity."""

    size: float
    place: str
    pen: str
    ink: str
    errors: int
    of: int


def measure(classifier: Classifier, digits: LabeledImages) -> Iterator[Cell]:
    """Predict all digits under every combination and yield ``CELLS`` cells."""
    pairs = list(zip(digits.images.numpy(), digits.labels.tolist(), strict=True))
    for size, place, pen, ink in product(SIZES, PLACES, PENS, INKS):
        errors = sum(
            predict_picture(classifier, draw_canvas(grid, size, place, pen, ink)).text != str(label)
            for grid, label in pairs
        )
        yield Cell(size, place, pen, ink, errors, len(pairs))


def draw_canvas(grid: Grid, size: float, place: str, pen: str, ink: str) -> Image.Image:
    """Return a canvas of 280x280 pixels with one digit, uint8[28, 28]."""
    digit = resize(crop_to_ink(Image.fromarray(grid)), FILTER_HEIGHT)
    if pen_filter := PENS[pen]:
        digit = crop_to_ink(ImageOps.expand(digit, 4).filter(pen_filter))
    digit = resize(digit, round(size * CANVAS))
    x, y = PLACES[place]
    canvas = Image.new("L", (CANVAS, CANVAS))
    canvas.paste(digit, (round(x * (CANVAS - digit.width)), round(y * (CANVAS - digit.height))))
    return canvas if ink == "light on dark" else ImageOps.invert(canvas)
