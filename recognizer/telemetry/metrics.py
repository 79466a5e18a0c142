"""Prometheus metrics, summed over all processes of this server."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from ml.classifier import Verdict

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Seconds: predicting strokes takes about 1 ms, a photo about 100 ms.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter("digits_requests", "Completed requests.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "digits_request_seconds", "Request duration in seconds.", ["method", "route"], buckets=BUCKETS
)
IN_PROGRESS = Gauge(
    "digits_requests_in_progress", "Requests being processed.", multiprocess_mode="livesum"
)
WAITING = Gauge(
    "digits_requests_waiting", "Requests waiting in the backlog.", multiprocess_mode="livesum"
)
REJECTED = Counter(
    "digits_requests_refused",
    "Requests rejected before Django: overload, incomplete body or invalid Content-Type.",
)
VERDICTS = Counter("digits_verdicts", "Predicted digits by verdict.", ["verdict"])
DRAWINGS_SAVED = Counter("digits_drawings_saved", "New drawings saved.", ["source"])
MODEL_PROCESSES = Gauge(
    "digits_model_processes",
    "Processes serving a model version, each counted from its first prediction.",
    ["version"],
    multiprocess_mode="livesum",
)
# Create the metric files at import, before the disk can fill.
for verdict in Verdict:
    VERDICTS.labels(verdict)
REQUEST_SECONDS.labels("GET", "/health/live")


def set_serving_model(version: str, previous: str | None) -> None:
    """Record that this process serves a model version instead of the previous one."""
    if previous is not None:
        MODEL_PROCESSES.labels(previous).set(0)
    MODEL_PROCESSES.labels(version).set(1)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    # gunicorn.conf.py sets it to the folder of the metric files of all processes.
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
