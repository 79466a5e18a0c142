"""Percent and dollar signs in a line of strokes."""

import math

import pytest

from ml.preprocessing.punctuation import split_punctuation


def loop(x, y, radius):
    turns = [2 * math.pi * step / 12 for step in range(13)]
    return [[x + radius * math.sin(turn), y - radius * math.cos(turn)] for turn in turns]


SLASH = [[160, 0], [100, 100]]
PERCENT = [loop(105, 20, 15), SLASH, loop(155, 80, 15)]
S = [[150, 30], [125, 15], [102, 30], [125, 50], [148, 70], [125, 85], [100, 75]]
DOLLAR = [S, [[127, 0], [123, 100]]]
DIGIT = [[0, 5], [40, 5], [10, 95]]
AFTER = [[200, 5], [240, 5], [210, 95]]


@pytest.mark.parametrize(
    "sign",
    [
        PERCENT,
        [PERCENT[1], PERCENT[2], PERCENT[0]],
        [[[100, 15], [112, 22]], SLASH, [[150, 80], [160, 84], [156, 80]]],
        [PERCENT[0], [[160, 0], [100, 100], [112, 84]], PERCENT[2]],
        DOLLAR,
        [S, [[120, 2], [118, 98]], [[132, 2], [130, 98]]],
        [S, [[160, 0], [90, 100]]],
        [*DOLLAR, [[x + 3, y] for x, y in S]],
    ],
    ids=[
        "percent",
        "slash first",
        "small parts",
        "slash with a hook",
        "dollar",
        "two lines",
        "slanted line",
        "drawn twice",
    ],
)
def test_sign_is_one_mark(sign):
    assert split_punctuation(sign) == [(sign, True)]
    assert split_punctuation([DIGIT, *sign, AFTER]) == [
        ([DIGIT], False),
        (sign, True),
        ([AFTER], False),
    ]


def test_percent_sign_between_specks_has_its_own_circles():
    left, right = [[84, 62], [86, 66]], [[174, 34], [176, 38]]
    assert split_punctuation([left, *PERCENT, right]) == [
        ([left], False),
        (PERCENT, True),
        ([right], False),
    ]


def test_both_signs_of_a_line_are_marks():
    percent = [[[x + 150, y] for x, y in stroke] for stroke in PERCENT]
    assert split_punctuation([*percent, *DOLLAR]) == [(DOLLAR, True), (percent, True)]


@pytest.mark.parametrize(
    "line",
    [
        [loop(105, 20, 15), SLASH],
        [loop(105, 20, 15), SLASH, loop(125, 20, 10)],
        [loop(75, 50, 50), SLASH, loop(185, 50, 50)],
        [[[90, 0], [90, 50]], SLASH, [[160, 50], [160, 100]]],
        [loop(105, 20, 15), [[100, 0], [160, 100]], loop(155, 80, 15)],
        [loop(20, 20, 15), SLASH, loop(155, 80, 15)],
        [loop(80, 50, 25), SLASH, loop(175, 60, 25)],
        [loop(95, 30, 25), SLASH, [[150, 96], [154, 100]]],
        [*PERCENT, [[120, 45], [140, 60]]],
        [[[85, 0], [85, 45], [85, 12]], SLASH, loop(155, 80, 15)],
        [[[70, 0], [95, 0], [95, 20], [70, 45], [95, 45]], SLASH, loop(155, 80, 15)],
    ],
    ids=[
        "one loop",
        "both above",
        "large zeros",
        "fraction",
        "leaning left",
        "far loop",
        "zeros of the same height",
        "point after a digit",
        "stroke inside",
        "hook",
        "small two",
    ],
)
def test_slash_without_a_part_on_both_sides_is_no_percent_sign(line):
    assert split_punctuation(line) == [(line, False)]


@pytest.mark.parametrize(
    "line",
    [
        [S, [[127, 20], [123, 100]]],
        [S, [[127, 0], [123, 80]]],
        [S, [[160, 0], [158, 100]]],
        [loop(125, 50, 35), [[127, 0], [123, 100]]],
        [[[148, 20], [100, 50], [125, 85], [150, 50], [125, 15], [110, 30]], DOLLAR[1]],
        [[[150, 20], [100, 50], [110, 80]], DOLLAR[1]],
        [[[110, 20], [150, 50], [100, 80]], DOLLAR[1]],
        [[[0, 0], [10, 0], [0, 0]], [[5, -10], [5, 10]]],
        [[[120, 10], [95, 60], [150, 62]], [[127, 0], [123, 100]]],
        [[[100, 20], [148, 30], [110, 80], [150, 80]], [[127, 0], [123, 100]]],
    ],
    ids=[
        "low line",
        "high line",
        "line beside",
        "crossed zero",
        "zero with a tail",
        "bow to the left",
        "bow to the right",
        "flat stroke",
        "four",
        "crossed two",
    ],
)
def test_stroke_with_a_line_that_is_no_s_is_no_dollar_sign(line):
    assert split_punctuation(line) == [(line, False)]
