"""Paths and sample strokes shared by tests and tools."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "ml" / "weights" / "lenet.onnx"

# A handwritten seven: one stroke of [x, y, t], in pixels and milliseconds.
SEVEN = [[[60, 60, 0], [220, 60, 80], [190, 110, 130], [150, 180, 190], [125, 260, 260]]]
