"""Pieces of strokes that join several digits.

A wide stroke may be cut where it crosses a vertical line only once. The line segment that crosses
it connects two digits and belongs to neither.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ml.preprocessing.hulls import height_of, width_of
from ml.preprocessing.lattice import MIN_HEIGHT
from ml.preprocessing.strokes import Floats

# A stroke wider than this multiple of its height may be several joined digits, each at least this
# fraction of its width.
JOINED_ASPECT, MIN_JOINED_WIDTH = 1.0, 0.2
# Positions where a stroke may be cut.
CUT_POSITIONS = 25
# A piece has a line segment.
MIN_POINTS = 2


class Piece(NamedTuple):
    """The points from ``start`` to before ``end`` of a stroke, by the number of the stroke."""

    stroke: int
    start: int
    end: int


def cut(number: int, line: Floats, hull: Floats, height: float) -> list[Piece]:
    """Return the pieces of a stroke, float64[n, 2], in a drawing of some height."""
    own_height = float(height_of(hull))
    if own_height < MIN_HEIGHT * height or width_of(hull) < JOINED_ASPECT * own_height:
        return [Piece(number, 0, len(line))]
    x = line[:, 0]
    fractions = np.arange(CUT_POSITIONS) / (CUT_POSITIONS - 1)
    inside = MIN_JOINED_WIDTH + (1 - 2 * MIN_JOINED_WIDTH) * fractions
    right_of = x[:, None] > float(x.min()) + float(np.ptp(x)) * inside
    crossings = right_of[1:] != right_of[:-1]
    once = np.flatnonzero(crossings.sum(axis=0) == 1)
    # The middle of each run of positions with one crossing.
    runs = np.split(once, np.flatnonzero(np.diff(once) > 1) + 1)
    points = {int(crossings[:, run[len(run) // 2]].argmax()) + 1 for run in runs if len(run)}
    starts = [0]
    for point in sorted(points):
        if starts[-1] + MIN_POINTS <= point <= len(line) - MIN_POINTS:
            starts.append(point)
    return [Piece(number, start, end) for start, end in pairwise([*starts, len(line)])]


def merge(pieces: Iterable[Piece]) -> list[Piece]:
    """Join pieces that follow each other in one stroke."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and (piece.stroke, piece.start) == (merged[-1].stroke, merged[-1].end):
            piece = Piece(piece.stroke, merged.pop().start, piece.end)
        merged.append(piece)
    return merged
