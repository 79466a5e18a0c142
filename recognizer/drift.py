"""Drift: compare recent model inputs with the training data."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ml.evaluation import input_properties
from ml.preprocessing.strokes import grid_from_bytes
from recognizer.models import Digit, Drawing

SAMPLE = 1_000
# Drawings in memory at a time: the strokes of one can take a megabyte.
CHUNK = 10
# A smaller sample raises no alarm.
MIN_DIGITS = 100
# In standard deviations of the reference. The model reads 99% of the digits of UCI's
# pendigits-orig.tra; the means of its thirty writers deviate by at most 1.03.
THRESHOLD = 1.2

NAMES = {
    "ink": "ink, in pixels",
    "aspect": "aspect ratio",
    "across": "horizontal center, in pixels",
    "down": "vertical center, in pixels",
}


@dataclass(frozen=True)
class Property:
    """A property of recent inputs beside its reference."""

    name: str
    count: int
    reference: input_properties.Moments
    found: input_properties.Moments

    @property
    def difference(self) -> float:
        """The difference of the means, in standard deviations of the reference."""
        return (self.found.mean - self.reference.mean) / self.reference.deviation

    @property
    def spread(self) -> float:
        """The ratio of the standard deviations."""
        return self.found.deviation / self.reference.deviation

    @property
    def alarms(self) -> bool:
        return self.count >= MIN_DIGITS and abs(self.difference) > THRESHOLD


@dataclass(frozen=True)
class Drift:
    """The properties of the newest digits."""

    count: int
    since: datetime | None
    properties: list[Property]

    @property
    def alarms(self) -> list[Property]:
        return [one for one in self.properties if one.alarms]


def drift() -> Drift:
    """Measure the newest SAMPLE digits."""
    newest = Digit.objects.order_by("-pk").only("image", "box", "predicted_at", "drawing_id")
    # A blank grid has no aspect ratio.
    digits = [digit for digit in newest[:SAMPLE] if any(bytes(digit.image))]
    if not digits:
        return Drift(0, None, [])
    return Drift(len(digits), digits[-1].predicted_at, list(_properties(digits)))


def _properties(digits: list[Digit]) -> Iterator[Property]:
    moments = input_properties.Moments.of
    images = np.stack([grid_from_bytes(digit.image) for digit in digits])
    for name, values in input_properties.measure(images).items():
        yield Property(NAMES[name], len(digits), input_properties.MNIST[name], moments(values))
    counts = np.array(list(_stroke_counts(digits)), dtype=float)
    if len(counts):
        yield Property("strokes", len(counts), input_properties.STROKES, moments(counts))


def _stroke_counts(digits: list[Digit]) -> Iterator[int]:
    """Yield the number of strokes of each digit, except digits from pictures."""
    by_drawing = defaultdict(list)
    for digit in digits:
        by_drawing[digit.drawing_id].append(digit)
    drawings = Drawing.objects.filter(pk__in=list(by_drawing), strokes__isnull=False)
    for drawing in drawings.order_by().only("strokes").iterator(CHUNK):
        yield from (len(digit.strokes(drawing)) for digit in by_drawing[drawing.pk])
