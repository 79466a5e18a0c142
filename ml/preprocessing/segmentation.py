"""Several digits in one drawing: which of its parts make one digit.

The parts of a drawing are put in a row from left to right. Neighbors that plainly overlap are
joined at once; every other way to cut the row into digits is weighed by what the net says of each
digit and by how digits stand in a number: apart, alike in height, on one line (over-segmentation
and dynamic programming: LeCun et al., "Gradient-based learning applied to document recognition",
1998, section V).
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.strokes import Strokes

Judge: TypeAlias = Callable[[list[Strokes]], NDArray[np.float32]]
"""The net's probabilities, float32[n, 10], for n supposed digits."""

Reals: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.intp]

# Writing leans: gaps are looked for along lines of these slants, pixels to the left a pixel down.
SLANTS = np.array([0.0, -0.2, 0.2, 0.4, 0.6])
# Parts this small beside the largest are specks: left out.
SPECK = 0.06
# Lengths in heights of the whole ink. Parts that overlap by more than this are one digit.
OVERLAP = 0.2
# What is wider than the first is less likely one digit; wider than the second, it is none.
WIDE, WIDEST = 0.7, 1.5
# What is lower than this beside the tallest is no digit of its own: a dot, the hat of a 5.
MARK = 0.45
# More parts than these, in a digit or a drawing, are no writing; such a drawing is left whole.
MOST_IN_DIGIT, MOST = 8, 40
# Nor are more points, nor longer ink, in heights: a digit is some three heights long.
MOST_POINTS, MOST_INK = 10_000, 200
# What standing apart is worth, and what being wide or unlike one's neighbor costs, against the
# logarithm of the net's probability: a logistic regression on strokes of 24 writers, rounded.
APART, MISFIT = 0.5, 1.5
# Ink nearer than this, in heights, touches. Digits that touch are parted less gladly, and hardly
# where one of them would be none: what the two likeliest digits reach together is then below this.
NEAR, TOUCH = 0.01, 0.6
# Strokes whose ends meet this nearly, in heights, were meant to: hardly ever two digits.
MEET, MEETING = 0.02, 4.0
# Where more points and lines than these (their product) are close, ink is taken to touch.
MOST_CLOSE = 250_000
NO_DIGIT, STRAY = 0.95, 3.0
# How much the second probability counts: two rivals, such as 1 and 7, are a digit nevertheless.
RIVAL = 0.3

# The hull of a part is how far it reaches in these directions (its support function): right and
# left of each slant, down and up.
_ACROSS = np.stack([np.ones_like(SLANTS), SLANTS])
_DIRECTIONS = np.hstack([_ACROSS, -_ACROSS, [[0, 0], [1, -1]]])
_RIGHT, _LEFT, _ENDS = slice(0, len(SLANTS)), slice(len(SLANTS), -2), slice(-2, None)


def groups(strokes: Strokes, judge: Judge) -> list[Strokes]:
    """The strokes of each digit, left to right, each in the order they were drawn.

    Specks are left out. The judge is asked at most once, and not for a single stroke or strokes
    that plainly overlap.
    """
    strokes = [stroke for stroke in strokes if len(stroke)]
    if len(strokes) < 2:
        return [strokes] if strokes else []
    lines = [np.array([point[:2] for point in stroke], dtype=np.float64) for stroke in strokes]
    hulls = np.stack([hull(line) for line in lines])

    def pick(parts: list[int]) -> Strokes:
        return [strokes[part] for part in parts]

    height = float(_height(hulls.max(axis=0)))
    if sum(map(len, lines)) > MOST_POINTS or _length(lines) > MOST_INK * height:
        return [strokes]

    def bond(left: Integers, right: Integers) -> float:
        one, other = ([lines[part] for part in side] for side in (left, right))
        if _are_near(_ends(one), _ends(other), MEET * height):
            return MEETING
        return TOUCH if _are_near(one, other, NEAR * height) else 0.0

    digits = divide(hulls, lambda supposed: judge([pick(parts) for parts in supposed]), bond)
    return [pick(digit) for digit in digits]


def hull(points: Reals | Integers) -> Reals:
    """How far points [n, 2] reach in each direction that digits are compared by."""
    reach: Reals = (points @ _DIRECTIONS).max(axis=0)
    return reach


def _ends(lines: Sequence[Reals]) -> list[Reals]:
    """The first and the last point of each line, as lines of one point."""
    return [end for line in lines for end in (line[:1], line[-1:])]


def _length(lines: Sequence[Reals]) -> float:
    return float(sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines))


def _are_near(one: Sequence[Reals], other: Sequence[Reals], near: float) -> bool:
    """Whether lines float64[n, 2] come nearer than that to others."""
    # The least distance of lines that do not cross is that of a point of the ones or the others.
    return _come_near(np.vstack(one), other, near) or _come_near(np.vstack(other), one, near)


def _come_near(points: Reals, lines: Sequence[Reals], near: float) -> bool:
    """Whether any of points float64[n, 2] is nearer than that to any of the lines."""
    start = np.vstack([line[:-1] if len(line) > 1 else line for line in lines])
    end = np.vstack([line[1:] if len(line) > 1 else line for line in lines])
    low, high = np.minimum(start, end) - near, np.maximum(start, end) + near
    points = points[((points >= low.min(axis=0)) & (points <= high.max(axis=0))).all(axis=1)]
    if not len(points):
        return False
    close = ((low <= points.max(axis=0)) & (high >= points.min(axis=0))).all(axis=1)
    if len(points) * np.count_nonzero(close) > MOST_CLOSE:
        return True
    return _distance(points, start[close], end[close]) < near


