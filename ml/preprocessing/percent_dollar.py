"""Percent and dollar signs, found by their strokes, which by themselves look like digits."""

import numpy as np

from ml.preprocessing.distances import length_of
from ml.preprocessing.marks import is_slender, off_chord
from ml.preprocessing.strokes import Floats, Integers, Stroke, Strokes, points_of

# A percent sign is a slender stroke that leans to the right, with a smaller one on both sides: a
# loop whose ends are closer than LOOP_GAP of its size, or any stroke smaller than DOT_SIZE. Their
# centers are at most BESIDE from the slender stroke, the right one is BELOW the left one, and the
# smaller one has at least SIMILAR of the size of the larger one, unlike a point and a digit. Other
# lengths are fractions of the height of the slender stroke. 73 of 123 % of 40 writers are found; 1
# of 5,238 other letters and signs and none of 8,404 digits is taken for one.
LOOP_GAP, DOT_SIZE, BESIDE, BELOW, SIMILAR = 0.8, 0.4, 0.8, 0.4, 0.4
# A dollar sign is an S with slender strokes through the middle of its width, which exceed it by
# EXCESS of its height at the top and at the bottom. The S leaves the line between its ends by S_BOW
# of their distance on both sides, and ends at the left, by S_DROP of its height below its start.
# The centers of the other strokes are within OFF_CENTER of its width of its center. 123 of 156 $ of
# 54 writers are found; 1 of 5,205 other letters and signs and 2 of 8,404 digits are taken for one.
S_BOW, S_DROP, EXCESS, OFF_CENTER = 0.1, 0.5, 0.05, 0.3


def find_signs(line: Strokes, extents: Floats) -> list[list[int]]:
    """Return the strokes of each percent and dollar sign; ``extents`` float64[n, 4] are theirs.

    No stroke is in two signs, or above, below or inside a sign of others.
    """
    centers = (extents[:, 0] + extents[:, 2]) / 2
    signs: list[list[int]] = []
    for sign in [*_percents(line, extents), *_dollars(line, extents)]:
        left, right = extents[sign, 0].min(), extents[sign, 2].max()
        others = np.delete(centers, sign)
        is_apart = not np.any((left < others) & (others < right))
        if is_apart and not any(set(sign) & set(other) for other in signs):
            signs.append(sign)
    return signs


def _percents(line: Strokes, extents: Floats) -> list[list[int]]:
    widths, heights = (extents[:, 2:] - extents[:, :2]).T
    small = np.maximum(widths, heights) < heights[:, None]
    slashes = np.flatnonzero(np.count_nonzero(small, axis=1) >= 2)
    found = (_percent(int(i), np.flatnonzero(small[i]), line, extents) for i in slashes)
    return [sign for sign in found if sign]


def _percent(slash: int, small: Integers, line: Strokes, extents: Floats) -> list[int]:
    """Return the strokes of the percent sign with a slash; empty if it is none."""
    points = points_of(line[slash])
    x, y = points[-1] - points[0]
    if x * y >= 0 or not is_slender(points):
        return []
    left, top, right, bottom = extents[slash]
    height = float(bottom - top)
    centers, downs = ((extents[small, :2] + extents[small, 2:]) / 2).T
    beside = (centers - right + (downs - top) * (right - left) / height) / height
    parts = [
        k
        for k in np.flatnonzero(np.abs(beside) <= BESIDE)
        if _is_dot_or_loop(line[small[k]], height)
    ]
    upper = min((k for k in parts if beside[k] < 0), key=lambda k: float(downs[k]), default=None)
    lower = max((k for k in parts if beside[k] > 0), key=lambda k: float(downs[k]), default=None)
    if upper is None or lower is None or downs[lower] - downs[upper] < BELOW * height:
        return []
    sign = [slash, int(small[upper]), int(small[lower])]
    sizes = (extents[sign[1:], 2:] - extents[sign[1:], :2]).max(axis=1)
    return sign if sizes.min() >= SIMILAR * sizes.max() else []


def _is_dot_or_loop(stroke: Stroke, height: float) -> bool:
    points = points_of(stroke)
    size = float(np.ptp(points, axis=0).max())
    x, y = points[-1] - points[0]
    is_closed = x * x + y * y <= (LOOP_GAP * size) ** 2 and length_of([points]) >= 2 * size
    return size <= DOT_SIZE * height or bool(is_closed)


def _dollars(line: Strokes, extents: Floats) -> list[list[int]]:
    left, top, right, bottom = extents.T
    heights, centers = bottom - top, (left + right) / 2
    # Rows are the S, columns the strokes through it.
    through = np.abs(centers - centers[:, None]) < OFF_CENTER * (right - left)[:, None]
    above = top <= (top - EXCESS * heights)[:, None]
    may_be = through & above & (bottom >= (bottom + EXCESS * heights)[:, None])
    np.fill_diagonal(may_be, val=False)
    signs = []
    for s in np.flatnonzero(may_be.any(axis=1)).tolist():
        stems = (points_of(line[i]) for i in np.flatnonzero(may_be[s]).tolist())
        if any(map(is_slender, stems)) and _is_s(points_of(line[s]), float(heights[s])):
            signs.append(np.flatnonzero((left[s] < centers) & (centers < right[s])).tolist())
    return signs


def _is_s(points: Floats, height: float) -> bool:
    x, y = points[-1] - points[0]
    if x > 0 or y < S_DROP * height:
        return False
    off = off_chord(points)
    return bool(off.max() >= S_BOW and off.min() <= -S_BOW)
