"""Variants of handwritten digits as strokes: other slants, widths and habits.

Strokes are varied before rasterization, so that the pen keeps its width. ``augment`` distorts the
images again in every epoch.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import Generator

from ml.preprocessing.strokes import Floats, Strokes, points_of
from ml.training.stroke_files import StrokeSample, by_writer

# Standard deviations: rotation in degrees, shear, and the logarithm of the aspect ratio.
ROTATION, SHEAR, ASPECT = 8.0, 0.15, 0.15
MAX_ROTATION = 20.0
# Shares of the variants with few points, an unsteady pen, a gap in a stroke, and every stroke drawn
# twice.
SPARSE, UNSTEADY, BROKEN, TWICE = 0.12, 0.15, 0.06, 0.04
# Shares of the variants of 0, 1 and 5 with a slash, a long flag and a detached hat.
SLASHED, FLAGGED, DETACHED = 0.12, 0.12, 0.3
_FLAWS = [SPARSE, UNSTEADY, BROKEN, TWICE, 1 - SPARSE - UNSTEADY - BROKEN - TWICE]
# Variants of a sample by a writer with as many samples as the average writer.
VARIANTS, MAX_VARIANTS = 10, 30


def balanced_variants(samples: Sequence[StrokeSample], seed: int) -> Iterator[StrokeSample]:
    """Yield each digit and variants of it; writers with few samples get more variants.

    A writer's share of the result grows with the square root of the number of their samples.
    """
    rng = np.random.default_rng(seed)
    counts = Counter(sample.writer for sample in samples)
    average = len(samples) / max(len(counts), 1)
    for sample in samples:
        yield sample
        count = min(VARIANTS * math.sqrt(average / counts[sample.writer]), MAX_VARIANTS)
        for _ in range(round(count) - 1):
            strokes = with_flaw(vary(with_habit(sample, rng), rng), rng)
            yield StrokeSample(strokes, sample.text, sample.writer)


def varied(samples: Sequence[StrokeSample], count: int, seed: int) -> list[StrokeSample]:
    """Return a number of variants of each sample."""
    rng = np.random.default_rng(seed)
    return [
        StrokeSample(vary(sample.strokes, rng), sample.text, sample.writer, sample.character)
        for sample in samples
        for _ in range(count)
    ]


def vary(strokes: Strokes, rng: Generator) -> Strokes:
    """Rotate, shear and stretch strokes; the result has points ``[x, y]``."""
    angle = math.radians(np.clip(rng.normal(0, ROTATION), -MAX_ROTATION, MAX_ROTATION))
    cos, sin = math.cos(angle), math.sin(angle)
    stretch, shear = math.exp(rng.normal(0, ASPECT)), rng.normal(0, SHEAR)
    matrix = np.array([[cos * stretch, sin * stretch], [shear - sin, cos]])
    return [(points @ matrix).tolist() for points in _arrays(strokes)]


def with_habit(sample: StrokeSample, rng: Generator) -> Strokes:
    """Return the strokes, or a rare form of the digit."""
    chance = rng.random()
    if sample.label == 0 and chance < SLASHED:
        slash = _line_across(sample.strokes, rng.uniform(-85, -30), rng.uniform(0.4, 1.2), rng)
        return [*sample.strokes, slash]
    if sample.label == 1 and chance < FLAGGED:
        return flagged_one(rng)
    arrays = _arrays(sample.strokes)
    if sample.label == 5 and chance < DETACHED and len(arrays) == 2:
        hat = min((0, 1), key=lambda i: float(arrays[i][:, 1].mean()))
        height = float(np.ptp(np.vstack(arrays)[:, 1]))
        arrays[hat] += height * np.array([rng.uniform(0, 0.25), rng.uniform(-0.2, 0.0)])
        return [array.tolist() for array in arrays]
    return sample.strokes


def with_flaw(strokes: Strokes, rng: Generator) -> Strokes:
    """Return the strokes as few points, unsteady, broken, drawn twice, or unchanged."""
    arrays = _arrays(strokes)
    size = float(np.ptp(np.vstack(arrays), axis=0).max())
    kind = rng.choice(5, p=_FLAWS)
    if kind == 0:
        step = rng.integers(2, 5)
        arrays = [np.vstack([array[:-1:step], array[-1:]]) for array in arrays]
    elif kind == 1:
        deviation = rng.uniform(0.005, 0.02) * size
        arrays = [array + rng.normal(0, deviation, array.shape) for array in arrays]
    elif kind == 2:
        arrays = [piece for array in arrays for piece in _broken(array, rng)]
    elif kind == 3:
        arrays += [array + rng.normal(0, 0.04 * size, 2) for array in arrays]
    return [array.tolist() for array in arrays]


def crossed_out(samples: Sequence[StrokeSample], count: int, seed: int) -> Iterator[StrokeSample]:
    """Yield digits crossed out by one line, as non-digits. A crossed 0 or 7 is a digit."""
    rng = np.random.default_rng(seed)
    digits = [sample for sample in samples if sample.label not in (0, 7)]
    for _ in range(count if digits else 0):
        sample = digits[rng.integers(len(digits))]
        # A 1 with a flag and a horizontal line is a 7.
        angle = rng.choice([-45, 45] if sample.label == 1 else [-45, 0, 45])
        line = _line_across(sample.strokes, angle + rng.normal(0, 10), rng.uniform(0.45, 0.75), rng)
        yield StrokeSample(vary([*sample.strokes, line], rng), "?", sample.writer)


def pairs(samples: Sequence[StrokeSample], count: int, seed: int) -> Iterator[StrokeSample]:
    """Yield two digits of one writer side by side, as non-digits."""
    rng = np.random.default_rng(seed)
    writers = by_writer(samples)
    for _ in range(count if samples else 0):
        own = writers[rng.integers(len(writers))]
        left, right = (own[rng.integers(len(own))].strokes for _ in range(2))
        yield StrokeSample(_side_by_side(left, right, rng), "?", own[0].writer)


def flagged_one(rng: Generator) -> Strokes:
    """Return a 1 with a long flag, as in France, and sometimes a foot."""
    flag = rng.uniform(0.3, 0.95)
    angle = math.radians(rng.uniform(25, 60))
    bend = rng.normal(0, 0.04, 4)
    start = [-flag * math.sin(angle) + bend[0], flag * math.cos(angle)]
    middle = [start[0] / 2 + bend[1], start[1] / 2 + bend[2]]
    stem = [[0.0, 0.0], [bend[3], 0.5], [rng.normal(0, 0.06), 1.0]]
    strokes = [[start, middle, *stem]]
    if rng.random() < 0.25:
        foot = rng.uniform(0.15, 0.45)
        strokes.append([[-foot, 1 + rng.normal(0, 0.03)], [foot, 1 + rng.normal(0, 0.03)]])
    return [[[100 * x, 100 * y] for x, y in stroke] for stroke in strokes]


def _arrays(strokes: Strokes) -> list[Floats]:
    return [points_of(stroke) for stroke in strokes if len(stroke)]


def _line_across(
    strokes: Strokes, degrees: float, half: float, rng: Generator
) -> list[list[float]]:
    """Return a line through the middle of the strokes; positive angles descend to the right.

    ``half`` is half of its length, relative to the longer side of the strokes.
    """
    points = np.vstack(_arrays(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    size = float((high - low).max())
    middle = (low + high) / 2 + rng.normal(0, 0.06, 2) * size
    direction = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    ends: list[list[float]] = [(middle + way * half * size * direction).tolist() for way in (-1, 1)]
    return ends


def _broken(line: Floats, rng: Generator) -> list[Floats]:
    """Remove a short piece of a line with enough points."""
    if len(line) < 8:
        return [line]
    start = rng.integers(2, len(line) - 4)
    end = start + max(1, round(rng.uniform(0.02, 0.1) * len(line)))
    return [line[:start], line[min(end, len(line) - 2) :]]


def _side_by_side(left: Strokes, right: Strokes, rng: Generator) -> Strokes:
    """Scale two digits to similar heights, about 100, and place them beside each other."""
    placed: list[Floats] = []
    end = 0.0
    for strokes in (left, right):
        arrays = _arrays(strokes)
        points = np.vstack(arrays)
        scale = rng.uniform(80, 100) / max(float(np.ptp(points[:, 1])), 1e-9)
        scale = min(scale, 150 / max(float(np.ptp(points[:, 0])), 1e-9))
        arrays = [(array - points.min(axis=0)) * scale + [end, 0.0] for array in arrays]
        end = float(np.vstack(arrays)[:, 0].max()) + rng.uniform(-10, 15)
        placed += arrays
    return [array.tolist() for array in placed]
