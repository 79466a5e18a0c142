"""Lengths of lines of points, and distances between them."""

from collections.abc import Sequence

import numpy as np

from ml.preprocessing.strokes import Floats

# Above this product of points and lines in reach, lines count as near without a check.
MAX_DISTANCES = 250_000


def length_of(lines: Sequence[Floats]) -> float:
    """Return the length of all lines float64[n, 2] together."""
    vectors = np.vstack([np.zeros((1, 2)), *(np.diff(line, axis=0) for line in lines)])
    return float(np.sqrt((vectors * vectors).sum(axis=1)).cumsum()[-1])


def end_points(lines: Sequence[Floats]) -> list[Floats]:
    """Return the first and last point of each line, as lines of one point."""
    return [end for line in lines for end in (line[:1], line[-1:])]


def are_near(one: Sequence[Floats], other: Sequence[Floats], distance: float) -> bool:
    """Return whether lines float64[n, 2] come closer than a distance.

    The smallest distance between lines that do not cross is at a point of one of them.
    """
    return _points_near(np.vstack(one), other, distance) or _points_near(
        np.vstack(other), one, distance
    )


def _points_near(points: Floats, lines: Sequence[Floats], distance: float) -> bool:
    """Return whether any of points float64[n, 2] is closer than a distance to any line."""
    start = np.vstack([line[:-1] if len(line) > 1 else line for line in lines])
    end = np.vstack([line[1:] if len(line) > 1 else line for line in lines])
    low, high = np.minimum(start, end) - distance, np.maximum(start, end) + distance
    points = points[((points >= low.min(axis=0)) & (points <= high.max(axis=0))).all(axis=1)]
    if not len(points):
        return False
    close = ((low <= points.max(axis=0)) & (high >= points.min(axis=0))).all(axis=1)
    if len(points) * np.count_nonzero(close) > MAX_DISTANCES:
        return True
    return _smallest_distance(points, start[close], end[close]) < distance


def _smallest_distance(points: Floats, start: Floats, end: Floats) -> float:
    """Return the smallest distance of points float64[n, 2] to lines, float64[m, 2] each end."""
    vector = end - start
    square = (vector * vector).sum(axis=1)
    square[square == 0] = 1.0
    to = points[:, None] - start
    along = np.clip((to * vector).sum(axis=2) / square, 0.0, 1.0)
    off = to - along[..., None] * vector
    return float(np.sqrt((off * off).sum(axis=2).min(initial=np.inf)))
