"""Question marks, exclamation marks and pairs of parentheses, found by their strokes.

A ? without its dot looks like a 7, a ! and one parenthesis look like a 1. A dot below identifies
the first two; a pair of strokes that curve away from the digits between them is a pair of
parentheses.
"""

import numpy as np

from ml.preprocessing.layout import extent_of
from ml.preprocessing.marks import bow
from ml.preprocessing.strokes import Floats, Strokes, points_of

# Least ``bow`` of the left and of the right parenthesis; their least height as a fraction of the
# tallest stroke between them; their least gap as a fraction of the left one's height, because a 0
# may have two halves. They find 65 of 74 pairs in the numbers of 46 writers, and a pair in 5 of
# 1,500 numbers made of their digits.
LEFT_BOW, RIGHT_BOW, MIN_HEIGHT, MIN_GAP = 0.08, 0.05, 0.7, 0.2
# Largest size of a dot, and its least distance below and largest distance beside the other strokes,
# as fractions of their height. 128 of 136 ? and 69 of 86 ! of 50 writers have such a dot, and 2 of
# 15,398 digits.
DOT_SIZE, DOT_GAP, DOT_OFFSET = 0.3, 0.05, 0.1


def split_punctuation(line: Strokes) -> list[tuple[Strokes, bool]]:
    """Split a line at the parentheses around digits, from left to right.

    Return the strokes of each piece, at least one with at least one point, in the order of drawing,
    and whether they are a mark. A line without a pair of parentheses is one piece, and a mark if it
    is one character with a dot below.
    """
    if len(line) < 2:
        return [(line, False)]
    extents = np.array([extent_of(stroke) for stroke in line])
    if _has_dot_below(extents):
        return [(line, True)]
    order = np.argsort(extents[:, 0] + extents[:, 2], kind="stable")
    closing = _closing([line[i] for i in order], extents[order])
    if not closing:
        return [(line, False)]
    pieces = np.split(order, [1, closing, closing + 1])
    strokes = [[line[i] for i in sorted(piece)] for piece in pieces if len(piece)]
    return list(zip(strokes, (True, False, True, False), strict=False))


def _has_dot_below(extents: Floats) -> bool:
    """Return whether the lowest stroke is a dot below the others, which are one character.

    The strokes of one character overlap horizontally, and it is not wider than high.
    """
    lowest = int(extents[:, 1].argmax())
    others = np.delete(extents, lowest, axis=0)
    left, top = others[:, :2].min(axis=0)
    right, bottom = others[:, 2:].max(axis=0)
    height = bottom - top
    is_character = right - left <= height and others[:, 0].max() <= others[:, 2].min()
    x1, y1, x2, y2 = extents[lowest]
    beside = max(left - x2, x1 - right)
    is_dot = max(x2 - x1, y2 - y1) <= DOT_SIZE * height and beside <= DOT_OFFSET * height
    return bool(is_dot and is_character and y1 > bottom + DOT_GAP * height)


def _closing(strokes: Strokes, extents: Floats) -> int | None:
    """Return the position of the closing parenthesis; None if there is no pair."""
    if len(strokes) < 3 or not bow(points_of(strokes[0])) <= -LEFT_BOW:
        return None
    heights = extents[:, 3] - extents[:, 1]
    beside = extents[:, 0] >= extents[0, 2] + MIN_GAP * heights[0]
    ends = [
        k for k in range(2, len(strokes)) if beside[k] and bow(points_of(strokes[k])) >= RIGHT_BOW
    ]
    if not ends:
        return None
    end = max(ends, key=lambda k: float(heights[k]))
    is_tall = min(heights[0], heights[end]) >= MIN_HEIGHT * heights[1:end].max()
    return end if is_tall else None
