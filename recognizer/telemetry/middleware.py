"""What is told of each request: an id, a line in the log, figures for Prometheus, its timings.

No address, no user agent, no path (it may hold the UUID of a drawing) and nothing of a drawing.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from recognizer.api.errors import METHODS
from recognizer.telemetry.logging import request_id
from recognizer.telemetry.metrics import IN_PROGRESS, REQUESTS, SECONDS

logger = logging.getLogger(__name__)

SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_stages: ContextVar[dict[str, float]] = ContextVar("stages")


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Say in ``Server-Timing`` how long this part of an answer took."""
    began = perf_counter()
    yield
    stages = _stages.get(None)
    if stages is not None:
        stages[name] = perf_counter() - began


class TelemetryMiddleware:
    """Comes first, so that nothing is left out of its timings."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        known_as = sent if SANE_ID.fullmatch(sent) else uuid4().hex
        token = request_id.set(known_as)
        stages: dict[str, float] = {}
        _stages.set(stages)
        IN_PROGRESS.inc()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = known_as
            seconds = perf_counter() - began
            if stages:
                response["Server-Timing"] = _server_timing({**stages, "total": seconds})
            _tell(request, response.status_code, seconds)
        finally:
            IN_PROGRESS.dec()
            request_id.reset(token)
        return response


def _tell(request: HttpRequest, status: int, seconds: float) -> None:
    # Only what is known in advance: who asks must not be able to make new time series.
    method = request.method if request.method in METHODS else "other"
    match = request.resolver_match
    route = f"/{match.route}" if match else "other"
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(method, route).observe(seconds)
    ms = round(1000 * seconds, 2)
    facts = {"method": method, "route": route, "status": status, "ms": ms}
    logger.info("%s %s %d %.2f ms", method, route, status, ms, extra={"facts": facts})


def _server_timing(stages: dict[str, float]) -> str:
    return ", ".join(f"{name};dur={1000 * seconds:.2f}" for name, seconds in stages.items())
