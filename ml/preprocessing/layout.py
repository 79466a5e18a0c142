"""Find the lines of digits in a drawing and drop the strokes around them.

An underline, a circle or box around the digits, and a tick far from the row are annotations: they
belong to no digit and no mark.
"""

from collections.abc import Sequence

import numpy as np

from ml.preprocessing.segmentation import MAX_PARTS
from ml.preprocessing.strokes import Floats, Strokes

# An underline is at most this fraction of its width high, as wide as this fraction of the digits
# above it, and this fraction of their height below them: the foot of a 1 touches its stem.
UNDERLINE_ASPECT, UNDERLINE_WIDTH, UNDERLINE_GAP = 0.25, 0.7, 0.05
# An outline leaves this fraction of its size free on every side, and its digits have at least this
# fraction of its height. Its ends are closer than CLOSED of its size.
OUTLINE_MARGIN, OUTLINE_CONTENT, CLOSED = 0.05, 0.3, 0.3
# A tick is smaller than this fraction of the largest stroke, and farther from all others than it.
TICK = 0.35
# Lines have at least this fraction of the height of the drawing, and this fraction of the lower
# line's height between them.
LINE_HEIGHT, LINE_GAP = 0.3, 0.2
# Two single strokes are rather an 8 of two circles: they need this gap.
STROKE_GAP = 0.5


def split_lines(strokes: Strokes) -> list[Strokes]:
    """Return the lines of strokes with at least one point each, top to bottom.

    Strokes keep the order of drawing. Annotations are in no line. More strokes than MAX_PARTS are
    one line.
    """
    if not 1 < len(strokes) <= MAX_PARTS:
        return [strokes] if strokes else []
    extents = np.array([_extent(stroke) for stroke in strokes])
    kept = [i for i in range(len(strokes)) if not _is_annotation(i, strokes, extents)]
    if not kept:
        return [strokes]
    return [[strokes[i] for i in sorted(line)] for line in _lines(kept, extents)]


def _extent(stroke: Sequence[Sequence[float]]) -> list[float]:
    """Return left, top, right and bottom of a stroke."""
    xs, ys = [point[0] for point in stroke], [point[1] for point in stroke]
    return [min(xs), min(ys), max(xs), max(ys)]


def _is_annotation(i: int, strokes: Strokes, extents: Floats) -> bool:
    others = np.delete(extents, i, axis=0)
    rest = np.hstack([others[:, :2].min(axis=0), others[:, 2:].max(axis=0)])
    return (
        _is_underline(extents[i], rest)
        or _is_outline(strokes[i], extents[i], rest)
        or _is_tick(extents[i], others)
    )


def _is_underline(stroke: Floats, rest: Floats) -> bool:
    width, height = stroke[2] - stroke[0], rest[3] - rest[1]
    flat = stroke[3] - stroke[1] <= UNDERLINE_ASPECT * width
    wide = width >= UNDERLINE_WIDTH * (rest[2] - rest[0])
    below = stroke[1] > rest[3] + UNDERLINE_GAP * height
    return bool(flat and wide and below and width >= UNDERLINE_ASPECT * height)


def _is_outline(points: Sequence[Sequence[float]], stroke: Floats, rest: Floats) -> bool:
    width, height = stroke[2] - stroke[0], stroke[3] - stroke[1]
    margin = OUTLINE_MARGIN * min(width, height)
    inside = (rest[:2] - stroke[:2] >= margin).all() and (stroke[2:] - rest[2:] >= margin).all()
    tall = rest[3] - rest[1] >= OUTLINE_CONTENT * height
    ends = np.abs(np.subtract(points[0][:2], points[-1][:2]))
    return bool(inside and tall and (ends <= CLOSED * max(width, height)).all())


def _is_tick(stroke: Floats, others: Floats) -> bool:
    sizes = np.maximum(others[:, 2] - others[:, 0], others[:, 3] - others[:, 1])
    largest = sizes.max()
    size = max(stroke[2] - stroke[0], stroke[3] - stroke[1])
    apart = np.maximum(others[:, :2] - stroke[2:], stroke[:2] - others[:, 2:]).max(axis=1)
    return bool(size < TICK * largest and apart.min() > largest)


def _lines(parts: list[int], extents: Floats) -> list[list[int]]:
    """Split parts at the widest vertical gap, and both halves again."""
    order = sorted(parts, key=lambda i: float(extents[i, 1] + extents[i, 3]))
    height = extents[parts, 3].max() - extents[parts, 1].min()
    best, cut = -np.inf, 0
    for k in range(1, len(order)):
        above, below = extents[order[:k]], extents[order[k:]]
        heights = [float(np.ptp([side[:, 1].min(), side[:, 3].max()])) for side in (above, below)]
        gap = float(below[:, 1].min() - above[:, 3].max()) / max(min(heights), 1e-9)
        if min(heights) >= LINE_HEIGHT * height and gap > best:
            best, cut = gap, k
    if best < (LINE_GAP if len(order) > 2 else STROKE_GAP):
        return [parts]
    return _lines(order[:cut], extents) + _lines(order[cut:], extents)
