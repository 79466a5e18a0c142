"""Pen strokes drawn straight onto the 28x28 grid that MNIST uses.

The ink is scaled so that its longer side fills a 20-pixel box, drawn with a pen of constant width
and antialiased by the exact distance to the line, with its center of mass on the center of the grid
(the normalization of MNIST: LeCun et al., "Gradient-based learning applied to document
recognition", 1998, section III.A).

Everything here is plain arithmetic in one fixed order (sums run from first to last), so that
``static/js/recognize/rasterize.js`` can do the same and agree on every byte;
``tests/rasterization_vectors.json`` holds both to it.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Strokes: TypeAlias = Sequence[Sequence[Sequence[float]]]
"""Strokes of points ``[x, y]`` or ``[x, y, t]``: pixels, y downwards, and milliseconds."""

Grid: TypeAlias = NDArray[np.uint8]
"""Ink on the grid, uint8[28, 28]: 0 is paper, 255 is ink."""

SIZE = 28
BOX = 20.0
PEN_RADIUS = 0.9
# Where MNIST has the center of mass: the middle of pixel 14, half a pixel off the grid's own.
CENTER = 14.5
# Ink no larger than this, in the pixels of the pad, is a tap of a trembling hand: a dot.
TAP = 3.0


Reals: TypeAlias = NDArray[np.float64]

# A pixel is inked where its center is within reach of a line; it fades over the last pixel.
_REACH = PEN_RADIUS + 0.5
# Pieces of at most one pixel have at most 4 centers within reach, either way (1 + 2 * 1.4 < 4).
_WINDOW = np.arange(4.0)
_BOTH_ENDS = np.array([[0], [1]])
_MARGIN = 4
_SIDE = SIZE + 2 * _MARGIN
# Lines whose pieces are in memory together, some 30 each at most.
_AT_ONCE = 1_024


def bounding_box(strokes: Strokes) -> tuple[float, float, float, float]:
    """The ink box (x, y, width, height) of at least one point, in the pixels of the pad."""
    xs = [point[0] for stroke in strokes for point in stroke]
    ys = [point[1] for stroke in strokes for point in stroke]
    left, top = min(xs), min(ys)
    return left, top, max(xs) - left, max(ys) - top


def is_blank(strokes: Strokes) -> bool:
    return not any(len(stroke) for stroke in strokes)


def rasterize(strokes: Strokes) -> Grid:
    """Draw strokes onto the grid: uint8[28, 28], all zero when there is no point."""
    if is_blank(strokes):
        return np.zeros((SIZE, SIZE), dtype=np.uint8)
    return _rasterize(_fit(_lines(strokes)))


def _lines(strokes: Strokes) -> Reals:
    """The straight lines between neighboring points, float64[2, 2, n]: x and y, start and end.

    A stroke of one point is a line of no length: a dot.
    """
    strokes = [stroke if len(stroke) > 1 else [stroke[0]] * 2 for stroke in strokes if len(stroke)]
    xs = [point[0] for stroke in strokes for point in stroke]
    ys = [point[1] for stroke in strokes for point in stroke]
    points = np.array([xs, ys], dtype=np.float64)
    lines = np.stack([points[:, :-1], points[:, 1:]], axis=1)
    if len(strokes) > 1:
        lasts = np.cumsum([len(stroke) for stroke in strokes[:-1]]) - 1
        lines = np.delete(lines, lasts, axis=2)
    return lines


def _fit(lines: Reals) -> Reals:
    """Scale and move lines so that the ink fills the box and balances on the center."""
    ends = lines.reshape(2, -1)
    low, high = ends.min(axis=1), ends.max(axis=1)
    side = float((high - low).max())
    scale = (BOX - 2 * PEN_RADIUS) / side if side > TAP else 0.0
    lines = (lines - ((low + high) / 2)[:, None, None]) * scale
    # Ink that leans far to one side is not pushed off the grid: the box stays within it.
    shift = [
        min(max(CENTER - middle, BOX / 2), SIZE - BOX / 2) for middle in _center_of_mass(lines)
    ]
    fitted: Reals = lines + np.array(shift)[:, None, None]
    return fitted


def _center_of_mass(lines: Reals) -> list[float]:
    """The center of mass (x, y) of lines, each weighing its length; of dots alone, the box's."""
    lengths = _length(lines)
    mass = lengths.cumsum()[-1]
    if mass == 0:
        return [0.0, 0.0]
    moments = (lines[:, 0] + lines[:, 1]) / 2 * lengths
    center: list[float] = (moments.cumsum(axis=1)[:, -1] / mass).tolist()
    return center


def _length(lines: Reals) -> Reals:
    along = lines[:, 1] - lines[:, 0]
    along *= along
    length: Reals = np.sqrt(along[0] + along[1])
    return length


def _pieces(lines: Reals) -> Reals:
    """Cut lines into equal pieces of at most one pixel."""
    counts = np.maximum(np.ceil(_length(lines)), 1).astype(np.intp)
    ends = counts.cumsum()
    total = counts.repeat(counts)
    number = np.arange(ends[-1]) - (ends - counts).repeat(counts)
    share = (number + _BOTH_ENDS) / total
    lines = lines.repeat(counts, axis=2)
    start, along = lines[:, 0], lines[:, 1] - lines[:, 0]
    pieces: Reals = start[:, None] + along[:, None] * share
    return pieces


def _rasterize(lines: Reals) -> Grid:
    """Ink every pixel by the distance of its center to the nearest line."""
    paper = np.zeros(_SIDE * _SIDE)
    for first in range(0, lines.shape[2], _AT_ONCE):
        _ink(paper, _pieces(lines[..., first : first + _AT_ONCE]))
    inner = paper.reshape(_SIDE, _SIDE)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return (inner * 255 + 0.5).astype(np.uint8)


def _ink(paper: Reals, pieces: Reals) -> None:
    """Ink paper, float64[36 * 36], with pieces of lines, float64[2, 2, n]."""
    start, step = pieces[:, 0], pieces[:, 1] - pieces[:, 0]
    square = step * step
    square = square[0] + square[1]
    square[square == 0] = 1.0
    # The columns and rows within reach of each piece: float64[2, n, 4].
    reached = np.ceil(pieces.min(axis=1) - _REACH - 0.5)[..., None] + _WINDOW
    to_x, to_y = to = reached + 0.5 - start[..., None]
    along_x, along_y = to * step[..., None]
    along = (along_x[:, None] + along_y[..., None]) / square[:, None, None]
    np.minimum(np.maximum(along, 0.0, out=along), 1.0, out=along)
    dx, dy = step[..., None, None]
    off_x = to_x[:, None] - along * dx
    off_y = to_y[..., None] - along * dy
    coverage = _REACH - np.sqrt(off_x * off_x + off_y * off_y)
    # Paper is zero, so that only the upper end has to be cut off.
    np.minimum(coverage, 1.0, out=coverage)
    columns, rows = reached.astype(np.intp) + _MARGIN
    cells = (rows * _SIDE)[..., None] + columns[:, None]
    np.maximum.at(paper, cells.ravel(), coverage.ravel())


def grid_from_bytes(content: bytes | memoryview) -> Grid:
    """The grid whose 784 bytes, row by row, were stored."""
    return np.frombuffer(content, dtype=np.uint8).reshape(SIZE, SIZE)
