"""The golden vectors of the recognition; Node compares the page with them."""

import json

from tools.make_golden_vectors import FILE, golden_vector

VECTORS = json.loads(FILE.read_text())


def test_recognition_matches_the_golden_vectors(shipped):
    """Fails after a change of the model: run python -m tools.make_golden_vectors."""
    for vector in VECTORS:
        computed = json.loads(json.dumps(golden_vector(shipped, vector["strokes"])))
        assert computed.items() <= vector.items(), vector["name"]
