"""Drift: whether what is drawn still looks like what the net has learned from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ml import ink, inputs
from recognizer.models import Digit

# The newest digits, so many at most: their inputs are read one by one.
SAMPLE = 1_000
# Fewer say nothing.
FEWEST = 100
# In standard deviations of the reference. Each of thirty writers of UCI's pendigits-orig.tra, of
# whose digits the net reads 99 % right, lies within 1.03.
BOUND = 1.2

NAMES = {
    "ink": "ink, in pixels",
    "aspect": "width by height",
    "across": "centre, from the left",
    "down": "centre, from the top",
}


@dataclass(frozen=True)
class Property:
    """What inputs are like in one respect, and what the reference is like."""

    name: str
    reference: inputs.Moments
    found: inputs.Moments

    @property
    def difference(self) -> float:
        """Of the means, in standard deviations of the reference."""
        return (self.found.mean - self.reference.mean) / self.reference.deviation

    @property
    def spread(self) -> float:
        return self.found.deviation / self.reference.deviation

    @property
    def alarms(self) -> bool:
        return abs(self.difference) > BOUND


@dataclass(frozen=True)
class Drift:
    """The newest digits beside the reference."""

    count: int
    since: datetime | None
    properties: list[Property]

    @property
    def alarms(self) -> list[Property]:
        return [one for one in self.properties if self.count >= FEWEST and one.alarms]


def drift() -> Drift:
    newest = Digit.objects.order_by("-pk").select_related("drawing")
    fields = ("image", "box", "read_at", "drawing__strokes")
    # A blank input, which only a program can make, has no width.
    digits = [digit for digit in newest.only(*fields)[:SAMPLE] if any(bytes(digit.image))]
    if not digits:
        return Drift(0, None, [])
    return Drift(len(digits), digits[-1].read_at, list(_properties(digits)))


def _properties(digits: list[Digit]) -> Iterator[Property]:
    images = np.stack([ink.from_bytes(digit.image) for digit in digits])
    for name, values in inputs.measure(images).items():
        yield Property(NAMES[name], inputs.MNIST[name], inputs.Moments.of(values))
    strokes = [float(len(digit.strokes())) for digit in digits if digit.drawing.strokes]
    if strokes:
        yield Property("strokes", inputs.STROKES, inputs.Moments.of(np.array(strokes)))
