"""Matplotlib figures of training and evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.evaluation.metrics import CalibrationBin
from ml.training.train import Epoch

INK, ACCENT, PALE = "#333333", "#c2410c", "#d6d3d1"


def curves(history: Sequence[Epoch]) -> Figure:
    """Plot losses, validation errors and learning rate by epoch."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    losses, errors, rate = figure.subplots(1, 3)
    epochs = [epoch.number for epoch in history]
    losses.plot(epochs, [epoch.loss for epoch in history], color=PALE, label="training, augmented")
    losses.plot(epochs, [epoch.validation_loss for epoch in history], color=INK, label="validation")
    losses.set(title="Loss", yscale="log")
    losses.legend(frameon=False)
    errors.plot(epochs, [epoch.validation_errors for epoch in history], color=ACCENT)
    errors.set(title="Validation errors", ylim=(0, None))
    rate.plot(epochs, [epoch.rate for epoch in history], color=INK)
    rate.set(title="Learning rate", ylim=(0, None))
    for axes in (losses, errors, rate):
        axes.set_xlabel("epoch")
        _style(axes)
    return figure


def confusion(counts: NDArray[np.intp]) -> Figure:
    """Plot a confusion matrix int[10, 10]; the shades show the errors."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    errors = counts * (1 - np.eye(10, dtype=np.intp))
    axes.imshow(errors, cmap="Oranges", vmin=0, vmax=max(int(errors.max()), 1))
    for row, column in np.ndindex(10, 10):
        if count := counts[row, column]:
            weight = "bold" if row != column else "normal"
            axes.text(column, row, str(count), ha="center", va="center", size=9, weight=weight)
    axes.set(xticks=range(10), yticks=range(10), xlabel="predicted digit", ylabel="label")
    axes.set_title(f"{errors.sum()} errors of {counts.sum():,}")
    return figure


def reliability(bins: Sequence[CalibrationBin]) -> Figure:
    """Plot accuracy by confidence, with 95% intervals and counts."""
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    filled = [one for one in bins if one.count]
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1)
    axes.errorbar(
        [one.confidence for one in filled],
        [one.accuracy for one in filled],
        yerr=np.transpose([np.abs(np.subtract(one.interval, one.accuracy)) for one in filled]),
        color=ACCENT, fmt="o", markersize=4, linewidth=1,
    )  # fmt: skip
    for one in filled:
        axes.annotate(
            f"{one.count:,}", (one.confidence, one.accuracy), xytext=(5, -9),
            textcoords="offset points", size=7,
        )  # fmt: skip
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="accuracy")
    _style(axes)
    return figure


def coverage(error_rates: NDArray[np.float64]) -> Figure:
    """Plot the error rates float64[n] of the 1, 2, …, n most confident predictions."""
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    shares = np.arange(1, len(error_rates) + 1) / len(error_rates)
    axes.plot(100 * shares, 100 * error_rates, color=ACCENT)
    axes.set(xlabel="most confident predictions, %", ylabel="error rate, %")
    axes.set(xlim=(0, 101), ylim=(0, None))
    _style(axes)
    return figure


def robustness(cells: Sequence[Mapping[str, Any]]) -> Figure:
    """Plot ``ml.evaluation.robustness`` cells: rows are size and pen, columns place and ink."""
    rows = list(dict.fromkeys((cell["size"], cell["pen"]) for cell in cells))
    columns = list(dict.fromkeys((cell["place"], cell["ink"]) for cell in cells))
    errors = np.zeros((len(rows), len(columns)), dtype=np.intp)
    for cell in cells:
        row = rows.index((cell["size"], cell["pen"]))
        errors[row, columns.index((cell["place"], cell["ink"]))] = cell["errors"]
    figure = Figure(figsize=(7, 5.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(errors, cmap="Oranges", vmin=0, vmax=max(int(errors.max()), 10), aspect="auto")
    for row, column in np.ndindex(*errors.shape):
        axes.text(column, row, str(errors[row, column]), ha="center", va="center", size=9)
    axes.set_xticks(range(len(columns)), [f"{place}\n{ink}" for place, ink in columns], size=8)
    axes.set_yticks(range(len(rows)), [f"{size:.0%}, {pen}" for size, pen in rows], size=8)
    axes.set(ylabel="size relative to the canvas, pen")
    axes.set_title(f"Errors of {cells[0]['of']} digits")
    return figure


def digits(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    titles: Sequence[str],
    columns: int = 10,
) -> Figure:
    """Plot images uint8[h, w] of ink on black in rows, each with its title."""
    rows = max(1, -(-len(images) // columns))
    figure = Figure(figsize=(columns, 1.25 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for axes, image, title in zip(grid, images, titles, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(title, size=8)
    for axes in grid.base.flat:
        axes.set_axis_off()
    return figure


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
