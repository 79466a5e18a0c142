"""The review: which digits a reviewer gets next, what they say of them, and how steady they are."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from recognizer import drawings
from recognizer.models import Digit, Drawing, RepeatReview

# Whoever takes longer may find that somebody else has been given the digit meanwhile.
LEASE = timedelta(minutes=3)
# Other reviewers lease fewer digits at a time.
MAX_LEASED = 500
# One digit in so many is shown again.
REPEAT_EVERY = 20

ORDERS = {
    "unsure": ("confidence", "pk"),
    "sure": ("-confidence", "-pk"),
    "newest": ("-pk",),
    "oldest": ("pk",),
}


class Conflict(Exception):
    """Somebody else has labeled the digit meanwhile; it is given as it is now."""

    def __init__(self, digit: Digit) -> None:
        super().__init__()
        self.digit = digit


@dataclass(frozen=True)
class Agreement:
    """How often a reviewer said the same of a digit that was shown again."""

    same: int
    of: int


def take(
    digits: QuerySet[Digit],
    order: str,
    after: tuple[float, int] | None,
    count: int,
    reviewer: User,
) -> list[Digit]:
    """The next digits for a reviewer, lent to nobody else for a while.

    ``after`` is the confidence and the id of the last digit they got, in that order of ORDERS.
    """
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now) | Q(leased_to=reviewer)
    ordered = digits.filter(*_behind(order, after)).order_by(*ORDERS[order])
    # An index holds the columns of the filters and the order, but not the leases.
    ids = list(ordered.values_list("pk", flat=True)[: count + MAX_LEASED])
    with transaction.atomic():
        locked = ordered.filter(free, pk__in=ids).select_for_update(skip_locked=True, of=("self",))
        taken = list(locked.select_related("drawing", "labeled_by")[:count])
        Digit.objects.filter(pk__in=[digit.pk for digit in taken]).update(
            leased_to=reviewer, leased_until=now + LEASE
        )
    return taken


def _behind(order: str, after: tuple[float, int] | None) -> Sequence[Q]:
    """What comes behind a digit in an order."""
    if after is None:
        return ()
    confidence, pk = after
    match order:
        case "unsure":
            # The first condition is what an index can start from.
            return (Q(confidence__gte=confidence), Q(confidence__gt=confidence) | Q(pk__gt=pk))
        case "sure":
            return (Q(confidence__lte=confidence), Q(confidence__lt=confidence) | Q(pk__lt=pk))
        case "newest":
            return (Q(pk__lt=pk),)
    return (Q(pk__gt=pk),)


def label(pk: int, label: str, seen: str, reviewer: User) -> None:
    """Label a digit whose label the reviewer saw; with "" they take back what they said.

    Raises Conflict when it has another label by now, or is labeled by somebody else who would be
    taken back, and Drawing.DoesNotExist when it is gone.
    """
    with transaction.atomic():
        digit = held(pk)
        is_others = digit.labeled_by_id not in (None, reviewer.pk)
        if digit.label not in (seen, label) or (label == "" and is_others):
            raise Conflict(digit)
        drawings.label_as_reviewer(Digit.objects.filter(pk=pk), label, reviewer)


def held(pk: int) -> Digit:
    """A digit that nobody else labels or replaces in this transaction.

    Raises Drawing.DoesNotExist when it is gone.
    """
    # Who keeps other ink under the same UUID holds this too, and replaces the digits.
    drawing = Drawing.objects.select_for_update(of=("self",)).only("pk").get(digits=pk)
    digit = drawing.digits.filter(pk=pk).first()
    if digit is None:
        raise Drawing.DoesNotExist
    return digit


def repeat_review(cards: int, reviewer: User) -> RepeatReview | None:
    """A digit the reviewer labeled, to be shown again among so many others; one in twenty is."""
    if random.random() >= cards / REPEAT_EVERY:
        return None
    looks = RepeatReview.objects.filter(reviewer=reviewer)
    shown = looks.values("digit")
    labeled = Digit.objects.filter(labeled_by=reviewer).exclude(pk__in=shown)
    # The first of them is the one that is best forgotten.
    digit = labeled.order_by("labeled_at", "pk").select_related("drawing").first()
    if digit is None:
        return None
    try:
        with transaction.atomic():
            held(digit.pk)
            look, created = RepeatReview.objects.get_or_create(
                digit=digit, reviewer=reviewer, defaults={"first": digit.label}
            )
    except Drawing.DoesNotExist:
        return None
    # Otherwise another tab of theirs has it.
    return look if created else None


def answer_repeat_review(pk: int, label: str, reviewer: User) -> None:
    """Store what a reviewer says at the second look. Raises RepeatReview.DoesNotExist."""
    if not RepeatReview.objects.filter(pk=pk, reviewer=reviewer).update(second=label):
        raise RepeatReview.DoesNotExist


def agreement(reviewer: User) -> Agreement:
    looks = RepeatReview.objects.filter(reviewer=reviewer).exclude(second="")
    return Agreement(looks.filter(second=F("first")).count(), looks.count())
