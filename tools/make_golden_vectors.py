"""Write the golden vectors of the recognition in Python and JavaScript.

Run python -m tools.make_golden_vectors after a change of the shipped model, ml/recognition.py or
ml/preprocessing.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ml.classifier import Classifier
from ml.preprocessing.strokes import Grid, Strokes, rasterize
from ml.recognition import predict_strokes, segment_lines
from tools import golden_drawings
from tools.samples import ROOT, SHIPPED

RASTERIZATION = ROOT / "tests" / "rasterization_vectors.json"
RECOGNITION = ROOT / "tests" / "recognition_vectors.json"


def rasterization_vector(strokes: Strokes) -> dict[str, Any]:
    return {"grid": base64.b64encode(rasterize(strokes)).decode()}


def recognition_vector(classifier: Classifier, strokes: Strokes) -> dict[str, Any]:
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


def _write(file: Path, vectors: Mapping[str, Mapping[str, Any]]) -> None:
    lines = [json.dumps({"name": name, **vector}) for name, vector in vectors.items()]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def main() -> None:
    classifier = Classifier(SHIPPED.read_bytes())
    _write(
        RASTERIZATION,
        {
            name: {"strokes": strokes, **rasterization_vector(strokes)}
            for name, strokes in golden_drawings.for_rasterization().items()
        },
    )
    _write(
        RECOGNITION,
        {
            name: {"strokes": strokes, **recognition_vector(classifier, strokes)}
            for name, strokes in golden_drawings.for_recognition().items()
        },
    )


if __name__ == "__main__":
    main()
