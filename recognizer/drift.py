"""Drift: compare recent model inputs with the training data."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils.translation import gettext_lazy as _

from ml.evaluation.input_properties import MNIST, Moments, measure
from ml.preprocessing.strokes import grid_from_bytes
from recognizer.models import Digit

SAMPLE = 1_000
# A smaller sample raises no alarm.
MIN_DIGITS = 100
# In standard deviations of the reference. The model reads 99% of the digits of UCI's
# pendigits-orig.tra; the means of its thirty writers deviate by at most 1.03.
THRESHOLD = 1.2

NAMES = {
    "ink": _("ink (pixels)"),
    "aspect": _("aspect ratio"),
    "across": _("horizontal center (pixels)"),
    "down": _("vertical center (pixels)"),
}


@dataclass(frozen=True)
class Property:
    """A property of recent inputs beside its reference."""

    name: str
    reference: Moments
    found: Moments

    @property
    def difference(self) -> float:
        """The difference of the means, in standard deviations of the reference."""
        return (self.found.mean - self.reference.mean) / self.reference.deviation

    @property
    def spread(self) -> float:
        """The ratio of the standard deviations."""
        return self.found.deviation / self.reference.deviation

    @property
    def is_far(self) -> bool:
        return abs(self.difference) > THRESHOLD


@dataclass(frozen=True)
class Drift:
    """The properties of the newest digits."""

    count: int
    since: datetime | None
    properties: list[Property]

    @property
    def is_enough(self) -> bool:
        return self.count >= MIN_DIGITS

    @property
    def alarms(self) -> list[Property]:
        return [one for one in self.properties if one.is_far and self.is_enough]


def drift() -> Drift:
    """Measure the newest SAMPLE digits."""
    newest = Digit.objects.order_by("-pk").only("image", "predicted_at")
    # A blank grid has no aspect ratio.
    digits = [digit for digit in newest[:SAMPLE] if any(bytes(digit.image))]
    if not digits:
        return Drift(0, None, [])
    measured = measure(np.stack([grid_from_bytes(digit.image) for digit in digits]))
    properties = [
        Property(str(NAMES[name]), MNIST[name], Moments.of(values))
        for name, values in measured.items()
    ]
    return Drift(len(digits), digits[-1].predicted_at, properties)
