"""Segmentation of strokes, and the synthetic numbers that measure it."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from HersheyFonts import HersheyFonts
from hypothesis import given
from hypothesis import strategies as st

from ml.classifier import Verdict
from ml.evaluation import synthetic_numbers
from ml.preprocessing.segmentation import segment_strokes, strokes_in
from ml.preprocessing.strokes import Box, bounding_box
from ml.recognition import predict_strokes
from ml.training.stroke_files import StrokeSample

BAR = [[0.0, 0.0], [2.0, 100.0]]
RING = [[float(50 + 30 * np.cos(a)), float(50 + 50 * np.sin(a))] for a in np.linspace(0, 6.2, 40)]
# A digit of two strokes that touch little.
FOUR = [[[30, 0], [0, 60], [58, 60]], [[60, 20], [58, 100]]]

coordinates = st.floats(0, 300)
drawings = st.lists(
    st.lists(st.tuples(coordinates, coordinates).map(list), min_size=1, max_size=6),
    min_size=1,
    max_size=8,
)


def segment(strokes, predict):
    """Return the strokes of each digit that the lattice chooses."""
    return [group for group, _ in marks(strokes, predict)]


def marks(strokes, predict):
    """Return the strokes of each digit or mark that the lattice chooses, and which are marks."""
    candidates, lattice = segment_strokes(strokes)
    return [(candidates[i], mark) for i, mark, _ in lattice.best_path(predict(candidates))]


def predict_by(probability):
    """Return a model whose largest probability for a candidate is ``probability`` of it."""

    def predict(candidates):
        largest = np.array([probability(one) for one in candidates], dtype=np.float32)
        rest = (1 - largest) / 9
        return np.hstack([largest[:, None], np.repeat(rest[:, None], 9, axis=1)])

    return predict


@cache
def hershey():
    """Return the strokes of each digit, 100 pixels high."""
    font = HersheyFonts()
    font.load_default_font("futural")
    return {
        digit: [[[100 * x / 21, 100 * y / 21] for x, y in stroke] for stroke in strokes]
        for digit in "0123456789"
        if (strokes := list(font.strokes_for_text(digit)))
    }


def compose(text, shear=0.0, **layout):
    strokes = synthetic_numbers.join_strokes(
        [hershey()[digit] for digit in text], np.random.default_rng(0), **layout
    )
    return [[[x - shear * y, y] for x, y in stroke] for stroke in strokes]


def moved(strokes, right):
    return [[[x + right, y] for x, y, *_ in stroke] for stroke in strokes]


@pytest.fixture
def predict(shipped):
    return lambda strokes: predict_strokes(shipped, strokes).text


@pytest.mark.parametrize("number", ["23", "40", "505", "2024", "34567", "98760"])
@pytest.mark.parametrize("layout", [{}, {"shear": 0.3}, {"gaps": (0.0, 0.0)}])
def test_predict_numbers(predict, number, layout):
    assert predict(compose(number, **layout)) == number


def test_segment_keeps_the_drawing_order_of_strokes():
    second, first = RING, [[75.0, 10.0], [20.0, 90.0]]
    later = moved([BAR], 150)
    groups = segment([*later, second, first], predict_by(lambda group: 0.9))
    assert groups == [[second, first], later]


@pytest.mark.parametrize("mark", [[[95, 60], [115, 58]], [[90, 90], [85, 110]]])
def test_segment_low_stroke_apart_from_a_digit_follows_the_probabilities(mark):
    together = predict_by(lambda group: 0.99 if len(group) == 2 else 0.3)
    apart = predict_by(lambda group: 0.99 if len(group) == 1 else 0.3)
    assert marks([RING, mark], together) == [([RING, mark], False)]
    assert marks([RING, mark], apart) == [([RING], False), ([mark], True)]
    (before,) = moved([mark], -100)
    assert marks([RING, before], apart) == [([before], True), ([RING], False)]


@pytest.mark.parametrize(
    ("slash", "is_mark"),
    [
        ([[130, -20], [90, 130]], True),
        ([[115, -50], [115, 150]], True),
        ([[115, -20], [115, 130]], False),
        ([[130, 10], [100, 90]], False),
        ([[100, 0], [130, 50], [100, 100], [100, 130], [100, -20]], False),
    ],
    ids=["slash", "high bar", "upright bar", "bar", "loop"],
)
def test_segment_tall_slash_between_digits_is_a_mark(slash, is_mark):
    strokes = [RING, slash, *moved([RING], 130)]
    found = marks(strokes, predict_by(lambda group: 0.99 if len(group) == 1 else 0.2))
    assert found == [([RING], False), ([slash], is_mark), (moved([RING], 130), False)]


def test_segment_tall_bar_at_the_end_of_a_row_is_a_digit():
    bar = [[130, -20], [115, 130]]
    assert marks([RING, bar], predict_by(lambda group: 0.99)) == [([RING], False), ([bar], False)]


def test_segment_unlikely_part_of_any_size_keeps_its_own_entry():
    part = [[95, 40], [130, 60], [95, 80]]
    apart = predict_by(lambda group: 0.99 if group == [RING] else 0.12)
    assert segment([RING, part], apart) == [[RING], [part]]


def test_strokes_in_takes_the_longest_piece_in_the_box():
    assert strokes_in(Box(0, 0, 9, 9), [[[5, 5], [50, 5], [1, 1], [9, 9]]]) == [[[1, 1], [9, 9]]]


def test_segment_cuts_a_wide_stroke_into_joined_digits():
    zeros = [*RING, *([180 - x, y] for x, y in RING)]
    apart = predict_by(lambda group: 0.99 if len(group) == 1 and len(group[0]) < 50 else 0.2)
    assert segment([zeros], apart) == [[zeros[:40]], [zeros[40:]]]
    assert segment([zeros], predict_by(lambda group: 0.6)) == [[zeros]]


def test_segment_line_that_joins_two_digits_belongs_to_neither():
    (second,) = moved([RING], 150)
    zeros = [*RING, *second]
    groups = segment([zeros], predict_by(lambda group: 0.99 if group != [zeros] else 0.2))
    assert groups == [[RING], [second]]
    assert [strokes_in(bounding_box(group), [zeros]) for group in groups] == groups


def test_segment_follows_the_probabilities():
    strokes = [RING, *moved([BAR], 84)]
    together = predict_by(lambda group: 0.99 if len(group) == 2 else 0.2)
    apart = predict_by(lambda group: 0.2 if len(group) == 2 else 0.99)
    assert segment(strokes, together) == [strokes]
    assert segment(strokes, apart) == [[stroke] for stroke in strokes]


def test_segment_splits_at_a_wide_gap_despite_lower_probabilities():
    strokes = [RING, *moved([BAR], 180)]
    assert len(segment(strokes, predict_by(lambda group: 0.5 * len(group)))) == 2


@pytest.mark.parametrize("size", [0.02, 1.0])
def test_segment_joins_strokes_with_meeting_ends(size):
    prefer_apart = predict_by(lambda group: 0.99 if len(group) == 1 else 0.1)
    first = [[40 * size, 0.0], [0.0, 100 * size]]
    meeting = [first, [[40 * size, size], [80 * size, 100 * size]]]
    assert segment(meeting, prefer_apart) == [meeting]
    touching = [first, [[20 * size, 50 * size], [70 * size, 50 * size], [60 * size, 110 * size]]]
    assert segment(touching, prefer_apart) == [[stroke] for stroke in touching]


@pytest.mark.parametrize("letter", ["M", "N", "V", "W"])
def test_predict_letters_of_straight_lines_is_not_a_digit(shipped, letter):
    font = HersheyFonts()
    font.load_default_font("futural")
    reading = predict_strokes(shipped, [*font.strokes_for_text(letter)])
    assert [digit.verdict for digit in reading.digits] == [Verdict.NOT_A_DIGIT]


def test_segment_joins_neighbors_of_different_height():
    sure = predict_by(lambda group: 0.9)
    assert segment(FOUR, sure) == [FOUR]
    assert len(segment([RING, *moved([BAR], 84)], sure)) == 2


WHOLE = {
    "fence": [[[10.0 * i, 0.0], [10.0 * i, 80.0]] for i in range(500)],
    "dashes": [[[50.0 * i, 7.0], [50.0 * i + 20, 7.0]] for i in range(4)],
    "repeated dot": [[[5.0, 5.0]]] * 3,
    "scribbles": [[[40.0 * i + 20 * (n % 2), 3.0 * n] for n in range(250)] for i in range(40)],
    "too many points": [[[70.0 * i, 0.02 * n] for n in range(6_000)] for i in range(2)],
    "stroke through a ring": [RING, [[20.0, 0.0], [80.0, 100.0]]],
    "hat": [RING, [[95, 3], [125, 0]]],
    "low stroke that overlaps a ring": [RING, [[75, 60], [95, 58]]],
    "cut at the last point": [[[0.0, 0.0], [90.0, 60.0]]],
}


@pytest.mark.parametrize("strokes", WHOLE.values(), ids=WHOLE)
def test_segment_one_digit_or_other_drawing_proposes_one_candidate(strokes):
    candidates, _ = segment_strokes(strokes)
    assert candidates == [strokes]


def test_segment_drops_a_tap_beside_a_digit():
    candidates, _ = segment_strokes([RING, [[95.0, 90.0]]])
    assert candidates == [[RING]]


@given(drawings)
def test_segment_assigns_each_line_to_at_most_one_digit(drawing):
    numbered = [
        [[*point, (i, k)] for k, point in enumerate(stroke)] for i, stroke in enumerate(drawing)
    ]
    groups = segment(numbered, predict_by(lambda group: 1 / (1 + len(group))))
    drawn = [
        tuple(point[2] for point in line)
        for group in groups
        for stroke in group
        for line in (pairwise(stroke) if len(stroke) > 1 else [stroke])
    ]
    assert len(set(drawn)) == len(drawn)
    assert drawn


def test_synthetic_numbers_are_reproducible_and_by_one_writer():
    digits = [
        StrokeSample(moved(strokes, 100), digit, writer)
        for digit, strokes in hershey().items()
        for writer in ("low", "high")
        if (int(digit) >= 5) == (writer == "high")
    ]
    made = list(synthetic_numbers.generate_strokes(digits, 30, seed=4))
    assert made == list(synthetic_numbers.generate_strokes(digits, 30, seed=4))
    assert made != list(synthetic_numbers.generate_strokes(digits, 30, seed=5))
    assert {len(text) for _, text in made} == {2, 3, 4, 5}
    for _, text in made:
        assert len({digit >= "5" for digit in text}) == 1


def test_synthetic_numbers_separate_digits_by_the_gap():
    strokes = compose("808", gaps=(0.2, 0.2))
    boxes = [bounding_box([stroke]) for stroke in strokes]
    gaps = [second[0] - first[0] - first[2] for first, second in pairwise(boxes)]
    assert gaps == pytest.approx([20 * synthetic_numbers.WIDTH] * 2)
    assert len({round(box[3], 3) for box in boxes}) == 3
