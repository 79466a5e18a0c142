"""Paths and sample strokes shared by tests and tools."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "ml" / "weights" / "lenet.onnx"

# A handwritten seven: one stroke of [x, y, t], in pixels and milliseconds.
SEVEN = [[[60, 60, 0], [220, 60, 80], [190, 110, 130], [150, 180, 190], [125, 260, 260]]]

# A vertical line, and "71" of a narrow seven and a one.
ONE = [[[140, 40, 0], [141, 240, 80]]]
SEVENTY_ONE = [[[x / 2, y, t] for x, y, t in SEVEN[0]], [[220, 60, 500], [220, 260, 580]]]

_ANGLES = [math.tau * i / 40 for i in range(41)]
# Two zeros in one stroke: a line connects them.
JOINED_ZEROS = [
    [
        *([80 + 45 * math.cos(a), 140 + 80 * math.sin(a)] for a in _ANGLES),
        *([195 - 45 * math.cos(a), 140 - 80 * math.sin(a)] for a in _ANGLES),
    ]
]


def curve(*points: Sequence[float], between: int = 5) -> list[list[float]]:
    """Return a smooth line through points, with some more between two (Catmull-Rom)."""
    p = np.array([points[0], *points, points[-1]], dtype=np.float64)
    t = np.linspace(0, 1, between + 1, endpoint=False)[:, None]
    pieces = [
        b
        + t * (c - a) / 2
        + t**2 * (a - 2.5 * b + 2 * c - d / 2)
        + t**3 * (d - a + 3 * (b - c)) / 2
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return [*np.concatenate(pieces).round(1).tolist(), list(points[-1])]


def ellipse(x: float, y: float, width: float, height: float) -> list[list[float]]:
    """Return a closed ellipse with this center, drawn from the top."""
    return [
        [round(x - width / 2 * math.sin(a), 1), round(y - height / 2 * math.cos(a), 1)]
        for a in _ANGLES
    ]


def _year() -> list[list[list[float]]]:
    """Return "2026" in four strokes, 330 pixels wide and about 100 tall."""
    two = curve((8, 22), (30, 0), (54, 20), (38, 55), (6, 98), (34, 92), (64, 96))
    six = curve((48, 0), (18, 38), (10, 78), (34, 100), (54, 78), (36, 58), (12, 74))
    digits = [two, ellipse(35, 50, 64, 100), two, six]
    return [[[x + 88 * i, y] for x, y in stroke] for i, stroke in enumerate(digits)]


YEAR = _year()
