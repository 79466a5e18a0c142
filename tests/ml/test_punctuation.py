"""Parentheses and dots below a character in a line of strokes."""

import pytest

from ml.preprocessing.punctuation import split_punctuation

OPENING = [[20, 0], [0, 50], [20, 100]]
CLOSING = [[100, 0], [120, 50], [100, 100]]
DIGIT = [[50, 10], [70, 10], [50, 90]]


def test_parentheses_of_a_line_are_pieces():
    after = [[150, 10], [150, 90]]
    assert split_punctuation([DIGIT, CLOSING, after, OPENING]) == [
        ([OPENING], True),
        ([DIGIT], False),
        ([CLOSING], True),
        ([after], False),
    ]


def test_highest_of_several_bows_is_the_closing_parenthesis():
    before, after = ([[x, 10], [x + 15, 50], [x, 90]] for x in (80, 150))
    assert split_punctuation([OPENING, DIGIT, before, CLOSING, after]) == [
        ([OPENING], True),
        ([DIGIT, before], False),
        ([CLOSING], True),
        ([after], False),
    ]


def test_parentheses_drawn_upwards_are_pieces():
    opening, closing = OPENING[::-1], CLOSING[::-1]
    assert split_punctuation([opening, DIGIT, closing])[::2] == [
        ([opening], True),
        ([closing], True),
    ]


def test_line_of_too_many_strokes_is_one_piece():
    line = [OPENING, *[DIGIT] * 39, CLOSING]
    assert split_punctuation(line) == [(line, False)]
    assert len(split_punctuation([OPENING, *[DIGIT] * 38, CLOSING])) == 3


CURLED = [[24, 0], [0, 40], [2, 80], [16, 100], [30, 96], [34, 84]]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [(CURLED, CLOSING), (OPENING, [[100, 0], [104, 50], [100, 100]])],
    ids=["curled left", "nearly straight right"],
)
def test_parentheses_higher_than_the_digits_are_pieces(opening, closing):
    small = [[x, 0.8 * y + 10] for x, y in DIGIT]
    assert split_punctuation([opening, small, closing])[::2] == [
        ([opening], True),
        ([closing], True),
    ]
    high = [[x, 1.2 * y - 10] for x, y in DIGIT]
    assert split_punctuation([opening, high, closing]) == [([opening, high, closing], False)]


SIX = [[40, 0], [-10, 40], [0, 80], [16, 100], [36, 90], [30, 70], [12, 76]]
FOUR = [[[70, 20], [60, 60], [110, 60]], [[116, 0], [100, 60], [70, 120]]]
HOOKED_ONE = [[20, 0], [0, 100], [14, 80]]


@pytest.mark.parametrize(
    "line",
    [
        [SIX, DIGIT, [[100, -10], [112, 50], [100, 110]]],
        [CURLED, *FOUR],
        [HOOKED_ONE, DIGIT, CLOSING],
    ],
    ids=["six", "stem of a four", "one with a hook"],
)
def test_high_strokes_that_are_no_parentheses_stay_digits(line):
    assert split_punctuation(line) == [(line, False)]


def test_opening_parenthesis_that_overlaps_a_digit_is_a_piece():
    overlapping = [[x - 45, y] for x, y in DIGIT]
    assert split_punctuation([OPENING, overlapping, CLOSING])[1] == ([overlapping], False)


WITHOUT_PAIR = {
    "digit": [DIGIT],
    "nothing between": [OPENING, CLOSING],
    "straight left": [[[0, 0], [0, 100]], DIGIT, CLOSING],
    "straight right": [OPENING, DIGIT, [[100, 0], [100, 100]]],
    "bent inwards": [[[0, 0], [20, 50], [0, 100]], DIGIT, [[120, 0], [100, 50], [120, 100]]],
    "low": [OPENING, [[50, -30], [70, -30], [50, 130]], CLOSING],
    "low left": [[[20, 30], [0, 55], [20, 80]], [[50, -10], [70, -10], [50, 90]], CLOSING],
    "wide": [OPENING, DIGIT, [[10, 0], [160, 50], [10, 100]]],
    "slashed zero": [OPENING, [[60, 0], [0, 100]], [[24, 0], [44, 50], [24, 100]]],
}


@pytest.mark.parametrize("line", WITHOUT_PAIR.values(), ids=WITHOUT_PAIR)
def test_line_without_a_pair_of_parentheses_is_one_piece(line):
    assert split_punctuation(line) == [(line, False)]


HOOK = [[0, 20], [30, 0], [60, 30], [30, 60], [30, 75]]


DOT_BELOW = {
    "question mark": [HOOK, [[29, 98], [31, 100]]],
    "dot first": [[[28, 95], [36, 102]], HOOK],
    "exclamation mark": [[[0, 0], [2, 70]], [[1, 90]]],
    "hook of two strokes": [
        [[0, 20], [30, 0], [60, 30]],
        [[60, 30], [30, 75]],
        [[30, 95], [30, 100]],
    ],
}


@pytest.mark.parametrize("line", DOT_BELOW.values(), ids=DOT_BELOW)
def test_character_with_a_dot_below_is_one_mark(line):
    assert split_punctuation(line) == [(line, True)]


NO_DOT_BELOW = {
    "beside": [HOOK, [[85, 98], [87, 100]]],
    "no gap": [HOOK, [[29, 70], [31, 74]]],
    "underline": [HOOK, [[0, 90], [60, 90]]],
    "below two digits": [HOOK, [[70, 0], [70, 75]], [[40, 98], [41, 100]]],
    "comma": [[[10, 0], [10, 75]], [[30, 0], [50, 40], [30, 75]], [[20, 82], [16, 100]]],
    "below a wide stroke": [[[0, 0], [0, 60], [90, 60], [90, 0]], [[45, 70], [46, 74]]],
}


@pytest.mark.parametrize("line", NO_DOT_BELOW.values(), ids=NO_DOT_BELOW)
def test_line_without_a_dot_below_one_character_is_no_mark(line):
    assert split_punctuation(line) == [(line, False)]
