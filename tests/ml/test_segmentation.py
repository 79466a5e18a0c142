"""Taking drawings apart into digits, and the numbers that this is measured with."""

import random
import tracemalloc
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from HersheyFonts import HersheyFonts
from hypothesis import given
from hypothesis import strategies as st

from ml.classifier import Verdict
from ml.evaluation import synthetic_numbers
from ml.preprocessing import segmentation
from ml.preprocessing.strokes import bounding_box, rasterize
from ml.recognition import predict_strokes
from ml.training.stroke_files import StrokeSample

BAR = [[0.0, 0.0], [2.0, 100.0]]
RING = [[50 + 30 * np.cos(a), 50 + 50 * np.sin(a)] for a in np.linspace(0, 6.2, 40)]
# One digit in strokes that do not touch, or hardly.
FOUR = [[[30, 0], [0, 60], [58, 60]], [[60, 20], [58, 100]]]
FIVE = [[[10, 5], [8, 45], [35, 38], [55, 60], [40, 95], [5, 98]], [[14, 0], [60, -3]]]
SEVEN = [[[0, 0], [60, 0], [20, 100]], [[15, 50], [65, 48]]]

coordinates = st.floats(0, 300)
drawings = st.lists(
    st.lists(st.tuples(coordinates, coordinates).map(list), min_size=1, max_size=6), max_size=8
)


def never(supposed):
    raise AssertionError(f"the judge was asked about {len(supposed)} groups")


def judge_by(certainty):
    """A judge that is as certain of each group as ``certainty`` of it says."""

    def judge(supposed):
        sure = np.array([certainty(group) for group in supposed], dtype=np.float32)
        rest = (1 - sure) / 9
        return np.hstack([sure[:, None], np.repeat(rest[:, None], 9, axis=1)])

    return judge


@cache
def hershey():
    """The strokes of each digit, 100 pixels tall."""
    font = HersheyFonts()
    font.load_default_font("futural")
    return {
        digit: [[[100 * x / 21, 100 * y / 21] for x, y in stroke] for stroke in strokes]
        for digit in "0123456789"
        if (strokes := list(font.strokes_for_text(digit)))
    }


def compose(text, seed=0, **layout):
    return synthetic_numbers.join_strokes(
        [hershey()[digit] for digit in text], np.random.default_rng(seed), **layout
    )


def moved(strokes, right):
    return [[[x + right, y] for x, y, *_ in stroke] for stroke in strokes]


@pytest.fixture
def of_strokes(shipped):
    return lambda groups: shipped.predict(np.stack([rasterize(group) for group in groups]))


@pytest.fixture
def read(of_strokes):
    return lambda strokes: text(of_strokes(segmentation.groups(strokes, of_strokes)))


def text(probabilities):
    return "".join(map(str, probabilities.argmax(axis=1)))


def test_no_points_make_no_digits():
    assert segmentation.groups([], never) == []
    assert segmentation.groups([[], []], never) == []


def test_a_single_stroke_is_one_digit_without_asking():
    assert segmentation.groups([[], RING], never) == [[RING]]


def test_strokes_that_plainly_overlap_are_one_digit_without_asking():
    through = [[20.0, 0.0], [80.0, 100.0]]
    assert segmentation.groups([through, RING], never) == [[through, RING]]


@pytest.mark.parametrize("number", ["23", "40", "505", "2024", "34567", "98760"])
@pytest.mark.parametrize("layout", [{}, {"shear": 0.3}, {"gaps": (0.0, 0.0)}])
def test_reads_numbers(read, number, layout):
    assert read(compose(number, **layout)) == number


@pytest.mark.parametrize("slope", [-0.3, 0.3])
def test_a_number_may_climb_or_fall(read, slope):
    strokes = [[[x, y + slope * x] for x, y in stroke] for stroke in compose("20345")]
    assert read(strokes) == "20345"


@pytest.mark.parametrize(("strokes", "digit"), [(FOUR, "4"), (FIVE, "5"), (SEVEN, "7")])
def test_a_digit_in_two_strokes_stays_one(read, strokes, digit):
    assert read(strokes) == digit
    assert read(moved(strokes, 0) + moved(hershey()["2"], 90)) == digit + "2"


def test_the_order_and_the_size_of_the_strokes_do_not_matter(read):
    strokes = compose("4742")
    assert read(strokes[::-1]) == "4742"
    assert read([[[x / 9, y / 9] for x, y in stroke] for stroke in strokes]) == "4742"


def test_strokes_keep_the_order_they_were_drawn_in():
    second, first = RING, [[75.0, 10.0], [20.0, 90.0]]
    later = moved([BAR], 150)
    groups = segmentation.groups([*later, second, first], judge_by(lambda group: 0.9))
    assert groups == [[second, first], later]


def test_a_tap_beside_a_digit_is_left_out():
    assert segmentation.groups([RING, [[95.0, 90.0]]], never) == [[RING]]


@pytest.mark.parametrize("mark", [[[95, 60], [115, 58]], [[100, 0], [101, 25]]])
def test_a_short_stroke_is_no_digit_of_its_own(mark):
    assert segmentation.groups([RING, mark], never) == [[RING, mark]]


def test_the_judge_decides_what_is_in_doubt():
    strokes = [RING, *moved([BAR], 84)]
    together = judge_by(lambda group: 0.99 if len(group) == 2 else 0.2)
    apart = judge_by(lambda group: 0.2 if len(group) == 2 else 0.99)
    assert segmentation.groups(strokes, together) == [strokes]
    assert segmentation.groups(strokes, apart) == [[stroke] for stroke in strokes]


