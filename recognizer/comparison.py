"""Compare a candidate with the serving model on the same data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.classifier import Classifier, Verdict
from ml.training.dataset_folder import LabeledDigits
from ml.training.held_out import is_held_out
from recognizer import dataset_export
from recognizer.models import Measurement, ModelStatus, ModelVersion

Metrics: TypeAlias = dict[str, Any]

# A candidate is worse if its additional errors exceed this share of a set.
MARGIN = 0.001
# Training seeds alone change the accepted non-digits by 1%.
NON_DIGIT_MARGIN = 0.02
# Informational rows never block a promotion: one misread digit is 72 errors in the grid.
INFORMATIONAL = float("inf")
# Labeled digits to compare on, newest first, of which a fifth is held out.
NEWEST = 5_000
# Labels change after a model file is written, so both models predict these sets again.
PREDICTED_ANEW = ("held_out_reviewed", "held_out_non_digits")
NAMES = {
    "validation": gettext_lazy("MNIST validation digits"),
    "mnist_test": gettext_lazy("MNIST test digits"),
    "held_out_strokes": gettext_lazy("pen digits of held-out writers"),
    "held_out_stroke_non_digits": gettext_lazy("pen non-digits of held-out writers"),
    "held_out_reviewed": gettext_lazy("held-out labels"),
    "held_out_non_digits": gettext_lazy("held-out non-digits"),
}
FACTORS = ("size", "place", "pen", "ink")


@dataclass(frozen=True)
class Row:
    """The errors of both models on one set; None if the candidate was not measured on it."""

    name: str
    of: int
    serving: int
    candidate: int | None
    margin: float = MARGIN

    @property
    def is_worse(self) -> bool:
        if self.candidate is None:
            return False
        return self.candidate - self.serving > self.margin * self.of

    def __str__(self) -> str:
        return _("%(name)s: %(candidate)s errors of %(of)s (serving model: %(serving)d)") % {
            "name": self.name,
            "candidate": self.candidate,
            "of": f"{self.of:,}",
            "serving": self.serving,
        }


@dataclass(frozen=True)
class Fact:
    """An informational metric of both models, measured on ``of`` examples."""

    name: str
    of: int
    serving: str
    candidate: str


@dataclass(frozen=True)
class Difference:
    """A labeled image, 784 bytes, for which the models predict different digits."""

    image: bytes
    label: int
    serving: int
    candidate: int


@dataclass(frozen=True)
class ModelComparison:
    """``grid`` and ``reliability`` are empty unless both models were measured."""

    serving_version: str
    rows: list[Row]
    differences: list[Difference]
    calibration: list[Fact]
    grid: list[Row]
    reliability: list[list[Metrics]]

    @property
    def worse_rows(self) -> list[Row]:
        return [row for row in self.rows if row.is_worse]

    @property
    def shortfalls(self) -> str:
        """The rows in which the candidate is worse, or ""."""
        return "; ".join(map(str, self.worse_rows))


def compare(candidate: Classifier, serving: Classifier | None = None) -> ModelComparison:
    """Compare a candidate with the serving model, loaded unless given.

    The sources are the metadata of both files, their predictions for held-out labels, and the
    measurements of ``manage.py models measure``. Raises ModelError if the serving model cannot be
    loaded.
    """
    serving = serving or load_serving_model()
    stated_rows, calibration = _compare_stated_metrics(serving, candidate)
    label_rows, differences = _compare_on_labels(serving, candidate)
    rows, grid, reliability = [*stated_rows, *label_rows], [], []
    stored = Measurement.objects.in_bulk([serving.sha256, candidate.sha256])
    measured = [stored[model.sha256].metrics for model in (serving, candidate)
                if model.sha256 in stored]  # fmt: skip
    if len(measured) == 2 and measured[0]["work"] == measured[1]["work"]:
        rows += _measured_rows(*measured)
        grid = list(_grid_rows(*measured))
        reliability = [metrics["reliability"] for metrics in measured]
    return ModelComparison(serving.version, rows, differences, calibration, grid, reliability)


def dataset_name(key: str) -> str:
    """Return the readable name of a set in a model's metadata."""
    return str(NAMES.get(key, key.replace("_", " ")))


def load_serving_model() -> Classifier:
    """Return the serving model named by the database. Raises ModelError."""
    serving = ModelVersion.objects.filter(status=ModelStatus.SERVING).first()
    return serving.load() if serving else load_shipped_model()


