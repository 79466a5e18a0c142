"""Segment a drawing into digits.

The parts of a drawing (strokes, or pieces of ink in a picture) form a row from left to right. Parts
that clearly overlap belong to one digit. Every other way to split the row is scored by the model's
probabilities for each candidate digit and by the layout of numbers: digits stand apart, have the
same height and share a baseline (over-segmentation and dynamic programming: LeCun et al.,
"Gradient-based learning applied to document recognition", 1998, section V).

Data flows one way: ``segment_strokes`` proposes candidates, the caller predicts all of them in one
model call, and ``Lattice.best_path`` chooses among them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.strokes import Box, Floats, Strokes, bounding_box

Integers: TypeAlias = NDArray[np.intp]
Stroke: TypeAlias = Sequence[Sequence[float]]

# Handwriting slants, so gaps are measured along lines of these slopes (dx per dy, leftwards).
SLANTS = np.array([0.0, -0.2, 0.2, 0.4, 0.6])
# Parts smaller than this fraction of the largest are specks and dropped.
MIN_PART_SIZE = 0.06
# All lengths below are fractions of the height of the drawing.
# Parts that overlap by more than this belong to one digit.
OVERLAP = 0.2
# A candidate wider than WIDE is penalized; one wider than WIDEST is excluded.
WIDE, WIDEST = 0.7, 1.5
# A candidate lower than this fraction of the tallest is not a digit: a dash, the hat of a 5.
MIN_HEIGHT = 0.35
# A lower part apart from both neighbors is a mark, unless its middle is in this top fraction of the
# row: that is a hat.
HAT = 0.33
# Probability of a mark, beside the model's probabilities of digits: of a low mark, and of any part.
LOW_MARK, MARK = 0.5, 0.3
# A stroke at most SLENDER times as long as the distance of its ends, which exceeds the other parts
# at the top and at the bottom, may be a slash or a parenthesis, with a probability that grows with
# its height relative to the others: from a logistic regression on the numbers of 46 writers.
SLENDER, TALL, TALL_OFFSET = 1.8, 9.0, 2.4
# A parenthesis is off the line between its ends by this fraction of their distance; a slash at the
# end of a row is a 1. Farthest off within this fraction of an end is the corner of a 7.
BOW, BOW_END = 0.1, 0.15
# A stroke wider than this multiple of its height may be several joined digits. Each has at least
# this fraction of the stroke's width. A cut costs JOINED.
JOINED_ASPECT, MIN_JOINED_WIDTH, JOINED = 1.0, 0.2, 1.5
# Positions where a stroke may be cut.
CUT_POSITIONS = 25
# Above these limits a drawing is not handwriting and stays one candidate: parts in a digit, parts,
# points, and the length of all strokes (a digit is about three heights long).
MAX_PARTS_IN_DIGIT, MAX_PARTS = 8, 40
MAX_SEGMENTED_POINTS, MAX_LENGTH = 10_000, 200
# Weights beside the logarithm of the model's probability: the value of a gap, the cost of a wide
# candidate or of neighbors with different heights or baselines. From a logistic regression on the
# strokes of 24 writers, rounded.
GAP, MISFIT = 0.5, 1.5
# Strokes closer than NEAR touch. Splitting touching strokes costs TOUCHING.
NEAR, TOUCHING = 0.01, 1.5
# Strokes with end points closer than MEETING_DISTANCE were joined on purpose: splitting them costs
# MEETING.
MEETING_DISTANCE, MEETING = 0.02, 4.0
# Above this product of points and lines in reach, strokes count as touching without a check.
MAX_DISTANCES = 250_000
# A candidate whose two largest probabilities sum to less is a non-digit; splitting touching strokes
# into one costs NON_DIGIT_COST more.
MIN_DIGIT_PROBABILITY, NON_DIGIT_COST = 0.95, 3.0
# Weight of the second probability: a digit with one rival, such as 1 and 7, is still a digit.
RIVAL = 0.3

# A hull is the support function of a part: its extent to the right and left along each slant, down
# and up.
_RIGHT, _LEFT, _VERTICAL = slice(0, len(SLANTS)), slice(len(SLANTS), -2), slice(-2, None)


@dataclass(frozen=True)
class Lattice:
    """Candidate digits of a row of parts, and the scores of combining them.

    ``groups`` holds the sorted parts of each of n candidates, ``spans`` their (first, end) in the
    row. ``penalties`` float64[n] is the cost of each candidate's width; ``transitions``
    float64[n, n] scores candidate j after i (-inf where it does not follow); ``misfits``
    float64[n, n] is the cost of their different heights and baselines; ``contacts`` float64[n] is
    the cost of splitting each candidate from touching ink before it. ``marks`` float64[n] is the
    probability of each candidate, by its size, to be a mark.
    """

    groups: list[list[int]]
    spans: list[tuple[int, int]]
    penalties: Floats
    transitions: Floats
    misfits: Floats
    contacts: Floats
    marks: Floats

    @classmethod
    def single(cls, parts: list[int]) -> "Lattice":
        """Return a lattice with one candidate."""
        none = np.zeros((1, 1))
        return cls([parts], [(0, 1)], none[0], none - np.inf, none, none[0], none[0])

    @property
    def length(self) -> int:
        """The number of parts in the row: no path is longer."""
        return max(end for _, end in self.spans)

    def best_path(self, probabilities: NDArray[np.float32]) -> tuple[list[int], list[bool]]:
        """Return the candidates of the best segmentation, left to right, and which are marks.

        ``probabilities`` float32[n, 10] are the model's for each candidate.
        """
        if len(self.groups) == 1:
            return [0], [False]
        second, first = np.sort(probabilities.astype(np.float64), axis=1)[:, -2:].T
        digit = (1 - self.marks) * (first + RIVAL * second)
        mark = np.where(self.marks == 1, LOW_MARK, self.marks)
        is_mark = mark > digit
        non_digit = is_mark | (first + second < MIN_DIGIT_PROBABILITY)
        # A part unlike any digit may be a mark of any size: its height and baseline do not matter.
        alone = np.array([end - start == 1 for start, end in self.spans])
        other = alone & (is_mark | (digit < MARK))
        likelihood = np.maximum(np.maximum(digit, mark), MARK * other)
        scores = np.log(likelihood) - self.penalties
        contacts = np.where(
            self.contacts > 0, self.contacts + NON_DIGIT_COST * _either(non_digit), 0.0
        )
        misfits = np.where(_either(other), 0.0, self.misfits)
        path = self._best_path(scores, self.transitions - misfits - contacts)
        return path, [bool(is_mark[i]) for i in path]

    def _best_path(self, scores: Floats, transitions: Floats) -> list[int]:
        """Find the path with the highest score by dynamic programming; spans are sorted."""
        total, previous = scores.copy(), np.full(len(self.spans), -1)
        for i, (first, _) in enumerate(self.spans):
            if first > 0:
                ways = total[:i] + transitions[:i, i]
                previous[i] = ways.argmax()
                total[i] += ways.max()
        last = [i for i, (_, end) in enumerate(self.spans) if end == self.length]
        at = max(last, key=lambda i: float(total[i]))
        path = []
        while at >= 0:
            path.append(at)
            at = int(previous[at])
        return path[::-1]


def _either(which: NDArray[np.bool]) -> NDArray[np.bool]:
    """Return whether one of each two candidates is marked in bool[n], bool[n, n]."""
    return which[:, None] | which[None]


def segment_strokes(strokes: Strokes) -> tuple[list[Strokes], Lattice]:
    """Return the candidate digits of strokes with at least one point each, and their lattice.

    The strokes of a candidate keep the order of drawing. Specks are in no candidate.
    """
    lines = _arrays(strokes)
    hulls = np.stack([hull(line) for line in lines])
    height = float(_height(hulls.max(axis=0)))
    if sum(map(len, lines)) > MAX_SEGMENTED_POINTS or _length(lines) > MAX_LENGTH * height:
        return [strokes], Lattice.single(list(range(len(strokes))))
    cuts = [_cuts(line, shape, height) for line, shape in zip(lines, hulls, strict=True)]
    owner = [i for i, at in enumerate(cuts) for _ in range(len(at) + 1)]
    pieces = [piece for stroke, at in zip(strokes, cuts, strict=True) for piece in _cut(stroke, at)]
    if len(pieces) == 1:
        return [strokes], Lattice.single([0])
    if len(pieces) > len(strokes):
        lines = _arrays(pieces)
        hulls = np.stack([hull(line) for line in lines])

    def contact(left: Integers, right: Integers) -> float:
        if {owner[part] for part in left} & {owner[part] for part in right}:
            return JOINED
        one, other = ([lines[part] for part in side] for side in (left, right))
        if _are_near(_end_points(one), _end_points(other), MEETING_DISTANCE * height):
            return MEETING
        return TOUCHING if _are_near(one, other, NEAR * height) else 0.0

    lattice = build_lattice(hulls, contact, np.array([bow(line) for line in lines]))
    return [[pieces[part] for part in group] for group in lattice.groups], lattice


def _arrays(strokes: Strokes) -> list[Floats]:
    """Return the coordinates of each stroke, float64[n, 2]."""
    return [np.array([point[:2] for point in stroke], dtype=np.float64) for stroke in strokes]


def strokes_in(box: Box, strokes: Strokes) -> Strokes:
    """Return the strokes of a digit with this bounding box.

    If strokes inside the box do not fill it, pieces of the other strokes inside it are added.
    """
    runs = [_run_in(box, stroke) for stroke in strokes]
    whole = [run for run, stroke in zip(runs, strokes, strict=True) if run and run == stroke]
    if whole and bounding_box(whole) == box:
        return whole
    return [run for run in runs if run]


def _run_in(box: Box, stroke: Stroke) -> Stroke:
    """Return the longest run of points inside a box."""
    runs: list[list[Sequence[float]]] = [[]]
    for point in stroke:
        if 0 <= point[0] - box.x <= box.width and 0 <= point[1] - box.y <= box.height:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return max(runs, key=len)


def bow(line: Floats) -> float:
    """Return the largest distance of a line float64[n, 2] from the chord between its ends.

    The unit is the length of the chord. NaN if the line is not slender or has a corner at an end.
    """
    x, y = line[-1] - line[0]
    square = float(x * x + y * y)
    if square == 0 or _length([line]) > SLENDER * math.sqrt(square):
        return math.nan
    right, down = (line - line[0]).T
    off = np.abs(down * x - right * y) / square
    farthest = int(off.argmax())
    along = float(right[farthest] * x + down[farthest] * y) / square
    largest = float(off[farthest])
    return largest if largest < BOW or BOW_END < along < 1 - BOW_END else math.nan


def _cut(stroke: Stroke, at: Sequence[int]) -> list[Stroke]:
    """Cut a stroke at some points, which end one piece and start the next."""
    starts, ends = [0, *at], [*at, len(stroke) - 1]
    return [stroke[start : end + 1] for start, end in zip(starts, ends, strict=True)]


def _cuts(line: Floats, shape: Floats, height: float) -> list[int]:
    """Return the points where a line float64[n, 2] with a hull may be cut between joined digits.

    A wide stroke may be cut where it crosses a vertical line only once.
    """
    own_height = float(_height(shape))
    if own_height < MIN_HEIGHT * height or _width(shape) < JOINED_ASPECT * own_height:
        return []
    left, width = float(line[:, 0].min()), float(np.ptp(line[:, 0]))
    at = np.linspace(MIN_JOINED_WIDTH, 1 - MIN_JOINED_WIDTH, CUT_POSITIONS) * width + left
    right_of = line[:, 0][:, None] > at
    crossings = right_of[1:] != right_of[:-1]
    once = crossings.sum(axis=0) == 1
    # The middle of each run of positions with one crossing.
    runs = np.split(np.flatnonzero(once), np.flatnonzero(np.diff(np.flatnonzero(once)) > 1) + 1)
    points = [int(crossings[:, run[len(run) // 2]].argmax()) + 1 for run in runs if len(run)]
    # A cut at the last point would leave a piece without length.
    return sorted({point for point in points if point < len(line) - 1})


def build_lattice(
    hulls: Floats,
    contact: Callable[[Integers, Integers], float],
    bows: Floats | None = None,
) -> Lattice:
    """Propose candidate digits for parts with hulls float64[n, directions].

    ``contact`` returns the cost of splitting two sets of parts because their ink touches. ``bows``
    float64[n] are those of ``bow``; without them there are no marks.
    """
    order, cuts, gaps = _arrange(hulls)
    height = float(_height(hulls[order].max(axis=0)))
    parts = np.split(order, cuts + 1)
    if height == 0 or len(parts) > MAX_PARTS:
        return Lattice.single(sorted(order.tolist()))
    row = np.stack([hulls[part].max(axis=0) for part in parts])
    own = np.full(len(parts), np.nan)
    if bows is not None:
        own = np.array([bows[part[0]] if len(part) == 1 else np.nan for part in parts])
    lowest = MIN_HEIGHT * max(_digit_height(row, own), height / 2)
    marks = _tall_marks(row, lowest, own)
    if bows is not None:
        marks[_low_marks(row, lowest, height, gaps)] = 1.0
    single = (marks == 1) | (_height(row) >= lowest)
    if np.count_nonzero(single) < 2:
        return Lattice.single(sorted(order.tolist()))
    spans = _spans(row, single, lowest, WIDEST * height)
    costs = np.array([contact(order[: cut + 1], order[cut + 1 :]) for cut in cuts])
    return _score(row, parts, spans, marks, gaps, costs)


def _arrange(hulls: Floats) -> tuple[Integers, Integers, Floats]:
    """Return the parts without specks from left to right, the cuts between them, and their gaps.

    A cut follows the part at its position. Parts that overlap more than OVERLAP stay together.
    """
    size = np.maximum(_height(hulls), _width(hulls))
    kept = np.flatnonzero(size >= MIN_PART_SIZE * size.max())
    order = kept[np.argsort(hulls[kept, 0] - hulls[kept, len(SLANTS)], kind="stable")]
    gaps = _gaps(hulls[order])
    cuts = np.flatnonzero(gaps > -OVERLAP * float(_height(hulls[kept].max(axis=0))))
    return order, cuts, gaps[cuts]


def _score(
    row: Floats,
    parts: Sequence[Integers],
    spans: Sequence[tuple[int, int]],
    marks: Floats,
    gaps: Floats,
    costs: Floats,
) -> Lattice:
    """Return the lattice of the spans; ``gaps`` and ``costs`` are those of the cuts."""
    height = float(_height(row.max(axis=0)))
    shapes = np.stack([row[first:end].max(axis=0) for first, end in spans])
    before = np.maximum([first for first, _ in spans], 1) - 1
    return Lattice(
        groups=[sorted(np.concatenate(parts[first:end]).tolist()) for first, end in spans],
        spans=list(spans),
        penalties=MISFIT * (_width(shapes) / height - WIDE).clip(0),
        transitions=_transitions(spans, shapes, gaps[before]),
        misfits=_misfits(shapes),
        contacts=costs[before],
        marks=np.array([marks[first] if end - first == 1 else 0.0 for first, end in spans]),
    )


def hull(points: Floats | Integers) -> Floats:
    """Return the extent of points [n, 2] in each direction: right, left, down, up."""
    x, y = points.T
    slanted = x + SLANTS[:, None] * y
    return np.hstack([slanted.max(axis=1), -slanted.min(axis=1), y.max(), -y.min()])


def _height(hulls: Floats) -> Floats:
    height: Floats = hulls[..., _VERTICAL].sum(axis=-1)
    return height


def _width(hulls: Floats) -> Floats:
    width: Floats = (hulls[..., _RIGHT] + hulls[..., _LEFT]).min(axis=-1)
    return width


def _gaps(row: Floats) -> Floats:
    """Return the widest gap along any slant after each part but the last; negative if they overlap.

    A gap lies between all parts before it and all parts after it.
    """
    right = np.maximum.accumulate(row[:, _RIGHT])[:-1]
    left = np.maximum.accumulate(row[::-1, _LEFT])[::-1][1:]
    gaps: Floats = -(right + left).min(axis=1)
    return gaps


def _digit_height(row: Floats, bows: Floats) -> float:
    """Return the height of the tallest part that is not slender; of all if all are slender."""
    heights = _height(row)
    slender = ~np.isnan(bows)
    return float(heights.max() if slender.all() else heights[~slender].max())


def _tall_marks(row: Floats, lowest: float, bows: Floats) -> Floats:
    """Return the probability of each part to be a slash or a parenthesis."""
    bottom, top, high = row[:, -2], -row[:, -1], _height(row) >= lowest
    probabilities = np.zeros(len(row))
    inside = (np.arange(len(row)) > 0) & (np.arange(len(row)) < len(row) - 1)
    for i in np.flatnonzero(inside & ~np.isnan(bows) | (bows >= BOW)):
        others = np.flatnonzero(high & (np.arange(len(row)) != i))
        if not len(others):
            continue
        if top[i] <= _median(top[others]) and bottom[i] >= _median(bottom[others]):
            ratio = float(bottom[i] - top[i]) / _median(bottom[others] - top[others])
            probabilities[i] = 1 / (1 + math.exp(TALL_OFFSET - TALL * math.log(ratio)))
    return probabilities


def _median(values: Floats) -> float:
    """Return the lower median."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def _low_marks(row: Floats, lowest: float, height: float, gaps: Floats) -> NDArray[np.bool]:
    """Return the parts that are marks: low, apart from their neighbors, and not at the top."""
    bottom, top = row[:, -2], -row[:, -1]
    apart = np.append(gaps > 0, True) & np.append(True, gaps > 0)
    marks: NDArray[np.bool] = (
        (bottom - top < lowest) & apart & ((top + bottom) / 2 > top.min() + HAT * height)
    )
    return marks


