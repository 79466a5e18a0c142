"""The lattice of candidate digits of a row of parts, and the best path through it.

Parts that clearly overlap belong to one digit. Every other way to split the row is scored by the
model's probabilities for each candidate digit and by the layout of numbers: digits stand apart,
have the same height and share a baseline (over-segmentation and dynamic programming: LeCun et al.,
"Gradient-based learning applied to document recognition", 1998, section V).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.dashes_slashes import digit_height, low_marks, slashes
from ml.preprocessing.hulls import SLANTS, VERTICAL, gaps_in, height_of, width_of
from ml.preprocessing.strokes import Floats, Integers

# Parts smaller than this fraction of the largest are specks and dropped.
MIN_PART_SIZE = 0.06
# All lengths below are fractions of the height of the row.
# Parts that overlap by more than this belong to one digit.
OVERLAP = 0.2
# A candidate wider than WIDE is penalized; one wider than WIDEST is excluded.
WIDE, WIDEST = 0.7, 1.5
# A candidate lower than this fraction of the tallest is not a digit: a dash, the hat of a 5.
MIN_HEIGHT = 0.35
# Above these limits a row is not handwriting and stays one candidate: parts in a digit, parts.
MAX_PARTS_IN_DIGIT, MAX_PARTS = 8, 40
# Probability of a low mark, beside the model's probabilities of digits.
LOW_MARK = 0.5
# Weights beside the logarithm of the model's probability: the value of a gap, the cost of a wide
# candidate or of neighbors with different heights or baselines. From a logistic regression on the
# strokes of 24 writers, rounded.
GAP, MISFIT = 0.5, 1.5


class Choice(NamedTuple):
    """A candidate of the best segmentation.

    ``touches``: its ink is close to that of a neighbor, or it is a piece of the same stroke.
    """

    candidate: int
    is_mark: bool
    touches: bool


@dataclass(frozen=True)
class Lattice:
    """Candidate digits of a row of parts, and the scores of combining them.

    ``groups`` holds the sorted parts of each of n candidates, ``spans`` their (first, end) in the
    row. ``penalties`` float64[n] is the cost of each candidate's width, ``contacts`` float64[n]
    that of splitting it from close ink before it; ``transitions`` float64[n, n] scores candidate j
    after i (-inf where it does not follow); ``misfits`` float64[n, n] is the cost of their
    different heights and baselines. ``marks`` float64[n] is the probability of each candidate, by
    its shape, to be a mark.
    """

    groups: list[list[int]]
    spans: list[tuple[int, int]]
    penalties: Floats
    contacts: Floats
    transitions: Floats
    misfits: Floats
    marks: Floats

    @classmethod
    def single(cls, parts: list[int], *, is_mark: bool = False) -> "Lattice":
        """Return a lattice with one candidate."""
        none = np.zeros((1, 1))
        mark = np.array([float(is_mark)])
        return cls([parts], [(0, 1)], none[0], none[0], none - np.inf, none, mark)

    @property
    def length(self) -> int:
        """The number of parts in the row: no path is longer."""
        return max(end for _, end in self.spans)

    def best_path(self, probabilities: NDArray[np.float32]) -> list[Choice]:
        """Return the candidates of the best segmentation, left to right.

        ``probabilities`` float32[n, 10] are the model's for each candidate.
        """
        if len(self.groups) == 1:
            return [Choice(0, is_mark=bool(self.marks[0] == 1), touches=False)]
        digit = (1 - self.marks) * probabilities.max(axis=1)
        mark = np.where(self.marks == 1, LOW_MARK, self.marks)
        is_mark = mark > digit
        scores = np.log(np.maximum(digit, mark)) - self.penalties - self.contacts
        # The height and baseline of a mark do not matter.
        misfits = np.where(is_mark[:, None] | is_mark[None], 0.0, self.misfits)
        path = self._trace(scores, self.transitions - misfits)
        close = [*(bool(self.contacts[i] > 0) for i in path), False]
        return [
            Choice(i, is_mark=bool(is_mark[i]), touches=close[at] or close[at + 1])
            for at, i in enumerate(path)
        ]

    def _trace(self, scores: Floats, transitions: Floats) -> list[int]:
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


def build_lattice(
    hulls: Floats, contact: Callable[[Integers, Integers], float], bows: Floats | None = None
) -> Lattice:
    """Propose candidate digits for parts with hulls float64[n, directions].

    ``contact`` returns the cost of splitting two sets of parts because their ink is close. ``bows``
    float64[n] are those of ``bows.bow``; without them there are no marks.
    """
    order, cuts, gaps = _arrange(hulls)
    height = float(height_of(hulls[order].max(axis=0)))
    parts = np.split(order, cuts + 1)
    if height == 0 or len(parts) > MAX_PARTS:
        return Lattice.single(sorted(order.tolist()))
    row = np.stack([hulls[part].max(axis=0) for part in parts])
    own = np.full(len(parts), np.nan)
    if bows is not None:
        own = np.array([bows[part[0]] if len(part) == 1 else np.nan for part in parts])
    lowest = MIN_HEIGHT * max(digit_height(row, own), height / 2)
    marks = slashes(row, lowest, own)
    if bows is not None:
        marks[low_marks(row, lowest, height, gaps)] = 1.0
    single = (marks == 1) | (height_of(row) >= lowest)
    if np.count_nonzero(single) < 2:
        return Lattice.single(sorted(order.tolist()))
    spans = _spans(row, single, lowest, WIDEST * height)
    costs = np.array([contact(order[: cut + 1], order[cut + 1 :]) for cut in cuts])
    return _create_lattice(row, parts, spans, marks, gaps, costs)


def _arrange(hulls: Floats) -> tuple[Integers, Integers, Floats]:
    """Return the parts without specks from left to right, the cuts between them, and their gaps.

    A cut follows the part at its position. Parts that overlap more than OVERLAP stay together.
    """
    size = np.maximum(height_of(hulls), width_of(hulls))
    kept = np.flatnonzero(size >= MIN_PART_SIZE * size.max())
    order = kept[np.argsort(hulls[kept, 0] - hulls[kept, len(SLANTS)], kind="stable")]
    gaps = gaps_in(hulls[order])
    cuts = np.flatnonzero(gaps > -OVERLAP * float(height_of(hulls[kept].max(axis=0))))
    return order, cuts, gaps[cuts]


def _create_lattice(
    row: Floats,
    parts: Sequence[Integers],
    spans: Sequence[tuple[int, int]],
    marks: Floats,
    gaps: Floats,
    costs: Floats,
) -> Lattice:
    """Return the lattice of the spans; ``gaps`` and ``costs`` are those of the cuts."""
    height = float(height_of(row.max(axis=0)))
    shapes = np.stack([row[first:end].max(axis=0) for first, end in spans])
    first, end = np.array(spans).T
    before = np.maximum(first, 1) - 1
    # Of each two candidates together; 1 for two flat ones.
    tallest = height_of(np.maximum(shapes[:, None], shapes[None]))
    tallest[tallest == 0] = 1.0
    edges = shapes[:, VERTICAL]
    return Lattice(
        groups=[sorted(np.concatenate(parts[slice(*span)]).tolist()) for span in spans],
        spans=list(spans),
        penalties=MISFIT * (width_of(shapes) / height - WIDE).clip(0),
        contacts=np.where(first > 0, costs[before], 0.0),
        transitions=np.where(end[:, None] == first, GAP + gaps[before] / tallest, -np.inf),
        misfits=MISFIT * np.abs(edges[:, None] - edges[None]).sum(axis=-1) / tallest,
        marks=np.where(end - first == 1, marks[first], 0.0),
    )


def _spans(
    row: Floats, single: NDArray[np.bool], lowest: float, widest: float
) -> list[tuple[int, int]]:
    """Return the spans (first, end) of a row that may be a digit or mark, and the whole row."""
    n = len(row)

    def may_be_digit(first: int, end: int) -> bool:
        if end == first + 1:
            return bool(single[first])
        shape = row[first:end].max(axis=0)
        narrow = width_of(shape) <= widest
        return bool(end - first <= MAX_PARTS_IN_DIGIT and narrow and height_of(shape) >= lowest)

    spans = [(first, end) for first in range(n) for end in range(first + 1, n + 1)]
    return [span for span in spans if span == (0, n) or may_be_digit(*span)]
