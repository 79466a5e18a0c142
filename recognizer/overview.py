"""The start page of the staff site: pending work and the state of the model."""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from recognizer import drift, rendering, review_queue, serving, statistics
from recognizer.models import ModelStatus, ModelVersion

DAYS = 30


def overview(user: User | AnonymousUser) -> dict[str, Any]:
    """Return the facts that the user may view, in a constant number of queries."""
    facts: dict[str, Any] = {"days": DAYS}
    if user.has_perm("recognizer.view_digit"):
        by_day = statistics.by_day(DAYS)
        counts = [day.drawings for day in by_day]
        facts |= {
            "waiting": review_queue.waiting(),
            "accuracy": statistics.labeled(DAYS).accuracy,
            "drift": drift.drift(),
            "today": counts[-1],
            "drawings": sum(counts),
            "sparkline": rendering.bars_svg(counts, "Drawings per day"),
        }
    if user.has_perm("recognizer.view_modelversion"):
        candidates = ModelVersion.objects.filter(status=ModelStatus.CANDIDATE)
        facts |= {"serving": _serving_version(), "candidates": candidates.count()}
    return facts


def _serving_version() -> str:
    try:
        return serving.current_classifier().version
    except serving.ModelUnavailable as error:
        return f"none ({error})"
