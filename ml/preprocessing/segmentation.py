"""Segment strokes into digits.

The strokes of a drawing, or pieces of strokes that may join several digits, are the parts of a row.
Data flows one way: ``segment_line`` proposes candidates, the caller predicts all of them in one
model call, and ``Lattice.best_path`` chooses among them.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ml.preprocessing.bows import bow
from ml.preprocessing.distances import are_near, end_points, length_of
from ml.preprocessing.hulls import hull
from ml.preprocessing.joined_strokes import JOINED_ASPECT, cut, merge
from ml.preprocessing.lattice import Lattice, build_lattice
from ml.preprocessing.punctuation import split_punctuation
from ml.preprocessing.strokes import Box, Floats, Integers, Strokes, bounding_box, points_of

# A drawing with more points, or longer strokes in its heights, is not handwriting and stays one
# candidate: a digit is about three heights long.
MAX_SEGMENTED_POINTS, MAX_LENGTH = 10_000, 200
# Distances are in heights of the drawing. Splitting the pieces of one stroke costs JOINED. Strokes
# closer than TOUCH_DISTANCE touch: splitting them costs TOUCHING. Closer than INK_DISTANCE only the
# ink of a pen touches: that costs little, but such digits are unsure. Strokes with ends closer than
# MEETING_DISTANCE were joined on purpose: splitting them costs MEETING.
JOINED = 1.5
TOUCH_DISTANCE, TOUCHING = 0.01, 1.5
INK_DISTANCE, INK_TOUCHING = 0.03, 0.1
MEETING_DISTANCE, MEETING = 0.02, 4.0


def segment_line(line: Strokes) -> list[tuple[list[Strokes], Lattice]]:
    """Return the candidate digits of each piece of a line, left to right, and their lattice.

    Punctuation is a piece of its own.
    """
    return [
        ([piece], Lattice.single([0], is_mark=True)) if is_mark else segment_strokes(piece)
        for piece, is_mark in split_punctuation(line)
    ]


def segment_strokes(strokes: Strokes) -> tuple[list[Strokes], Lattice]:
    """Return the candidate digits of strokes with at least one point each, and their lattice.

    The strokes of a candidate keep the order of drawing. Specks are in no candidate.
    """
    _, _, width, height = bounding_box(strokes)
    # Saves the hull of most digits.
    if len(strokes) == 1 and width < JOINED_ASPECT * height:
        return [strokes], Lattice.single([0])
    lines = [points_of(stroke) for stroke in strokes]
    if sum(map(len, lines)) > MAX_SEGMENTED_POINTS or length_of(lines) > MAX_LENGTH * height:
        return [strokes], Lattice.single([0])
    pieces = [piece for i, line in enumerate(lines) for piece in cut(i, line, hull(line), height)]
    if len(pieces) == 1:
        return [strokes], Lattice.single([0])
    parts = [lines[stroke][start:end] for stroke, start, end in pieces]

    def contact(left: Integers, right: Integers) -> float:
        if {pieces[i].stroke for i in left} & {pieces[i].stroke for i in right}:
            return JOINED
        return _contact([parts[i] for i in left], [parts[i] for i in right], height)

    bows = np.array([bow(part) for part in parts])
    lattice = build_lattice(np.stack([hull(part) for part in parts]), contact, bows)
    candidates: list[Strokes] = [
        [strokes[number][start:end] for number, start, end in merge(pieces[i] for i in group)]
        for group in lattice.groups
    ]
    return candidates, lattice


def _contact(left: Sequence[Floats], right: Sequence[Floats], height: float) -> float:
    """Return the cost of splitting lines float64[n, 2] because they touch."""
    if are_near(end_points(left), end_points(right), MEETING_DISTANCE * height):
        return MEETING
    if are_near(left, right, TOUCH_DISTANCE * height):
        return TOUCHING
    return INK_TOUCHING if are_near(left, right, INK_DISTANCE * height) else 0.0


def strokes_in(box: Box, strokes: Strokes) -> Strokes:
    """Return the strokes of a digit with this bounding box.

    If strokes inside the box do not fill it, the longest pieces of the other strokes inside it are
    added.
    """

    def is_inside(point: Sequence[float]) -> bool:
        return 0 <= point[0] - box.x <= box.width and 0 <= point[1] - box.y <= box.height

    inside = ([list(run) for is_in, run in groupby(one, is_inside) if is_in] for one in strokes)
    runs = [max(pieces, key=len, default=[]) for pieces in inside]
    whole = [run for run, stroke in zip(runs, strokes, strict=True) if run and run == stroke]
    if whole and bounding_box(whole) == box:
        return whole
    return [run for run in runs if run]