def load_shipped_model() -> Classifier:
    """Return the shipped model. Raises ModelError, also if the file is missing."""
    return Classifier.read(settings.SHIPPED_MODEL)


def _compare_stated_metrics(
    serving: Classifier, candidate: Classifier
) -> tuple[list[Row], list[Fact]]:
    """Compare errors and calibration on the sets in the serving model's metadata."""
    rows, calibration = [], []
    candidate_metrics = candidate.facts.get("metrics", {})
    for key, first in serving.facts.get("metrics", {}).items():
        if key in PREDICTED_ANEW:
            continue
        name, of, second = dataset_name(key), first["of"], candidate_metrics.get(key, {})
        if second.get("of") != of:
            second = {}
        rows.append(Row(name, of, first["errors"], second.get("errors")))
        if "calibration_error" in first.keys() & second.keys():
            errors = (f"{metrics['calibration_error']:.2%}" for metrics in (first, second))
            calibration.append(Fact(_("%s: calibration error") % name, of, *errors))
    return rows, calibration


def _compare_on_labels(
    serving: Classifier, candidate: Classifier
) -> tuple[list[Row], list[Difference]]:
    """Compare predictions for held-out reviewer labels, which no model was trained on."""
    # The index of labeled digits has this order.
    newest = dataset_export.labeled().order_by("-predicted_at")[:NEWEST]
    held_out = LabeledDigits.of(
        record for record in dataset_export.records(newest) if is_held_out(record[2])
    )
    digits, non_digits = held_out.digits(), held_out.non_digits()
    rows, differences = [], []
    if len(digits):
        first, second = (model.predict(digits.images).argmax(1) for model in (serving, candidate))
        errors = int((first != digits.labels).sum()), int((second != digits.labels).sum())
        rows.append(Row(dataset_name("held_out_reviewed"), len(digits), *errors))
        differences = [
            Difference(
                digits.images[i].tobytes(), int(digits.labels[i]), int(first[i]), int(second[i])
            )
            for i in np.flatnonzero(first != second)
        ]
    if len(non_digits):
        accepted = _accepted(serving, non_digits), _accepted(candidate, non_digits)
        name = dataset_name("held_out_non_digits")
        rows.append(Row(name, len(non_digits), *accepted, NON_DIGIT_MARGIN))
    return rows, differences


def _accepted(model: Classifier, non_digits: LabeledDigits) -> int:
    """Count the non-digits that a model accepts as digits."""
    verdicts = map(model.verdict, model.predict(non_digits.images))
    return sum(verdict is not Verdict.NOT_A_DIGIT for verdict in verdicts)


def _measured_rows(serving: Metrics, candidate: Metrics) -> Iterator[Row]:
    non_digits = serving["non_digits"]["held_out"]["drawings"]
    accepted = _accepted_non_digits(serving), _accepted_non_digits(candidate)
    yield Row(_("non-digits accepted"), non_digits, *accepted, NON_DIGIT_MARGIN)
    numbers = serving["pictures"]["numbers"]
    misread = (
        numbers - serving["pictures"]["read_whole"],
        numbers - candidate["pictures"]["read_whole"],
    )
    yield Row(_("numbers in pictures"), numbers, *misread, INFORMATIONAL)
    yield _grid_row(_("robustness grid"), serving["robustness"], candidate["robustness"])


def _accepted_non_digits(metrics: Metrics) -> int:
    """Count accepted non-digits at the threshold that accepts 98% of the digits."""
    held_out = metrics["non_digits"]["held_out"]
    drawings: int = held_out["drawings"]
    refused: float = held_out["refused"]["98"]
    return round(drawings * (1 - refused))


def _grid_rows(serving: Metrics, candidate: Metrics) -> Iterator[Row]:
    """Yield the errors in the robustness grid for each value of each factor."""
    for factor in FACTORS:
        for value in dict.fromkeys(cell[factor] for cell in serving["robustness"]):
            name = f"{factor}: {value:.0%}" if factor == "size" else f"{factor}: {value}"
            first, second = (
                [cell for cell in metrics["robustness"] if cell[factor] == value]
                for metrics in (serving, candidate)
            )
            yield _grid_row(name, first, second)


def _grid_row(name: str, serving: list[Metrics], candidate: list[Metrics]) -> Row:
    """Sum the errors over cells of the robustness grid."""
    first, second = (sum(cell["errors"] for cell in cells) for cells in (serving, candidate))
    return Row(name, sum(cell["of"] for cell in serving), first, second, INFORMATIONAL)
