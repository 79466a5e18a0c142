"""Lines of digits, and the annotations around them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.preprocessing.lattice import MAX_PARTS
from ml.preprocessing.layout import split_lines

BAR = [[50, 0], [48, 100]]
HOOK = [[0, 0], [40, 0], [30, 100]]
ROW = [HOOK, BAR, [[x + 90, y] for x, y in HOOK]]


def ellipse(x, y, width, height, turns=1.0):
    angles = np.linspace(0, 2 * np.pi * turns, 30)
    return [[x + width / 2 * np.cos(a), y + height / 2 * np.sin(a)] for a in angles]


def moved(strokes, right, down):
    return [[[x + right, y + down] for x, y in stroke] for stroke in strokes]


UNDERLINES = {
    "straight": [[-5, 120], [140, 118]],
    "sloping": [[-5, 135], [140, 112]],
    "wave": [[10 * i, 120 + 5 * (i % 2)] for i in range(14)],
    "short": [[10, 110], [110, 110]],
}
OUTLINES = {
    "circle": ellipse(65, 50, 200, 160),
    "open circle": ellipse(65, 50, 220, 190, turns=0.95),
    "overlapping circle": ellipse(65, 50, 220, 190, turns=1.2),
    "box": [[-20, -20], [160, -20], [160, 130], [-20, 130], [-20, -19]],
}
TICKS = {
    "right": [[400, 50], [420, 60]],
    "below": [[60, 300], [65, 330]],
    "point": [[-200, -200]],
}


@pytest.mark.parametrize(
    "annotation",
    [*UNDERLINES.values(), *OUTLINES.values(), *TICKS.values()],
    ids=[*UNDERLINES, *OUTLINES, *TICKS],
)
def test_split_lines_drops_annotations(annotation):
    assert split_lines([annotation, *ROW]) == [ROW]
    assert split_lines([*ROW, annotation]) == [ROW]


def test_split_lines_drops_an_underline_and_a_tick_together():
    assert split_lines([*ROW, UNDERLINES["straight"], TICKS["right"]]) == [ROW]


def test_split_lines_drops_a_double_underline_in_a_circle():
    upper, lower = [[-5, 115], [140, 115]], [[-5, 125], [140, 125]]
    circle = ellipse(65, 60, 250, 220)
    assert split_lines([circle, *ROW, upper, lower]) == [ROW]


@pytest.mark.parametrize(
    "stroke",
    [
        [[-5, 98], [140, 98]],
        [[0, 120], [60, 118]],
        [[-5, 50], [140, 50]],
        [[0, 150], [140, 110]],
        [[-5, -20], [140, -20]],
    ],
    ids=["foot", "narrow", "through", "steep", "above"],
)
def test_split_lines_keeps_strokes_that_are_no_underline(stroke):
    assert split_lines([*ROW, stroke]) == [[*ROW, stroke]]


@pytest.mark.parametrize(
    "stroke",
    [ellipse(65, 50, 200, 160, turns=0.6), ellipse(65, 50, 128, 160), ellipse(65, 50, 1500, 900)],
    ids=["parenthesis", "crossing", "far larger"],
)
def test_split_lines_keeps_strokes_that_are_no_outline(stroke):
    assert split_lines([*ROW, stroke]) == [[*ROW, stroke]]


def test_split_lines_keeps_the_bowl_of_a_letter_around_its_stem():
    stem = [[20, 30], [24, 100]]
    bowl = [[0, 40], [20, 5], [70, 10], [70, 50], [25, 60], [110, 120]]
    assert split_lines([stem, bowl]) == [[stem, bowl]]


def test_split_lines_keeps_a_zero_around_its_slash():
    zero = ellipse(30, 50, 60, 100)
    for slash in ([[46, 20], [14, 80]], [[14, 30], [46, 70]]):
        assert split_lines([zero, slash]) == [[zero, slash]]
    one = [[32, 20], [26, 80]]
    assert split_lines([zero, one]) == [[one]]


@pytest.mark.parametrize(
    "stroke", [[[200, 50], [220, 60]], [[400, 0], [420, 60]]], ids=["near", "large"]
)
def test_split_lines_keeps_strokes_that_are_no_tick(stroke):
    assert split_lines([*ROW, stroke]) == [[*ROW, stroke]]


@pytest.mark.parametrize("count", [2, 3])
def test_split_lines_returns_lines_from_top_to_bottom(count):
    lines = [moved(ROW, 10 * i, 140 * i) for i in range(count)]
    assert split_lines([stroke for line in lines[::-1] for stroke in line]) == lines


def test_split_lines_keeps_the_drawing_order_of_strokes():
    upper, lower = [*moved(ROW[2:], 0, 9), *ROW[:2]], moved(ROW, 0, 150)
    drawn = [stroke for pair in zip(upper, lower, strict=True) for stroke in pair]
    assert split_lines(drawn) == [upper, lower]


def test_split_lines_keeps_a_steep_row_in_one_line():
    steep = [stroke for i in range(4) for stroke in moved([HOOK], 60 * i, 60 * i)]
    assert split_lines(steep) == [steep]


@pytest.mark.parametrize(("gap", "lines"), [(10, 1), (60, 2), (180, 1)])
def test_split_lines_of_two_strokes_needs_some_gap(gap, lines):
    """Two circles may be an 8 or a colon."""
    circles = [ellipse(50, 50, 80, 100), ellipse(50, 150 + gap, 80, 100)]
    assert len(split_lines(circles)) == lines


def test_split_lines_keeps_a_low_stroke_below_in_its_line():
    mark = [[20, 130], [30, 125]]
    assert split_lines([*ROW, mark]) == [[*ROW, mark]]


@pytest.mark.parametrize(
    "strokes",
    [[], [HOOK], [[[5, 5]], [[5, 5]]], [[[0, 5], [90, 5]], [[0, 5], [80, 5]]]],
    ids=["none", "one", "points", "flat"],
)
def test_split_lines_of_few_or_flat_strokes_keeps_all(strokes):
    assert split_lines(strokes) == ([strokes] if strokes else [])


def test_split_lines_of_too_many_strokes_is_one_line():
    strokes = [[[0, 50 * i], [40, 50 * i + 30]] for i in range(MAX_PARTS + 1)]
    assert split_lines(strokes) == [strokes]


coordinates = st.floats(-1e15, 1e15) | st.floats(0, 300) | st.sampled_from([0, 1e-300, -1e-300])
strokes = st.lists(st.tuples(coordinates, coordinates).map(list), min_size=1, max_size=5)


@given(st.lists(strokes, min_size=1, max_size=8))
def test_split_lines_puts_each_stroke_in_at_most_one_line(drawing):
    numbered = [[[*point, i] for point in stroke] for i, stroke in enumerate(drawing)]
    found = [[stroke[0][2] for stroke in line] for line in split_lines(numbered)]
    flat = [i for line in found for i in line]
    assert flat
    assert len(set(flat)) == len(flat)
    assert all(line == sorted(line) for line in found)
