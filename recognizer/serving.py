"""The classifier that this process serves: one, loaded when first asked for.

It follows the database: the version that was promoted, or the shipped file where none was. At most
once a second one thread of a process asks which that is. A version that cannot serve is reported
and passed over, and the classifier that was there before answers on; so it does when the database
is gone.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from time import monotonic

from django.conf import settings
from django.db import Error, connections

from ml.classifier import Classifier, ModelError
from recognizer.models import ModelVersion
from recognizer.telemetry import metrics

logger = logging.getLogger(__name__)

INTERVAL = 1.0  # seconds


class ModelUnavailable(Exception):
    """No model can serve; the message says why."""


class ServingModel:
    """The classifier of the promoted version, or of the shipped file. Thread-safe."""

    def __init__(self, shipped: Path, promoted: Callable[[], str | None]) -> None:
        """``promoted`` gives the SHA-256 of the version that was promoted, None where none was."""
        self.shipped, self.promoted = shipped, promoted
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.problem = ""
        self._classifier: Classifier | None = None
        self._sha256: str | None = None
        self._look_at = 0.0
        self._lock = Lock()

    def hurry(self) -> None:
        """Look at once: something was promoted in this very process."""
        self._look_at = 0.0

    def classifier(self) -> Classifier:
        """The classifier now in service. Raises ModelUnavailable when there is none."""
        if monotonic() >= self._look_at:
            self._look()
        if self._classifier is None:
            raise ModelUnavailable(self.problem)
        return self._classifier

    def _look(self) -> None:
        """Follow the database; while one thread does, the others answer with what they have."""
        if not self._lock.acquire(blocking=self._classifier is None):
            return
        try:
            if monotonic() >= self._look_at:
                self._follow()
        finally:
            self._look_at = monotonic() + INTERVAL
            self._lock.release()

    def _follow(self) -> None:
        before = self._classifier
        try:
            sha256 = self.promoted()
            if self._classifier and not self.problem and sha256 == self._sha256:
                return
            self._classifier = self._load(sha256)
        except (Error, ModelVersion.DoesNotExist, ModelError, OSError) as error:
            self._report(str(error))
            self._classifier = self._classifier or self._fall_back()
        else:
            self.problem, self._sha256 = "", sha256
            logger.info("Serving model %s", self._classifier.version)
        if self._classifier and self._classifier is not before:
            metrics.serves(self._classifier.version, before.version if before else None)

    def _load(self, sha256: str | None) -> Classifier:
        if sha256 is None:
            return Classifier(self.shipped.read_bytes())
        return ModelVersion.objects.get(sha256=sha256).load()

    def _fall_back(self) -> Classifier | None:
        try:
            return self._load(None)
        except (ModelError, OSError) as error:
            self._report(f"{self.problem}; the shipped file: {error}")
            return None

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            logger.error("The model that should serve cannot: %s", problem)
        self.problem = problem


serving_model = ServingModel(settings.SHIPPED_MODEL, ModelVersion.promoted_sha256)


def current_classifier() -> Classifier:
    """The classifier now in service. Raises ModelUnavailable when there is none."""
    return serving_model.classifier()


def _after_fork() -> None:
    """Give the child a classifier and connections of its own; the parent goes on with its."""
    serving_model.forget()
    for connection in connections.all(initialized_only=True):
        del connections[connection.alias]


os.register_at_fork(after_in_child=_after_fork)
