"""What the log says of some days: how much was drawn, how it was read, and how rightly."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from django.db.models import Count, F, QuerySet, Sum, Value
from django.db.models.functions import Floor
from django.utils import timezone

from ml.classifier import Verdict
from ml.evaluation.metrics import Interval, wilson
from recognizer.models import Day, Digit, Drawing, Label

BINS = 10
# What was begun before midnight is stored by then.
SETTLED = timedelta(hours=1)
# Days in one query: SQLite takes 500 parts.
COUNTED_AT_ONCE = 90


@dataclass(frozen=True)
class Accuracy:
    """How often labeled digits were read as what reviewers say they are."""

    right: int
    of: int

    @property
    def share(self) -> float:
        return self.right / max(self.of, 1)

    @property
    def interval(self) -> Interval:
        return wilson(self.right, self.of)


@dataclass(frozen=True)
class CalibrationBin:
    """Labeled readings of about the same confidence: their mean confidence, how many are right."""

    confidence: float
    rightness: Accuracy


@dataclass(frozen=True)
class LabelCount:
    """Labeled digits with the same model, label, reading and tenth of confidence."""

    model: str
    label: str
    text: str
    tenth: int
    count: int
    confidence: float  # their sum

    @property
    def right(self) -> int:
        return self.count if self.label == self.text else 0


@dataclass(frozen=True)
class LabeledDigitStatistics:
    """All digits of a time that reviewers have labeled, in groups."""

    groups: list[LabelCount]

    @cached_property
    def rightness(self) -> Accuracy:
        return _rightness(self.groups)

    def by_model(self) -> dict[str, Accuracy]:
        """The models' versions, the newest first."""
        models = sorted({group.model for group in self.groups}, reverse=True)
        return {
            model: _rightness(group for group in self.groups if group.model == model)
            for model in models
        }

    def confusion(self) -> Counter[tuple[str, str]]:
        """How many have a label and were read as something, by the two."""
        counts: Counter[tuple[str, str]] = Counter()
        for group in self.groups:
            counts[group.label, group.text] += group.count
        return counts

    def bins(self) -> list[CalibrationBin]:
        """The readings that are a digit in tenths of confidence, where there are any."""
        read = [group for group in self.groups if group.text != Label.NOT_A_DIGIT]
        tenths = ([one for one in read if one.tenth == tenth] for tenth in range(BINS))
        return [_bin(groups) for groups in tenths if groups]


def _rightness(groups: Iterable[LabelCount]) -> Accuracy:
    pairs = [(group.right, group.count) for group in groups]
    return Accuracy(sum(right for right, _ in pairs), sum(count for _, count in pairs))


def _bin(groups: list[LabelCount]) -> CalibrationBin:
    rightness = _rightness(groups)
    return CalibrationBin(sum(group.confidence for group in groups) / rightness.of, rightness)


def first_day(days: int) -> datetime:
    """The beginning of the first of so many days, of which today is the last."""
    return _midnight(timezone.localdate() - timedelta(days=days - 1))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def by_day(days: int) -> list[Day]:
    """The last days, the first of them first. One that is over is counted once, and that is kept.

    Three queries, and one more where a day was not kept yet.
    """
    return _days(first_day(days), days, timezone.now() - SETTLED)


def keep_days() -> None:
    """Count all days that are over, before what was drawn on them is deleted."""
    now = timezone.now()
    first = Drawing.objects.order_by("created_at").values_list("created_at", flat=True).first()
    midnight = _midnight(timezone.localdate(first)) if first else now
    while midnight < now:
        _days(midnight, COUNTED_AT_ONCE, settled=now)
        midnight += timedelta(days=COUNTED_AT_ONCE)


def _days(first: datetime, days: int, settled: datetime) -> list[Day]:
    """Some days, of which those that were over at a moment are kept."""
    spans = list(pairwise(_midnight(first.date() + timedelta(days=one)) for one in range(days + 1)))
    kept = Day.objects.in_bulk([start for start, _ in spans])
    missing = [(start, end) for start, end in spans if start not in kept]
    counted = dict(zip(missing, count(missing), strict=True))
    Day.objects.bulk_create(
        [day for (_, end), day in counted.items() if end < settled], ignore_conflicts=True
    )
    return [kept.get(start) or counted[start, end] for start, end in spans]


def count(spans: Sequence[tuple[datetime, datetime]]) -> list[Day]:
    """What was drawn in some spans of time, in two queries.

    A range of an index is counted for each: to group a million rows by date takes a second.
    """
    drawings = _count(
        (number, "", Drawing.objects.filter(created_at__gte=start, created_at__lt=end))
        for number, (start, end) in enumerate(spans)
    )
    digits = _count(
        (
            number,
            verdict,
            Digit.objects.filter(verdict=verdict, predicted_at__gte=start, predicted_at__lt=end),
        )
        for number, (start, end) in enumerate(spans)
        for verdict in Verdict
    )
    return [
        Day(
            start=start,
            drawings=drawings[number, ""],
            digits=sum(digits[number, verdict] for verdict in Verdict),
            unsure=digits[number, Verdict.UNSURE],
            not_a_digit=digits[number, Verdict.NOT_A_DIGIT],
        )
        for number, (start, _) in enumerate(spans)
    ]


def _count(parts: Iterable[tuple[int, str, QuerySet[Any]]]) -> Counter[tuple[int, str]]:
    """Count each part, all in one query."""
    counted = [
        rows.order_by().values(number=Value(number), name=Value(name)).annotate(count=Count("*"))
        for number, name, rows in parts
    ]
    counts: Counter[tuple[int, str]] = Counter()
    for row in counted[0].union(*counted[1:], all=True):
        counts[row["number"], row["name"]] = row["count"]
    return counts


def labeled(days: int) -> LabeledDigitStatistics:
    """The labeled digits among those that were read in the last days, in one query."""
    chosen = Digit.objects.filter(predicted_at__gte=first_day(days)).exclude(label="").order_by()
    groups = chosen.values("label", "text", "model", tenth=Floor(F("confidence") * BINS)).annotate(
        count=Count("*"), total=Sum("confidence")
    )
    return LabeledDigitStatistics(
        [
            LabelCount(row["model"], row["label"], row["text"], min(int(row["tenth"]), BINS - 1),
                  row["count"], row["total"])
            for row in groups
        ]
    )  # fmt: skip
