"""Rasterize the ink of one digit of a picture.

Grids have MNIST's form (LeCun et al., 1998): ink scaled to a box of 20x20 pixels, center of mass
moved to pixel 14, 14.
"""

import numpy as np
from PIL import Image

from ml.preprocessing.paper import Levels, to_levels, window_extreme
from ml.preprocessing.strokes import BOX, SIZE, Grid

# Thinner pens are widened to MIN_PEN pixels of the grid, on a grid FINE times finer.
MIN_PEN = 2.0
FINE = 3
# Width per height of a slender digit.
SLENDER = 0.75


def rasterize_ink(levels: Levels) -> Grid:
    """Rasterize the ink of one digit, uint8[h, w], on MNIST's grid, uint8[28, 28].

    The longer side fills the box, the darkest pixel is 255, and the center of mass is nearest to
    the middle of pixel 14. A pen thinner than MNIST's is widened: scaled with its digit, it would
    be less than a pixel wide.
    """
    fine = _resize(_to_floats(levels), FINE * BOX)
    missing = round(FINE * MIN_PEN - _pen_width(fine))
    source = levels
    if missing > 0:
        source = window_extreme(np.maximum, _with_margin(fine, missing), missing + 1)
    scaled = _resize(_to_floats(source), BOX)
    height, width = scaled.shape
    mass = scaled.sum()
    x = int(scaled.sum(0) @ np.arange(width) / mass + 0.5)
    y = int(scaled.sum(1) @ np.arange(height) / mass + 0.5)
    left = min(max(14 - x, 0), SIZE - width)
    top = min(max(14 - y, 0), SIZE - height)
    grid = np.zeros((SIZE, SIZE), dtype=np.uint8)
    grid[top : top + height, left : left + width] = scaled
    return grid


def slender(levels: Levels) -> Levels:
    """Return the ink of a digit no wider than SLENDER of its height."""
    fine = _resize(_to_floats(levels), FINE * BOX)
    height, width = fine.shape
    narrow = max(1, min(width, round(SLENDER * height)))
    return np.asarray(Image.fromarray(fine).resize((narrow, height), Image.Resampling.BOX))


def _to_floats(ink: Levels) -> Image.Image:
    """Return ink as a picture of floats, so that thin lines survive scaling down."""
    return Image.fromarray(ink.astype(np.float32))


def _resize(ink: Image.Image, side: float) -> Levels:
    """Scale ink to ``side`` pixels on its longer side, and its darkest pixel to 255."""
    scale = side / max(ink.size)
    size = (max(1, round(ink.width * scale)), max(1, round(ink.height * scale)))
    resized = np.asarray(ink.resize(size, Image.Resampling.BOX))
    return to_levels(resized * (255 / resized.max()))


def _pen_width(ink: Levels) -> float:
    """Return the mean width of strokes in pixels: twice the area divided by the perimeter.

    The perimeter of a shape with soft edges is its total variation.
    """
    padded = _with_margin(ink, 1).astype(np.float32)
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.sqrt(down * down + right * right).sum())


def _with_margin(ink: Levels, width: int) -> Levels:
    """Return ink with paper around it, five times faster than ``np.pad``."""
    rows, columns = ink.shape
    padded = np.zeros((rows + 2 * width, columns + 2 * width), dtype=np.uint8)
    padded[width:-width, width:-width] = ink
    return padded