def _spans(
    row: Floats, single: NDArray[np.bool], lowest: float, widest: float
) -> list[tuple[int, int]]:
    """Return the spans (first, end) of a row that may be a digit or mark, and the whole row."""
    n = len(row)

    def may_be_digit(first: int, end: int) -> bool:
        if end == first + 1:
            return bool(single[first])
        shape = row[first:end].max(axis=0)
        narrow = _width(shape) <= widest
        return bool(end - first <= MAX_PARTS_IN_DIGIT and narrow and _height(shape) >= lowest)

    spans = [(first, end) for first in range(n) for end in range(first + 1, n + 1)]
    return [span for span in spans if span == (0, n) or may_be_digit(*span)]


def _transitions(spans: Sequence[tuple[int, int]], shapes: Floats, gaps: Floats) -> Floats:
    """Score candidate j after i, float64[n, n]; ``gaps`` float64[n] precede each candidate."""
    first, end = np.array(spans).T
    scores = GAP + gaps / _tallest(shapes)
    return np.where(end[:, None] == first, scores, -np.inf)


def _misfits(shapes: Floats) -> Floats:
    """Return the cost of neighbors with different heights or baselines, float64[n, n]."""
    misfit = np.abs(shapes[:, None] - shapes[None])[..., _VERTICAL].sum(axis=-1)
    cost: Floats = MISFIT * misfit / _tallest(shapes)
    return cost


def _tallest(shapes: Floats) -> Floats:
    """Return the height of each two candidates together, float64[n, n]; 1 for two flat ones."""
    tallest = _height(np.maximum(shapes[:, None], shapes[None]))
    return np.where(tallest > 0, tallest, 1.0)


def _length(lines: Sequence[Floats]) -> float:
    vectors = np.vstack([np.zeros((1, 2)), *(np.diff(line, axis=0) for line in lines)])
    return float(np.sqrt((vectors * vectors).sum(axis=1)).cumsum()[-1])


def _end_points(lines: Sequence[Floats]) -> list[Floats]:
    """Return the first and last point of each line, as lines of one point."""
    return [end for line in lines for end in (line[:1], line[-1:])]


def _are_near(one: Sequence[Floats], other: Sequence[Floats], distance: float) -> bool:
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
