"""The admin's statistics page."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import DateField, Form, IntegerField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from ml.classifier import Verdict
from recognizer import drift, rendering, statistics
from recognizer.models import Label

PERIODS = (7, 30, 90)
DEFAULT_PERIOD = 30
# Longer periods would read too many rows for one page.
MAX_DAYS = 92
# Background shades of errors in the confusion matrix, light to dark.
SHADES = 4
# The smallest maximum of the verdict chart's axis.
MIN_TOP = 0.05
# The drift chart's axis, in standard deviations to either side.
DRIFT_RANGE = 3.0


class PeriodForm(Form):
    """The period: two dates, or a number of days until today."""

    first = DateField(required=False, label=gettext_lazy("From"))
    last = DateField(required=False, label=gettext_lazy("to"))
    days = IntegerField(required=False, min_value=1, max_value=MAX_DAYS)

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if last == date.max:
            raise ValidationError(_("The last date is too late."))
        if (first is None) != (last is None):
            raise ValidationError(_("Choose both dates."))
        if first and last and not timedelta() <= last - first < timedelta(days=MAX_DAYS):
            text = _("Choose at most %(count)d days, the earlier date first.")
            raise ValidationError(text % {"count": MAX_DAYS})
        return self.cleaned_data

    def period(self) -> statistics.Period:
        """Return the chosen period; without a valid one, the default."""
        chosen = self.cleaned_data if self.is_valid() else {}
        if chosen.get("first"):
            return statistics.Period(chosen["first"], chosen["last"])
        return statistics.Period.latest(chosen.get("days") or DEFAULT_PERIOD)


class StatisticsAdmin(admin.ModelAdmin):
    """Adds the statistics page to the digit admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.statistics_view))
        return [path("statistics/", view, name="recognizer_digit_statistics"), *super().get_urls()]

    def statistics_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PeriodForm(request.GET)
        period = form.period()
        by_day = statistics.by_day(period)
        if request.GET.get("format") == "csv":
            return _csv(by_day)
        address = _digits(period.filters)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Statistics"),
            "opts": self.model._meta,
            "may_review": self.has_change_permission(request),
            "form": form,
            "period": period,
            "periods": [statistics.Period.latest(days) for days in PERIODS],
            **_daily(by_day, address),
            **_labeled(statistics.labeled(period), address),
            **_drift(drift.drift()),
        }
        return TemplateResponse(request, "admin/recognizer/digit/statistics.html", context)


def _csv(by_day: Sequence[statistics.DailyCounts]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv")
    response["Content-Disposition"] = 'attachment; filename="statistics.csv"'
    writer = csv.DictWriter(response, [field.name for field in fields(statistics.DailyCounts)])
    writer.writeheader()
    writer.writerows(map(asdict, by_day))
    return response


def _daily(by_day: Sequence[statistics.DailyCounts], address: str) -> dict[str, Any]:
    top = max(MIN_TOP, *(max(day.unsure_share, day.not_a_digit_share) for day in by_day))
    drawings = [day.drawings for day in by_day]
    return {
        "days": [
            {"counts": day, "links": _links(_digits(statistics.Period(day.date, day.date).filters))}
            for day in reversed(by_day)
            if day.digits
        ],
        "drawings": sum(drawings),
        "digits": sum(day.digits for day in by_day),
        "links": _links(address),
        "labeled_link": _link(address, review="done"),
        "max_drawings": max(drawings),
        "bars": rendering.bars_svg(drawings, _("Drawings per day")),
        "top": top,
        "unsure": rendering.line_path(
            [day.unsure_share / top if day.digits else None for day in by_day]
        ),
        "not_a_digit": rendering.line_path(
            [day.not_a_digit_share / top if day.digits else None for day in by_day]
        ),
    }


def _links(address: str) -> dict[str, str]:
    return {
        "digits": address,
        "unsure": _link(address, verdict__exact=Verdict.UNSURE),
        "not_a_digit": _link(address, verdict__exact=Verdict.NOT_A_DIGIT),
    }


def _labeled(labeled: statistics.LabeledDigitStatistics, address: str) -> dict[str, Any]:
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
                "errors": accuracy.total - accuracy.correct,
                "link": _link(address, model=version, review="wrong"),
                "correct_link": _link(address, model=version, review="correct"),
                "labeled_link": _link(address, model=version, review="done"),
                "at": round((accuracy.share - axis_min) * scale, 2),
                "low": round((accuracy.interval.low - axis_min) * scale, 2),
                "high": round((accuracy.interval.high - axis_min) * scale, 2),
            }
            for version, accuracy in by_model.items()
        ],
        "labels": Label.choices,
        "matrix": _matrix(labeled, address),
        "bins": [
            {
                "bin": one,
                "link": _link(address, confidence=confidence_bin(one.number), review="done"),
                "correct_link": _link(
                    address, confidence=confidence_bin(one.number), review="correct"
                ),
            }
            for one in bins
        ],
        "calibration": rendering.reliability_svg(
            ((one.confidence, one.accuracy.share, one.accuracy.interval) for one in bins),
            _("Calibration: accuracy by confidence; the table below has the numbers"),
        ),
    }


def _matrix(labeled: statistics.LabeledDigitStatistics, address: str) -> list[dict[str, Any]]:
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
                    "link": _link(address, label__exact=label, text__exact=text)
                    if counts[label, text]
                    else "",
                    "class": css_class(label, text),
                }
                for text, prediction in Label.choices
            ],
        }
        for label, name in Label.choices
    ]


def _link(address: str, **filters: str) -> str:
    """Add filters to the address of the digits of a period: the digits that a number counts."""
    return f"{address}&{urlencode(filters)}"


def _digits(filters: dict[str, Any]) -> str:
    return f"{reverse('admin:recognizer_digit_changelist')}?{urlencode(filters)}"


def confidence_bin(number: int) -> str:
    """Return the confidence filter of a bin of the calibration, in percent: for example "60-70"."""
    width = 100 // statistics.BINS
    return f"{number * width}-{(number + 1) * width}"


def _drift(found: drift.Drift) -> dict[str, Any]:
    return {
        "drift": found,
        "drift_link": _digits({"predicted_at__gte": found.since}),
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
