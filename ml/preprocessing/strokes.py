"""Rasterize pen strokes on MNIST's 28x28 grid.

The longer side of the drawing is scaled to a 20-pixel box, the pen has a constant width, pixels are
antialiased by their exact distance to the line, and the center of mass moves to the center of the
grid (MNIST's normalization: LeCun et al., "Gradient-based learning applied to document
recognition", 1998, section III.A).

The arithmetic is plain and its order fixed (sums run from first to last), so that
``static/js/recognize/rasterize.js`` computes the same bytes. ``tests/golden_vectors.json``
verifies both.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Stroke: TypeAlias = Sequence[Sequence[float]]
"""Points ``[x, y]`` or ``[x, y, t]``: pixels, y downwards, and milliseconds."""

Strokes: TypeAlias = Sequence[Stroke]

Grid: TypeAlias = NDArray[np.uint8]
"""One digit, uint8[28, 28]: 0 is paper, 255 is ink."""

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.intp]

SIZE = 28
BOX = 20.0
PEN_RADIUS = 0.9
# MNIST's center of mass: the middle of pixel 14, half a pixel beyond the center of the grid.
CENTER = 14.5
# A drawing of at most this size, in pixels, is a tap of an unsteady hand: a dot.
TAP = 3.0

# Coordinates are rounded to hundredths of a pixel, or to at least this fraction of the longer side:
# drawings may be in other units.
DECIMALS = 2
PRECISION = 1e-4
# Coordinates of even smaller drawings would fill the database with digits.
MAX_DECIMALS = 12

# A pixel has ink if its center is within reach of a line; coverage fades over the last pixel.
_REACH = PEN_RADIUS + 0.5
# A piece is at most one pixel long, so at most 4 pixel centers per axis are in reach
# (1 + 2 * 1.4 < 4).
_WINDOW = np.arange(4.0)
_ENDS = np.array([[0], [1]])
_MARGIN = 4
_SIDE = SIZE + 2 * _MARGIN
# Lines rasterized at once, with about 30 pieces each at most: bounds the memory.
_CHUNK = 1_024


class Box(NamedTuple):
    """Bounding box of a digit, in the pixels of its drawing."""

    x: float
    y: float
    width: float
    height: float


def bounding_box(strokes: Strokes) -> Box:
    """Return the bounding box of strokes with at least one point."""
    xs = [point[0] for stroke in strokes for point in stroke]
    ys = [point[1] for stroke in strokes for point in stroke]
    left, top = min(xs), min(ys)
    return Box(left, top, max(xs) - left, max(ys) - top)


def points_of(stroke: Stroke) -> Floats:
    """Return the points of a stroke without their times, float64[n, 2]."""
    return np.array([point[:2] for point in stroke], dtype=np.float64)


def round_strokes(strokes: Strokes) -> list[list[list[float]]]:
    """Round coordinates and times to a step that changes no digit; twice changes nothing more."""
    decimals = _decimals(strokes)

    def rounded(value: float) -> float:
        # The page sends tenths: testing for them is faster than rounding them. The sum has no
        # negative zero, which not every database stores.
        return (value if value * 10 % 1 == 0 else round(value, decimals)) + 0.0

    result = [[list(map(rounded, point)) for point in stroke] for stroke in strokes]
    # Rounding can increase the longer side, so that fewer decimals suffice.
    return result if _decimals(result) >= decimals else round_strokes(result)


def _decimals(strokes: Strokes) -> int:
    """Return the decimals of a step of at most 0.01 and PRECISION of the longer side."""
    side = 0 if is_blank(strokes) else max(bounding_box(strokes)[2:])
    if side == 0:
        return DECIMALS
    return min(max(DECIMALS, math.ceil(-math.log10(side * PRECISION))), MAX_DECIMALS)


def is_blank(strokes: Strokes) -> bool:
    return not any(len(stroke) for stroke in strokes)


def grid_from_bytes(content: bytes | memoryview) -> Grid:
    """Return the grid stored in 784 bytes, row by row."""
    return np.frombuffer(content, dtype=np.uint8).reshape(SIZE, SIZE)


def rasterize(strokes: Strokes) -> Grid:
    """Rasterize strokes as one digit, uint8[28, 28]; without points the grid is blank."""
    if is_blank(strokes):
        return np.zeros((SIZE, SIZE), dtype=np.uint8)
    lines = _normalize(_to_lines(strokes))
    coverage = np.zeros(_SIDE * _SIDE)
    for first in range(0, lines.shape[2], _CHUNK):
        _cover(coverage, _split(lines[..., first : first + _CHUNK]))
    inner = coverage.reshape(_SIDE, _SIDE)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return (inner * 255 + 0.5).astype(np.uint8)


def _to_lines(strokes: Strokes) -> Floats:
    """Return the line segments between points, float64[2, 2, n]: x and y, start and end.

    A stroke of one point is a line of length zero: a dot.
    """
    strokes = [stroke if len(stroke) > 1 else [stroke[0]] * 2 for stroke in strokes if len(stroke)]
    xs = [point[0] for stroke in strokes for point in stroke]
    ys = [point[1] for stroke in strokes for point in stroke]
    points = np.array([xs, ys], dtype=np.float64)
    lines = np.stack([points[:, :-1], points[:, 1:]], axis=1)
    if len(strokes) > 1:
        between_strokes = np.cumsum([len(stroke) for stroke in strokes[:-1]]) - 1
        lines = np.delete(lines, between_strokes, axis=2)
    return lines


def _normalize(lines: Floats) -> Floats:
    """Scale lines to the box and move their center of mass to the center of the grid."""
    ends = lines.reshape(2, -1)
    low, high = ends.min(axis=1), ends.max(axis=1)
    side = float((high - low).max())
    scale = (BOX - 2 * PEN_RADIUS) / side if side > TAP else 0.0
    lines = (lines - ((low + high) / 2)[:, None, None]) * scale
    # Lines weigh their length. The center of dots, which have none, is that of the box.
    lengths = _lengths(lines)
    moments = (lines[:, 0] + lines[:, 1]) / 2 * lengths
    center = moments.cumsum(axis=1)[:, -1] / (lengths.cumsum()[-1] or 1.0)
    # The box stays within the grid, however far the center of mass is from its middle.
    shift = (CENTER - center).clip(BOX / 2, SIZE - BOX / 2)
    normalized: Floats = lines + shift[:, None, None]
    return normalized


def _lengths(lines: Floats) -> Floats:
    vectors = lines[:, 1] - lines[:, 0]
    vectors *= vectors
    lengths: Floats = np.sqrt(vectors[0] + vectors[1])
    return lengths


def _split(lines: Floats) -> Floats:
    """Split lines into equal pieces of at most one pixel."""
    counts = np.maximum(np.ceil(_lengths(lines)), 1).astype(np.intp)
    ends = counts.cumsum()
    number = np.arange(ends[-1]) - (ends - counts).repeat(counts)
    fractions = (number + _ENDS) / counts.repeat(counts)
    lines = lines.repeat(counts, axis=2)
    start, vector = lines[:, 0], lines[:, 1] - lines[:, 0]
    pieces: Floats = start[:, None] + vector[:, None] * fractions
    return pieces


def _cover(coverage: Floats, pieces: Floats) -> None:
    """Raise the coverage of pixels, float64[36 * 36], near pieces of lines, float64[2, 2, n].

    The coverage of a pixel follows from the distance of its center to the nearest piece.
    """
    start, vector = pieces[:, 0], pieces[:, 1] - pieces[:, 0]
    squares = vector * vector
    square = squares[0] + squares[1]
    square[square == 0] = 1.0
    # Columns and rows in reach of each piece: float64[2, n, 4].
    near = np.ceil(pieces.min(axis=1) - _REACH - 0.5)[..., None] + _WINDOW
    to_x, to_y = to = near + 0.5 - start[..., None]
    along_x, along_y = to * vector[..., None]
    along = (along_x[:, None] + along_y[..., None]) / square[:, None, None]
    np.minimum(np.maximum(along, 0.0, out=along), 1.0, out=along)
    dx, dy = vector[..., None, None]
    off_x = to_x[:, None] - along * dx
    off_y = to_y[..., None] - along * dy
    covered = _REACH - np.sqrt(off_x * off_x + off_y * off_y)
    # The lower bound needs no clipping: coverage starts at zero.
    np.minimum(covered, 1.0, out=covered)
    columns, rows = near.astype(np.intp) + _MARGIN
    pixels = (rows * _SIDE)[..., None] + columns[:, None]
    np.maximum.at(coverage, pixels.ravel(), covered.ravel())
