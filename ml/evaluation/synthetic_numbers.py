"""Numbers composed from single digits, to measure how well a drawing is taken apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image

from ml.preprocessing.strokes import Grid, Strokes, bounding_box
from ml.training.data import LabeledImages
from ml.training.stroke_files import StrokeSample

LENGTHS = (2, 3, 4, 5)
# Gaps between the boxes of neighbors, in digit widths.
GAPS = (0.0, 0.3)
# How wide a digit is for its height, on average: a gap after a "1" is no narrower than another.
WIDTH = 0.65
# Standard deviations of a digit's height, and of where it stands, in digit heights.
SIZE_JITTER = 0.08
BASELINE_JITTER = 0.06


@dataclass(frozen=True)
class Number:
    """A drawing (pixels, y downwards) with the number it shows."""

    strokes: Strokes
    text: str


def written(
    digits: Sequence[StrokeSample],
    n: int,
    seed: int,
    gaps: tuple[float, float] = GAPS,
    shear: float = 0.0,
) -> Iterator[Number]:
    """n numbers of 2 to 5 digits, each of one writer; ``shear`` leans the whole to the right."""
    rng = np.random.default_rng(seed)
    hands: dict[str, list[StrokeSample]] = {}
    for digit in digits:
        hands.setdefault(digit.writer, []).append(digit)
    writers = sorted(hands)
    for _ in range(n):
        hand = hands[writers[rng.integers(len(writers))]]
        chosen = [hand[i] for i in rng.integers(len(hand), size=rng.choice(LENGTHS))]
        strokes = compose([digit.strokes for digit in chosen], rng, gaps, shear)
        yield Number(strokes, "".join(str(digit.label) for digit in chosen))


def compose(
    digits: Sequence[Strokes],
    rng: Generator,
    gaps: tuple[float, float] = GAPS,
    shear: float = 0.0,
) -> Strokes:
    """The strokes of digits set side by side, about 100 pixels tall."""
    strokes, right = [], 0.0
    for digit in digits:
        x, y, width, height = bounding_box(digit)
        # A dot has neither.
        scale = _height(rng) / (max(width, height) or 1.0)
        left = right + 100 * WIDTH * rng.uniform(*gaps)
        top = -scale * height + 100 * rng.normal(0, BASELINE_JITTER)
        for stroke in digit:
            points = (np.array([point[:2] for point in stroke]) - (x, y)) * scale + (left, top)
            points[:, 0] -= shear * points[:, 1]
            strokes.append(points.tolist())
        right = left + scale * width
    return strokes


def pictures(digits: LabeledImages, n: int, seed: int) -> Iterator[tuple[Image.Image, str]]:
    """n pictures of numbers of 2 to 5 digits, light on dark, with what they show."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        chosen = rng.integers(len(digits.labels), size=rng.choice(LENGTHS))
        picture = compose_picture(list(digits.images[chosen].numpy()), rng)
        yield picture, "".join(str(int(label)) for label in digits.labels[chosen])


def compose_picture(
    images: Sequence[Grid], rng: Generator, gaps: tuple[float, float] = GAPS
) -> Image.Image:
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
    return Image.fromarray(paper)


def _enlarged(grid: Grid, height: float) -> Grid:
    """The ink of an image uint8[28, 28], its longer side ``height`` pixels."""
    rows, columns = np.flatnonzero(grid.any(1)), np.flatnonzero(grid.any(0))
    cut = grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = height / max(cut.shape)
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    return np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BICUBIC))


def _height(rng: Generator) -> float:
    return 100 * min(max(rng.normal(1, SIZE_JITTER), 0.75), 1.25)
