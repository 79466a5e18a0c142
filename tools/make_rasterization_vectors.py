"""Write tests/rasterization_vectors.json, golden vectors of the Python and JavaScript rasterizers.

Run python -m tools.make_rasterization_vectors after a change of ml/preprocessing/strokes.py.
"""

import base64
import json
import math
from pathlib import Path

import numpy as np

from ml.preprocessing.strokes import rasterize

VECTORS = Path(__file__).parents[1] / "tests" / "rasterization_vectors.json"


def cases() -> dict[str, list[list[list[float]]]]:
    """Return drawings by name: ordinary ones and edge cases."""
    rng = np.random.default_rng(28)
    circle = [[100 * math.cos(a), 100 * math.sin(a)] for a in np.linspace(0, 2 * math.pi, 60)]
    hook = [[20, 20], [80, 20], [45, 95]]
    return {
        "no strokes": [],
        "strokes without points": [[], []],
        "tap": [[[150, 150]]],
        "tap of two points": [[[150, 150], [152, 151]]],
        "slightly longer than a tap": [[[150, 150], [153.5, 150]]],
        "two dots": [[[10, 10]], [[200, 150]]],
        "vertical line": [[[50, 10], [50, 210]]],
        "horizontal line": [[[10, 50], [210, 50]]],
        "diagonal line": [[[10, 10], [210, 210]]],
        "cross": [[[0, 100], [200, 100]], [[100, 0], [100, 200]]],
        "repeated points": [[[20, 20], [20, 20], [80, 20], [80, 20]]],
        "seven": [hook],
        "seven with times": [[[x, y, 16 * i] for i, (x, y) in enumerate(hook)]],
        "seven, tiny": [[[x / 15, y / 15] for x, y in hook]],
        "seven, huge": [[[x * 1e4, y * 1e4 - 5e5] for x, y in hook]],
        "circle": [circle],
        "circle and dot": [circle, [[0, 0]]],
        "center of mass at one side": [
            [[0, 0], [4, 0], [0, 4], [4, 4]] * 20,
            [[0, 0], [0, 200]],
        ],
        **{
            f"scribble {i}": rng.uniform(0, 300, (rng.integers(1, 4), rng.integers(2, 40), 2))
            .round(1)
            .tolist()
            for i in range(12)
        },
    }


def main() -> None:
    vectors = [
        {"name": name, "strokes": strokes, "grid": base64.b64encode(rasterize(strokes)).decode()}
        for name, strokes in cases().items()
    ]
    VECTORS.write_text("[\n" + ",\n".join(map(json.dumps, vectors)) + "\n]\n")


if __name__ == "__main__":
    main()
