"""Numbers composed from single digits, to measure how well a drawing is taken apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml import ink
from ml.strokes import WrittenDigit

LENGTHS = (2, 3, 4, 5)
# Gaps between the boxes of neighbours, in digit widths.
GAPS = (0.0, 0.3)
# How wide a digit is for its height, on average: a gap after a "1" is no narrower than another.
WIDTH = 0.65
# Standard deviations of a digit's height, and of where it stands, in digit heights.
SIZE_JITTER = 0.08
BASELINE_JITTER = 0.06
# The pen of a picture, in digit heights: numbers are written smaller than a digit alone.
PEN = 0.05

Levels: TypeAlias = NDArray[np.uint8]
"""A picture, uint8[h, w]: 0 is paper, 255 is ink."""


@dataclass(frozen=True)
class Number:
    """A drawing (pixels, y downwards) with the number it shows."""

    strokes: ink.Strokes
    text: str


def written(
    digits: Sequence[WrittenDigit],
    n: int,
    seed: int,
    gaps: tuple[float, float] = GAPS,
    shear: float = 0.0,
) -> Iterator[Number]:
    """n numbers of 2 to 5 digits, each of one writer; ``shear`` leans the whole to the right."""
    rng = np.random.default_rng(seed)
    hands: dict[str, list[WrittenDigit]] = {}
    for digit in digits:
        hands.setdefault(digit.writer, []).append(digit)
    writers = sorted(hands)
    for _ in range(n):
        hand = hands[writers[rng.integers(len(writers))]]
        chosen = [hand[i] for i in rng.integers(len(hand), size=rng.choice(LENGTHS))]
        strokes = compose([digit.strokes for digit in chosen], rng, gaps, shear)
        yield Number(strokes, "".join(str(digit.label) for digit in chosen))


def compose(
    digits: Sequence[ink.Strokes],
    rng: Generator,
    gaps: tuple[float, float] = GAPS,
    shear: float = 0.0,
) -> ink.Strokes:
    """The strokes of digits set side by side, about 100 pixels tall."""
    strokes, right = [], 0.0
    for digit in digits:
        x, y, width, height = ink.bounds(digit)
        scale = _height(rng) / max(width, height)
        left = right + 100 * WIDTH * rng.uniform(*gaps)
        top = -scale * height + 100 * rng.normal(0, BASELINE_JITTER)
        for stroke in digit:
            points = (np.array([point[:2] for point in stroke]) - (x, y)) * scale + (left, top)
            points[:, 0] -= shear * points[:, 1]
            strokes.append(points.tolist())
        right = left + scale * width
    return strokes


def compose_picture(
    images: Sequence[ink.Grid], rng: Generator, gaps: tuple[float, float] = GAPS
) -> Levels:
    """Images uint8[28, 28] of digits set side by side, about 100 pixels tall."""
    placed, right = [], 0
    for grid in images:
        digit = _enlarged(grid, _height(rng))
        left = right + round(100 * WIDTH * rng.uniform(*gaps))
        bottom = 150 + round(100 * rng.normal(0, BASELINE_JITTER))
        placed.append((digit, left, bottom))
        right = left + digit.shape[1]
    paper = np.zeros((200, right + 40), dtype=np.uint8)
    for digit, left, bottom in placed:
        height, width = digit.shape
        under = paper[bottom - height : bottom, left + 20 : left + 20 + width]
        np.maximum(under, digit, out=under)
    return paper


def photograph(strokes: ink.Strokes, height: float, pen: float = PEN) -> Levels:
    """A picture of strokes that make digits ``height`` pixels tall; so is the pen, in heights."""
    x, y, width, tall = ink.bounds(strokes)
    finer = 3
    radius = height * pen / 2
    edge = 4 * radius
    size = (round((width + 2 * edge) * finer), round((tall + 2 * edge) * finer))
    canvas = Image.new("L", size)
    painter = ImageDraw.Draw(canvas)
    for stroke in strokes:
        points = [((p[0] - x + edge) * finer, (p[1] - y + edge) * finer) for p in stroke]
        painter.line(points, fill=255, width=round(2 * radius * finer), joint="curve")
        for end in points:
            painter.circle(end, radius * finer, fill=255)
    return np.asarray(canvas.reduce(finer))


def _height(rng: Generator) -> float:
    return 100 * min(max(rng.normal(1, SIZE_JITTER), 0.75), 1.25)


def _enlarged(grid: ink.Grid, height: float) -> Levels:
    """The ink of an image uint8[28, 28], its longer side ``height`` pixels."""
    rows, columns = np.flatnonzero(grid.any(1)), np.flatnonzero(grid.any(0))
    cut = grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = height / max(cut.shape)
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    return np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BICUBIC))
