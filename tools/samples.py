"""Paths and sample strokes shared by tests and tools."""

import math
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "ml" / "weights" / "lenet.onnx"

# A handwritten seven: one stroke of [x, y, t], in pixels and milliseconds.
SEVEN = [[[60, 60, 0], [220, 60, 80], [190, 110, 130], [150, 180, 190], [125, 260, 260]]]

_ANGLES = [math.tau * i / 40 for i in range(41)]
# Two zeros in one stroke: a line connects them.
JOINED_ZEROS = [
    [
        *([80 + 45 * math.cos(a), 140 + 80 * math.sin(a)] for a in _ANGLES),
        *([195 - 45 * math.cos(a), 140 - 80 * math.sin(a)] for a in _ANGLES),
    ]
]
