"""The serving model of this process: loaded on first use, shared by all threads.

It follows the database: the promoted model version serves, or the shipped file if none was
promoted. The first use waits for the database. Afterwards, each process checks at most once per
second, in the background, so that predictions do not wait. If the promoted model is invalid or the
database is unavailable, the previous classifier continues to serve and the error is logged.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from time import monotonic

from django.conf import settings
from django.db import Error, connections

from ml.classifier import Classifier, ModelError
from recognizer.models import ModelVersion
from recognizer.telemetry import metrics

logger = logging.getLogger(__name__)

CHECK_INTERVAL = 1.0  # seconds


class ModelUnavailable(Exception):
    """No model can serve; the message states the reason."""


def in_background(function: Callable[[], None]) -> None:
    """Call a function in a thread of its own, and close the thread's database connections."""

    def run() -> None:
        try:
            function()
        finally:
            connections.close_all()

    Thread(target=run, daemon=True).start()


class ServingModel:
    """The classifier of the promoted version or of the shipped file. Thread-safe."""

    def __init__(
        self,
        shipped: Path,
        promoted: Callable[[], str | None],
        run: Callable[[Callable[[], None]], None] = in_background,
    ) -> None:
        """``promoted`` returns the promoted version's SHA-256 or None; ``run`` starts a check."""
        self.shipped, self.promoted, self.run = shipped, promoted, run
        self.reset()

    def reset(self) -> None:
        """Discard the classifier; the next use loads it again."""
        self.problem = ""
        self._classifier: Classifier | None = None
        self._sha256: str | None = None
        self._next_check = 0.0
        self._lock = Lock()

    def check_now(self) -> None:
        """Follow the database at once, for example after a promotion in this process."""
        with self._lock:
            self._update()

    def classifier(self) -> Classifier:
        """Return the serving classifier. Raises ModelUnavailable."""
        if self._classifier is None:
            with self._lock:
                if monotonic() >= self._next_check:
                    self._update()
        elif monotonic() >= self._next_check and self._lock.acquire(blocking=False):
            try:
                self.run(self._check)
            except RuntimeError as error:
                # The system has no thread left; a later use tries again.
                self._lock.release()
                logger.error("Cannot check for a promotion: %s", error)
        if self._classifier is None:
            raise ModelUnavailable(self.problem)
        return self._classifier

    def _check(self) -> None:
        """Follow the database, then release the lock, which another thread has acquired."""
        try:
            self._update()
        finally:
            self._lock.release()

    def _update(self) -> None:
        previous = self._classifier
        try:
            sha256 = self.promoted()
            if previous and not self.problem and sha256 == self._sha256:
                return
            self._classifier = self._load(sha256)
        except (Error, ModelVersion.DoesNotExist, ModelError) as error:
            self._report(error)
            self._classifier = previous or self._load_fallback()
        else:
            self.problem, self._sha256 = "", sha256
            logger.info("Serving model %s", self._classifier.version)
        finally:
            self._next_check = monotonic() + CHECK_INTERVAL
        if self._classifier and self._classifier is not previous:
            metrics.set_serving_model(
                self._classifier.version, previous.version if previous else None
            )

    def _load(self, sha256: str | None) -> Classifier:
        if sha256 is None:
            return Classifier.read(self.shipped)
        return ModelVersion.objects.get(sha256=sha256).load()

    def _load_fallback(self) -> Classifier | None:
        try:
            return self._load(None)
        except ModelError as error:
            self._report(error)
            return None

    def _report(self, error: Exception) -> None:
        """Log a new problem; describe it for responses, without the database's address."""
        is_private = not isinstance(error, ModelError)
        problem = "the promoted model is not in the database" if is_private else str(error)
        if problem != self.problem:
            logger.error("Cannot load the serving model: %s", error)
        self.problem = problem


serving_model = ServingModel(settings.SHIPPED_MODEL, ModelVersion.promoted_sha256)


def current_classifier() -> Classifier:
    """Return the serving classifier of this process. Raises ModelUnavailable."""
    return serving_model.classifier()


def _reset_after_fork() -> None:
    """Give a forked process its own classifier and database connections.

    The inherited connections are dropped without closing them: the parent still uses them.
    """
    serving_model.reset()
    for connection in connections.all(initialized_only=True):
        del connections[connection.alias]


os.register_at_fork(after_in_child=_reset_after_fork)
