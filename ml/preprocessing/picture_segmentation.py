"""Several digits in one picture: which patches of ink make one digit, and where those that touch
may be cut.

The patches and pieces are put together by ``ml.segment``, as the strokes of a pen are.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing import segmentation
from ml.preprocessing.pictures import Ink, Levels
from ml.preprocessing.segmentation import Integers

Pixels: TypeAlias = Integers
"""Places in a picture: int[2, n], the x of each and the y of each."""

Judge: TypeAlias = Callable[[list[Levels]], NDArray[np.float32]]
"""The net's probabilities, float32[n, 10], for the ink of n supposed digits."""

# Lengths in heights of the tallest patch. A wider patch may be digits that touch.
WIDE = 0.7
# More patches than these are no writing: such a picture is left whole.
MOST_PATCHES = 2_000
# They are cut into pieces no narrower than this, to be put together by the judge.
PIECE = 0.15
# What a cut through ink costs; what it costs more for each height of ink and each further line it
# goes through; and the most that this may be.
CUT, THICKNESS, DEAREST = 0.3, 2.0, 1.3


class _Cut(NamedTuple):
    """A line through a patch where ``_leaning`` is ``at``; ``middle`` is its x half way down."""

    cost: float
    middle: float
    slant: float
    at: int


def digits(ink: Ink, judge: Judge) -> list[Ink]:
    """The ink of each digit of a picture, left to right. The judge is asked at most once."""
    patches = _patches(ink.inked())
    if len(patches) > MOST_PATCHES:
        return [ink]
    height = 1 + max(int(np.ptp(patch[1])) for patch in patches)
    cut = [piece for patch in patches for piece in _cut(patch, height)]
    pieces, costs = [pixels for pixels, _ in cut], [cost for _, cost in cut]

    def pick(parts: list[int]) -> Ink:
        return _part(ink, np.hstack([pieces[part] for part in parts]))

    def ink_of(supposed: list[list[int]]) -> list[Levels]:
        return [pick(parts).levels for parts in supposed]

    def bond(left: Integers, right: Integers) -> float:
        return sum((costs[part] for part in right if part - 1 in left), 0.0)

    hulls = np.stack([segmentation.hull(piece.T) for piece in pieces])
    found = segmentation.divide(hulls, lambda supposed: judge(ink_of(supposed)), bond)
    return [pick(parts) for parts in found]


def has_gap(ink: Ink) -> bool:
    """Whether some column between the ink has none: quickly seen, and rare within a digit."""
    return not bool(ink.inked().any(axis=0).all())


def _part(ink: Ink, pixels: Pixels) -> Ink:
    """The ink of some pixels alone."""
    left, top = pixels.min(axis=1)
    columns, rows = pixels[0] - left, pixels[1] - top
    alone = np.zeros((rows.max() + 1, columns.max() + 1), dtype=ink.levels.dtype)
    alone[rows, columns] = ink.levels[rows + top, columns + left]
    return ink.part(alone, int(left), int(top))


def _patches(inked: NDArray[np.bool]) -> list[Pixels]:
    """The pixels of each patch of touching ink, diagonals too."""
    edges = np.diff(np.pad(inked, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, begins = np.nonzero(edges == 1)
    lengths = np.nonzero(edges == -1)[1] - begins
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


def _cut(patch: Pixels, height: float) -> list[tuple[Pixels, float]]:
    """The pieces of a patch, each with what it costs to part it from the one before."""
    if np.ptp(patch[0]) <= WIDE * height:
        return [(patch, 0.0)]
    chosen: list[_Cut] = []
    for cut in sorted(_cuts(patch, height)):
        # What falls into more pieces than that is left whole.
        if len(chosen) == segmentation.MOST:
            break
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
    for slant in segmentation.SLANTS:
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
