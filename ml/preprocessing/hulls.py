"""Hulls of the parts of a drawing, and the gaps between them along slanted lines.

A hull is a support function, float64[12]: the extent of a part to the right and to the left along
each slant, down and up. The hull of several parts is the maximum of theirs.
"""

import numpy as np

from ml.preprocessing.strokes import Floats, Integers

# Handwriting slants, so gaps are measured along lines of these slopes (dx per dy, leftwards).
SLANTS = np.array([0.0, -0.2, 0.2, 0.4, 0.6])
RIGHT, LEFT, VERTICAL = slice(0, len(SLANTS)), slice(len(SLANTS), -2), slice(-2, None)


def hull(points: Floats | Integers) -> Floats:
    """Return the extent of points [n, 2] in each direction: right, left, down, up."""
    x, y = points.T
    slanted = x + SLANTS[:, None] * y
    return np.hstack([slanted.max(axis=1), -slanted.min(axis=1), y.max(), -y.min()])


def height_of(hulls: Floats) -> Floats:
    """Return the heights float64[...] of hulls float64[..., 12]."""
    height: Floats = hulls[..., VERTICAL].sum(axis=-1)
    return height


def width_of(hulls: Floats) -> Floats:
    """Return the widths float64[...] of hulls float64[..., 12] along the best slant of each."""
    width: Floats = (hulls[..., RIGHT] + hulls[..., LEFT]).min(axis=-1)
    return width


def slant_of(hulls: Floats) -> Floats:
    """Return the slant along which each part is narrowest; positive if it leans to the right."""
    slants: Floats = SLANTS[(hulls[..., RIGHT] + hulls[..., LEFT]).argmin(axis=-1)]
    return slants


def gaps_in(row: Floats) -> Floats:
    """Return the widest gap along any slant after each part but the last, float64[n - 1].

    A gap lies between all parts before it and all parts after it; it is negative if they overlap.
    """
    right = np.maximum.accumulate(row[:, RIGHT])[:-1]
    left = np.maximum.accumulate(row[::-1, LEFT])[::-1][1:]
    gaps: Floats = -(right + left).min(axis=1)
    return gaps
