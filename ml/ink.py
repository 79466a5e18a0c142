"""Pen strokes drawn straight onto the 28x28 grid that MNIST uses.

The ink is scaled so that its longer side fills a 20-pixel box, drawn with a pen of constant width
and antialiased by the exact distance to the line, with its centre of mass on the centre of the grid
(the normalisation of MNIST: LeCun et al., "Gradient-based learning applied to document
recognition", 1998, section III.A).

Everything here is plain arithmetic in one fixed order (sums run from first to last), so that
``static/js/ink.js`` can do the same and agree on every byte; ``tests/ink_vectors.json`` holds both
to it.
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
# Where MNIST has the centre of mass: the middle of pixel 14, half a pixel off the grid's own.
CENTRE = 14.5
# Ink no larger than this, in the pixels of the pad, is a tap of a trembling hand: a dot.
TAP = 3.0


# A pixel is inked where its centre is within reach of a line; it fades over the last pixel.
_REACH = PEN_RADIUS + 0.5
# Pieces of at most one pixel have at most 4 centres within reach, either way (1 + 2 * 1.4 < 4).
_WINDOW = np.arange(4)
_MARGIN = 4


def bounds(strokes: Strokes) -> tuple[float, float, float, float]:
    """The ink box (x, y, width, height) of at least one point, in the pixels of the pad."""
    points = np.array([point[:2] for stroke in strokes for point in stroke], dtype=np.float64)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)


def is_blank(strokes: Strokes) -> bool:
    return not any(len(stroke) for stroke in strokes)


def draw(strokes: Strokes) -> Grid:
    """Draw strokes onto the grid: uint8[28, 28], all zero when there is no point."""
    if is_blank(strokes):
        return np.zeros((SIZE, SIZE), dtype=np.uint8)
    return _rasterise(_fit(_lines(strokes)))


def _lines(strokes: Strokes) -> NDArray[np.float64]:
    """The straight lines between neighbouring points, float64[n, 4] as x0, y0, x1, y1.

    A stroke of one point is a line of no length: a dot.
    """
    ends = []
    for stroke in strokes:
        if len(stroke):
            points = np.array([point[:2] for point in stroke], dtype=np.float64)
            start = points[:-1] if len(points) > 1 else points
            ends.append(np.hstack([start, points[-len(start) :]]))
    return np.vstack(ends)


def _fit(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale and move lines so that the ink fills the box and balances on the centre."""
    corners = lines.reshape(-1, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    side = max(high - low)
    scale = (BOX - 2 * PEN_RADIUS) / side if side > TAP else 0.0
    lines = (lines - np.tile((low + high) / 2, 2)) * scale
    # Ink that leans far to one side is not pushed off the grid: the box stays within it.
    middle = np.clip(CENTRE - _centre_of_mass(lines), BOX / 2, SIZE - BOX / 2)
    fitted: NDArray[np.float64] = lines + np.tile(middle, 2)
    return fitted


def _centre_of_mass(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """The centre of mass (x, y) of lines, each weighing its length; of dots alone, the box's."""
    lengths = _length(lines)
    mass = np.cumsum(lengths)[-1]
    if mass == 0:
        return np.zeros(2)
    middles = (lines[:, :2] + lines[:, 2:]) / 2
    centre: NDArray[np.float64] = np.cumsum(middles * lengths[:, None], axis=0)[-1] / mass
    return centre


def _length(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    dx, dy = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    length: NDArray[np.float64] = np.sqrt(dx * dx + dy * dy)
    return length


def _pieces(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut lines into equal pieces of at most one pixel."""
    counts = np.maximum(np.ceil(_length(lines)), 1).astype(np.intp)
    lines = np.repeat(lines, counts, axis=0)
    total = np.repeat(counts, counts)
    index = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
    start, along = lines[:, :2], lines[:, 2:] - lines[:, :2]
    cut = np.hstack(
        [start + along * (index / total)[:, None], start + along * ((index + 1) / total)[:, None]]
    )
    pieces: NDArray[np.float64] = cut
    return pieces


def _rasterise(lines: NDArray[np.float64]) -> Grid:
    """Ink every pixel by the distance of its centre to the nearest line."""
    x0, y0, x1, y1 = (column[:, None] for column in _pieces(lines).T)
    dx, dy = x1 - x0, y1 - y0
    square = dx * dx + dy * dy
    square[square == 0] = 1.0
    columns = np.ceil(np.minimum(x0, x1) - _REACH - 0.5) + _WINDOW
    rows = np.ceil(np.minimum(y0, y1) - _REACH - 0.5) + _WINDOW
    to_x, to_y = (columns + 0.5 - x0)[:, None, :], (rows + 0.5 - y0)[:, :, None]
    dx, dy = dx[:, None], dy[:, None]
    along = np.clip((to_x * dx + to_y * dy) / square[:, None], 0.0, 1.0)
    off_x, off_y = to_x - along * dx, to_y - along * dy
    coverage = np.clip(_REACH - np.sqrt(off_x * off_x + off_y * off_y), 0.0, 1.0)

    side = SIZE + 2 * _MARGIN
    paper = np.zeros(side * side)
    cells = (rows[:, :, None] + _MARGIN) * side + (columns[:, None, :] + _MARGIN)
    np.maximum.at(paper, cells.astype(np.intp).ravel(), coverage.ravel())
    inner = paper.reshape(side, side)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return np.floor(inner * 255 + 0.5).astype(np.uint8)


def from_bytes(content: bytes | memoryview) -> Grid:
    """The grid whose 784 bytes, row by row, were stored."""
    return np.frombuffer(content, dtype=np.uint8).reshape(SIZE, SIZE)
