"""Parentheses: a pair of strokes that curve away from the digits between them.

One parenthesis looks like a 1.
"""

import math

import numpy as np

from ml.preprocessing.bows import bow, is_slender, off_chord
from ml.preprocessing.strokes import Floats, Strokes, points_of

# Least ``bow`` of the left and of the right parenthesis; their least height as a fraction of the
# tallest stroke between them; their least gap as a fraction of the left one's height, because a 0
# may have two halves.
LEFT_BOW, RIGHT_BOW, MIN_HEIGHT, MIN_GAP = 0.08, 0.05, 0.7, 0.2
# If both are TALL, the left one may have a long curl at an end: a stroke at most CURLED times as
# long as the distance of its ends, and off the line between them by CURLED_BOW of it. The right one
# may then have STRAIGHT_BOW, if it reaches at most MAX_OVERLAP of its height over the others. 70 of
# 75 pairs in the numbers of 46 writers are found, and a pair in 8 of 6,000 numbers made of their
# digits.
TALL, CURLED, CURLED_BOW, STRAIGHT_BOW, MAX_OVERLAP = 1.1, 2.2, 0.3, 0.03, 0.25


def closing_parenthesis(strokes: Strokes, extents: Floats) -> int | None:
    """Return the position of the closing parenthesis among strokes from left to right.

    The first stroke is the opening one; None if there is no pair. ``extents`` float64[n, 4] are
    those of the strokes.
    """
    if len(strokes) < 3:
        return None
    opening, is_curled = _opening_bow(points_of(strokes[0]))
    if opening > -LEFT_BOW:
        return None
    heights = extents[:, 3] - extents[:, 1]
    ends = []
    for k in range(2, len(strokes)):
        if extents[k, 0] < extents[0, 2] + MIN_GAP * heights[0]:
            continue
        closing, height = bow(points_of(strokes[k])), min(heights[0], heights[k])
        tallest, overlap = heights[1:k].max(), extents[1:k, 2].max() - extents[k, 0]
        is_tall = height >= TALL * tallest and overlap <= MAX_OVERLAP * heights[k]
        is_clear = not is_curled and closing >= RIGHT_BOW and height >= MIN_HEIGHT * tallest
        if is_clear or (is_tall and closing >= STRAIGHT_BOW):
            ends.append(k)
    return max(ends, key=lambda k: float(heights[k]), default=None)


def _opening_bow(points: Floats) -> tuple[float, bool]:
    """Return the ``bow`` of a left parenthesis, or 0, and whether it has a curl."""
    plain = bow(points)
    if not math.isnan(plain):
        return plain, False
    if not is_slender(points, CURLED):
        return 0.0, False
    off = off_chord(points)
    farthest = float(off[np.abs(off).argmax()])
    return (farthest, True) if farthest <= -CURLED_BOW else (0.0, False)
