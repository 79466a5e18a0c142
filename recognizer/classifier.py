"""The classifier that this process serves: one, loaded when first asked for.

It follows its files: one that is replaced is loaded by the next request. A file that cannot serve
is reported and passed over, and the classifier that was loaded from it before answers on.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from django.conf import settings

from ml.classifier import Classifier, ModelError

logger = logging.getLogger(__name__)

Stamp = tuple[int, int, int] | None


class ModelUnavailable(Exception):
    """No model file can serve; the message says what is wrong with each."""


class Serving:
    """A classifier from the first usable of some files, followed as they change. Thread-safe."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files
        self.problems: dict[Path, str] = {}
        self._stamps: list[Stamp] | None = None
        self._classifier: Classifier | None = None
        self._source: Path | None = None
        self._lock = Lock()

    def classifier(self) -> Classifier:
        """The classifier now in service. Raises ModelUnavailable when there is none."""
        stamps = [_stamp(file) for file in self.files]
        if stamps != self._stamps:
            with self._lock:
                if stamps != self._stamps:
                    self._load()
                    self._stamps = stamps
        if self._classifier is None:
            reasons = "; ".join(f"{file.name}: {why}" for file, why in self.problems.items())
            raise ModelUnavailable(reasons or "there is no model file")
        return self._classifier

    def _load(self) -> None:
        self.problems = {}
        for file in self.files:
            try:
                self._classifier = Classifier(file.read_bytes())
            except FileNotFoundError:
                continue
            except (ModelError, OSError) as error:
                self.problems[file] = str(error)
                logger.error("The model in %s is not used: %s", file, error)
                if file == self._source:
                    return
            else:
                self._source = file
                logger.info("Serving model %s from %s", self._classifier.version, file)
                return
        self._classifier = self._source = None


def _stamp(file: Path) -> Stamp:
    """What changes whenever a file is replaced; None while there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


serving = Serving(settings.MODEL_FILES)


def current() -> Classifier:
    """The classifier now in service. Raises ModelUnavailable when there is none."""
    return serving.classifier()
