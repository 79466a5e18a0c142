"""The admin's statistics page."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from recognizer import drift, rendering, statistics
from recognizer.models import Label

PERIODS = (7, 30, 90)
DEFAULT_PERIOD = 30
# Background shades of errors in the confusion matrix, light to dark.
SHADES = 4
# The smallest maximum of the verdict chart's axis.
MIN_TOP = 0.05
# The drift chart's axis, in standard deviations to either side.
DRIFT_RANGE = 3.0


class StatisticsAdmin(admin.ModelAdmin):
    """Adds the statistics page to the digit admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.statistics_view))
        return [path("statistics/", view, name="recognizer_digit_statistics"), *super().get_urls()]

    def statistics_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        requested = request.GET.get("days", "")
        days = int(requested) if requested in map(str, PERIODS) else DEFAULT_PERIOD
        context = {
            **self.admin_site.each_context(request),
            "title": "Statistics",
            "opts": self.model._meta,
            "may_review": self.has_change_permission(request),
            "days": days,
            "periods": PERIODS,
            **_daily(statistics.by_day(days)),
            **_labeled(statistics.labeled(days), days),
            **_drift(drift.drift()),
        }
        return TemplateResponse(request, "admin/recognizer/digit/statistics.html", context)


def _daily(by_day: Sequence[statistics.DailyCounts]) -> dict[str, Any]:
    max_drawings = max(day.drawings for day in by_day)
    top = max(MIN_TOP, *(max(day.unsure_share, day.not_a_digit_share) for day in by_day))
    return {
        "by_day": by_day,
        "drawings": sum(day.drawings for day in by_day),
        "digits": sum(day.digits for day in by_day),
        "max_drawings": max_drawings,
        "bars": [100 * day.drawings / max(max_drawings, 1) for day in by_day],
        "top": top,
        "unsure": _polyline([day.unsure_share / top for day in by_day]),
        "not_a_digit": _polyline([day.not_a_digit_share / top for day in by_day]),
    }


def _polyline(heights: Sequence[float]) -> str:
    """Return SVG points, one per unit of width, for heights from 0 to 1 in a 100 high chart."""
    return " ".join(f"{x + 0.5},{100 - 100 * height:.2f}" for x, height in enumerate(heights))


def _labeled(labeled: statistics.LabeledDigitStatistics, days: int) -> dict[str, Any]:
    by_model, bins = labeled.by_model(), labeled.bins()
    axis_min = min((one.interval.low for one in by_model.values()), default=0.0)
    scale = 100 / max(1 - axis_min, 1e-9)
    return {
        "accuracy": labeled.accuracy,
        "axis_min": axis_min,
        "models": [
            {
                "version": version,
                "accuracy": accuracy,
                "link": _link(days, model=version, review="wrong"),
                "at": round((accuracy.share - axis_min) * scale, 2),
                "low": round((accuracy.interval.low - axis_min) * scale, 2),
                "high": round((accuracy.interval.high - axis_min) * scale, 2),
            }
            for version, accuracy in by_model.items()
        ],
        "labels": Label.choices,
        "matrix": _matrix(labeled, days),
        "bins": bins,
        "calibration": rendering.reliability_svg(
            ((one.confidence, one.accuracy.share, one.accuracy.interval) for one in bins),
            "Calibration: accuracy by confidence; the table below has the numbers",
        ),
    }


def _matrix(labeled: statistics.LabeledDigitStatistics, days: int) -> list[dict[str, Any]]:
    """Return the rows of the confusion matrix, with a link for each cell."""
    counts = labeled.confusion()
    errors = [count for (label, text), count in counts.items() if label != text]
    most = max(errors, default=1)

    def css_class(label: str, text: str) -> str:
        if label == text:
            return "correct"
        shade = -(-SHADES * counts[label, text] // most)
        return f"wrong-{shade}" if shade else ""

    return [
        {
            "name": name,
            "label": label,
            "cells": [
                {
                    "prediction": prediction,
                    "count": counts[label, text],
                    "link": _link(days, label__exact=label, text__exact=text),
                    "class": css_class(label, text),
                }
                for text, prediction in Label.choices
            ],
        }
        for label, name in Label.choices
    ]


def _link(days: int, **filters: str) -> str:
    """Return the address of the digit list with the digits that a number counts."""
    query = urlencode({**filters, "predicted_at__gte": statistics.first_day(days)})
    return f"{reverse('admin:recognizer_digit_changelist')}?{query}"


def _drift(found: drift.Drift) -> dict[str, Any]:
    return {
        "drift": found,
        "threshold": drift.THRESHOLD,
        "min_digits": drift.MIN_DIGITS,
        "thresholds": [_position(-drift.THRESHOLD), _position(drift.THRESHOLD)],
        "properties": [
            {
                "property": one,
                "at": _position(one.difference),
                "low": _position(one.difference - one.spread),
                "high": _position(one.difference + one.spread),
            }
            for one in found.properties
        ],
    }


def _position(deviations: float) -> float:
    """Return the x coordinate in a chart 100 wide with 0 in the middle."""
    return round(50 + 50 * max(-DRIFT_RANGE, min(DRIFT_RANGE, deviations)) / DRIFT_RANGE, 2)
