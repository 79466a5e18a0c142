"""Metrics of predictions for labeled digits: errors, intervals, calibration."""

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.classifier import Verdict

BINS = 15


class Interval(NamedTuple):
    low: float
    high: float


def wilson(successes: int, n: int) -> Interval:
    """Return the 95% Wilson score interval of a proportion (Wilson, 1927)."""
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.975)
    share, scale = successes / n, 1 + z * z / n
    center = share + z * z / (2 * n)
    half_width = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(
        max(0.0, (center - half_width) / scale), min(1.0, (center + half_width) / scale)
    )


@dataclass(frozen=True)
class ClassMetrics:
    """Recall with its interval, and precision, of one digit."""

    digit: int
    count: int
    errors: int
    recall: float
    interval: Interval
    precision: float


@dataclass(frozen=True)
class CalibrationBin:
    """Mean confidence and accuracy of the predictions in one confidence range."""

    count: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Mistake:
    """An error: the index of the image and its two most probable digits."""

    index: int
    label: int
    first: int
    first_probability: float
    second: int
    second_probability: float


@dataclass(frozen=True)
class Evaluation:
    """Predictions for n digits: labels int64[n], probabilities float32[n, 10], n verdicts."""

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    verdicts: tuple[Verdict, ...]

    @cached_property
    def is_correct(self) -> NDArray[np.bool]:
        """The most probable digit is the label: bool[n]."""
        correct: NDArray[np.bool] = self.probabilities.argmax(1) == self.labels
        return correct

    @property
    def total(self) -> int:
        return len(self.labels)

    @property
    def errors(self) -> int:
        return int((~self.is_correct).sum())

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / self.total

    @property
    def interval(self) -> Interval:
        return wilson(self.total - self.errors, self.total)

    @cached_property
    def confusion(self) -> NDArray[np.intp]:
        """Counts int[10, 10] by label (row) and most probable digit (column)."""
        counts = np.zeros((10, 10), dtype=np.intp)
        np.add.at(counts, (self.labels, self.probabilities.argmax(1)), 1)
        return counts

    def by_class(self) -> list[ClassMetrics]:
        count, predicted = self.confusion.sum(1), self.confusion.sum(0)
        return [
            ClassMetrics(
                digit,
                count=int(count[digit]),
                errors=int(count[digit] - correct),
                recall=float(correct / max(count[digit], 1)),
                interval=wilson(int(correct), int(count[digit])),
                precision=float(correct / max(predicted[digit], 1)),
            )
            for digit, correct in enumerate(self.confusion.diagonal())
        ]

    def calibration_bins(self) -> list[CalibrationBin]:
        """Group the predictions into BINS confidence ranges of equal width."""
        confidence = self.probabilities.max(1)
        indices = np.minimum((confidence * BINS).astype(int), BINS - 1)
        bins = []
        for index in range(BINS):
            chosen = indices == index
            count, correct = int(chosen.sum()), int(self.is_correct[chosen].sum())
            mean = float(confidence[chosen].sum(dtype=float) / max(count, 1))
            accuracy = correct / max(count, 1)
            bins.append(CalibrationBin(count, mean, accuracy, wilson(correct, count)))
        return bins

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean gap between confidence and accuracy of the bins."""
        gaps = (one.count * abs(one.accuracy - one.confidence) for one in self.calibration_bins())
        return sum(gaps) / max(self.total, 1)

    def error_rates(self) -> NDArray[np.float64]:
        """Return the error rates of the 1, 2, …, n most confident predictions: float64[n]."""
        by_confidence = np.argsort(-self.probabilities.max(1), kind="stable")
        errors = (~self.is_correct[by_confidence]).cumsum()
        rates: NDArray[np.float64] = errors / np.arange(1, self.total + 1)
        return rates

    def mistakes(self) -> list[Mistake]:
        """Return the errors by descending confidence."""
        mistakes = []
        for index in map(int, np.flatnonzero(~self.is_correct)):
            row = self.probabilities[index]
            second, first = (int(digit) for digit in np.argsort(row)[-2:])
            mistake = Mistake(
                index,
                label=int(self.labels[index]),
                first=first,
                first_probability=float(row[first]),
                second=second,
                second_probability=float(row[second]),
            )
            mistakes.append(mistake)
        return sorted(mistakes, key=lambda mistake: -mistake.first_probability)
