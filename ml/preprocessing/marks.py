"""Marks between digits: dashes, points, slashes.

A low part is a mark by its place. A slash looks like a 1 by itself: its height beside the others
gives its probability. ``punctuation.py`` splits off punctuation first.
"""

import math
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.distances import length_of
from ml.preprocessing.hulls import height_of, slant_of
from ml.preprocessing.strokes import Floats

# A lower part apart from both neighbors is a mark, unless its middle is in this top fraction of the
# row: that is a hat.
HAT = 0.33
# A stroke at most SLENDER times as long as the distance of its ends, which exceeds the other parts
# at the top and at the bottom, may be a slash. The probability grows with its height relative to
# the others and is lower if it does not lean to the right: from a logistic regression on the
# numbers of 46 writers.
SLENDER, TALL, TALL_OFFSET, UPRIGHT = 1.8, 9.0, 2.4, 2.0
# A stroke off the line between its ends by the fraction BOW of their distance is not straight.
# Farthest off within the fraction BOW_END of an end is the corner of a 7.
BOW, BOW_END = 0.1, 0.15


def is_slender(line: Floats, longest: float = SLENDER) -> bool:
    """Return whether a line float64[n, 2] is at most ``longest`` times as long as its chord."""
    x, y = line[-1] - line[0]
    chord = math.sqrt(x * x + y * y)
    return chord > 0 and length_of([line]) <= longest * chord


def off_chord(line: Floats) -> Floats:
    """Return the distances float64[n] of a line float64[n, 2] from the chord between its ends.

    The unit is the length of the chord; distances are positive to the right of the chord, seen
    upright. The ends must differ.
    """
    x, y = line[-1] - line[0]
    right, down = (line - line[0]).T
    off: Floats = (right * y - down * x) / (x * x + y * y)
    return off if y >= 0 else -off


def bow(line: Floats) -> float:
    """Return the largest distance of a line float64[n, 2] from its chord, as ``off_chord``.

    NaN if the line is not slender or has a corner at an end.
    """
    if not is_slender(line):
        return math.nan
    off, chord = off_chord(line), line[-1] - line[0]
    farthest = int(np.abs(off).argmax())
    right, down = (line[farthest] - line[0]) * chord
    along = (right + down) / (chord * chord).sum()
    is_corner = abs(off[farthest]) >= BOW and not BOW_END < along < 1 - BOW_END
    return math.nan if is_corner else float(off[farthest])


def digit_height(row: Floats, bows: Floats) -> float:
    """Return the height of the tallest part that is not slender; of all if all are slender.

    ``row`` float64[n, 12] has the hulls of the parts; their bows float64[n] are NaN unless slender.
    """
    heights = height_of(row)
    slender = ~np.isnan(bows)
    return float(heights.max() if slender.all() else heights[~slender].max())


def slashes(row: Floats, lowest: float, bows: Floats) -> Floats:
    """Return the probability float64[n] of each part to be a slash.

    ``lowest`` is the height of the lowest digit.
    """
    bottom, top, high = row[:, -2], -row[:, -1], height_of(row) >= lowest
    probabilities = np.zeros(len(row))
    offsets = np.where(slant_of(row) > 0, TALL_OFFSET, TALL_OFFSET + UPRIGHT)
    at = np.arange(len(row))
    # A slash at the end of a row is a 1.
    inside = (at > 0) & (at < len(row) - 1)
    for i in np.flatnonzero(inside & ~np.isnan(bows)):
        others = np.flatnonzero(high & (at != i))
        if not len(others):
            continue
        if top[i] <= median_low(top[others]) and bottom[i] >= median_low(bottom[others]):
            ratio = (bottom[i] - top[i]) / median_low(bottom[others] - top[others])
            probabilities[i] = 1 / (1 + math.exp(offsets[i] - TALL * math.log(ratio)))
    return probabilities


def low_marks(row: Floats, lowest: float, height: float, gaps: Floats) -> NDArray[np.bool]:
    """Return the parts bool[n] that are marks: low, apart from their neighbors, not at the top.

    ``height`` is that of the row, ``gaps`` float64[n - 1] those between its parts.
    """
    bottom, top = row[:, -2], -row[:, -1]
    apart = np.append(gaps > 0, True) & np.append(True, gaps > 0)
    marks: NDArray[np.bool] = (
        (bottom - top < lowest) & apart & ((top + bottom) / 2 > top.min() + HAT * height)
    )
    return marks
