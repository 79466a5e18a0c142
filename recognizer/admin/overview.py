"""The start page of the staff site: pending work and the state of the model."""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _

from recognizer import drift, rendering, review_queue, serving, statistics
from recognizer.models import ModelStatus, ModelVersion

DAYS = 30
# Counting the drawings of 30 days takes 0.2 s at a million a year, if the database reads the disk.
SPARKLINE_DAYS = 14


def overview(user: User | AnonymousUser) -> dict[str, Any]:
    """Return the facts that the user may view, in a constant number of queries."""
    facts: dict[str, Any] = {"days": DAYS, "sparkline_days": SPARKLINE_DAYS}
    if user.has_perm("recognizer.view_digit") or user.has_perm("recognizer.change_digit"):
        by_day = statistics.by_day(statistics.Period.latest(SPARKLINE_DAYS))
        counts = [day.drawings for day in by_day]
        facts |= {
            "waiting": review_queue.waiting(),
            "accuracy": statistics.labeled(statistics.Period.latest(DAYS)).accuracy,
            "drift": drift.drift(),
            "today": counts[-1],
            "drawings": sum(counts),
            "sparkline": rendering.bars_svg(counts, _("Drawings per day")),
        }
    if user.has_perm("recognizer.view_modelversion"):
        candidates = ModelVersion.objects.filter(status=ModelStatus.CANDIDATE)
        try:
            model = serving.current_classifier()
            facts["serving"] = model.version
            # Without a copy of the serving model.
            candidates = candidates.exclude(sha256=model.sha256)
        except serving.ModelUnavailable as error:
            facts["serving"] = _("none (%s)") % error
        facts["candidates"] = candidates.count()
    return facts
