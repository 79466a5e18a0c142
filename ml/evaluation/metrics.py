"""The figures of a model, whatever made it: what it answers to labeled digits, and how surely."""

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


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The interval of a share, by the score method (Wilson, 1927)."""
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, shrink = successes / n, 1 + z * z / n
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(max(0.0, (middle - reach) / shrink), min(1.0, (middle + reach) / shrink))


@dataclass(frozen=True)
class ClassMetrics:
    """How the images of one digit were read, and how far to trust what was read as it."""

    digit: int
    count: int
    errors: int
    recall: float
    interval: Interval
    precision: float


@dataclass(frozen=True)
class CalibrationBin:
    """The answers whose confidence lies between two bounds."""

    count: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Mistake:
    """An image that was misread: where it is in its set, and the two likeliest readings."""

    index: int
    label: int
    first: int
    first_probability: float
    second: int
    second_probability: float


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same images: on how many one alone is right, and how likely by chance."""

    only_first_right: int
    only_second_right: int
    p_value: float


@dataclass(frozen=True)
class Evaluation:
    """Answers to n labeled digits: labels int64[n], probabilities float32[n, 10], verdicts."""

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    verdicts: tuple[Verdict, ...]

    @cached_property
    def right(self) -> NDArray[np.bool]:
        right: NDArray[np.bool] = self.probabilities.argmax(1) == self.labels
        return right

    @property
    def total(self) -> int:
        return len(self.labels)

    @property
    def errors(self) -> int:
        return int((~self.right).sum())

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / self.total

    @property
    def interval(self) -> Interval:
        return wilson(self.total - self.errors, self.total)

    @cached_property
    def confusion(self) -> NDArray[np.intp]:
        """``confusion[i, j]`` counts the digits i that were read as j."""
        counts = np.zeros((10, 10), dtype=np.intp)
        np.add.at(counts, (self.labels, self.probabilities.argmax(1)), 1)
        return counts

    def by_class(self) -> list[ClassMetrics]:
        count, read = self.confusion.sum(1), self.confusion.sum(0)
        return [
            ClassMetrics(
                digit,
                count=int(count[digit]),
                errors=int(count[digit] - right),
                recall=float(right / max(count[digit], 1)),
                interval=wilson(int(right), int(count[digit])),
                precision=float(right / max(read[digit], 1)),
            )
            for digit, right in enumerate(self.confusion.diagonal())
        ]

    def bins(self) -> list[CalibrationBin]:
        """The answers in bins of equal width, by confidence."""
        confidence = self.probabilities.max(1)
        of_bin = np.minimum((confidence * BINS).astype(int), BINS - 1)
        return [self._bin(confidence, of_bin == i) for i in range(BINS)]

    def _bin(self, confidence: NDArray[np.float32], chosen: NDArray[np.bool]) -> CalibrationBin:
        count, right = int(chosen.sum()), int(self.right[chosen].sum())
        some = max(count, 1)
        mean = float(confidence[chosen].sum(dtype=float) / some)
        return CalibrationBin(count, mean, right / some, wilson(right, count))

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: the mean gap of confidence and accuracy over the bins."""
        gaps = (one.count * abs(one.accuracy - one.confidence) for one in self.bins())
        return sum(gaps) / self.total

    def error_rates(self) -> NDArray[np.float64]:
        """The share of errors among the surest answer, the surest two, and so on: float64[n]."""
        surest_first = np.argsort(-self.probabilities.max(1), kind="stable")
        errors = (~self.right[surest_first]).cumsum()
        rates: NDArray[np.float64] = errors / np.arange(1, self.total + 1)
        return rates

    def mistakes(self) -> list[Mistake]:
        """What was misread, the surest first."""
        wrong = [self._mistake(int(index)) for index in np.flatnonzero(~self.right)]
        return sorted(wrong, key=lambda mistake: -mistake.first_probability)

    def _mistake(self, index: int) -> Mistake:
        row = self.probabilities[index]
        second, first = (int(digit) for digit in np.argsort(row)[-2:])
        label = int(self.labels[index])
        return Mistake(index, label, first, float(row[first]), second, float(row[second]))


def mcnemar_test(first: Evaluation, second: Evaluation) -> PairedTest:
    """Two evaluations of the same images by McNemar's test (1947), exact and two-sided."""
    only_first = int((first.right & ~second.right).sum())
    only_second = int((second.right & ~first.right).sum())
    n = only_first + only_second
    tail = sum(math.comb(n, k) for k in range(min(only_first, only_second) + 1)) / 2**n
    return PairedTest(only_first, only_second, min(1.0, 2 * tail))
