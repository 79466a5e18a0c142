"""Segment the ink of a picture into digits.

Connected components of ink, and pieces of wide components cut where little ink connects them, are
the parts that ``ml.preprocessing.lattice`` combines into candidate digits.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ml.preprocessing.components import Pixels, connected_components
from ml.preprocessing.hulls import SLANTS, hull
from ml.preprocessing.ink import Ink
from ml.preprocessing.lattice import MAX_PARTS, Lattice, build_lattice
from ml.preprocessing.layout import split_lines
from ml.preprocessing.strokes import Integers, Stroke

# Lengths are fractions of the height of the tallest component.
# A component wider than this may be several touching digits and is cut into pieces.
WIDE = 0.7
# No piece is narrower than this.
MIN_PIECE_WIDTH = 0.15
# A picture with more components is not handwriting and stays one candidate.
MAX_COMPONENTS = 2_000
# Cost of a cut, per height of ink it crosses beyond the first run of ink, and its maximum.
CUT_COST, THICKNESS_COST, MAX_COST = 0.3, 2.0, 1.3


class _Cut(NamedTuple):
    """A line where ``_slanted`` equals ``at``; ``middle`` is its x at half the height."""

    cost: float
    middle: float
    slant: float
    at: int


def segment_picture(ink: Ink) -> tuple[list[Ink], Lattice]:
    """Return the candidate digits of a picture's ink, and their lattice."""
    components = connected_components(ink.mask())
    if len(components) > MAX_COMPONENTS:
        return [ink], Lattice.single([0])
    height = 1 + max(int(np.ptp(component[1])) for component in components)
    split = [piece for component in components for piece in _split(component, height)]
    pieces, costs = [pixels for pixels, _ in split], [cost for _, cost in split]

    def contact(left: Integers, right: Integers) -> float:
        return sum((costs[part] for part in right if part - 1 in left), 0.0)

    lattice = build_lattice(np.stack([hull(piece.T) for piece in pieces]), contact)
    candidates = [
        _extract(ink, np.hstack([pieces[part] for part in group])) for group in lattice.groups
    ]
    return candidates, lattice


def has_gap(ink: Ink) -> bool:
    """Return whether a column or row between the edges of the ink is empty: rare in a digit."""
    mask = ink.mask()
    return not bool(mask.any(axis=0).all() and mask.any(axis=1).all())


def split_ink_lines(ink: Ink) -> list[Ink]:
    """Return the lines of digits without annotations, like those of strokes, top to bottom."""
    components = connected_components(ink.mask())
    if not 1 < len(components) <= MAX_PARTS:
        return [ink]
    outlines: list[Stroke] = []
    for number, pixels in enumerate(components):
        (left, top), (right, bottom) = pixels.min(axis=1).tolist(), pixels.max(axis=1).tolist()
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        outlines.append([(x, y, number) for x, y in corners])
    lines = split_lines(outlines)
    if [len(line) for line in lines] == [len(components)]:
        return [ink]
    return [
        _extract(ink, np.hstack([components[int(stroke[0][2])] for stroke in line]))
        for line in lines
    ]


def _extract(ink: Ink, pixels: Pixels) -> Ink:
    """Return the ink of some pixels alone."""
    left, top = pixels.min(axis=1)
    columns, rows = pixels[0] - left, pixels[1] - top
    levels = np.zeros((rows.max() + 1, columns.max() + 1), dtype=ink.levels.dtype)
    levels[rows, columns] = ink.levels[rows + top, columns + left]
    return ink.part(levels, int(left), int(top))


def _split(component: Pixels, height: float) -> list[tuple[Pixels, float]]:
    """Return the pieces of a component, each with the cost of splitting it from the one before."""
    if np.ptp(component[0]) <= WIDE * height:
        return [(component, 0.0)]
    chosen: list[_Cut] = []
    for cut in sorted(_possible_cuts(component, height)):
        # More pieces than parts in a drawing would not be segmented anyway.
        if len(chosen) == MAX_PARTS:
            break
        if all(abs(cut.middle - other.middle) >= MIN_PIECE_WIDTH * height for other in chosen):
            chosen.append(cut)
    chosen.sort(key=lambda cut: cut.middle)
    piece = np.zeros(component.shape[1], dtype=np.intp)
    for cut in chosen:
        piece += _slanted(component, cut.slant) >= cut.at
    costs = [0.0, *(CUT_COST + cut.cost for cut in chosen)]
    return [(component[:, piece == i], cost) for i, cost in enumerate(costs) if (piece == i).any()]


def _possible_cuts(component: Pixels, height: float) -> Iterator[_Cut]:
    """Yield the lines at each slant that cross little ink, in one or two runs."""
    top = component[1].min()
    rows = component[1] - top
    margin = int(MIN_PIECE_WIDTH * height)
    for slant in SLANTS:
        columns = _slanted(component, slant)
        left = columns.min()
        sheared = np.zeros((rows.max() + 1, columns.max() - left + 1), dtype=np.int8)
        sheared[rows, columns - left] = 1
        runs = (np.diff(sheared, axis=0, prepend=0) == 1).sum(axis=0)
        costs = THICKNESS_COST * sheared.sum(axis=0) / height + runs - 1
        for at in margin + np.flatnonzero(costs[margin:-margin] < MAX_COST):
            middle = left + at - slant * (top + rows.max() / 2)
            yield _Cut(float(costs[at]), float(middle), float(slant), int(left + at))


def _slanted(pixels: Pixels, slant: float) -> Integers:
    columns: Integers = pixels[0] + np.rint(slant * pixels[1]).astype(np.intp)
    return columns
