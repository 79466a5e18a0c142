"""Request ID, log line, metrics and Server-Timing of each request.

Logs and metrics contain no address, user agent or drawing, and no path: it can contain a UUID.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from os import urandom
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from recognizer.telemetry.logging import request_id
from recognizer.telemetry.metrics import IN_PROGRESS, REQUEST_SECONDS, REQUESTS

logger = logging.getLogger(__name__)

VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_stages: ContextVar[dict[str, float]] = ContextVar("stages")


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Report the duration of a block as a stage in ``Server-Timing``."""
    start = perf_counter()
    yield
    stages = _stages.get(None)
    if stages is not None:
        stages[name] = perf_counter() - start


class TelemetryMiddleware:
    """Must be the first middleware, so that its timings include all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = perf_counter()
        client_id = request.META.get("HTTP_X_REQUEST_ID", "")
        current_id = client_id if VALID_REQUEST_ID.fullmatch(client_id) else urandom(16).hex()
        token = request_id.set(current_id)
        stages: dict[str, float] = {}
        _stages.set(stages)
        IN_PROGRESS.inc()
        try:
            response = self.get_response(request)
            seconds = perf_counter() - start
            response["X-Request-ID"] = current_id
            if stages:
                stages["total"] = seconds
                response["Server-Timing"] = ", ".join(
                    [f"{name};dur={1000 * duration:.2f}" for name, duration in stages.items()]
                )
            _record(request, response.status_code, seconds)
        finally:
            IN_PROGRESS.dec()
            request_id.reset(token)
        return response


def _record(request: HttpRequest, status: int, seconds: float) -> None:
    # A fixed set of labels: clients must not be able to create time series.
    method = request.method if request.method in settings.ALLOWED_METHODS else "other"
    match = request.resolver_match
    route = f"/{match.route}" if match else "other"
    counter, histogram = _metrics(method, route, status)
    counter.inc()
    histogram.observe(seconds)
    ms = round(1000 * seconds, 2)
    fields = {"method": method, "route": route, "status": status, "ms": ms}
    logger.info("%s %s %d %.2f ms", method, route, status, ms, extra={"fields": fields})


@lru_cache(maxsize=1_000)
def _metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return the metrics of a set of labels; finding them costs as much as counting."""
    return REQUESTS.labels(method, route, status), REQUEST_SECONDS.labels(method, route)
