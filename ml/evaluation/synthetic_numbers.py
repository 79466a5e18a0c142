"""Numbers composed from single digits, to measure segmentation."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import Generator
from PIL import Image

from ml.preprocessing.strokes import Grid, Strokes, bounding_box, points_of
from ml.training.data import LabeledImages
from ml.training.stroke_files import StrokeSample, by_writer

LENGTHS = (2, 3, 4, 5)
# Gaps between the boxes of neighbors, in digit widths.
GAPS = (0.0, 0.3)
# Average width of a digit relative to its height, also used for the gap after a "1".
WIDTH = 0.65
# Standard deviations of height and vertical position, in digit heights.
SIZE_JITTER = 0.08
BASELINE_JITTER = 0.06


def generate_strokes(
    samples: Sequence[StrokeSample], n: int, seed: int
) -> Iterator[tuple[Strokes, str]]:
    """Yield the strokes of n numbers with 2 to 5 digits of one writer, and their digits."""
    rng = np.random.default_rng(seed)
    writers = by_writer(samples)
    for _ in range(n):
        own = writers[rng.integers(len(writers))]
        chosen = [own[i] for i in rng.integers(len(own), size=rng.choice(LENGTHS))]
        strokes = join_strokes([sample.strokes for sample in chosen], rng)
        yield strokes, "".join(str(sample.label) for sample in chosen)


def join_strokes(
    digits: Sequence[Strokes], rng: Generator, gaps: tuple[float, float] = GAPS
) -> Strokes:
    """Place the strokes of digits side by side, about 100 pixels tall; ``gaps`` limits the gaps."""
    strokes, right = [], 0.0
    for digit in digits:
        x, y, width, height = bounding_box(digit)
        # A dot has no extent.
        scale = _random_height(rng) / (max(width, height) or 1.0)
        left = right + 100 * WIDTH * rng.uniform(*gaps)
        top = -scale * height + 100 * rng.normal(0, BASELINE_JITTER)
        strokes += [((points_of(one) - (x, y)) * scale + (left, top)).tolist() for one in digit]
        right = left + scale * width
    return strokes


def generate_pictures(
    images: LabeledImages, n: int, seed: int
) -> Iterator[tuple[Image.Image, str]]:
    """Yield n pictures of numbers with 2 to 5 digits, light on dark, and their digits."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        chosen = rng.integers(len(images.labels), size=rng.choice(LENGTHS))
        picture = join_grids(list(images.images[chosen].numpy()), rng)
        yield picture, "".join(str(int(label)) for label in images.labels[chosen])


def join_grids(
    grids: Sequence[Grid], rng: Generator, gaps: tuple[float, float] = GAPS
) -> Image.Image:
    """Place digits uint8[28, 28] side by side in a picture, about 100 pixels tall."""
    placed, right = [], 0
    for grid in grids:
        digit = np.asarray(resize(crop_to_ink(Image.fromarray(grid)), _random_height(rng)))
        left = right + round(100 * WIDTH * rng.uniform(*gaps))
        bottom = 150 + round(100 * rng.normal(0, BASELINE_JITTER))
        placed.append((digit, left, bottom))
        right = left + digit.shape[1]
    canvas = np.zeros((200, right + 40), dtype=np.uint8)
    for digit, left, bottom in placed:
        height, width = digit.shape
        area = canvas[bottom - height : bottom, left + 20 : left + 20 + width]
        np.maximum(area, digit, out=area)
    return Image.fromarray(canvas)


def crop_to_ink(picture: Image.Image) -> Image.Image:
    return picture.crop(picture.getbbox())


def resize(picture: Image.Image, side: float) -> Image.Image:
    """Scale a picture so that its longer side is ``side`` pixels."""
    scale = side / max(picture.size)
    width, height = (max(1, round(scale * length)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _random_height(rng: Generator) -> float:
    return 100 * min(max(rng.normal(1, SIZE_JITTER), 0.75), 1.25)
