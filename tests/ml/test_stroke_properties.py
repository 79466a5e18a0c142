"""Properties of the recognition of any strokes within the limits of the API."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml.preprocessing import distances
from ml.preprocessing.lattice import MAX_PARTS, MAX_PARTS_IN_DIGIT
from ml.preprocessing.layout import split_lines
from ml.preprocessing.segmentation import segment_strokes, strokes_in
from ml.preprocessing.strokes import bounding_box
from ml.recognition import predict_strokes

# The API accepts coordinates up to 1e15 and 20,000 points.
LARGEST, MAX_POINTS = 1e15, 20_000

sizes = st.sampled_from([1e-300, 1e-160, 1e-9, 1.0, 100.0, 1e9, LARGEST])
coordinates = st.floats(0, 300) | st.floats(-LARGEST, LARGEST) | st.sampled_from([0.0, 1e-300])


def drawings(numbers):
    points = st.tuples(numbers, numbers).map(list)
    return st.lists(st.lists(points, min_size=1, max_size=8), min_size=1, max_size=8)


@st.composite
def scaled(draw):
    """Return strokes with all coordinates of about the same size."""
    size = draw(sizes)
    return draw(drawings(st.floats(-size, size)))


@st.composite
def flat(draw):
    """Return strokes without height or without width."""
    axis = draw(st.booleans())
    strokes = draw(drawings(st.floats(0, 300)))
    return [[[x, 7.0] if axis else [7.0, x] for x, _ in stroke] for stroke in strokes]


@st.composite
def rows(draw):
    """Return up to 45 strokes in rows, about 100 pixels tall."""
    shapes = draw(drawings(st.floats(0, 100)))
    count, gap = draw(st.integers(1, 45)), draw(st.floats(0, 150))
    return [
        [[x + gap * (i % 20), y + 200 * (i // 20)] for x, y in shapes[i % len(shapes)]]
        for i in range(count)
    ]


any_strokes = drawings(coordinates) | scaled() | flat() | rows()

LONG = {
    "one long stroke": [[[i % 280, (i * i) % 277] for i in range(MAX_POINTS)]],
    "points": [[[37.0 * (i % 100), 41.0 * (i // 100)]] for i in range(MAX_POINTS)],
    "repeated point": [[[5.0, 5.0]] * MAX_POINTS],
    "waves": [[[70.0 * i, 0.04 * n] for n in range(4_000)] for i in range(5)],
    "lines side by side": [[[0.4 * i, 9 * i + 0.03 * n] for n in range(3_000)] for i in range(2)],
    "row": [[[50.0 * i, 2.0 * n] for n in range(50)] for i in range(MAX_PARTS)],
    "wide stroke": [[[0.4 * n, 20 * math.sin(n / 400)] for n in range(9_000)]],
    "lines": [[[60.0 * (i % 20), 150.0 * (i // 20)], [60.0 * (i % 20), 150.0 * (i // 20) + 100]]
              for i in range(60)],
    "joined row": [
        [[200.0 * i + n, 50 + 50 * math.sin(n / 9)] for n in range(180)] for i in range(20)
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def check(shipped):
    def predicts_finite(strokes):
        prediction = predict_strokes(shipped, strokes)
        assert 1 <= len(prediction.digits) <= MAX_PARTS
        drawing = bounding_box(strokes)
        for digit in prediction.digits:
            assert np.isfinite(digit.box).all()
            assert np.isfinite(digit.probabilities).all()
            assert digit.grid.any()
            assert _is_within(digit.box, drawing)
            assert strokes_in(digit.box, strokes)
        assert prediction.text.replace("\n", "") == "".join(
            digit.character for digit in prediction.digits
        )

    return predicts_finite


def _is_within(box, drawing):
    """Return whether a box lies within another, up to the rounding of its width and height."""
    margin = 1e-12 * max(map(abs, drawing))
    (low, size), (other, other_size) = (np.reshape(each, (2, 2)) for each in (box, drawing))
    return (low >= other - margin).all() and (low + size <= other + other_size + margin).all()


@settings(max_examples=300)
@given(any_strokes)
@example([[[0.0, 0.0], [2e-162, 0.0]], [[5e-324, 1.0]]])
@example([[[-LARGEST, -LARGEST], [LARGEST, LARGEST]], [[0.0, 1e-300]]])
def test_predict_any_strokes_is_finite_and_within_the_drawing(check, strokes):
    """Warnings are errors in all tests."""
    check(strokes)


@pytest.mark.parametrize("strokes", LONG.values(), ids=LONG)
def test_predict_many_points_is_finite_and_within_the_drawing(check, strokes):
    check(strokes)


@pytest.mark.parametrize("strokes", LONG.values(), ids=LONG)
def test_segment_bounds_candidates_and_distances(monkeypatch, strokes):
    """Time grows with the candidates and with the distances between points and lines."""
    measured = []
    smallest = distances._smallest_distance

    def counted(points, start, end):
        measured.append(len(points) * len(start))
        return smallest(points, start, end)

    monkeypatch.setattr(distances, "_smallest_distance", counted)
    for line in split_lines(strokes):
        groups, _ = segment_strokes(line)
        assert len(groups) <= MAX_PARTS_IN_DIGIT * MAX_PARTS + 1
    assert max(measured, default=0) <= distances.MAX_DISTANCES
    # Each cut between parts of a row compares both ways.
    assert len(measured) <= 4 * MAX_PARTS
