"""Champion and challenger: the model that serves and one that might, on the same work."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from django.conf import settings

from ml.classifier import Classifier, ModelError, Verdict
from ml.preprocessing.strokes import SIZE, Grid
from ml.training.dataset_folder import LabeledDigits
from recognizer import dataset_export
from recognizer.models import Measurement, ModelStatus, ModelVersion

Metrics: TypeAlias = dict[str, Any]

# A challenger with more errors than the champion, by this share of a set, is worse.
MARGIN = 0.001
# Non-digits are made by rule, and seeds differ by a hundredth: more than this is a loss.
NON_DIGIT_MARGIN = 0.02
# What is shown only: most of what is misread in the grid is one digit, 72 times over.
SHOWN = float("inf")
# Of so many labeled digits, the newest, both read those anew that are held out of training.
NEWEST = 10_000
# They are not the same ones a month later.
READ_ANEW = ("held_out_reviewed", "held_out_non_digits")
CORRECTIONS = "held-out corrections"
NON_DIGITS = "held-out non-digits"
# Readings of each model, in turn, that tell how long one takes.
TIMED = 300
FACTORS = ("size", "place", "pen", "ink")


@dataclass(frozen=True)
class Row:
    """The errors of both models on one set of digits; None where the challenger never saw it."""

    name: str
    of: int
    champion: int
    challenger: int | None
    margin: float = MARGIN

    @property
    def is_worse(self) -> bool:
        if self.challenger is None:
            return False
        return self.challenger - self.champion > self.margin * self.of

    def __str__(self) -> str:
        return f"{self.name}: {self.challenger} errors of {self.of:,}, not {self.champion}"


@dataclass(frozen=True)
class Fact:
    """What else is told of both models, measured so often."""

    name: str
    of: int
    champion: str
    challenger: str


@dataclass(frozen=True)
class Difference:
    """An image that the two read differently, with what it is and what they say."""

    image: bytes
    label: int
    champion: int
    challenger: int


@dataclass(frozen=True)
class ModelComparison:
    """``grid`` and ``reliability`` are empty where not both models were measured."""

    champion: str
    rows: list[Row]
    differences: list[Difference]
    calibration: list[Fact]
    grid: list[Row] = field(default_factory=list)
    reliability: list[list[Metrics]] = field(default_factory=list)

    @property
    def shortfalls(self) -> str:
        """In what the challenger is worse; empty when in nothing."""
        return "; ".join(str(row) for row in self.rows if row.is_worse)


def compare(challenger: Classifier) -> ModelComparison:
    """A model beside the one that serves: by what their files say, by what was labeled here, and
    by what ``manage.py models measure`` has measured of both.

    Raises ModelError where the one that serves cannot be read.
    """
    serves = load_serving_model()
    corrections, differences = _corrections(serves, challenger)
    measured = _measured(serves, challenger)
    return ModelComparison(
        serves.version,
        [
            *_stated(serves, challenger),
            *corrections,
            *(_measured_rows(*measured) if measured else ()),
        ],
        differences,
        list(_calibration(serves, challenger)),
        list(_grid(*measured)) if measured else [],
        [figures["reliability"] for figures in measured or ()],
    )


def load_serving_model() -> Classifier:
    """The model that serves by the database, whether or not this process has followed yet."""
    serving = ModelVersion.objects.filter(status=ModelStatus.SERVING).first()
    if serving:
        return serving.load()
    try:
        return Classifier(settings.SHIPPED_MODEL.read_bytes())
    except OSError as error:
        raise ModelError(str(error)) from error


def speed(challenger: Classifier) -> Fact:
    """How long one digit takes either net, alone; the median of readings that take turns."""
    models = (load_serving_model(), challenger)
    image = np.eye(SIZE, dtype=np.uint8)[None] * 255
    times = [[_seconds(model, image) for model in models] for _ in range(TIMED)]
    first, second = (f"{1e6 * median(of_one):.0f} µs" for of_one in zip(*times, strict=True))
    return Fact("one digit through the net", TIMED, first, second)


def _seconds(model: Classifier, image: Grid) -> float:
    started = perf_counter()
    model.predict(image)
    return perf_counter() - started


def _corrections(
    champion: Classifier, challenger: Classifier
) -> tuple[list[Row], list[Difference]]:
    """What reviewers labeled and no training saw, read anew by both."""
    newest = dataset_export.records(dataset_export.labeled().order_by("-pk"))
    _, held_out = LabeledDigits.of(islice(newest, NEWEST)).split()
    rows = _refusals(champion, challenger, held_out.non_digits())
    held_out = held_out.digits()
    if not len(held_out):
        return rows, []
    first, second = (model.predict(held_out.images).argmax(1) for model in (champion, challenger))
    errors = (int((said != held_out.labels).sum()) for said in (first, second))
    differences = [
        Difference(
            held_out.images[i].tobytes(), int(held_out.labels[i]), int(first[i]), int(second[i])
        )
        for i in np.flatnonzero(first != second)
    ]
    return [Row(CORRECTIONS, len(held_out), *errors), *rows], differences


def _refusals(champion: Classifier, challenger: Classifier, non_digits: LabeledDigits) -> list[Row]:
    """How many of those that reviewers call no digit are not refused."""
    if not len(non_digits):
        return []

    def taken(model: Classifier) -> int:
        verdicts = map(model.verdict, model.predict(non_digits.images))
        return sum(verdict is not Verdict.NOT_A_DIGIT for verdict in verdicts)

    both = taken(champion), taken(challenger)
    return [Row(NON_DIGITS, len(non_digits), *both, NON_DIGIT_MARGIN)]


def _stated(champion: Classifier, challenger: Classifier) -> Iterator[Row]:
    """Errors on the sets that the champion, at least, was measured on when it was made."""
    for name, one, other in _sets(champion, challenger):
        yield Row(name, one["of"], one["errors"], other["errors"] if other else None)


def _calibration(champion: Classifier, challenger: Classifier) -> Iterator[Fact]:
    """Expected calibration errors on the same sets."""
    for name, one, other in _sets(champion, challenger):
        if other and "calibration_error" in one.keys() & other.keys():
            shares = (f"{figures['calibration_error']:.2%}" for figures in (one, other))
            yield Fact(f"{name}: calibration error", one["of"], *shares)


def _sets(
    champion: Classifier, challenger: Classifier
) -> Iterator[tuple[str, Metrics, Metrics | None]]:
    """The sets of the champion's file, with what either says; None for others than these."""
    first, second = (model.facts.get("metrics", {}) for model in (champion, challenger))
    for name, one in first.items():
        other = second.get(name)
        if name not in READ_ANEW:
            yield name, one, other if other and other["of"] == one["of"] else None


