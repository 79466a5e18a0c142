"""Percent and dollar signs, found by their strokes, which by themselves look like digits."""

from collections.abc import Sequence
from typing import NamedTuple

from ml.preprocessing.distances import length_of
from ml.preprocessing.marks import is_slender, off_chord
from ml.preprocessing.strokes import Floats, Stroke, Strokes, points_of

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


class _Part(NamedTuple):
    """A stroke, its extent and the center of its extent."""

    stroke: Stroke
    left: float
    top: float
    right: float
    bottom: float
    width: float
    height: float
    x: float
    y: float


def find_signs(line: Strokes, extents: Sequence[Sequence[float]]) -> list[list[int]]:
    """Return the strokes of each percent and dollar sign of a line, given the extents of all.

    No stroke is in two signs, or above, below or inside a sign of others.
    """
    parts = [
        _Part(
            *(stroke, left, top, right, bottom, right - left, bottom - top),
            *((left + right) / 2, (top + bottom) / 2),
        )
        for stroke, (left, top, right, bottom) in zip(line, extents, strict=True)
    ]
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
    beside = {
        i: (part.x - slash.right + (part.y - slash.top) * slash.width / slash.height) / slash.height
        for i, part in enumerate(parts)
        if max(part.width, part.height) < slash.height
    }
    near = [i for i, distance in beside.items() if 0 < abs(distance) <= BESIDE]
    if len({beside[i] > 0 for i in near}) < 2 or not _leans_right(points_of(slash.stroke)):
        return []
    near = [i for i in near if _is_dot_or_loop(parts[i], slash.height)]
    upper = min((i for i in near if beside[i] < 0), key=lambda i: parts[i].y, default=None)
    lower = max((i for i in near if beside[i] > 0), key=lambda i: parts[i].y, default=None)
    if upper is None or lower is None:
        return []
    sizes = [max(parts[i].width, parts[i].height) for i in (upper, lower)]
    is_below = parts[lower].y - parts[upper].y >= BELOW * slash.height
    return [at, upper, lower] if is_below and min(sizes) >= SIMILAR * max(sizes) else []


def _leans_right(points: Floats) -> bool:
    """Return whether a line is slender and leans to the right."""
    x, y = points[-1] - points[0]
    return bool(x * y < 0) and is_slender(points)


def _is_dot_or_loop(part: _Part, height: float) -> bool:
    size = max(part.width, part.height)
    if size <= DOT_SIZE * height:
        return True
    points = points_of(part.stroke)
    x, y = points[-1] - points[0]
    is_closed = x * x + y * y <= (LOOP_GAP * size) ** 2
    return bool(is_closed) and length_of([points]) >= 2 * size


def _dollar(at: int, parts: Sequence[_Part]) -> list[int]:
    """Return the strokes of the dollar sign with this S; empty if it is none."""
    s = parts[at]
    margin = EXCESS * s.height
    stems = (
        points_of(part.stroke)
        for part in parts
        if part.top <= s.top - margin
        and part.bottom >= s.bottom + margin
        and part is not s
        and abs(part.x - s.x) < OFF_CENTER * s.width
    )
    if not any(map(is_slender, stems)) or not _is_s(points_of(s.stroke), s.height):
        return []
    return [i for i, part in enumerate(parts) if s.left < part.x < s.right]


def _is_s(points: Floats, height: float) -> bool:
    x, y = points[-1] - points[0]
    if x > 0 or y < S_DROP * height:
        return False
    off = off_chord(points)
    return bool(off.max() >= S_BOW and off.min() <= -S_BOW)
