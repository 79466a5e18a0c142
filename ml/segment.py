"""Several digits in one drawing: which strokes, or which patches of ink, make one digit.

The parts of a drawing are put in a row from left to right. Neighbours that plainly overlap are
joined at once; every other way to cut the row into digits is weighed by what the net says of each
digit and by how digits stand in a number: apart, alike in height, on one line (over-segmentation
and dynamic programming: LeCun et al., "Gradient-based learning applied to document recognition",
1998, section V).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml import image, ink

T = TypeVar("T")
Judge: TypeAlias = Callable[[list[T]], NDArray[np.float32]]
"""The net's probabilities, float32[n, 10], for n supposed digits."""

Levels: TypeAlias = NDArray[np.uint8]
Reals: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.intp]
Pixels: TypeAlias = Integers
"""Places in a picture: int[2, n], the x of each and the y of each."""

# Writing leans: gaps are looked for along lines of these slants, pixels to the left a pixel down.
SLANTS = np.array([0.0, -0.2, 0.2, 0.4, 0.6])
# Parts this small beside the largest are specks: left out.
SPECK = 0.06
# Lengths in heights of the whole ink. Parts that overlap by more than this are one digit.
OVERLAP = 0.2
# What is wider than the first may be two digits that touch; wider than the second, it is no digit.
WIDE, WIDEST = 0.7, 1.5
# What is lower than this beside the tallest is no digit of its own: a dot, the hat of a 5.
MARK = 0.45
# More parts than these, in a digit or a drawing, are no writing; such a drawing is left whole.
MOST_IN_DIGIT, MOST = 8, 40
# What standing apart is worth, and what being wide or unlike one's neighbour costs, against the
# logarithm of the net's probability: a logistic regression on strokes of 24 writers, rounded.
APART, MISFIT = 0.5, 1.5
# How much the second probability counts: two rivals, such as 1 and 7, are a digit nevertheless.
RIVAL = 0.3
# Digits that touch are cut into pieces no narrower than this, to be put together by the judge.
PIECE = 0.15
# What a cut through ink costs; what it costs more for each height of ink and each further line it
# goes through; and the most that this may be.
CUT, THICKNESS, DEAREST = 0.3, 2.0, 1.3

# The hull of a part is how far it reaches in these directions (its support function): right and
# left of each slant, down and up.
_ACROSS = np.stack([np.ones_like(SLANTS), SLANTS])
_DIRECTIONS = np.hstack([_ACROSS, -_ACROSS, [[0, 0], [1, -1]]])
_RIGHT, _LEFT, _ENDS = slice(0, len(SLANTS)), slice(len(SLANTS), -2), slice(-2, None)


@dataclass(frozen=True)
class Crop:
    """The ink of one digit alone, uint8[h, w], and where its corner was in the picture."""

    ink: Levels
    left: int
    top: int


def groups(strokes: ink.Strokes, judge: Judge[ink.Strokes]) -> list[ink.Strokes]:
    """The strokes of each digit, left to right, each in the order they were drawn.

    Specks are left out. The judge is asked at most once, and not for a single stroke or strokes
    that plainly overlap.
    """
    strokes = [stroke for stroke in strokes if len(stroke)]
    if len(strokes) < 2:
        return [strokes] if strokes else []
    points = np.array([point[:2] for stroke in strokes for point in stroke], dtype=np.float64)
    starts = np.cumsum([0, *map(len, strokes[:-1])])
    hulls = np.maximum.reduceat(points @ _DIRECTIONS, starts)

    def pick(parts: list[int]) -> ink.Strokes:
        return [strokes[part] for part in parts]

    digits = _divide(hulls, np.zeros(len(strokes)), lambda them: judge([pick(it) for it in them]))
    return [pick(digit) for digit in digits]


def boxes(levels: Levels, judge: Judge[Levels]) -> list[Crop]:
    """The ink of each digit of a picture, left to right; ``levels`` is uint8[h, w], paper 0.

    Specks are left out. The judge is asked at most once, and not for a single patch of ink that is
    no wider than a digit.
    """
    patches = _patches(levels > image.INK * levels.max())
    if not patches:
        return []
    height = 1 + max(float(_height(_hull(patch))) for patch in patches)
    cut = [piece for patch in patches for piece in _cut(patch, height)]
    pieces, bonds = [pixels for pixels, _ in cut], np.array([bond for _, bond in cut])

    def pick(parts: list[int]) -> Crop:
        return _crop(levels, np.hstack([pieces[part] for part in parts]))

    hulls = np.stack([_hull(piece) for piece in pieces])
    digits = _divide(hulls, bonds, lambda them: judge([pick(it).ink for it in them]))
    return [pick(digit) for digit in digits]


def _height(hulls: Reals) -> Reals:
    height: Reals = hulls[..., _ENDS].sum(axis=-1)
    return height


def _width(hulls: Reals) -> Reals:
    width: Reals = (hulls[..., _RIGHT] + hulls[..., _LEFT]).min(axis=-1)
    return width


