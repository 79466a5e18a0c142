"""The effect of labels on the accuracy, estimated from earlier models."""

from dataclasses import dataclass
from typing import Any

from ml.classifier import ModelError
from recognizer.models import ModelVersion
from recognizer.statistics import Accuracy

# Loading one model takes 6 ms.
NEWEST = 10


@dataclass(frozen=True)
class Training:
    """A training on labels: their number and the accuracy on labels held out from it."""

    labels: int
    held_out: Accuracy


@dataclass(frozen=True)
class LabelEffect:
    """The trainings of the newest models with the fewest and with the most labels, if they differ.

    Both were measured on the held-out labels of their time.
    """

    first: Training | None = None
    last: Training | None = None

    @property
    def is_likely(self) -> bool | None:
        """Whether more labels are likely to improve the model; None if this is unknown."""
        if not (self.first and self.last):
            return None
        first, last = self.first.held_out, self.last.held_out
        if last.share <= first.share:
            return False
        return True if last.interval.low > first.interval.high else None


def label_effect() -> LabelEffect:
    """Estimate the effect of labels from the newest models in the registry, in one query."""
    newest = ModelVersion.objects.order_by("-created_at")[:NEWEST]
    trainings = [training for training in map(_training, newest) if training]
    if not trainings:
        return LabelEffect()
    first = min(trainings, key=lambda training: training.labels)
    last = max(trainings, key=lambda training: training.labels)
    return LabelEffect(first, last) if first.labels < last.labels else LabelEffect(first)


def count_labels(facts: dict[str, Any]) -> int:
    """Return the number of labels in the training of a model with these facts."""
    training = facts.get("training", {})
    return int(training.get("reviewed_images", 0) + training.get("reviewed_non_digits", 0))


def _training(version: ModelVersion) -> Training | None:
    """Return the training of a model, None if it used no labels or cannot be loaded."""
    try:
        facts = version.load().facts
    except ModelError:
        return None
    labels, metric = count_labels(facts), facts.get("metrics", {}).get("held_out_reviewed")
    if not (labels and metric):
        return None
    return Training(labels, Accuracy(metric["of"] - metric["errors"], metric["of"]))
