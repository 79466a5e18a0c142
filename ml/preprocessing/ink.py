"""Ink of a picture: found, cleaned of specks and of strips at the border, and rasterized.

Grids have MNIST's form (LeCun et al., 1998): ink scaled to a box of 20x20 pixels, center of mass
moved to pixel 14, 14.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.preprocessing.components import Integers, connected_components
from ml.preprocessing.paper import (
    Levels,
    Pixel,
    border,
    find_ink,
    ink_threshold,
    to_levels,
    window_extreme,
)
from ml.preprocessing.pictures import WORKING_SIZE, to_gray, upright
from ml.preprocessing.strokes import BOX, SIZE, Box, Grid

# Ink below PALE of the darkest is pale. Removing it must shrink the ink to SHRINK of a side: else
# it is the soft edge of strokes.
PALE: Final = 0.6
SHRINK: Final = 0.9
# Smallest digit, as a fraction of the shorter side of the picture.
SMALLEST_DIGIT: Final = 0.03
# Thinner pens are widened to MIN_PEN pixels of the grid, on a grid FINE times finer.
MIN_PEN: Final = 2.0
FINE: Final = 3
# Width per height of a slender digit: of 489 labeled pictures 12 are wrong at 0.7 and 0.75, 13 or
# 14 from 0.8 to 0.9, and 18 without this view.
SLENDER: Final = 0.75
# Cells per longer side: ink in neighboring cells is one component.
CELLS: Final = 50
# A component with less than this fraction of the most ink is a speck.
MIN_INK: Final = 0.05
# Ink along this fraction of the sides of its box is a frame; at most MAX_FRAMES are removed.
FRAME: Final = 0.9
MAX_FRAMES: Final = 3
# A component within EDGE of a side and as long as LONG of it is an edge or a frame, and one across
# the picture is a ruled line.
EDGE: Final = 0.1
LONG: Final = 0.6
# Beside a component within the border of at least INNER of the largest size, ink at the border is
# cut if it is lower than LOW of it or narrower than NARROW.
INNER: Final = 0.3
LOW: Final = 0.5
NARROW: Final = 0.25


@dataclass(frozen=True)
class Ink:
    """Ink of a picture: levels uint8[h, w] cropped to the ink, its position and pixel size.

    ``left`` and ``top`` are in pixels of ``levels``, each of which is ``pixel`` pixels of the
    picture wide.
    """

    levels: Levels
    left: int
    top: int
    pixel: float

    @property
    def box(self) -> Box:
        """The bounding box in the picture."""
        height, width = self.levels.shape
        scale = self.pixel
        return Box(scale * self.left, scale * self.top, scale * width, scale * height)

    def part(self, levels: Levels, left: int, top: int) -> "Ink":
        """Return a part of this ink with its corner at ``left`` and ``top`` in it."""
        return Ink(levels, self.left + left, self.top + top, self.pixel)

    def without_pale_ink(self) -> "Ink | None":
        """Return the ink without pale ink such as ruled lines and the boxes of forms.

        None if only a dot remains, or if the ink shrinks so little that only soft edges were pale.
        """
        levels = self.levels * (self.levels > PALE * self.levels.max())
        cropped, left, top = _crop(_clean(levels, has_border=False))
        is_dot = max(cropped.shape) < SMALLEST_DIGIT * min(levels.shape)
        if is_dot or min(np.divide(cropped.shape, levels.shape)) > SHRINK:
            return None
        return self.part(cropped, left, top)

    def mask(self) -> NDArray[np.bool]:
        """Return the pixels with enough ink to count."""
        return self.levels > ink_threshold(self.levels)


def extract_ink(picture: Image.Image) -> Ink | None:
    """Return the ink of a picture, or None if it is blank."""
    factor = max(1, round(math.sqrt(picture.width * picture.height) / WORKING_SIZE))
    gray = to_gray(picture, factor)
    # Some conversions drop the EXIF orientation.
    gray.info = picture.info
    found = _find_ink(upright(gray), MAX_FRAMES)
    pixel = factor * picture.info.get("full_width", picture.width) / picture.width
    return Ink(*found, pixel) if found else None


def _find_ink(gray: Image.Image, max_frames: int) -> tuple[Levels, int, int] | None:
    """Return ink cropped to its edges, its left and top; inside of at most ``max_frames`` frames.

    A frame is a box around the digit, or the rectangle of a negative on white.
    """
    levels = find_ink(gray)
    if levels is None:
        return None
    ink, left, top = _crop(_clean(levels))
    height, width = ink.shape
    if max(height, width) < SMALLEST_DIGIT * min(levels.shape):
        return None
    inside = max_frames and _find_ink_in_frame(gray, ink, left, top, max_frames)
    return inside or (ink, left, top)


def _find_ink_in_frame(
    gray: Image.Image, ink: Levels, left: int, top: int, max_frames: int
) -> tuple[Levels, int, int] | None:
    """Return ink with paper around it inside of a frame of ink at ``left`` and ``top``."""
    frame, x, y = _crop(ink, ink.max() // 2)
    outline = border(frame) > ink.max() // 2
    if np.count_nonzero(outline) < FRAME * outline.size:
        return None
    left, top, (height, width) = left + x, top + y, frame.shape
    found = _find_ink(gray.crop((left, top, left + width, top + height)), max_frames - 1)
    # Ink across the frame is the bar of a square 8.
    if not found or not _is_within(found, width, height):
        return None
    inside, x, y = found
    return inside, left + x, top + y


def _is_within(found: tuple[Levels, int, int], width: int, height: int) -> bool:
    ink, left, top = found
    return bool(0 < left < width - ink.shape[1] and 0 < top < height - ink.shape[0])


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
        source = window_extreme(np.maximum, np.pad(fine, missing), missing + 1)
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


def _clean(ink: Levels, *, has_border: bool = True) -> Levels:
    """Return the ink without specks, and with the picture's border without ink cut by it."""
    rows, columns = _lines_with_ink(ink)
    at_border = has_border and bool(rows[0] or rows[-1] or columns[0] or columns[-1])
    if not at_border and not _has_gap(rows) and not _has_gap(columns):
        return ink
    side = math.ceil(max(ink.shape) / CELLS)
    cells = _reduce(np.maximum, ink, side) > ink_threshold(ink)
    pixels, first = connected_components(cells)
    x, y = pixels
    amount = np.add.reduceat(_reduce(np.add, ink.astype(np.uint32), side)[y, x], first)
    dropped = amount < MIN_INK * amount.max()
    if at_border:
        dropped |= _is_cut_by_border(pixels, first, cells.shape)
    if not dropped.any():
        return ink
    cells[y, x] = np.repeat(dropped, np.diff(first, append=len(x)))
    clean: Levels = ink * ~cells[np.ix_(*(np.arange(length) // side for length in ink.shape))]
    return clean


def _is_cut_by_border(
    pixels: Integers, first: Integers, shape: tuple[int, ...]
) -> NDArray[np.bool]:
    """Return which components continue beyond the border of bool[h, w], beside a digit within it.

    A component as large as a digit merely touches the border, unless it is a straight edge.
    """
    left, top = np.minimum.reduceat(pixels, first, axis=1)
    right, bottom = 1 + np.maximum.reduceat(pixels, first, axis=1)
    width, height = right - left, bottom - top
    below, beside = shape
    touches = (left == 0) | (top == 0) | (right == beside) | (bottom == below)
    at_side = (right <= EDGE * beside) | (left >= (1 - EDGE) * beside)
    at_end = (bottom <= EDGE * below) | (top >= (1 - EDGE) * below)
    edge = at_side & (height >= LONG * below) | at_end & (width >= LONG * beside)
    rule = (width == beside) & (height <= EDGE * below)
    size = np.maximum(width, height)
    inner = ~touches & (size >= INNER * size.max())
    digit = height[inner].max(initial=0)
    small = (height < LOW * digit) | (width < NARROW * digit)
    cut: NDArray[np.bool] = edge | rule | touches & small
    return cut if not cut.all() else ~cut


def _reduce(operation: np.ufunc, ink: NDArray[Pixel], side: int) -> NDArray[Pixel]:
    """Combine the pixels of each side x side cell."""
    if side > 1:
        for axis in (0, 1):
            ink = operation.reduceat(ink, np.arange(0, ink.shape[axis], side), axis=axis)
    return ink


def _has_gap(lines: NDArray[np.bool]) -> bool:
    return bool(np.count_nonzero(lines[1:] != lines[:-1]) > 2)


def _crop(ink: Levels, threshold: int | None = None) -> tuple[Levels, int, int]:
    """Return the ink cropped to its edges, and its left and top."""
    rows, columns = (np.flatnonzero(lines) for lines in _lines_with_ink(ink, threshold))
    left, top = int(columns[0]), int(rows[0])
    return ink[top : rows[-1] + 1, left : columns[-1] + 1], left, top


def _lines_with_ink(
    ink: Levels, threshold: int | None = None
) -> tuple[NDArray[np.bool], NDArray[np.bool]]:
    """Return which rows and which columns have ink above a threshold."""
    threshold = ink_threshold(ink) if threshold is None else threshold
    return ink.max(axis=1) > threshold, ink.max(axis=0) > threshold


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
    padded = np.zeros((ink.shape[0] + 2, ink.shape[1] + 2), dtype=np.float32)
    padded[1:-1, 1:-1] = ink
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.sqrt(down * down + right * right).sum())
