"""What Prometheus is told of this server, all its processes together."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from ml.classifier import Verdict

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Where the processes of one server keep their figures; gunicorn.conf.py prepares it.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Seconds: a reading takes a millisecond, a photo a hundred.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter("digits_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "digits_request_seconds", "What answering took.", ["method", "route"], buckets=BUCKETS
)
IN_PROGRESS = Gauge(
    "digits_requests_in_progress", "Requests begun and not answered.", multiprocess_mode="livesum"
)
WAITING = Gauge(
    "digits_requests_waiting", "Requests that wait for their turn.", multiprocess_mode="livesum"
)
REFUSED = Counter(
    "digits_requests_refused", "Requests sent away before they were read: a crowd, or too slow."
)
VERDICTS = Counter("digits_verdicts", "Digits read, by verdict.", ["verdict"])
KEPT = Counter("digits_drawings_kept", "Drawings kept that are new.", ["source"])
MODEL = Gauge(
    "digits_model_processes",
    "Processes in which a model serves; each knows it from its first reading on.",
    ["version"],
    multiprocess_mode="livesum",
)
# They are there, and the files they are in, before anything has happened: a disk that is full by
# then must not keep a worker from answering.
for verdict in Verdict:
    VERDICTS.labels(verdict)
SECONDS.labels("GET", "/health/live")


def serves(version: str, before: str | None) -> None:
    """Tell that a model serves in this process, in place of another."""
    if before is not None:
        MODEL.labels(before).set(0)
    MODEL.labels(version).set(1)


def exposition() -> bytes:
    """All figures, in Prometheus' text format."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
