"""The review deck of the admin: one page, and the three addresses it talks to."""

import base64
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any, Literal, cast

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from ninja import Schema
from pydantic import Field

from recognizer import review_queue
from recognizer.admin import changelist
from recognizer.admin.changelist import LargeTableAdmin
from recognizer.api.errors import ApiError, problem_response
from recognizer.api.request_bodies import read_json
from recognizer.models import Digit, Drawing, Label, RepeatReview

# Of the change list: where one of these is asked for, labeled digits are wanted too.
LABEL_FILTERS = {"review", "label__exact"}
LABEL = r"^[0-9?]?$"
# More than browsers send for a page that is gone: 64 KiB.
MOST_LABELS = 2_000
GONE = (Drawing.DoesNotExist, Digit.DoesNotExist, RepeatReview.DoesNotExist)

View = Callable[[Any, HttpRequest], HttpResponse]


class NextIn(Schema):
    """Which digits come next."""

    order: Literal["unsure", "sure", "newest", "oldest"]
    after: tuple[float, int] | None
    count: int = Field(ge=1, le=50)


class LabelIn(Schema):
    """A label for a digit, with the one the reviewer saw; or what they say at a second look."""

    digit: int = Field(ge=1, lt=2**63)
    label: str = Field(pattern=LABEL)
    seen: str = Field("", pattern=LABEL)
    look: int | None = Field(None, ge=1, lt=2**63)


class LabelsIn(Schema):
    """What was not sent yet when a reviewer left, in the order it was said."""

    labels: list[LabelIn] = Field(max_length=MOST_LABELS)


class Filtered(ChangeList):
    """The digits that the change list's filters choose, without a page of them."""

    def get_results(self, request: HttpRequest) -> None:
        """Counting a million rows for a page that nobody sees would take its time."""


def answers_reviewers(view: View) -> View:
    """For those who may change digits; problems are answered as the API answers them."""

    @wraps(view)
    def answer(deck: Any, request: HttpRequest) -> HttpResponse:
        if not deck.has_change_permission(request):
            raise PermissionDenied
        try:
            return view(deck, request)
        except ApiError as problem:
            return problem_response(problem)

    return answer


class ReviewAdmin(LargeTableAdmin):
    """Adds the deck to the admin of digits."""

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "recognizer_digit_review"
        return [
            path("review/", wrap(self.review_view), name=name),
            path("review/next/", wrap(self.next_view), name=f"{name}_next"),
            path("review/label/", wrap(self.label_view), name=f"{name}_label"),
            path("review/labels/", wrap(self.labels_view), name=f"{name}_labels"),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        in_deck = request.resolver_match and "/review/" in request.resolver_match.route
        return Filtered if in_deck else super().get_changelist(request, **kwargs)

    @answers_reviewers
    def review_view(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Review",
            "opts": self.model._meta,
            "left": changelist.count(self._filtered(request)),
            "labels": Label.choices[:10],
            "filters": request.GET.urlencode(),
            "agreement": review_queue.agreement(signed_in(request)),
        }
        return TemplateResponse(request, "admin/recognizer/digit/review.html", context)

    @answers_reviewers
    def next_view(self, request: HttpRequest) -> HttpResponse:
        wanted = read_json(request, NextIn)
        reviewer = signed_in(request)
        taken = review_queue.take(
            self._filtered(request), wanted.order, wanted.after, wanted.count, reviewer
        )
        cards = [_card(digit) for digit in taken]
        look = review_queue.repeat_review(len(cards), reviewer)
        if look:
            blind = _card(look.digit) | {"look": look.pk, "label": "", "by": ""}
            cards.insert(len(cards) // 2, blind)
        return JsonResponse({"cards": cards, "seconds": review_queue.LEASE.total_seconds()})

    @answers_reviewers
    def label_view(self, request: HttpRequest) -> HttpResponse:
        said = read_json(request, LabelIn)
        reviewer = signed_in(request)
        try:
            _store(said, reviewer)
        except review_queue.Conflict as conflict:
            digit = conflict.digit
            raise ApiError(
                HTTPStatus.CONFLICT,
                "Somebody else has labeled it meanwhile.",
                label=digit.label,
                by=str(digit.labeled_by or ""),
                own=digit.labeled_by == reviewer,
            ) from None
        except GONE:
            raise ApiError(HTTPStatus.NOT_FOUND, "The drawing is no longer there.") from None
        agreement = review_queue.agreement(reviewer)
        return JsonResponse({"same": agreement.same, "of": agreement.of})

    @answers_reviewers
    def labels_view(self, request: HttpRequest) -> HttpResponse:
        """Nobody is there any more to be told of conflicts: the other's label stands."""
        for said in read_json(request, LabelsIn).labels:
            with suppress(review_queue.Conflict, *GONE):
                _store(said, signed_in(request))
        return HttpResponse(status=HTTPStatus.NO_CONTENT)

    def _filtered(self, request: HttpRequest) -> QuerySet[Digit]:
        """What the change list's filters choose; of it, only what has no label unless asked for."""
        try:
            chosen: QuerySet[Digit] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such filter.") from error
        return chosen if LABEL_FILTERS & request.GET.keys() else chosen.filter(label="")


def _store(said: LabelIn, reviewer: User) -> None:
    if said.look is None:
        review_queue.label(said.digit, said.label, said.seen, reviewer)
    else:
        review_queue.answer_repeat_review(said.look, said.label, reviewer)


def signed_in(request: HttpRequest) -> User:
    """Whoever is signed in: nobody else sees the admin."""
    return cast(User, request.user)


def _card(digit: Digit) -> dict[str, Any]:
    """All that the deck shows of a digit."""
    drawing = digit.drawing
    own = digit.strokes()
    ids = {id(stroke) for stroke in own}
    return {
        "digit": digit.pk,
        "at": [digit.confidence, digit.pk],
        "strokes": own,
        "others": [stroke for stroke in drawing.strokes or [] if stroke and id(stroke) not in ids],
        "image": base64.b64encode(bytes(digit.image)).decode(),
        "text": digit.text,
        "verdict": digit.verdict,
        "probabilities": digit.probabilities,
        "visitor": drawing.visitor_label,
        "model": drawing.model,
        "drawn": drawing.created_at,
        "label": digit.label,
        "by": str(digit.labeled_by or ""),
        "look": None,
    }
