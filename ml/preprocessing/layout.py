"""Find the lines of digits in a drawing and drop the strokes around them.

An underline, a circle or box around the digits, and a tick far from the row are annotations: they
belong to no digit and no mark.
"""

import math

import numpy as np

from ml.preprocessing.bows import BOW, bow
from ml.preprocessing.lattice import MAX_PARTS
from ml.preprocessing.strokes import Floats, Stroke, Strokes, points_of

# An underline is at most this fraction of its width high, as wide as this fraction of the digits
# above it, and this fraction of their height below them: the foot of a 1 touches its stem.
UNDERLINE_ASPECT, UNDERLINE_WIDTH, UNDERLINE_GAP = 0.25, 0.7, 0.05
# An outline leaves this fraction of its size free on every side, and its digits have at least this
# fraction of its height. It turns at least TURNS times around their middle.
OUTLINE_MARGIN, OUTLINE_CONTENT, TURNS = 0.05, 0.3, 0.8
# A straight stroke in an outline is the slash of a 0, not a 1, from this width per height.
SLASH_ASPECT = 0.4
# A tick is smaller than this fraction of the largest stroke, and farther from all others than it.
TICK = 0.35
# Lines have at least this fraction of the height of the tallest stroke, and this fraction of the
# lower line's height between them.
LINE_HEIGHT, LINE_GAP = 0.6, 0.2
# Two single strokes are rather an 8 of two circles or a colon: their gap is in this range.
MIN_STROKE_GAP, MAX_STROKE_GAP = 0.5, 1.5


def split_lines(strokes: Strokes) -> list[Strokes]:
    """Return the lines of strokes with at least one point each, top to bottom.

    Strokes keep the order of drawing. Annotations are in no line. More strokes than MAX_PARTS are
    one line.
    """
    if not 1 < len(strokes) <= MAX_PARTS:
        return [strokes] if strokes else []
    extents = np.array([extent_of(stroke) for stroke in strokes])
    parts = _without_annotations(strokes, extents)
    return [[strokes[i] for i in sorted(line)] for line in _lines(parts, extents)]


def extent_of(stroke: Stroke) -> list[float]:
    """Return left, top, right and bottom of a stroke."""
    xs, ys = [point[0] for point in stroke], [point[1] for point in stroke]
    return [min(xs), min(ys), max(xs), max(ys)]


def _without_annotations(strokes: Strokes, extents: Floats) -> list[int]:
    """Return the strokes that are no annotations; at least one."""
    kept = list(range(len(strokes)))
    # A tick would widen the row above an underline, a circle may surround both, and an underline
    # may be double.
    for is_annotation in (_is_tick, _is_outline, _is_underline, _is_underline):
        for i in list(kept):
            others = [other for other in kept if other != i]
            if others and is_annotation(i, others, strokes, extents):
                kept = others
    return kept


def _is_tick(i: int, others: list[int], _: Strokes, extents: Floats) -> bool:
    left, top, right, bottom = extents[others].T
    largest = np.maximum(right - left, bottom - top).max()
    x1, y1, x2, y2 = extents[i]
    apart = np.max([left - x2, top - y2, x1 - right, y1 - bottom], axis=0).min()
    return bool(max(x2 - x1, y2 - y1) < TICK * largest and apart > largest)


def _is_outline(i: int, others: list[int], strokes: Strokes, extents: Floats) -> bool:
    left, top, right, bottom = _union(extents[others])
    x1, y1, x2, y2 = extents[i]
    width, height = x2 - x1, y2 - y1
    margin = min(left - x1, top - y1, x2 - right, y2 - bottom)
    if margin <= OUTLINE_MARGIN * min(width, height) or bottom - top < OUTLINE_CONTENT * height:
        return False
    is_oblique = right - left >= SLASH_ASPECT * (bottom - top)
    if len(others) == 1 and is_oblique and abs(bow(points_of(strokes[others[0]]))) < BOW:
        return False
    return _turns_around(strokes[i], (left + right) / 2, (top + bottom) / 2) >= TURNS


def _turns_around(stroke: Stroke, x: float, y: float) -> float:
    """Return how many times a stroke turns around a point."""
    right, down = points_of(stroke).T - [[x], [y]]
    sines = right[:-1] * down[1:] - down[:-1] * right[1:]
    cosines = right[:-1] * right[1:] + down[:-1] * down[1:]
    return abs(float(np.arctan2(sines, cosines).sum())) / (2 * math.pi)


def _is_underline(i: int, others: list[int], _: Strokes, extents: Floats) -> bool:
    left, top, right, bottom = _union(extents[others])
    x1, y1, x2, y2 = extents[i]
    flat = y2 - y1 <= UNDERLINE_ASPECT * (x2 - x1)
    wide = x2 - x1 >= max(UNDERLINE_WIDTH * (right - left), UNDERLINE_ASPECT * (bottom - top))
    return bool(flat and wide and y1 > bottom + UNDERLINE_GAP * (bottom - top))


def _union(extents: Floats) -> list[float]:
    """Return the extent of several strokes, given theirs float64[n, 4]."""
    return [*extents[:, :2].min(axis=0).tolist(), *extents[:, 2:].max(axis=0).tolist()]


def _lines(parts: list[int], extents: Floats) -> list[list[int]]:
    """Split parts at the widest vertical gap, and both halves again."""
    order = sorted(parts, key=lambda i: float(extents[i, 1] + extents[i, 3]))
    tallest = float((extents[parts, 3] - extents[parts, 1]).max())
    sides = [(_union(extents[order[:k]]), _union(extents[order[k:]])) for k in range(1, len(order))]
    gaps = [_line_gap(above, below, tallest) for above, below in sides]
    widest = max(gaps, default=-math.inf)
    least, most = (LINE_GAP, math.inf) if len(order) > 2 else (MIN_STROKE_GAP, MAX_STROKE_GAP)
    if not least <= widest <= most:
        return [parts]
    cut = gaps.index(widest) + 1
    return _lines(order[:cut], extents) + _lines(order[cut:], extents)


def _line_gap(above: list[float], below: list[float], tallest: float) -> float:
    """Return the gap between two lines in heights of the lower one; -inf if they are no lines."""
    height = min(above[3] - above[1], below[3] - below[1])
    # A steep row has gaps too, but goes on beside them.
    beside = below[0] > above[2] or above[0] > below[2]
    if beside or height == 0 or height < LINE_HEIGHT * tallest:
        return -math.inf
    return (below[1] - above[3]) / height
