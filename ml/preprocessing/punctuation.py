"""Question and exclamation marks, signs and pairs of parentheses, found by their strokes.

A ? without its dot looks like a 7, a ! and one parenthesis look like a 1. A dot below identifies
the first two; a pair of strokes that curve away from the digits between them is a pair of
parentheses.
"""

import math

import numpy as np

from ml.preprocessing.bows import bow, is_slender, off_chord
from ml.preprocessing.lattice import MAX_PARTS
from ml.preprocessing.layout import extent_of
from ml.preprocessing.percent_dollar import find_signs
from ml.preprocessing.strokes import Floats, Strokes, points_of

# Least ``bow`` of the left and of the right parenthesis; their least height as a fraction of the
# tallest stroke between them; their least gap as a fraction of the left one's height, because a 0
# may have two halves.
LEFT_BOW, RIGHT_BOW, MIN_HEIGHT, MIN_GAP = 0.08, 0.05, 0.7, 0.2
# If both are TALL, the left one may have a long curl at an end: a stroke at most CURLED times as
# long as the distance of its ends, and off the line between them by CURLED_BOW of it. The right one
# may then have STRAIGHT_BOW, if it reaches at most MAX_OVERLAP of its height over the others. 70 of
# 75 pairs in the numbers of 46 writers are found, and a pair in 9 of 6,000 numbers made of their
# digits.
TALL, CURLED, CURLED_BOW, STRAIGHT_BOW, MAX_OVERLAP = 1.1, 2.2, 0.3, 0.03, 0.25
# Largest size of a dot, and its least distance below and largest distance beside the other strokes,
# as fractions of their height. 128 of 136 ? and 69 of 86 ! of 50 writers have such a dot, and 2 of
# 15,398 digits.
DOT_SIZE, DOT_GAP, DOT_OFFSET = 0.3, 0.05, 0.1


def split_punctuation(line: Strokes) -> list[tuple[Strokes, bool]]:
    """Split a line at the signs and parentheses around digits, from left to right.

    Return the strokes of each piece, at least one with at least one point, in the order of drawing,
    and whether they are a mark. A line without signs and without a pair of parentheses is one
    piece, and a mark if it is one character with a dot below. More strokes than MAX_PARTS are one
    piece: signs are sought among all pairs.
    """
    if not 1 < len(line) <= MAX_PARTS:
        return [(line, False)]
    extents = [extent_of(stroke) for stroke in line]
    if _has_dot_below(np.array(extents)):
        return [(line, True)]
    centers = [left + right for left, _, right, _ in extents]
    marks = find_signs(line, extents)
    others = [i for i in range(len(line)) if not any(i in mark for mark in marks)]
    order = sorted(others, key=centers.__getitem__)
    if closing := _closing([line[i] for i in order], np.array([extents[i] for i in order])):
        marks += [[order[0]], [order[closing]]]
        others = [i for i in others if i not in (order[0], order[closing])]

    def middle(mark: list[int]) -> float:
        return min(extents[i][0] for i in mark) + max(extents[i][2] for i in mark)

    marks.sort(key=middle)
    after = {i: sum(middle(mark) < centers[i] for mark in marks) for i in others}
    pieces = [([i for i in others if after[i] == 0], False)]
    for k, mark in enumerate(marks, start=1):
        pieces += [(sorted(mark), True), ([i for i in others if after[i] == k], False)]
    return [([line[i] for i in piece], is_mark) for piece, is_mark in pieces if piece]


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
