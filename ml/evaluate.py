"""The figures of a model, whatever made it: counts of right and wrong on labelled digits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.classifier import Classifier
from ml.data import Labelled


@dataclass(frozen=True)
class Evaluation:
    """``confusion[i, j]`` counts the digits i that were read as j."""

    confusion: NDArray[np.intp]

    @property
    def total(self) -> int:
        return int(self.confusion.sum())

    @property
    def errors(self) -> int:
        return self.total - int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / self.total

    def by_class(self) -> list[tuple[int, int, float, float]]:
        """Of each digit: how many there are, how many were misread, recall and precision."""
        right = self.confusion.diagonal()
        count, read = self.confusion.sum(1), self.confusion.sum(0)
        recall, precision = right / np.maximum(count, 1), right / np.maximum(read, 1)
        return [
            (int(count[i]), int(count[i] - right[i]), float(recall[i]), float(precision[i]))
            for i in range(10)
        ]


def evaluate(classifier: Classifier, digits: Labelled) -> Evaluation:
    """Let a classifier read labelled images as they are."""
    answers = classifier.predict(digits.images.numpy()).argmax(1)
    confusion = np.zeros((10, 10), dtype=np.intp)
    np.add.at(confusion, (digits.labels.numpy(), answers), 1)
    return Evaluation(confusion)


def draw_confusion(evaluation: Evaluation, path: Path) -> None:
    """Write the confusion matrix as a picture; shades show the errors, which are what matters."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    errors = evaluation.confusion * (1 - np.eye(10, dtype=np.intp))
    axes.imshow(errors, cmap="Oranges", vmin=0, vmax=max(int(errors.max()), 1))
    for row, column in np.ndindex(10, 10):
        count = evaluation.confusion[row, column]
        if count:
            weight = "bold" if row != column else "normal"
            axes.text(column, row, str(count), ha="center", va="center", size=9, weight=weight)
    axes.set(xticks=range(10), yticks=range(10), xlabel="read as", ylabel="written")
    axes.set_title(f"{evaluation.errors} errors of {evaluation.total:,}")
    figure.savefig(path, dpi=150)
