"""Marks between digits of a row: dashes, points and commas by their place, slashes by their height.

A slash looks like a 1 by itself: its height beside the others gives its probability.
``punctuation.py`` splits off other marks first.
"""

import math
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.hulls import height_of, slant_of
from ml.preprocessing.strokes import Floats

# A lower part apart from both neighbors is a mark, unless its middle is in this top fraction of the
# row: that is a hat.
HAT = 0.33
# A slender stroke that exceeds the other parts at the top and at the bottom may be a slash. The
# probability grows with its height relative to the others and is lower if it does not lean to the
# right: from a logistic regression on the numbers of 46 writers.
TALL, TALL_OFFSET, UPRIGHT = 9.0, 2.4, 2.0


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
