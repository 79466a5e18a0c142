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


Reals: TypeAlias = NDArray[np.float64]

# A pixel is inked where its centre is within reach of a line; it fades over the last pixel.
_REACH = PEN_RADIUS + 0.5
# Pieces of at most one pixel have at most 4 centres within reach, either way (1 + 2 * 1.4 < 4).
_WINDOW = np.arange(4.0)
_MARGIN = 4
_SIDE = SIZE + 2 * _MARGIN


def bounds(strokes: Strokes) -> tuple[float, float, float, float]:
    """The ink box (x, y, width, height) of at least one point, in the pixels of the pad."""
    xs = [point[0] for stroke in strokes for point in stroke]
    ys = [point[1] for stroke in strokes for point in stroke]
    left, top = min(xs), min(ys)
    return left, top, max(xs) - left, max(ys) - top


def is_blank(strokes: Strokes) -> bool:
    return not any(len(stroke) for stroke in strokes)


def draw(strokes: Strokes) -> Grid:
    """Draw strokes onto the grid: uint8[28, 28], all zero when there is no point."""
    if is_blank(strokes):
        return np.zeros((SIZE, SIZE), dtype=np.uint8)
    return _rasterise(_fit(_lines(strokes)))


def _lines(strokes: Strokes) -> Reals:
    """The straight lines between neighbouring points, float64[2, 2, n]: x and y, start and end.

    A stroke of one point is a line of no length: a dot.
    """
    strokes = [stroke if len(stroke) > 1 else [stroke[0]] * 2 for stroke in strokes if len(stroke)]
    points = np.array([point[:2] for stroke in strokes for point in stroke], dtype=np.float64).T
    lines = np.stack([points[:, :-1], points[:, 1:]], axis=1)
    if len(strokes) > 1:
        lasts = np.cumsum([len(stroke) for stroke in strokes[:-1]]) - 1
        lines = np.delete(lines, lasts, axis=2)
    return lines


def _fit(lines: Reals) -> Reals:
    """Scale and move lines so that the ink fills the box and balances on the centre."""
    low, high = lines.min(axis=(1, 2)), lines.max(axis=(1, 2))
    side = max(high - low)
    scale = (BOX - 2 * PEN_RADIUS) / side if side > TAP else 0.0
    lines = (lines - ((low + high) / 2)[:, None, None]) * scale
    # Ink that leans far to one side is not pushed off the grid: the box stays within it.
    shift = [
        min(max(CENTRE - middle, BOX / 2), SIZE - BOX / 2) for middle in _centre_of_mass(lines)
    ]
    fitted: Reals = lines + np.array(shift)[:, None, None]
    return fitted


def _centre_of_mass(lines: Reals) -> list[float]:
    """The centre of mass (x, y) of lines, each weighing its length; of dots alone, the box's."""
    lengths = _length(lines)
    mass = lengths.cumsum()[-1]
    if mass == 0:
        return [0.0, 0.0]
    moments = (lines[:, 0] + lines[:, 1]) / 2 * lengths
    centre: list[float] = (moments.cumsum(axis=1)[:, -1] / mass).tolist()
    return centre


def _length(lines: Reals) -> Reals:
    along = lines[:, 1] - lines[:, 0]
    along *= along
    length: Reals = np.sqrt(along[0] + along[1])
    return length


def _pieces(lines: Reals) -> Reals:
    """Cut lines into equal pieces of at most one pixel."""
    counts = np.maximum(np.ceil(_length(lines)), 1).astype(np.intp)
    ends = counts.cumsum()
    number = np.arange(ends[-1]) - (ends - counts).repeat(counts)
    start, along = lines[:, 0], lines[:, 1] - lines[:, 0]
    start, along = start.repeat(counts, axis=1), along.repeat(counts, axis=1)
    total = counts.repeat(counts)
    return np.stack([start + along * (number / total), start + along * ((number + 1) / total)], 1)


def _rasterise(lines: Reals) -> Grid:
    """Ink every pixel by the distance of its centre to the nearest line."""
    (x0, x1), (y0, y1) = _pieces(lines)[..., None]
    dx, dy = x1 - x0, y1 - y0
    square = dx * dx + dy * dy
    square[square == 0] = 1.0
    columns = np.ceil(np.minimum(x0, x1) - _REACH - 0.5) + _WINDOW
    rows = np.ceil(np.minimum(y0, y1) - _REACH - 0.5) + _WINDOW
    to_x, to_y = columns + 0.5 - x0, rows + 0.5 - y0
    along = ((to_x * dx)[:, None] + (to_y * dy)[..., None]) / square[..., None]
    np.minimum(np.maximum(along, 0.0, out=along), 1.0, out=along)
    off_x = to_x[:, None] - along * dx[..., None]
    off_y = to_y[..., None] - along * dy[..., None]
    coverage = _REACH - np.sqrt(off_x * off_x + off_y * off_y)
    # Paper is zero, so that only the upper end has to be cut off.
    np.minimum(coverage, 1.0, out=coverage)

    paper = np.zeros(_SIDE * _SIDE)
    cells = (rows[..., None] + _MARGIN) * _SIDE + (columns[:, None] + _MARGIN)
    np.maximum.at(paper, cells.astype(np.intp).ravel(), coverage.ravel())
    inner = paper.reshape(_SIDE, _SIDE)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return np.floor(inner * 255 + 0.5).astype(np.uint8)


def from_bytes(content: bytes | memoryview) -> Grid:
    """The grid whose 784 bytes, row by row, were stored."""
    return np.frombuffer(content, dtype=np.uint8).reshape(SIZE, SIZE)
