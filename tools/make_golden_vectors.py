"""Predict the drawings of the golden vectors again: python -m tools.make_golden_vectors

Run it after a change of the shipped model, ml/recognition.py or ml/preprocessing, and after adding
a drawing to tests/golden_vectors.json, with name and strokes: digits, numbers, marks, annotations,
edge cases.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from ml.classifier import Classifier
from ml.preprocessing.strokes import Grid, Strokes, rasterize
from ml.recognition import predict_strokes, segment_lines
from tools.samples import ROOT, SHIPPED

FILE = ROOT / "tests" / "golden_vectors.json"


def golden_vector(classifier: Classifier, strokes: Strokes) -> dict[str, Any]:
    """Return the prediction of strokes, and a hash of the grids of all candidates."""
    candidates = [group for groups, _ in segment_lines(strokes) for group in groups]
    prediction = predict_strokes(classifier, strokes)
    return {
        "text": prediction.text,
        "verdicts": [digit.verdict for digit in prediction.digits],
        "boxes": [digit.box for digit in prediction.digits],
        "grids": _hash(digit.grid for digit in prediction.digits),
        "candidates": _hash(rasterize(group) for group in candidates),
    }


def _hash(grids: Iterable[Grid]) -> str:
    return hashlib.sha256(b"".join(grid.tobytes() for grid in grids)).hexdigest()[:16]


def main() -> None:
    classifier = Classifier(SHIPPED.read_bytes())
    vectors = json.loads(FILE.read_text())
    lines = [json.dumps({**one, **golden_vector(classifier, one["strokes"])}) for one in vectors]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
