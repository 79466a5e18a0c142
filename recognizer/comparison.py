"""Champion and challenger: the model that serves and one that might, on the same work."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from django.conf import settings

from ml.classifier import Classifier, ModelError
from ml.exported import Exported
from recognizer import exports
from recognizer.models import ModelVersion, Status

# A challenger with more errors than the champion, by this share of a set, is worse.
MARGIN = 0.001
# Of so many labelled digits, the newest, both read those anew that are held out of training.
NEWEST = 10_000
CORRECTIONS = "held-out corrections"


@dataclass(frozen=True)
class Row:
    """The errors of both models on one set of digits."""

    name: str
    of: int
    champion: int
    challenger: int

    @property
    def is_worse(self) -> bool:
        return self.challenger - self.champion > MARGIN * self.of

    def __str__(self) -> str:
        return f"{self.name}: {self.challenger} errors of {self.of:,}, not {self.champion}"


@dataclass(frozen=True)
class Difference:
    """An image that the two read differently, with what it is and what they say."""

    image: bytes
    label: int
    champion: int
    challenger: int


@dataclass(frozen=True)
class Comparison:
    champion: str
    rows: list[Row]
    differences: list[Difference]

    @property
    def shortfalls(self) -> str:
        """In what the challenger is worse; empty when in nothing."""
        return "; ".join(str(row) for row in self.rows if row.is_worse)


def compare(challenger: Classifier) -> Comparison:
    """A model beside the one that serves, by what their files say and by what was labelled here.

    Raises ModelError where the one that serves cannot be read.
    """
    champion = _champion()
    newest = exports.records(exports.labelled().order_by("-pk"))
    _, held_out = Exported.of(islice(newest, NEWEST)).split()
    rows = list(_stated(champion, challenger))
    if not len(held_out):
        return Comparison(champion.version, rows, [])
    first, second = (model.predict(held_out.images).argmax(1) for model in (champion, challenger))
    errors = (int((said != held_out.labels).sum()) for said in (first, second))
    differences = [
        Difference(
            held_out.images[i].tobytes(), int(held_out.labels[i]), int(first[i]), int(second[i])
        )
        for i in np.flatnonzero(first != second)
    ]
    return Comparison(
        champion.version, [*rows, Row(CORRECTIONS, len(held_out), *errors)], differences
    )


def _champion() -> Classifier:
    """The model that serves by the database, whether or not this process has followed yet."""
    serving = ModelVersion.objects.filter(status=Status.SERVING).first()
    if serving:
        return serving.load()
    try:
        return Classifier(settings.SHIPPED_MODEL.read_bytes())
    except OSError as error:
        raise ModelError(str(error)) from error


def _stated(champion: Classifier, challenger: Classifier) -> Iterator[Row]:
    """The sets that both were measured on when they were made."""
    first, second = (model.facts.get("metrics", {}) for model in (champion, challenger))
    for name, one in first.items():
        other = second.get(name)
        # Reviewed drawings are not the same ones a month later; those of today are read anew.
        if other and other["of"] == one["of"] and name != "held_out_reviewed":
            yield Row(name, one["of"], one["errors"], other["errors"])
