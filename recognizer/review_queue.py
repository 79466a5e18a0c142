"""The review queue: leases digits to reviewers, stores their labels, measures their consistency."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TypeAlias

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from ml.classifier import Verdict
from recognizer import drawings
from recognizer.models import Digit, Drawing, Label, RepeatReview

# After this time the digit may be leased to another reviewer.
LEASE = timedelta(minutes=3)
# Other reviewers hold at most about this many leases at the same time.
MAX_LEASED = 500
# The start page counts at most this many digits.
MAX_WAITING = 10_000
# One repeat review per this many cards.
REPEAT_EVERY = 20
# One refused digit per this many cards.
REFUSED_EVERY = 4

Cursor: TypeAlias = tuple[float, int]
# One cursor per sequence of an order; None before its first digit.
Cursors: TypeAlias = list[Cursor | None]

ORDERS = {
    "least_confident": ("confidence", "pk"),
    "most_confident": ("-confidence", "-pk"),
    "newest": ("-pk",),
    "oldest": ("pk",),
}


class Conflict(Exception):
    """Another reviewer has changed the label; ``digit`` holds the current one."""

    def __init__(self, digit: Digit) -> None:
        super().__init__()
        self.digit = digit


@dataclass(frozen=True)
class Waiting:
    """Digits without a label, counted up to MAX_WAITING, least confident first."""

    total: int
    unsure: int

    @property
    def is_truncated(self) -> bool:
        return self.total == MAX_WAITING


@dataclass(frozen=True)
class Agreement:
    """Repeat reviews of one reviewer: how many of the total got the same label again."""

    agreed: int
    total: int


def lease(
    digits: QuerySet[Digit], order: str, after: Cursors, count: int, reviewer: User
) -> list[tuple[Digit, Cursors]]:
    """Lease the next digits to a reviewer, each with the cursors behind it.

    ``order`` is a key of ORDERS; ``after`` is the cursors of the last digit received in it. Digits
    leased to others are skipped. "least_confident" merges two sequences: after every three digits
    comes one refused digit, most confident first, because those are closest to being accepted.
    """
    first, second = (*after, None, None)[:2]
    if order != "least_confident":
        leased = _lease(digits, order, first, count, reviewer)
        return [(digit, [_cursor(digit)]) for digit in leased]
    refused, accepted = (
        digits.filter(text=Label.NOT_A_DIGIT),
        digits.exclude(text=Label.NOT_A_DIGIT),
    )
    others = _lease(refused, "most_confident", second, -(-count // REFUSED_EVERY), reviewer)
    leased = _lease(accepted, order, first, count - len(others), reviewer)
    merged = []
    for digit in _merge(leased, others):
        if digit.text == Label.NOT_A_DIGIT:
            second = _cursor(digit)
        else:
            first = _cursor(digit)
        merged.append((digit, [first, second]))
    return merged


def _cursor(digit: Digit) -> Cursor:
    return digit.confidence, digit.pk


def _merge(digits: list[Digit], others: list[Digit]) -> Iterator[Digit]:
    """Yield the digits with one of the others after every REFUSED_EVERY - 1 of them."""
    remaining = iter(others)
    for number, digit in enumerate(digits, 1):
        yield digit
        if number % (REFUSED_EVERY - 1) == 0:
            yield from islice(remaining, 1)
    yield from remaining


def _lease(
    digits: QuerySet[Digit], order: str, after: Cursor | None, count: int, reviewer: User
) -> list[Digit]:
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now) | Q(leased_to=reviewer)
    ordered = digits.filter(*_after(order, after)).order_by(*ORDERS[order])
    # An index has the columns of the filters and the order, but not the leases.
    ids = list(ordered.values_list("pk", flat=True)[: count + MAX_LEASED])
    if not ids:
        return []
    with transaction.atomic():
        locked = ordered.filter(free, pk__in=ids).select_for_update(skip_locked=True, of=("self",))
        # The strokes of all drawings together may take a hundred megabytes.
        related = locked.select_related("drawing", "labeled_by").defer("drawing__strokes")
        leased = list(related[:count])
        Digit.objects.filter(pk__in=[digit.pk for digit in leased]).update(
            leased_to=reviewer, leased_until=now + LEASE
        )
    return leased


def _after(order: str, cursor: Cursor | None) -> tuple[Q, ...]:
    """Return the conditions of keyset pagination: the digits behind the cursor in this order."""
    if cursor is None:
        return ()
    confidence, pk = cursor
    match order:
        case "least_confident":
            # The first condition is redundant but lets the database seek in an index.
            return (Q(confidence__gte=confidence), Q(confidence__gt=confidence) | Q(pk__gt=pk))
        case "most_confident":
            return (Q(confidence__lte=confidence), Q(confidence__lt=confidence) | Q(pk__lt=pk))
        case "newest":
            return (Q(pk__lt=pk),)
    return (Q(pk__gt=pk),)


def label(pk: int, label: str, previous: str, reviewer: User) -> None:
    """Replace the label a reviewer saw; an empty label undoes the reviewer's own label.

    Raises Conflict if the current label differs from both ``previous`` and ``label``, or if the
    reviewer would remove another reviewer's label. Raises Drawing.DoesNotExist if the digit is
    deleted.
    """
    with transaction.atomic():
        digit = lock_digit(pk)
        is_foreign = digit.labeled_by_id not in (None, reviewer.pk)
        if digit.label not in (previous, label) or (label == "" and is_foreign):
            raise Conflict(digit)
        drawings.label_as_reviewer(Digit.objects.filter(pk=pk), label, reviewer)


def lock_digit(pk: int) -> Digit:
    """Lock a digit and its drawing until the end of the transaction, and return the digit.

    Raises Drawing.DoesNotExist if the digit is deleted.
    """
    drawing = Drawing.objects.select_for_update(of=("self",)).only("pk").get(digits=pk)
    # Saving new strokes under the same UUID replaces the digits while this waits for the lock.
    digit = drawing.digits.filter(pk=pk).first()
    if digit is None:
        raise Drawing.DoesNotExist
    return digit


def start_repeat_review(cards: int, reviewer: User) -> RepeatReview | None:
    """Choose a digit the reviewer has labeled, with probability ``cards / REPEAT_EVERY``.

    Returns None without such a digit.
    """
    if random.random() >= cards / REPEAT_EVERY:
        return None
    repeated = RepeatReview.objects.filter(reviewer=reviewer).values("digit")
    candidates = Digit.objects.filter(labeled_by=reviewer).exclude(pk__in=repeated)
    # The reviewer is least likely to remember the oldest label.
    related = candidates.select_related("drawing").defer("drawing__strokes")
    digit = related.order_by("labeled_at", "pk").first()
    if digit is None:
        return None
    try:
        with transaction.atomic():
            lock_digit(digit.pk)
            repeat, created = RepeatReview.objects.get_or_create(
                digit=digit, reviewer=reviewer, defaults={"first": digit.label}
            )
    except Drawing.DoesNotExist:
        return None
    # Not created: another tab of the same reviewer already shows it.
    return repeat if created else None


def answer_repeat_review(pk: int, label: str, reviewer: User) -> None:
    """Store the second label of a repeat review. Raises RepeatReview.DoesNotExist."""
    if not RepeatReview.objects.filter(pk=pk, reviewer=reviewer).update(second=label):
        raise RepeatReview.DoesNotExist


def agreement(reviewer: User) -> Agreement:
    """Count the answered repeat reviews of a reviewer."""
    answered = RepeatReview.objects.filter(reviewer=reviewer).exclude(second="")
    return Agreement(answered.filter(second=F("first")).count(), answered.count())


def waiting() -> Waiting:
    """Count the digits without a label, in one query."""
    open_digits = Digit.objects.filter(label="").order_by(*ORDERS["least_confident"])
    counts = open_digits.values("verdict")[:MAX_WAITING].aggregate(
        total=Count("*"), unsure=Count("verdict", filter=Q(verdict=Verdict.UNSURE))
    )
    return Waiting(**counts)
