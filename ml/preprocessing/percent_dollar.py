"""Percent and dollar signs, found by their strokes, which by themselves look like digits."""

from collections.abc import Sequence
from typing import NamedTuple

from ml.preprocessing.bows import off_chord
from ml.preprocessing.distances import length_of
from ml.preprocessing.strokes import Stroke, Strokes, points_of

# A percent sign is a slash, from the upper right to the lower left, with a smaller stroke on both
# sides: a loop with ends closer than LOOP_GAP of its size, and at least twice as long as its size,
# or any stroke smaller than DOT_SIZE.
# Their centers are at most BESIDE from the slash, the right one is BELOW the left one, and the
# smaller one has at least SIMILAR of the size of the larger one, unlike a point and a digit. Other
# lengths are fractions of the height of the slash. 75 of 123 % of 40 writers are found; 1 of 5,238
# other letters and signs and none of 8,404 digits is taken for one.
LOOP_GAP, DOT_SIZE, BESIDE, BELOW, SIMILAR = 0.8, 0.4, 0.8, 0.4, 0.4
# A dollar sign is an S with a stroke that exceeds it by EXCESS of its height at the top and at the
# bottom, and whose center is within OFF_CENTER of its width of its center. The S leaves the line
# between its ends by S_BOW of their distance on both sides, and ends left of its start and at least
# S_DROP of its height below it. Other strokes with their center in its width belong to the sign.
# 125 of 156 $ of 54 writers are found; 1 of 5,205 other letters and signs and 2 of 8,404 digits are
# taken for one.
S_BOW, S_DROP, EXCESS, OFF_CENTER = 0.1, 0.5, 0.05, 0.3


class _Part(NamedTuple):
    """A stroke and its extent."""

    stroke: Stroke
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def x(self) -> float:
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        return (self.top + self.bottom) / 2


def find_signs(line: Strokes, extents: Sequence[Sequence[float]]) -> list[list[int]]:
    """Return the strokes of each percent and dollar sign of a line, given the extents of all.

    A sign shares no stroke with another, and the centers of other strokes are outside its width.
    """
    parts = [_Part(stroke, *extent) for stroke, extent in zip(line, extents, strict=True)]
    signs: list[list[int]] = []
    for find in (_percent, _dollar):
        for sign in filter(None, (find(i, parts) for i in range(len(parts)))):
            left = min(parts[i].left for i in sign)
            right = max(parts[i].right for i in sign)
            inside = {i for i, part in enumerate(parts) if left < part.x < right}
            if inside <= set(sign) and not any(set(sign) & set(other) for other in signs):
                signs.append(sign)
    return signs


def _percent(at: int, parts: Sequence[_Part]) -> list[int]:
    """Return the strokes of the percent sign with this slash; empty if it is none."""
    slash = parts[at]
    x, y = _chord(slash.stroke)
    if x * y >= 0:
        return []
    beside = {
        i: (part.x - slash.right + (part.y - slash.top) * slash.width / slash.height) / slash.height
        for i, part in enumerate(parts)
        if max(part.width, part.height) < slash.height
    }
    near = [i for i, distance in beside.items() if 0 < abs(distance) <= BESIDE]
    near = [i for i in near if _is_dot_or_loop(parts[i], slash.height)]
    upper = min((i for i in near if beside[i] < 0), key=lambda i: parts[i].y, default=None)
    lower = max((i for i in near if beside[i] > 0), key=lambda i: parts[i].y, default=None)
    if upper is None or lower is None:
        return []
    sizes = [max(parts[i].width, parts[i].height) for i in (upper, lower)]
    is_below = parts[lower].y - parts[upper].y >= BELOW * slash.height
    return [at, upper, lower] if is_below and min(sizes) >= SIMILAR * max(sizes) else []


def _is_dot_or_loop(part: _Part, height: float) -> bool:
    size = max(part.width, part.height)
    x, y = _chord(part.stroke)
    if size <= DOT_SIZE * height:
        return True
    is_closed = x * x + y * y <= (LOOP_GAP * size) ** 2
    return is_closed and length_of([points_of(part.stroke)]) >= 2 * size


def _dollar(at: int, parts: Sequence[_Part]) -> list[int]:
    """Return the strokes of the dollar sign with this S; empty if it is none."""
    s = parts[at]
    margin = EXCESS * s.height
    is_crossed = any(
        part.top <= s.top - margin
        and part.bottom >= s.bottom + margin
        and part is not s
        and abs(part.x - s.x) < OFF_CENTER * s.width
        for part in parts
    )
    if not is_crossed or not _is_s(s):
        return []
    return [i for i, part in enumerate(parts) if s.left < part.x < s.right]


def _is_s(part: _Part) -> bool:
    x, y = _chord(part.stroke)
    if x > 0 or y <= 0 or y < S_DROP * part.height:
        return False
    off = off_chord(points_of(part.stroke))
    return bool(off.max() >= S_BOW and off.min() <= -S_BOW)


def _chord(stroke: Stroke) -> tuple[float, float]:
    """Return the line from the first to the last point."""
    return stroke[-1][0] - stroke[0][0], stroke[-1][1] - stroke[0][1]
