"""Variants of digits as strokes, and outliers made of them."""

import math
from collections import Counter

import numpy as np
import pytest

from ml.preprocessing.strokes import rasterize
from ml.training import variants
from ml.training.stroke_files import StrokeSample
from tools.samples import SEVEN

BAR = [[20, 0], [80, 0]]
FIVE = [[[30, 20], [30, 60], [60, 70], [60, 100], [20, 110]], BAR]
DIGITS = [
    StrokeSample(FIVE if digit == 5 else SEVEN, str(digit), writer)
    for writer in ("ana", "ben")
    for digit in range(10)
]
# Strokes without height, width or length, and a stroke without points.
DEGENERATE = {
    "point": [[[5, 5]]],
    "repeated point": [[[5, 5, 0], [5, 5, 9]]],
    "points": [[[5, 5]], [[5, 5]]],
    "horizontal line": [[[0, 5], [90, 5]]],
    "vertical line": [[[5, 0], [5, 90]]],
    "empty stroke": [SEVEN[0], []],
}


def by(writer, count):
    return [StrokeSample(SEVEN, "7", writer)] * count


def counts(samples):
    return Counter(sample.writer for sample in variants.balanced_variants(samples, seed=0))


def test_balanced_variants_share_grows_with_the_square_root():
    yielded = counts([*by("few", 25), *by("many", 400)])
    assert yielded["many"] / yielded["few"] == pytest.approx(math.sqrt(400 / 25), rel=0.1)


def test_balanced_variants_limits_the_variants_of_a_writer(monkeypatch):
    monkeypatch.setattr(variants, "MAX_VARIANTS", 7)
    assert counts([*by("one", 1), *by("many", 400)])["one"] == 7


def test_balanced_variants_yields_every_original_once():
    many = [StrokeSample(SEVEN, "7", "many") for _ in range(400)]
    samples = [*DIGITS, *many]
    yielded = Counter(map(id, variants.balanced_variants(samples, seed=0)))
    assert {yielded[id(sample)] for sample in samples} == {1}


@pytest.mark.parametrize(
    "generate",
    [
        variants.balanced_variants,
        lambda samples, seed: variants.crossed_out(samples, 20, seed),
        lambda samples, seed: variants.pairs(samples, 20, seed),
    ],
    ids=["balanced_variants", "crossed_out", "pairs"],
)
class TestGenerators:
    def test_same_seed_gives_the_same_samples(self, generate):
        first, second, other = (list(generate(DIGITS, seed)) for seed in (1, 1, 2))
        assert first == second
        assert first != other

    def test_no_samples_give_nothing(self, generate):
        assert list(generate([], 0)) == []

    @pytest.mark.parametrize("strokes", DEGENERATE.values(), ids=DEGENERATE.keys())
    def test_degenerate_strokes_give_finite_strokes_with_ink(
        self, generate, strokes, all_have_habits
    ):
        samples = [StrokeSample(strokes, digit, "ana") for digit in "0125"]
        for sample in generate(samples, 0):
            points = np.vstack([np.array(stroke)[:, :2] for stroke in sample.strokes if stroke])
            assert np.isfinite(points).all()
            assert rasterize(sample.strokes).any()


@pytest.fixture
def all_have_habits(monkeypatch):
    for share in ("SLASHED", "FLAGGED", "DETACHED"):
        monkeypatch.setattr(variants, share, 1.0)


def test_balanced_variants_keep_the_labels_of_rare_forms(all_have_habits):
    originals = list(map(id, DIGITS))
    rare = [
        sample
        for sample in variants.balanced_variants(DIGITS, seed=0)
        if id(sample) not in originals
    ]
    strokes = {digit: [one.strokes for one in rare if one.text == digit] for digit in "01457"}
    assert all(strokes.values())
    # A slash is a second stroke; a flaw may draw all strokes twice.
    assert {len(zero) for zero in strokes["0"]} <= {2, 4}
    assert {len(seven) for seven in strokes["7"]} <= {1, 2}


def test_with_habit_slash_of_zero_ascends_to_the_right(all_have_habits):
    *_, (start, end) = variants.with_habit(DIGITS[0], np.random.default_rng(0))
    assert start[0] < end[0]
    assert start[1] > end[1]


def test_with_habit_moves_only_the_upper_stroke_of_a_five(all_have_habits):
    body, hat = variants.with_habit(DIGITS[5], np.random.default_rng(0))
    assert body == FIVE[0]
    move = np.array(hat) - np.array(BAR)
    assert move[0] == pytest.approx(move[1])
    assert move[0][0] >= 0 >= move[0][1]


def test_vary_rotates_by_at_most_20_degrees(monkeypatch):
    monkeypatch.setattr(variants, "ROTATION", 40.0)
    rng = np.random.default_rng(0)
    lines = [np.array(variants.vary([BAR], rng)[0]) for _ in range(100)]
    angles = [math.degrees(math.atan2(*(line[1] - line[0])[::-1])) for line in lines]
    assert max(map(abs, angles)) == pytest.approx(20)


def test_vary_drops_times_and_strokes_without_points():
    (stroke,) = variants.vary([*SEVEN, []], np.random.default_rng(0))
    assert [len(point) for point in stroke] == [2] * len(SEVEN[0])


def test_crossed_out_digits_are_non_digits_never_from_0_or_7():
    marked = [
        StrokeSample([[*SEVEN[0], *[[200, 100]] * digit]], str(digit), str(digit))
        for digit in range(10)
    ]
    crossed = list(variants.crossed_out(marked, 100, seed=0))
    assert len(crossed) == 100
    assert {sample.text for sample in crossed} == {"?"}
    assert {sample.writer for sample in crossed} == set("12345689")
    for sample in crossed:
        assert list(map(len, sample.strokes)) == [5 + int(sample.writer), 2]


def test_crossed_out_without_other_digits_than_0_and_7_yields_nothing():
    assert list(variants.crossed_out([DIGITS[0], DIGITS[7]], 5, seed=0)) == []


def test_pairs_are_non_digits_of_one_writer_side_by_side():
    # The number of points shows the writer of a stroke.
    samples = [StrokeSample([[[0, 0], *[[50, 90]] * n]], "1", str(n)) for n in (1, 2)]
    pairs = list(variants.pairs(samples, 50, seed=0))
    assert len(pairs) == 50
    assert {sample.text for sample in pairs} == {"?"}
    assert {sample.writer for sample in pairs} == {"1", "2"}
    for sample in pairs:
        left, right = sample.strokes
        assert len(left) == len(right) == 1 + int(sample.writer)
        heights = [np.ptp(np.array(stroke)[:, 1]) for stroke in (left, right)]
        assert max(heights) <= min(heights) / 0.8 + 1e-9
        middle_left, middle_right = (np.array(stroke)[:, 0].mean() for stroke in (left, right))
        assert middle_left < middle_right
