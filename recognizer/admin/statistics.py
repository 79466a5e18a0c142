"""The page of the admin that shows what the log says: figures turned into places and links."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from recognizer import drift, rendering, statistics
from recognizer.models import Day, Label

WINDOWS = (7, 30, 90)
DEFAULT = 30
# Shades of errors, the palest first.
SHADES = 4
# A line of shares is drawn up to this, or to its highest.
LOWEST_TOP = 0.05
# Standard deviations that fit to either side in the picture of drift.
REACH = 3.0


class StatisticsAdmin(admin.ModelAdmin):
    """Adds the page to the admin of digits."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.log_view)
        return [path("statistics/", view, name="recognizer_digit_statistics"), *super().get_urls()]

    def log_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        days = _window(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "What the log says",
            "opts": self.model._meta,
            "may_review": self.has_change_permission(request),
            "days": days,
            "windows": WINDOWS,
            **_drawn(statistics.by_day(days)),
            **_labeled(statistics.labeled(days), days),
            **_drift(drift.drift()),
        }
        return TemplateResponse(request, "admin/recognizer/digit/statistics.html", context)


def _window(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, WINDOWS) else DEFAULT


def _drawn(days: Sequence[Day]) -> dict[str, Any]:
    most = max(day.drawings for day in days)
    shares = [(day.unsure_share, day.not_a_digit_share) for day in days]
    top = max(LOWEST_TOP, *map(max, shares))
    return {
        "by_day": days,
        "total": sum(day.drawings for day in days),
        "digits": sum(day.digits for day in days),
        "most": most,
        "bars": [100 * day.drawings / max(most, 1) for day in days],
        "top": top,
        "unsure": _line(share / top for share, _ in shares),
        "not_a_digit": _line(share / top for _, share in shares),
    }


def _line(heights: Iterable[float]) -> str:
    """Points of a polyline over columns one wide, in a picture 100 high."""
    return " ".join(f"{x + 0.5},{100 - 100 * height:.2f}" for x, height in enumerate(heights))


def _labeled(labeled: statistics.LabeledDigitStatistics, days: int) -> dict[str, Any]:
    by_model, bins = labeled.by_model(), labeled.bins()
    floor = min((one.interval.low for one in by_model.values()), default=0.0)
    return {
        "rightness": labeled.rightness,
        "floor": floor,
        "models": [
            {
                "version": version,
                "rightness": one,
                "link": _link(days, model=version, review="wrong"),
                "whisker": [_place(at, floor) for at in (*one.interval, one.share)],
            }
            for version, one in by_model.items()
        ],
        "labels": Label.choices,
        "matrix": _matrix(labeled, days),
        "bins": bins,
        "reliability": rendering.reliability_svg(
            ((one.confidence, one.rightness.share, one.rightness.interval) for one in bins),
            "How many readings of each confidence are right; the table below has the numbers",
        ),
    }


def _place(share: float, floor: float) -> float:
    """Where a share is between the floor and 1, of 100."""
    return round(100 * (share - floor) / max(1 - floor, 1e-9), 2)


def _matrix(labeled: statistics.LabeledDigitStatistics, days: int) -> list[dict[str, Any]]:
    """The rows of the confusion matrix: for each label, how it was read, with links."""
    counts = labeled.confusion()
    worst = max((n for (label, text), n in counts.items() if label != text), default=0)
    return [
        {
            "name": name,
            "label": label,
            "cells": [
                {
                    "text": as_,
                    "count": counts[label, text],
                    "link": _link(days, label__exact=label, text__exact=text),
                    "shade": "right" if label == text else _shade(counts[label, text], worst),
                }
                for text, as_ in Label.choices
            ],
        }
        for label, name in Label.choices
    ]


def _shade(count: int, worst: int) -> str:
    return f"wrong-{-(-SHADES * count // worst)}" if count else ""


def _link(days: int, **filters: str) -> str:
    """The change list, filtered; it holds the digits that a figure of the page has counted."""
    query = urlencode({**filters, "predicted_at__gte": statistics.first_day(days)})
    return f"{reverse('admin:recognizer_digit_changelist')}?{query}"


def _drift(found: drift.Drift) -> dict[str, Any]:
    return {
        "drift": found,
        "bound": drift.BOUND,
        "fewest": drift.FEWEST,
        "bounds": [_across(-drift.BOUND), _across(drift.BOUND)],
        "properties": [
            {
                "property": one,
                "at": _across(one.difference),
                "low": _across(one.difference - one.spread),
                "high": _across(one.difference + one.spread),
            }
            for one in found.properties
        ],
    }


def _across(deviations: float) -> float:
    """Where so many standard deviations are in a picture 100 wide, whose middle is none."""
    return round(50 + 50 * max(-REACH, min(REACH, deviations)) / REACH, 2)
