"""Statistics of the prediction log: daily counts, accuracy, confusion matrix, calibration."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.db.models import Count, DateField, F, Q, Sum
from django.db.models.functions import Cast, Floor
from django.utils import timezone

from ml.classifier import Verdict
from ml.evaluation.metrics import Interval, wilson
from recognizer.models import Digit, Label

BINS = 10


@dataclass(frozen=True)
class DailyCounts:
    """Drawings saved and digits predicted on one day."""

    date: date
    drawings: int = 0
    digits: int = 0
    unsure: int = 0
    not_a_digit: int = 0

    @property
    def unsure_share(self) -> float:
        return self.unsure / max(self.digits, 1)

    @property
    def not_a_digit_share(self) -> float:
        return self.not_a_digit / max(self.digits, 1)


@dataclass(frozen=True)
class Accuracy:
    """Correct predictions among labeled digits."""

    correct: int
    total: int

    @property
    def share(self) -> float:
        return self.correct / max(self.total, 1)

    @property
    def interval(self) -> Interval:
        return wilson(self.correct, self.total)


@dataclass(frozen=True)
class CalibrationBin:
    """Mean confidence and accuracy of labeled digits with similar confidence.

    Bin ``number`` of BINS starts at a confidence of number / BINS.
    """

    number: int
    confidence: float
    accuracy: Accuracy


@dataclass(frozen=True)
class LabelCount:
    """Labeled digits with the same model, label, prediction and confidence bin."""

    model: str
    label: str
    text: str
    bin: int
    count: int
    confidence: float  # sum

    @property
    def correct(self) -> int:
        return self.count if self.label == self.text else 0


@dataclass(frozen=True)
class LabeledDigitStatistics:
    """Counts of the labeled digits of a period."""

    counts: list[LabelCount]

    @cached_property
    def accuracy(self) -> Accuracy:
        return _accuracy(self.counts)

    def by_model(self) -> dict[str, Accuracy]:
        """Return the accuracy of each model version, newest first."""
        models = sorted({one.model for one in self.counts}, reverse=True)
        return {
            model: _accuracy(one for one in self.counts if one.model == model) for model in models
        }

    def confusion(self) -> Counter[tuple[str, str]]:
        """Return the confusion matrix: digits by (label, prediction)."""
        matrix: Counter[tuple[str, str]] = Counter()
        for one in self.counts:
            matrix[one.label, one.text] += one.count
        return matrix

    def bins(self) -> list[CalibrationBin]:
        """Return the nonempty confidence bins of width 1 / BINS, without non-digits."""
        digits = [one for one in self.counts if one.text != Label.NOT_A_DIGIT]
        bins = []
        for number in range(BINS):
            counts = [one for one in digits if one.bin == number]
            if counts:
                accuracy = _accuracy(counts)
                confidence = sum(one.confidence for one in counts) / accuracy.total
                bins.append(CalibrationBin(number, confidence, accuracy))
        return bins


def _accuracy(counts: Iterable[LabelCount]) -> Accuracy:
    pairs = [(one.correct, one.count) for one in counts]
    return Accuracy(sum(correct for correct, _ in pairs), sum(count for _, count in pairs))


@dataclass(frozen=True)
class Period:
    """Whole days, both included."""

    first: date
    last: date

    @classmethod
    def latest(cls, days: int) -> "Period":
        """Return a number of days ending today."""
        today = timezone.localdate()
        return cls(today - timedelta(days=days - 1), today)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range(self.days)]

    @property
    def filters(self) -> dict[str, datetime]:
        """The conditions on digits: at or after one midnight, before another."""
        return {
            "predicted_at__gte": _midnight(self.first),
            "predicted_at__lt": _midnight(self.last + timedelta(days=1)),
        }


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def by_day(period: Period) -> list[DailyCounts]:
    """Return the counts of each day of a period, oldest first, in one query.

    A drawing counts on the day of its newest prediction, so that one index has all columns.
    """
    # Days are UTC days, as is TIME_ZONE. On SQLite, TruncDate calls Python for every row.
    rows = (
        Digit.objects.filter(**period.filters)
        .order_by()
        .values(date=Cast("predicted_at", DateField()))
        .annotate(
            drawings=Count("position", filter=Q(position=0)),
            digits=Count("*"),
            unsure=Count("verdict", filter=Q(verdict=Verdict.UNSURE)),
            not_a_digit=Count("verdict", filter=Q(verdict=Verdict.NOT_A_DIGIT)),
        )
    )
    counts = {row["date"]: DailyCounts(**row) for row in rows}
    return [counts.get(day, DailyCounts(day)) for day in period.dates]


def labeled(period: Period) -> LabeledDigitStatistics:
    """Return the statistics of the labeled digits predicted in a period, in one query."""
    digits = Digit.objects.filter(**period.filters).exclude(label="").order_by()
    rows = digits.values("model", "label", "text", bin=Floor(F("confidence") * BINS)).annotate(
        count=Count("*"), total=Sum("confidence")
    )
    return LabeledDigitStatistics(
        [
            LabelCount(row["model"], row["label"], row["text"], min(int(row["bin"]), BINS - 1),
                       row["count"], row["total"])
            for row in rows
        ]
    )  # fmt: skip