def _divide(hulls: Reals, bonds: Reals, judge: Judge[list[int]]) -> list[list[int]]:
    """Group parts into digits, left to right, each a sorted list of parts.

    ``hulls`` is float64[n, directions]; ``bonds`` what it costs to part each from the one before.
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
    scores = _likelihood(judge(digits)) - MISFIT * (_width(shapes) / height - WIDE).clip(0)
    apart = APART - bonds[[part[0] for part in parts[1:]]]
    return [digits[i] for i in _best(spans, scores, _joints(spans, shapes, gaps[cuts], apart))]


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


def _joints(spans: Sequence[tuple[int, int]], shapes: Reals, gaps: Reals, apart: Reals) -> Reals:
    """How well each span is followed by each other, float64[n, n]; -inf where it is not."""
    first, end = np.array(spans).T
    left, right = shapes[:, None], shapes[None]
    unlike = np.abs(left - right)[..., _ENDS].sum(axis=-1)
    at = np.maximum(first, 1) - 1
    fit = apart[at] + (gaps[at] - MISFIT * unlike) / _height(np.maximum(left, right))
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


def _hull(pixels: Pixels) -> Reals:
    hull: Reals = (_DIRECTIONS.T @ pixels).max(axis=1)
    return hull


def _crop(levels: Levels, pixels: Pixels) -> Crop:
    left, top = pixels.min(axis=1)
    columns, rows = pixels[0] - left, pixels[1] - top
    alone = np.zeros((rows.max() + 1, columns.max() + 1), dtype=levels.dtype)
    alone[rows, columns] = levels[rows + top, columns + left]
    return Crop(alone, int(left), int(top))


def _patches(inked: NDArray[np.bool_]) -> list[Pixels]:
    """The pixels of each patch of touching ink, diagonals too."""
    edges = np.diff(np.pad(inked, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, begins = np.nonzero(edges == 1)
    lengths = np.nonzero(edges == -1)[1] - begins
    if len(rows) == 0:
        return []
    start = rows * edges.shape[1] + begins
    patch = np.repeat(_roots(start, start + lengths, edges.shape[1]), lengths)
    columns = np.arange(lengths.sum()) + np.repeat(begins + lengths - lengths.cumsum(), lengths)
    pixels = np.stack([columns, np.repeat(rows, lengths)])
    order = np.argsort(patch, kind="stable")
    return np.split(pixels[:, order], np.flatnonzero(np.diff(patch[order])) + 1, axis=1)


def _roots(starts: Integers, ends: Integers, row: int) -> Integers:
    """For each run of ink, in reading order, the first run that it is connected with."""
    first = np.searchsorted(ends, starts - row)
    counts = np.searchsorted(starts, ends - row, side="right") - first
    below = np.repeat(np.arange(len(starts)), counts)
    above = np.arange(len(below)) + np.repeat(first + counts - counts.cumsum(), counts)
    root = np.arange(len(starts))
    while (root[below] != root[above]).any():
        lower = np.minimum(root[below], root[above])
        np.minimum.at(root, root[below], lower)
        np.minimum.at(root, root[above], lower)
        while (root[root] != root).any():
            root = root[root]
    return root


class _Cut(NamedTuple):
    """A line through a patch where ``_leaning`` is ``at``; ``middle`` is its x half way down."""

    cost: float
    middle: float
    slant: float
    at: int


def _cut(patch: Pixels, height: float) -> list[tuple[Pixels, float]]:
    """The pieces of a patch, each with what it costs to part it from the one before."""
    if _width(_hull(patch)) <= WIDE * height:
        return [(patch, 0.0)]
    chosen: list[_Cut] = []
    for cut in sorted(_cuts(patch, height)):
        if all(abs(cut.middle - other.middle) >= PIECE * height for other in chosen):
            chosen.append(cut)
    chosen.sort(key=lambda cut: cut.middle)
    piece = np.zeros(patch.shape[1], dtype=np.intp)
    for cut in chosen:
        piece += _leaning(patch, cut.slant) >= cut.at
    bonds = [0.0, *(CUT + cut.cost for cut in chosen)]
    return [(patch[:, piece == i], bond) for i, bond in enumerate(bonds) if (piece == i).any()]


def _cuts(patch: Pixels, height: float) -> Iterator[_Cut]:
    """The lines along which a patch may be cut: little ink in their way, in one run or two."""
    top = patch[1].min()
    rows = patch[1] - top
    margin = int(PIECE * height)
    for slant in SLANTS:
        columns = _leaning(patch, slant)
        left = columns.min()
        sheared = np.zeros((rows.max() + 1, columns.max() - left + 1), dtype=np.int8)
        sheared[rows, columns - left] = 1
        runs = (np.diff(sheared, axis=0, prepend=0) == 1).sum(axis=0)
        costs = THICKNESS * sheared.sum(axis=0) / height + runs - 1
        for at in margin + np.flatnonzero(costs[margin:-margin] < DEAREST):
            middle = left + at - slant * (top + rows.max() / 2)
            yield _Cut(float(costs[at]), float(middle), float(slant), int(left + at))


def _leaning(pixels: Pixels, slant: float) -> Integers:
    leaning: Integers = pixels[0] + np.rint(slant * pixels[1]).astype(np.intp)
    return leaning
