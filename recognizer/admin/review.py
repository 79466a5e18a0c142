"""The review queue in the admin: its page and its three JSON endpoints."""

import base64
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any, Literal, TypeVar, cast

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from ninja import Schema
from pydantic import Field

from ml.classifier import Verdict
from ml.preprocessing.segmentation import strokes_in
from ml.preprocessing.strokes import Box
from recognizer import review_queue
from recognizer.admin import changelist
from recognizer.admin.changelist import LargeTableAdmin
from recognizer.api.errors import ApiError, problem_response
from recognizer.api.request_bodies import read_json
from recognizer.models import OTHER_COUNT, Digit, Drawing, Label, RepeatReview

# With one of these change list filters, the queue includes labeled digits.
LABEL_FILTERS = {"review", "label__exact"}
LABEL_PATTERN = r"^[0-9?]?$"
# Browsers send at most 64 KiB with keepalive, which is fewer labels than this.
MAX_LABELS = 2_000
# Points of a drawing on a card; the page draws no more.
MAX_CARD_POINTS = 4_000
NO_STROKES: dict[str, list[Any]] = {"strokes": [], "other_strokes": []}
NOT_FOUND = (Drawing.DoesNotExist, RepeatReview.DoesNotExist)

T = TypeVar("T")
View = Callable[[Any, HttpRequest], HttpResponse]


class CardsIn(Schema):
    """A request for the next cards; ``after`` is the cursors of the last card received."""

    order: Literal["least_confident", "most_confident", "newest", "oldest"]
    after: review_queue.Cursors | None = Field(max_length=2)
    count: int = Field(ge=1, le=50)


class LabelIn(Schema):
    """A label, with the label the card showed before, or the id of the repeat review."""

    digit: int = Field(ge=1, lt=2**63)
    label: str = Field(pattern=LABEL_PATTERN)
    previous_label: str = Field("", pattern=LABEL_PATTERN)
    repeat: int | None = Field(None, ge=1, lt=2**63)


class LabelsIn(Schema):
    """The labels that were unsent when the reviewer left the page, oldest first."""

    labels: list[LabelIn] = Field(max_length=MAX_LABELS)


class FilteredQueryset(ChangeList):
    """A change list used only for its filtered queryset."""

    def get_results(self, request: HttpRequest) -> None:
        """Skip the page of results and its count, which is slow on a large table."""


def reviewer_view(view: View) -> View:
    """Require the permission to change digits, and answer errors with problem details."""

    @wraps(view)
    def checked(model_admin: "ReviewAdmin", request: HttpRequest) -> HttpResponse:
        if not model_admin.has_change_permission(request):
            raise PermissionDenied
        try:
            return view(model_admin, request)
        except ApiError as error:
            return problem_response(error)

    return checked


