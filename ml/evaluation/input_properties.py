"""What can be told of inputs without knowing what they are, and what it is for MNIST."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.strokes import SIZE

Values = NDArray[np.float64]


class Moments(NamedTuple):
    """The mean of a property over many inputs, and its standard deviation."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Values) -> "Moments":
        return cls(float(values.mean()), float(values.std()))


# Of MNIST's 60,000 training images; a test measures them anew.
MNIST = {
    "ink": Moments(102.438, 33.946),
    "aspect": Moments(0.801, 0.222),
    "across": Moments(14.507, 0.291),
    "down": Moments(14.496, 0.289),
}
# MNIST has no strokes: len(digit.strokes) of the 7,494 digits of UCI's pendigits-orig.tra, from
# which the weights that ship have learned too.
STROKES = Moments(1.259, 0.441)


def measure(images: NDArray[np.uint8]) -> dict[str, Values]:
    """Properties float64[N] of images uint8[N, 28, 28], none of them blank.

    ``ink``: how much there is, in whole pixels. ``aspect``: width by height of its box. ``across``
    and ``down``: its center of mass, in pixels from the left and from the top.
    """
    ink = images.sum((1, 2), dtype=np.float64)
    at = np.arange(SIZE) + 0.5
    return {
        "ink": ink / 255,
        "aspect": _extent(images.max(1) > 0) / _extent(images.max(2) > 0),
        "across": images.sum(1) @ at / ink,
        "down": images.sum(2) @ at / ink,
    }


def _extent(inked: NDArray[np.bool]) -> Values:
    """From the first to the last that is true, in bool[N, 28]."""
    extent: Values = SIZE - inked.argmax(1) - inked[:, ::-1].argmax(1).astype(np.float64)
    return extent