def _distance(points: Reals, start: Reals, end: Reals) -> float:
    """The least distance of points float64[n, 2] to lines from start to end, float64[m, 2]."""
    along = end - start
    square = (along * along).sum(axis=1)
    square[square == 0] = 1.0
    to = points[:, None] - start
    share = np.clip((to * along).sum(axis=2) / square, 0.0, 1.0)
    off = to - share[..., None] * along
    return float(np.sqrt((off * off).sum(axis=2).min(initial=np.inf)))


def _height(hulls: Reals) -> Reals:
    height: Reals = hulls[..., _ENDS].sum(axis=-1)
    return height


def _width(hulls: Reals) -> Reals:
    width: Reals = (hulls[..., _RIGHT] + hulls[..., _LEFT]).min(axis=-1)
    return width


def divide(
    hulls: Reals,
    judge: Callable[[list[list[int]]], NDArray[np.float32]],
    bond: Callable[[Integers, Integers], float],
) -> list[list[int]]:
    """Group parts, by their hulls float64[n, directions], into digits: sorted lists of parts.

    ``bond`` says what it costs to part two sets of parts because their ink touches.
    """
    size = np.maximum(_height(hulls), _width(hulls))
    kept = np.flatnonzero(size >= SPECK * size.max())
    height = float(_height(hulls[kept].max(axis=0)))
    order = kept[np.argsort(hulls[kept, 0] - hulls[kept, len(SLANTS)], kind="stable")]
    gaps = _gaps(hulls[order])
    cuts = np.flatnonzero(gaps > -OVERLAP * height)
    parts = np.split(order, cuts + 1)
    row = np.stack([hulls[part].max(axis=0) for part in parts])
    lowest = MARK * max(_height(row).max(), height / 2)
    if height == 0 or len(parts) > MOST or np.count_nonzero(_height(row) >= lowest) < 2:
        return [kept.tolist()]
    spans = _spans(row, lowest, WIDEST * height)
    digits = [sorted(np.concatenate(parts[first:end]).tolist()) for first, end in spans]
    shapes = np.stack([row[first:end].max(axis=0) for first, end in spans])
    probabilities = judge(digits)
    scores = _likelihood(probabilities) - MISFIT * (_width(shapes) / height - WIDE).clip(0)
    bonds = np.array([bond(order[: cut + 1], order[cut + 1 :]) for cut in cuts])
    joints = _joints(spans, shapes, gaps[cuts]) - _costs(spans, bonds, _strays(probabilities))
    return [digits[i] for i in _best(spans, scores, joints)]


def _strays(probabilities: NDArray[np.float32]) -> NDArray[np.bool]:
    """Which of n supposed digits are none, from float32[n, 10]."""
    strays: NDArray[np.bool] = np.partition(probabilities, -2)[:, -2:].sum(axis=1) < NO_DIGIT
    return strays


def _costs(spans: Sequence[tuple[int, int]], bonds: Reals, strays: NDArray[np.bool]) -> Reals:
    """What parting each span from each other costs: float64[n, n]."""
    bond = bonds[np.maximum([first for first, _ in spans], 1) - 1]
    stray = strays[:, None] | strays[None]
    return np.where(bond > 0, bond + STRAY * stray, 0.0)


def _likelihood(probabilities: NDArray[np.float32]) -> Reals:
    """The logarithm of how likely each of n supposed digits is one, from float32[n, 10]."""
    second, first = np.sort(probabilities.astype(np.float64), axis=1)[:, -2:].T
    likelihood: Reals = np.log(first + RIVAL * second)
    return likelihood


def _gaps(row: Reals) -> Reals:
    """The widest gap along any slant behind each part but the last; overlaps are negative."""
    right = np.maximum.accumulate(row[:, _RIGHT])[:-1]
    left = np.maximum.accumulate(row[::-1, _LEFT])[::-1][1:]
    gaps: Reals = -(right + left).min(axis=1)
    return gaps


def _spans(row: Reals, lowest: float, widest: float) -> list[tuple[int, int]]:
    """The stretches of a row (first, behind the last) that may be a digit, with the whole row."""
    n = len(row)

    def may_be_a_digit(first: int, end: int) -> bool:
        hull = row[first:end].max(axis=0)
        narrow = end == first + 1 or _width(hull) <= widest
        return bool(end - first <= MOST_IN_DIGIT and narrow and _height(hull) >= lowest)

    every = [(first, end) for first in range(n) for end in range(first + 1, n + 1)]
    return [span for span in every if span == (0, n) or may_be_a_digit(*span)]


def _joints(spans: Sequence[tuple[int, int]], shapes: Reals, gaps: Reals) -> Reals:
    """How well each span is followed by each other, float64[n, n]; -inf where it is not."""
    first, end = np.array(spans).T
    left, right = shapes[:, None], shapes[None]
    unlike = np.abs(left - right)[..., _ENDS].sum(axis=-1)
    at = np.maximum(first, 1) - 1
    fit = APART + (gaps[at] - MISFIT * unlike) / _height(np.maximum(left, right))
    return np.where(end[:, None] == first, fit, -np.inf)


def _best(spans: Sequence[tuple[int, int]], scores: Reals, joints: Reals) -> list[int]:
    """The best way along the row, as indices of spans, which are sorted by where they begin."""
    total, before = scores.copy(), np.full(len(spans), -1)
    for i, (first, _) in enumerate(spans):
        if first > 0:
            ways = total[:i] + joints[:i, i]
            before[i] = ways.argmax()
            total[i] += ways.max()
    behind = max(end for _, end in spans)
    at = max((i for i, (_, end) in enumerate(spans) if end == behind), key=lambda i: total[i])
    way = []
    while at >= 0:
        way.append(at)
        at = int(before[at])
    return way[::-1]
