"""Drift: whether what is drawn still looks like what the net has learned from."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ml.evaluation import input_properties
from ml.preprocessing.strokes import grid_from_bytes
from recognizer.models import Digit, Drawing

# The newest digits, so many at most: their inputs are read one by one.
SAMPLE = 1_000
# Drawings in memory at once: one may have a megabyte of strokes.
CHUNK = 10
# Fewer say nothing.
FEWEST = 100
# In standard deviations of the reference. Each of thirty writers of UCI's pendigits-orig.tra, of
# whose digits the net reads 99 % right, lies within 1.03.
BOUND = 1.2

NAMES = {
    "ink": "ink, in pixels",
    "aspect": "width by height",
    "across": "center, from the left",
    "down": "center, from the top",
}


@dataclass(frozen=True)
class Property:
    """What inputs are like in one respect, and what the reference is like."""

    name: str
    count: int
    reference: input_properties.Moments
    found: input_properties.Moments

    @property
    def difference(self) -> float:
        """Of the means, in standard deviations of the reference."""
        return (self.found.mean - self.reference.mean) / self.reference.deviation

    @property
    def spread(self) -> float:
        return self.found.deviation / self.reference.deviation

    @property
    def alarms(self) -> bool:
        return self.count >= FEWEST and abs(self.difference) > BOUND


@dataclass(frozen=True)
class Drift:
    """The newest digits beside the reference."""

    count: int
    since: datetime | None
    properties: list[Property]

    @property
    def alarms(self) -> list[Property]:
        return [one for one in self.properties if one.alarms]


def drift() -> Drift:
    newest = Digit.objects.order_by("-pk").only("image", "box", "predicted_at", "drawing_id")
    # A blank input, which only a program can make, has no width.
    digits = [digit for digit in newest[:SAMPLE] if any(bytes(digit.image))]
    if not digits:
        return Drift(0, None, [])
    return Drift(len(digits), digits[-1].predicted_at, list(_properties(digits)))


def _properties(digits: list[Digit]) -> Iterator[Property]:
    images = np.stack([grid_from_bytes(digit.image) for digit in digits])
    for name, values in input_properties.measure(images).items():
        yield Property(
            NAMES[name],
            len(digits),
            input_properties.MNIST[name],
            input_properties.Moments.of(values),
        )
    counts = np.array(list(_stroke_counts(digits)), dtype=float)
    if len(counts):
        yield Property(
            "strokes", len(counts), input_properties.STROKES, input_properties.Moments.of(counts)
        )


def _stroke_counts(digits: list[Digit]) -> Iterator[int]:
    """How many strokes each has, of those that were drawn with strokes."""
    by_drawing = defaultdict(list)
    for digit in digits:
        by_drawing[digit.drawing_id].append(digit)
    drawn = Drawing.objects.filter(pk__in=list(by_drawing), strokes__isnull=False)
    for drawing in drawn.order_by().only("strokes").iterator(CHUNK):
        yield from (len(digit.strokes_in(drawing)) for digit in by_drawing[drawing.pk])
