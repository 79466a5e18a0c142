"""The golden vectors of rasterization and recognition; Node compares the page with them."""

import json

import pytest

from tools import golden_drawings
from tools.make_golden_vectors import (
    RASTERIZATION,
    RECOGNITION,
    rasterization_vector,
    recognition_vector,
)


def parametrize(file):
    return pytest.mark.parametrize(
        "vector", json.loads(file.read_text()), ids=lambda vector: vector["name"]
    )


@parametrize(RASTERIZATION)
def test_rasterize_matches_the_golden_vectors(vector):
    assert rasterization_vector(vector["strokes"]).items() <= vector.items()


def test_recognition_matches_the_golden_vectors(shipped):
    """Fails after a change of the model: run python -m tools.make_golden_vectors."""
    for vector in json.loads(RECOGNITION.read_text()):
        computed = json.loads(json.dumps(recognition_vector(shipped, vector["strokes"])))
        assert computed.items() <= vector.items(), vector["name"]


@pytest.mark.parametrize(
    ("file", "drawings"),
    [
        (RASTERIZATION, golden_drawings.for_rasterization),
        (RECOGNITION, golden_drawings.for_recognition),
    ],
    ids=["rasterization", "recognition"],
)
def test_golden_vectors_contain_every_drawing(file, drawings):
    assert [vector["name"] for vector in json.loads(file.read_text())] == list(drawings())
