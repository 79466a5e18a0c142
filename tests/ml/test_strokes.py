"""Rasterizing and rounding strokes."""

import random
import tracemalloc
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml.preprocessing.strokes import TAP, bounding_box, is_blank, rasterize, round_strokes

coordinates = st.floats(0, 300)
strokes = st.lists(
    st.lists(st.tuples(coordinates, coordinates).map(list), min_size=1, max_size=20),
    min_size=1,
    max_size=4,
)


def differ(one, other):
    """Return the largest difference between two grids, in levels."""
    return np.abs(one.astype(int) - other).max()


def side(drawing):
    return max(bounding_box(drawing)[2:])


def test_rasterize_without_points_is_blank():
    assert not rasterize([]).any()
    assert is_blank([[], []])


def test_rasterize_tap_gives_a_centered_dot():
    grid = rasterize([[[200, 13]]])
    assert grid[14, 14] == 255
    assert grid.sum() / 255 < 4


def test_rasterize_scales_to_the_box():
    rows, columns = np.nonzero(rasterize([[[0, 0], [0, 300]]]))
    assert np.ptp(rows) + 1 in (20, 21)
    assert np.ptp(columns) + 1 <= 3


@given(strokes, st.floats(0.05, 20), coordinates, coordinates)
def test_rasterize_ignores_size_and_place(drawing, scale, right, down):
    moved = [[[scale * x + right, scale * y + down] for x, y in stroke] for stroke in drawing]
    assume(min(side(drawing), side(moved)) > TAP)
    assert differ(rasterize(drawing), rasterize(moved)) <= 1


@given(strokes, st.integers(2, 50))
def test_rasterize_ignores_the_sampling_rate(drawing, times):
    assume(side(drawing) > TAP)
    dense = [
        [
            [x0 + (x1 - x0) * i / times, y0 + (y1 - y0) * i / times]
            for (x0, y0), (x1, y1) in pairwise(stroke)
            for i in range(times)
        ]
        + stroke[-1:]
        for stroke in drawing
    ]
    assert differ(rasterize(drawing), rasterize(dense)) <= 1


@given(strokes)
def test_rasterize_ignores_stroke_order_and_direction(drawing):
    back = [stroke[::-1] for stroke in drawing[::-1]]
    assert differ(rasterize(drawing), rasterize(back)) <= 1


@given(strokes)
def test_rasterize_keeps_ink_on_the_grid(drawing):
    assume(side(drawing) > TAP)
    grid = rasterize(drawing)
    assert grid.max() > 200
    # The ink keeps its extent: nothing was pushed off the edge.
    assert max(np.ptp(axis) for axis in np.nonzero(grid)) >= 17


def test_rasterize_scribble_bounds_memory():
    rng = random.Random(0)
    scribble = [[[rng.uniform(0, 300), rng.uniform(0, 300)] for _ in range(10_000)]]
    tracemalloc.start()
    assert rasterize(scribble).any()
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


SIDES = st.floats(1e-300, 1e15) | st.floats(0.1, 1000)


@given(st.data())
def test_round_strokes_keeps_a_ten_thousandth_of_the_side_and_is_idempotent(data):
    extent, origin = data.draw(SIDES), data.draw(st.sampled_from((0.0, -5.0, 200.0)))
    number = st.floats(origin, origin + extent)
    points = st.lists(st.lists(number, min_size=2, max_size=3), min_size=1, max_size=6)
    strokes = data.draw(st.lists(points, min_size=1, max_size=3))
    rounded = round_strokes(strokes)
    assert round_strokes(rounded) == rounded
    step = min(0.01, side(strokes) / 10_000) or 0.01
    step = max(step, 1e-12, 1e-15 * max(abs(origin), extent))
    pairs = zip(chain.from_iterable(strokes), chain.from_iterable(rounded), strict=True)
    for point, other in pairs:
        assert other[:2] == pytest.approx(point[:2], abs=step, rel=0)


def test_round_strokes_changes_no_tenths():
    """The page sends tenths, and compares its strokes with the boxes of the server."""
    strokes = [[[x / 10, x / 5, x] for x in range(-50, 3_000, 7)]]
    assert round_strokes(strokes) == strokes


def test_round_strokes_of_tiny_coordinates_is_zero():
    assert round_strokes([[[1e-300, -1e-300, 1e-300]] * 3]) == [[[0.0, 0.0, 0.0]] * 3]


@pytest.mark.parametrize("strokes", [[], [[]], [[[3, 4]]]])
def test_round_strokes_of_few_points_changes_nothing(strokes):
    assert round_strokes(strokes) == strokes