def test_a_wide_gap_needs_more_than_a_doubt_to_be_bridged():
    strokes = [RING, *moved([BAR], 180)]
    assert len(segmentation.groups(strokes, judge_by(lambda group: 0.5 * len(group)))) == 2


def test_strokes_whose_ends_meet_are_one_though_each_looks_like_a_digit():
    surer_apart = judge_by(lambda group: 0.99 if len(group) == 1 else 0.2)
    meeting = [[[40.0, 0.0], [0.0, 100.0]], [[40.0, 1.0], [80.0, 100.0]]]
    assert segmentation.groups(meeting, surer_apart) == [meeting]
    touching = [[[40.0, 0.0], [0.0, 100.0]], [[20.0, 50.0], [80.0, 50.0], [60.0, 100.0]]]
    assert segmentation.groups(touching, surer_apart) == [[stroke] for stroke in touching]


@pytest.mark.parametrize("letter", ["M", "N", "V", "W"])
def test_letters_of_straight_lines_are_no_numbers(shipped, letter):
    font = HersheyFonts()
    font.load_default_font("futural")
    reading = predict_strokes(shipped, [*font.strokes_for_text(letter)])
    assert [digit.verdict for digit in reading.digits] == [Verdict.NOT_A_DIGIT]


def test_neighbors_that_are_not_alike_are_sooner_one_digit():
    sure = judge_by(lambda group: 0.9)
    assert segmentation.groups(FOUR, sure) == [FOUR]
    assert len(segmentation.groups([RING, *moved([BAR], 84)], sure)) == 2


def test_two_rivals_are_a_digit_nevertheless():
    def judge(groups):
        rivals, poor = [0.5, 0.5] + [0.0] * 8, [0.5] + [0.5 / 9] * 9
        return np.array([rivals if len(group) == 1 else poor for group in groups], np.float32)

    assert len(segmentation.groups([RING, *moved([BAR], 84)], judge)) == 2


def test_the_judge_is_asked_once():
    asked = []

    def judge(groups):
        asked.append(groups)
        return judge_by(lambda group: 0.9)(groups)

    segmentation.groups([RING, *moved([BAR], 90), *moved([RING], 100)], judge)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "strokes",
    [
        [[[10.0 * i, 0.0], [10.0 * i, 80.0]] for i in range(500)],
        [[[50.0 * i, 7.0], [50.0 * i + 20, 7.0]] for i in range(4)],
        [[[30.0 * i, 20.0 * i]] for i in range(6)],
        [[[5.0, 5.0]]] * 3,
        [[[40.0 * i + 20 * (n % 2), 3.0 * n] for n in range(250)] for i in range(40)],
        [[[70.0 * i, 0.02 * n] for n in range(6_000)] for i in range(2)],
    ],
    ids=["a fence", "dashes", "dots", "one dot", "scribbles", "too many points"],
)
def test_what_is_no_writing_is_left_whole(strokes):
    assert segmentation.groups(strokes, never) == [strokes]


def test_ink_so_dense_that_nobody_can_say_touches():
    rng = random.Random(0)
    one, other = ([[rng.uniform(x, x + 20), rng.uniform(0, 100)] for _ in range(600)]
                  for x in (0, 2))  # fmt: skip
    lines = [np.array(one)], [np.array(other)]
    assert segmentation._are_near(*lines, near=0.0)


def test_slow_pens_and_fast_ones_cost_little_memory():
    strokes = [[[70.0 * i, 0.04 * n] for n in range(4_000)] for i in range(2)]
    tracemalloc.start()
    groups = segmentation.groups(strokes, judge_by(lambda group: 0.9))
    assert [len(group) for group in groups] == [1, 1]
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@given(drawings)
def test_no_stroke_is_in_two_digits(drawing):
    numbered = [[[*point, i] for point in stroke] for i, stroke in enumerate(drawing)]
    groups = segmentation.groups(numbered, judge_by(lambda group: 1 / (1 + len(group))))
    drawn = [stroke[0][2] for group in groups for stroke in group]
    assert len(set(drawn)) == len(drawn)
    assert bool(drawn) == bool(drawing)


def test_numbers_are_repeatable_and_of_one_hand():
    digits = [
        StrokeSample(moved(strokes, 100), int(digit), writer)
        for digit, strokes in hershey().items()
        for writer in ("low", "high")
        if (int(digit) >= 5) == (writer == "high")
    ]
    made = list(synthetic_numbers.generate_strokes(digits, 30, seed=4))
    assert made == list(synthetic_numbers.generate_strokes(digits, 30, seed=4))
    assert made != list(synthetic_numbers.generate_strokes(digits, 30, seed=5))
    assert {len(number.text) for number in made} == {2, 3, 4, 5}
    for number in made:
        assert len({digit >= "5" for digit in number.text}) == 1


def test_digits_of_a_number_stand_apart_by_the_gap():
    strokes = compose("808", gaps=(0.2, 0.2))
    boxes = [bounding_box([stroke]) for stroke in strokes]
    gaps = [second[0] - first[0] - first[2] for first, second in pairwise(boxes)]
    assert gaps == pytest.approx([20 * synthetic_numbers.WIDTH] * 2)
    assert len({round(box[3], 3) for box in boxes}) == 3


def test_shear_leans_a_number_to_the_right():
    upright, leaning = ([np.array(stroke) for stroke in compose("70", shear=s)] for s in (0, 0.3))
    for one, other in zip(upright, leaning, strict=True):
        assert other[:, 0] == pytest.approx(one[:, 0] - 0.3 * one[:, 1])
        assert (other[:, 1] == one[:, 1]).all()
