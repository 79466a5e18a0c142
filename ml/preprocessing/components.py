"""Connected components of pixels."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.strokes import Integers

Pixels: TypeAlias = Integers
"""Pixel coordinates, int[2, n]: x and y."""


def connected_components(mask: NDArray[np.bool]) -> list[Pixels]:
    """Return the pixels of each component of bool[h, w] (8-neighborhood).

    Runs of ink in each row are joined, not single pixels.
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    lengths = np.nonzero(edges == -1)[1] - starts
    offset = rows * edges.shape[1] + starts
    component = np.repeat(_roots(offset, offset + lengths, edges.shape[1]), lengths)
    y, x = np.nonzero(mask)
    order = np.argsort(component, kind="stable")
    last = np.flatnonzero(np.diff(component[order]))
    return np.split(np.stack([x, y])[:, order], last + 1, axis=1)


def _roots(starts: Integers, ends: Integers, row: int) -> Integers:
    """Return for each run, in reading order, the first run of its component.

    Runs touch if they overlap one row (``row`` pixels) apart; labels propagate to the smallest.
    """
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
