"""How far a stroke bends away from its chord, the line between its ends."""

import math

import numpy as np

from ml.preprocessing.distances import length_of
from ml.preprocessing.strokes import Floats

# A stroke is slender if it is at most this many times as long as its chord.
SLENDER = 1.8
# A stroke off its chord by the fraction BOW of the chord is not straight. Farthest off within the
# fraction BOW_END of an end is the corner of a 7.
BOW, BOW_END = 0.1, 0.15


def is_slender(line: Floats, longest: float = SLENDER) -> bool:
    """Return whether a line float64[n, 2] is at most ``longest`` times as long as its chord."""
    x, y = line[-1] - line[0]
    chord = math.sqrt(x * x + y * y)
    return chord > 0 and length_of([line]) <= longest * chord


def off_chord(line: Floats) -> Floats:
    """Return the distances float64[n] of a line float64[n, 2] from the chord between its ends.

    The unit is the length of the chord; distances are positive to the right of the chord, seen
    upright. The ends must differ.
    """
    x, y = line[-1] - line[0]
    right, down = (line - line[0]).T
    off: Floats = (right * y - down * x) / (x * x + y * y)
    return off if y >= 0 else -off


def bow(line: Floats) -> float:
    """Return the largest distance of a line float64[n, 2] from its chord, as ``off_chord``.

    NaN if the line is not slender or has a corner at an end.
    """
    if not is_slender(line):
        return math.nan
    off, chord = off_chord(line), line[-1] - line[0]
    farthest = int(np.abs(off).argmax())
    right, down = (line[farthest] - line[0]) * chord
    along = (right + down) / (chord * chord).sum()
    is_corner = abs(off[farthest]) >= BOW and not BOW_END < along < 1 - BOW_END
    return math.nan if is_corner else float(off[farthest])