def _measured(champion: Classifier, challenger: Classifier) -> tuple[Metrics, Metrics] | None:
    """What was measured of both; None where it was not, or by other measures."""
    found = Measurement.objects.in_bulk([champion.sha256, challenger.sha256])
    if champion.sha256 not in found or challenger.sha256 not in found:
        return None
    first, second = found[champion.sha256].metrics, found[challenger.sha256].metrics
    return (first, second) if first["work"] == second["work"] else None


def _measured_rows(champion: Metrics, challenger: Metrics) -> Iterator[Row]:
    def row(name: str, of: int, errors: Callable[[Metrics], int], margin: float) -> Row:
        return Row(name, of, errors(champion), errors(challenger), margin)

    non_digits = champion["non_digits"]["held_out"]["drawings"]
    yield row("non-digits let through", non_digits, _let_through, NON_DIGIT_MARGIN)
    yield row("numbers in pictures", champion["pictures"]["numbers"], _not_whole, SHOWN)
    yield row("sizes, places, pens, inks", _in_grid(champion, "of"), _in_grid, SHOWN)


def _let_through(figures: Metrics) -> int:
    """Of drawings that are no digits, where 98 % of the digits pass."""
    held_out = figures["non_digits"]["held_out"]
    drawings: int = held_out["drawings"]
    refused: float = held_out["refused"]["98"]
    return round(drawings * (1 - refused))


def _not_whole(figures: Metrics) -> int:
    return int(figures["pictures"]["numbers"] - figures["pictures"]["read_whole"])


def _in_grid(figures: Metrics, what: str = "errors") -> int:
    return sum(cell[what] for cell in figures["robustness"])


def _grid(champion: Metrics, challenger: Metrics) -> Iterator[Row]:
    """The errors in the grid by each of its factors."""
    first, second = (_by_factor(figures["robustness"]) for figures in (champion, challenger))
    of = _by_factor(champion["robustness"], "of")
    for name in of:
        yield Row(name, of[name], first[name], second[name], margin=SHOWN)


def _by_factor(cells: list[Metrics], what: str = "errors") -> Counter[str]:
    sums: Counter[str] = Counter()
    for factor in FACTORS:
        for cell in cells:
            value = cell[factor]
            sums[f"{factor}: {value:.0%}" if factor == "size" else f"{factor}: {value}"] += cell[
                what
            ]
    return sums
