"""Properties of input images that need no labels, and their reference values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.strokes import SIZE, Floats


class Moments(NamedTuple):
    """Mean and standard deviation of a property."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> "Moments":
        return cls(float(values.mean()), float(values.std()))


# MNIST's 60,000 training images; a test measures them.
MNIST = {
    "ink": Moments(102.438, 33.946),
    "aspect": Moments(0.801, 0.222),
    "across": Moments(14.507, 0.291),
    "down": Moments(14.496, 0.289),
}


def measure(images: NDArray[np.uint8]) -> dict[str, Floats]:
    """Return properties float64[N] of images uint8[N, 28, 28] that are not blank.

    ``ink``: sum of the levels in full pixels. ``aspect``: width / height of the bounding box.
    ``across``, ``down``: center of mass in pixels from the left and from the top.
    """
    ink = images.sum((1, 2), dtype=np.float64)
    centers = np.arange(SIZE) + 0.5
    return {
        "ink": ink / 255,
        "aspect": extent(images.max(1) > 0) / extent(images.max(2) > 0),
        "across": images.sum(1) @ centers / ink,
        "down": images.sum(2) @ centers / ink,
    }


def extent(has_ink: NDArray[np.bool]) -> Floats:
    """Return the distance from the first to the last true value of bool[N, 28]."""
    extent: Floats = SIZE - has_ink.argmax(1) - has_ink[:, ::-1].argmax(1).astype(np.float64)
    return extent
