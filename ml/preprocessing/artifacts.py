"""Remove ink that is no part of a digit: specks, and ink that the border of the picture cuts.

Cards have dark edges, scans have lines, and crops contain the neighbors of a digit.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.components import Pixels, connected_components
from ml.preprocessing.paper import Levels, Pixel, ink_threshold
from ml.preprocessing.strokes import Integers

# Cells per longer side: ink in neighboring cells is one component.
CELLS = 50
# A component with less than this fraction of the most ink that is not cut is a speck.
MIN_INK = 0.05
# A component within EDGE of a side and as long as LONG of it is an edge.
EDGE, LONG = 0.1, 0.6
# Ink in a corner is a desk or a frame if a component within the border has INSIDE of its height.
# Without a component of INSIDE of the largest size, nothing is erased: the rest is no digit.
INSIDE = 0.2
# Other ink at the border is cut if it is lower than LOW or narrower than NARROW of the height of
# the tallest component within the border: a digit merely touches the border.
LOW, NARROW = 0.5, 0.25


def without_artifacts(ink: Levels, *, has_border: bool = True) -> Levels:
    """Return the ink without specks and, if the picture's border is in it, without cut ink."""
    rows, columns = lines_with_ink(ink)
    height, width = ink.shape
    ends = (rows[0], columns[0], height - 1 - rows[-1], width - 1 - columns[-1])
    at_border = has_border and 0 in ends
    if not at_border and not _has_gap(rows) and not _has_gap(columns):
        return ink
    side = math.ceil(max(ink.shape) / CELLS)
    components = connected_components(_reduce(np.maximum, ink, side) > ink_threshold(ink))
    amounts = _reduce(np.add, ink.astype(np.uint32), side)
    # All pixels together: a loop over 625 dots made ``extract_ink`` eight times slower.
    pixels = np.hstack(components)
    counts = [component.shape[1] for component in components]
    starts = np.cumsum([0, *counts[:-1]])
    amount = np.add.reduceat(amounts[pixels[1], pixels[0]], starts)
    dropped = np.zeros(len(components), dtype=np.bool)
    if at_border:
        dropped = _are_cut(pixels, starts, amounts.shape)
    dropped |= amount < MIN_INK * amount[~dropped].max()
    lowest, highest = (end.reduceat(pixels, starts, axis=1) for end in (np.minimum, np.maximum))
    size = highest - lowest + 1
    if size[:, ~dropped].max() < INSIDE * size.max():
        # Nothing but specks beside ink at the border.
        return ink
    erased = np.zeros(amounts.shape, dtype=np.bool)
    erased[pixels[1], pixels[0]] = dropped.repeat(counts)
    return ink * ~erased.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]


def lines_with_ink(ink: Levels) -> tuple[Integers, Integers]:
    """Return the rows and the columns with ink."""
    threshold = ink_threshold(ink)
    return np.flatnonzero(ink.max(axis=1) > threshold), np.flatnonzero(ink.max(axis=0) > threshold)


def _has_gap(lines: Integers) -> bool:
    return bool(lines[-1] - lines[0] >= len(lines))


def _reduce(operation: np.ufunc, ink: NDArray[Pixel], side: int) -> NDArray[Pixel]:
    """Combine the pixels of each side x side cell."""
    if side > 1:
        for axis in (0, 1):
            ink = operation.reduceat(ink, np.arange(0, ink.shape[axis], side), axis=axis)
    return ink


def _are_cut(pixels: Pixels, starts: Integers, shape: tuple[int, ...]) -> NDArray[np.bool]:
    """Return which components continue beyond the border of a picture with this shape.

    If all do, none is cut: they are the digit.
    """
    left, top = np.minimum.reduceat(pixels, starts, axis=1)
    right, bottom = 1 + np.maximum.reduceat(pixels, starts, axis=1)
    width, height = right - left, bottom - top
    rows, columns = shape
    at_side = (right <= EDGE * columns) | (left >= (1 - EDGE) * columns)
    at_end = (bottom <= EDGE * rows) | (top >= (1 - EDGE) * rows)
    edge = at_side & (height >= LONG * rows) | at_end & (width >= LONG * columns)
    touches = (left == 0) | (top == 0) | (right == columns) | (bottom == rows)
    digit = height[~touches].max(initial=0)
    x, y = pixels
    is_corner = np.isin(x, (0, columns - 1)) & np.isin(y, (0, rows - 1))
    in_corner = np.logical_or.reduceat(is_corner, starts) & (digit >= INSIDE * height)
    neighbor = touches & ((height < LOW * digit) | (width < NARROW * digit))
    cut: NDArray[np.bool] = edge | in_corner | neighbor
    return cut & ~cut.all()