class ReviewAdmin(LargeTableAdmin):
    """Adds the review queue to the admin of digits."""

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "recognizer_digit_review"
        return [
            path("review/", wrap(require_safe(self.review_view)), name=name),
            path("review/next/", wrap(require_POST(self.next_view)), name=f"{name}_next"),
            path("review/label/", wrap(require_POST(self.label_view)), name=f"{name}_label"),
            path("review/labels/", wrap(require_POST(self.labels_view)), name=f"{name}_labels"),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        is_review = request.resolver_match and "/review/" in request.resolver_match.route
        return FilteredQueryset if is_review else super().get_changelist(request, **kwargs)

    @reviewer_view
    def review_view(self, request: HttpRequest) -> HttpResponse:
        remaining = changelist.bounded_count(self._filtered_digits(request))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Review"),
            "opts": self.model._meta,
            "remaining": remaining,
            "is_truncated": remaining == changelist.MAX_ROWS,
            "labels": Label.choices[:10],
            "filters": request.GET.urlencode(),
            "agreement": review_queue.agreement(current_user(request)),
        }
        return TemplateResponse(request, "admin/recognizer/digit/review.html", context)

    @reviewer_view
    def next_view(self, request: HttpRequest) -> HttpResponse:
        body = read_json(request, CardsIn)
        reviewer = current_user(request)
        leased = review_queue.lease(
            self._filtered_digits(request), body.order, body.after or [], body.count, reviewer
        )
        cards = _cards([digit for digit, _cursors in leased])
        for card, (_digit, cursors) in zip(cards, leased, strict=True):
            card["cursor"] = cursors
        repeat = review_queue.start_repeat_review(len(cards), reviewer)
        if repeat:
            (card,) = _cards([repeat.digit])
            blind = card | {"repeat": repeat.pk, "label": "", "labeled_by": ""}
            cards.insert(len(cards) // 2, blind)
        return JsonResponse({"cards": cards, "lease_seconds": review_queue.LEASE.total_seconds()})

    @reviewer_view
    def label_view(self, request: HttpRequest) -> HttpResponse:
        body = read_json(request, LabelIn)
        reviewer = current_user(request)
        try:
            _store(body, reviewer)
        except review_queue.Conflict as conflict:
            digit = conflict.digit
            raise ApiError(
                HTTPStatus.CONFLICT,
                _("The current label is “%(label)s”, not “%(previous)s”.")
                % {"label": digit.label, "previous": body.previous_label},
                label=digit.label,
                labeled_by=str(digit.labeled_by or ""),
                is_own=digit.labeled_by == reviewer,
            ) from None
        except NOT_FOUND:
            raise ApiError(HTTPStatus.NOT_FOUND, _("The drawing was deleted.")) from None
        agreement = review_queue.agreement(reviewer)
        return JsonResponse({"agreed": agreement.agreed, "total": agreement.total})

    @reviewer_view
    def labels_view(self, request: HttpRequest) -> HttpResponse:
        """Store labels sent while the page unloads; after a conflict, the current label stays."""
        for label in read_json(request, LabelsIn).labels:
            with suppress(review_queue.Conflict, *NOT_FOUND):
                _store(label, current_user(request))
        return HttpResponse(status=HTTPStatus.NO_CONTENT)

    def _filtered_digits(self, request: HttpRequest) -> QuerySet[Digit]:
        """Apply the change list's filters; exclude labeled digits unless a filter selects them."""
        try:
            digits: QuerySet[Digit] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as error:
            raise ApiError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                _("The address contains an invalid filter. Choose filters in the list of digits."),
            ) from error
        return digits if LABEL_FILTERS & request.GET.keys() else digits.filter(label="")


def _store(body: LabelIn, reviewer: User) -> None:
    if body.repeat is None:
        review_queue.label(body.digit, body.label, body.previous_label, reviewer)
    else:
        review_queue.answer_repeat_review(body.repeat, body.label, reviewer)


def current_user(request: HttpRequest) -> User:
    """Return the user; the admin site rejects anonymous requests before any view runs."""
    return cast(User, request.user)


def _cards(digits: Sequence[Digit]) -> list[dict[str, Any]]:
    """Return cards as the page expects them."""
    drawings = Drawing.objects.filter(pk__in=[digit.drawing_id for digit in digits])
    shown = {}
    # One at a time: the strokes of all drawings together may take a hundred megabytes.
    stored = drawings.values_list("pk", "strokes")[: len(digits)]
    for pk, strokes in stored.iterator(chunk_size=1):
        for digit in digits:
            if digit.drawing_id == pk:
                shown[digit.pk] = _shown_strokes(digit, strokes or [])
    return [_card(digit) | shown.get(digit.pk, NO_STROKES) for digit in digits]


def _shown_strokes(digit: Digit, strokes: list[Any]) -> dict[str, list[Any]]:
    """Return the strokes of a digit and the others of its drawing, with limited points."""
    own = strokes_in(Box(*digit.box), strokes)
    others = [one for one in strokes if one and one not in own]
    step = math.ceil(sum(map(len, strokes)) / MAX_CARD_POINTS)
    return {
        "strokes": [_thin(stroke, step) for stroke in own],
        "other_strokes": [_thin(stroke, step) for stroke in others],
    }


def _thin(stroke: Sequence[T], step: int) -> list[T]:
    """Return every ``step``-th point and the last one."""
    return [*stroke[:-1:step], stroke[-1]]


def _card(digit: Digit) -> dict[str, Any]:
    """Return a card without strokes; ``image`` is base64, 784 bytes."""
    drawing = digit.drawing
    is_other_count = digit.visitor_label == OTHER_COUNT
    return {
        "digit": digit.pk,
        "image": base64.b64encode(bytes(digit.image)).decode(),
        "text": digit.text,
        "verdict": "" if digit.verdict == Verdict.DIGIT else digit.get_verdict_display(),
        "probabilities": digit.probabilities,
        "position": digit.position,
        "drawing_text": drawing.text.replace("\n", " "),
        "visitor_label": drawing.visitor_label if is_other_count else digit.visitor_label,
        "model": drawing.model,
        "drawn_at": localize(localtime(drawing.created_at)),
        "label": digit.label,
        "labeled_by": str(digit.labeled_by or ""),
        "repeat": None,
    }
