"""Handwritten digits, marks and annotations, recognized by the shipped model."""

import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from ml.classifier import Verdict
from ml.recognition import predict_strokes
from tools import samples

curve = partial(samples.curve, between=9)


def line(*points):
    """Return a stroke of straight lines with 20 points between each two given ones."""
    t = np.linspace(0, 1, 20, endpoint=False)[:, None]
    corners = np.array(points, dtype=float)
    pieces = [a + t * (b - a) for a, b in pairwise(corners)]
    return [*np.vstack(pieces).tolist(), list(map(float, points[-1]))]


def ellipse(x, y, width, height, last=465):
    """Return an arc around (x, y) up to an angle in degrees, counterclockwise on paper."""
    angles = np.radians(np.linspace(100, last, 40)).tolist()
    return [[x + width / 2 * math.cos(a), y - height / 2 * math.sin(a)] for a in angles]


# Digits in a box of about 60 x 100 pixels.
DIGITS = {
    "0": [ellipse(30, 50, 60, 100)],
    "1": [line([30, 0], [27, 100])],
    "2": [
        curve([4, 25], [12, 6], [32, 0], [52, 12], [50, 36], [26, 70], [2, 98], [30, 97], [60, 96])
    ],
    "3": [
        curve([5, 12], [28, 0], [50, 14], [44, 38], [22, 48], [48, 56], [56, 78], [34, 99], [4, 90])
    ],
    "4": [line([28, 0], [2, 62], [60, 60]), line([48, 28], [44, 100])],
    "5": [
        curve([12, 4], [9, 42], [32, 36], [54, 54], [52, 82], [28, 99], [3, 90]),
        line([12, 3], [54, 0]),
    ],
    "6": [curve([44, 0], [18, 28], [4, 66], [22, 99], [48, 88], [50, 64], [30, 54], [8, 70])],
    "7": [line([2, 4], [56, 2], [22, 100])],
    "8": [
        curve(
            [50, 12], [28, 0], [10, 18], [28, 44], [52, 72], [30, 99], [6, 78], [26, 50], [50, 24],
            [48, 10],
        )
    ],
    "9": [curve([52, 16], [28, 2], [8, 22], [24, 46], [48, 30], [53, 14], [50, 56], [42, 100])],
}  # fmt: skip


def moved(strokes, right=0.0, down=0.0, size=1.0, wide=1.0):
    return [[[right + size * wide * x, down + size * y] for x, y in stroke] for stroke in strokes]


def row(*items, gap=25.0, heights=()):
    """Return digits (by name) and marks (strokes) side by side on a baseline."""
    strokes, right = [], 0.0
    for i, item in enumerate(items):
        size = heights[i] if heights else 1.0
        drawn = DIGITS[item] if isinstance(item, str) else item
        left = min(x for stroke in drawn for x, _ in stroke)
        placed = moved(drawn, right - size * left, 100 * (1 - size), size)
        strokes += placed
        right = max(x for stroke in placed for x, _ in stroke) + gap
    return strokes


@pytest.fixture
def predict(shipped):
    return lambda strokes: predict_strokes(shipped, strokes)


DASH = [line([0, 55], [40, 53])]
SLASH = [line([60, -18], [0, 122])]
POINT = [line([0, 96], [3, 100], [0, 101])]
COMMA = [curve([6, 92], [7, 102], [0, 116])]
COLON = [line([0, 32], [4, 36], [0, 38]), line([0, 88], [4, 92], [0, 94])]
OPENING = [curve([24, -18], [4, 20], [0, 55], [6, 90], [26, 122])]
CLOSING = [curve([0, -18], [20, 20], [25, 55], [19, 90], [0, 122])]
LOW_OPENING, LOW_CLOSING = ([curve([0, 4], [side, 50], [2, 98])] for side in (-16, 10))
PERCENT = [line([60, 0], [6, 100]), ellipse(10, 18, 26, 34), ellipse(58, 82, 26, 34)]
DOLLAR = [
    curve([52, 18], [30, 6], [8, 22], [22, 44], [46, 60], [48, 84], [24, 96], [2, 82]),
    line([32, -14], [24, 116]),
]
QUESTION_MARK = [curve([0, 20], [30, 0], [56, 24], [28, 50], [26, 70]), line([25, 94], [28, 98])]
HASH = [
    line([26, 0], [16, 100]), line([56, 0], [46, 100]),
    line([2, 34], [74, 32]), line([0, 68], [70, 66]),
]  # fmt: skip

SEPARATORS = {
    "dash between": (["2", "7", DASH, "3", "8"], "27?38"),
    "dash first": ([DASH, "5"], "?5"),
    "dash of four digits": (["6", "7", DASH, "1", "2"], "67?12"),
    "slash": (["5", SLASH, "2", "7"], "5?27"),
    "slash of two numbers": (["2", "3", SLASH, "8", "6"], "23?86"),
    "question mark": ([QUESTION_MARK], "?"),
    "parentheses": ([OPENING, "2", "0", "2", CLOSING], "?202?"),
    "parentheses of one digit": ([OPENING, "5", CLOSING], "?5?"),
    "parentheses before digits": ([OPENING, "4", "0", "8", CLOSING, "5", "5"], "?408?55"),
    "parentheses as high as the digits": ([LOW_OPENING, "3", "1", "5", LOW_CLOSING], "?315?"),
}
OTHER_MARKS = {
    "point": (["3", POINT, "5"], "35"),
    "comma": (["3", COMMA, "5", "0"], "350"),
    "colon": (["4", COLON, "3", "0"], "430"),
    "dollar": ([DOLLAR, "2", "5"], "25"),
    "hash": ([HASH, "3"], "3"),
}


@pytest.mark.parametrize(("items", "text"), SEPARATORS.values(), ids=SEPARATORS)
def test_predict_separator_has_one_entry_that_is_no_digit(predict, items, text):
    assert predict(row(*items)).text == text


@pytest.mark.parametrize(("items", "digits"), OTHER_MARKS.values(), ids=OTHER_MARKS)
def test_predict_other_marks_are_no_digits(predict, items, digits):
    text = predict(row(*items)).text
    assert text.replace("?", "") == digits


def test_predict_percent_sign_keeps_the_digits_before_it(predict):
    assert predict(row("2", "5", PERCENT)).text.startswith("25")


def test_predict_slanted_comma_starts_no_line(predict):
    strokes = [[[x - 0.5 * y, y] for x, y in stroke] for stroke in row("4", COMMA, gap=10)]
    assert "\n" not in predict(strokes).text


def surrounded(annotation, number="25"):
    return [*row(*number), annotation]


ANNOTATIONS = {
    "underline": surrounded(line([-5, 118], [140, 114])),
    "double underline": [*surrounded(line([-5, 118], [140, 114])), line([-5, 130], [140, 128])],
    "underline of one digit": surrounded(line([-10, 116], [70, 114]), "5"),
    "circle": surrounded(ellipse(70, 50, 230, 180), "25"),
    "circle of one digit": surrounded(ellipse(30, 50, 130, 170, last=490), "5"),
    "box": surrounded(line([-20, -20], [165, -22], [165, 122], [-20, 120], [-20, -18])),
    "far tick": surrounded(line([420, 60], [428, 70], [445, 40])),
}


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_predict_annotation_has_no_entry(predict, name):
    assert predict(ANNOTATIONS[name]).text == ("5" if "one digit" in name else "25")


@pytest.mark.parametrize("lines", [["23", "58"], ["347", "68"], ["5", "20"], ["20", "35", "68"]])
def test_predict_lines_from_top_to_bottom(predict, lines):
    strokes = [moved(row(*text), 10 * i, 150 * i) for i, text in enumerate(lines)]
    drawn = [stroke for part in strokes[::-1] for stroke in part]
    assert predict(drawn).text == "\n".join(lines)


@pytest.mark.parametrize("slope", [-0.6, -0.4, 0.4, 0.5])
def test_predict_steep_row_is_one_line(predict, slope):
    strokes = [
        stroke
        for i, digit in enumerate("2305")
        for stroke in moved(DIGITS[digit], 95 * i, 95 * slope * i)
    ]
    assert predict(strokes).text == "2305"


JOINED = {
    "00": [
        curve(
            [34, 0], [8, 20], [2, 60], [16, 98], [44, 92], [58, 50], [44, 6], [30, 2], [52, 12],
            [84, 6], [110, 0], [88, 18], [80, 56], [94, 98], [122, 92], [136, 50], [124, 8],
            [108, 2],
        )
    ],
    "80": [
        curve(
            [50, 12], [28, 0], [10, 18], [28, 44], [52, 72], [30, 99], [6, 78], [26, 50], [50, 18],
            [74, 4], [108, 0], [86, 20], [80, 58], [94, 98], [122, 92], [136, 50], [124, 8],
            [106, 2],
        )
    ],
    "50": [
        curve([12, 4], [9, 42], [32, 36], [54, 54], [52, 82], [28, 99], [3, 90]),
        curve(
            [12, 3], [44, 2], [76, 4], [108, 2], [88, 18], [80, 56], [94, 98], [122, 92], [136, 50],
            [124, 8], [106, 4],
        ),
    ],
}  # fmt: skip


@pytest.mark.parametrize("text", JOINED)
def test_predict_joined_digits(predict, text):
    assert predict(JOINED[text]).text == text


@pytest.mark.parametrize("height", [1.0, 1.3, 1.6])
def test_predict_tall_one_before_round_zeros(predict, height):
    one = [line([0, 100 - 100 * height], [-3, 100])]
    assert predict(row(one, [ellipse(40, 55, 80, 80)], [ellipse(40, 55, 80, 80)])).text == "100"


PAIRS = ["17", "71", "12", "31", "14", "61", "10"]
NARROW_ONES = [(text, size, 25) for text in PAIRS for size in (0.5, 0.7, 1.0)]
NARROW_ONES += [("91902", size, gap) for size in (0.8, 1.0) for gap in (6, 12, 25)]


@pytest.mark.parametrize(("text", "size", "gap"), NARROW_ONES)
def test_predict_narrow_one_does_not_vanish(predict, text, size, gap):
    heights = [size if digit == "1" else 1.0 for digit in text]
    assert predict(row(*text, gap=gap, heights=heights)).text == text


@pytest.mark.parametrize(
    ("text", "heights"), [("637", [0.6, 0.9, 1.3]), ("2580", [1.3, 1.1, 0.8, 0.6])]
)
def test_predict_digits_of_different_sizes(predict, text, heights):
    assert predict(row(*text, heights=heights)).text == text


SLASHED_ZERO = [*DIGITS["0"], line([62, -6], [-2, 106])]
VARIANTS = {
    "1 with a long flag": ("1", [line([0, 45], [38, 0], [36, 100])]),
    "French 1": ("1", [curve([0, 60], [18, 34], [36, 0]), line([36, 0], [34, 100])]),
    "1 with a foot": ("1", [line([12, 18], [30, 0], [29, 100]), line([4, 100], [56, 99])]),
    "slashed zero": ("0", SLASHED_ZERO),
    "zero with a short slash": ("0", [*DIGITS["0"], line([46, 20], [12, 80])]),
    "open 4": ("4", [line([6, 0], [2, 56], [56, 54]), line([52, 4], [50, 100])]),
    "open 4 in one stroke": ("4", [line([6, 0], [2, 56], [54, 54], [54, 4], [52, 100])]),
    "7 with a bar": ("7", [*DIGITS["7"], line([14, 52], [58, 48])]),
    **{f"wide {digit}": (digit, moved(DIGITS[digit], wide=1.7)) for digit in "023568"},
}


@pytest.mark.parametrize(("digit", "strokes"), VARIANTS.values(), ids=VARIANTS)
def test_predict_variant_of_a_digit(predict, digit, strokes):
    assert predict(strokes).text == digit
    assert predict(row("2", strokes, "3")).text == f"2{digit}3"


def broken(stroke):
    """Return the stroke in two pieces, without a few points in the middle."""
    middle = len(stroke) // 2
    return [stroke[: middle - 1], stroke[middle + 1 :]]


def double(stroke):
    """Return the stroke and a second one over it, which crosses it."""
    shift = np.linspace(-2, 2, len(stroke))
    return [stroke, [[x + each, y + 2] for (x, y), each in zip(stroke, shift, strict=True)]]


def sparse(stroke):
    """Return every sixth point of the stroke, and the last one."""
    return [[*stroke[:-1:6], stroke[-1]]]


def unsteady(stroke):
    """Return the stroke with noise of 1.5 % of its height."""
    rng = np.random.default_rng(len(stroke))
    return [(np.array(stroke) + rng.normal(0, 1.5, (len(stroke), 2))).tolist()]


@pytest.mark.parametrize("flaw", [broken, double, sparse, unsteady])
@pytest.mark.parametrize("digit", DIGITS)
def test_predict_flawed_strokes(predict, digit, flaw):
    strokes = [piece for stroke in DIGITS[digit] for piece in flaw(stroke)]
    assert predict(strokes).text == digit


@pytest.mark.parametrize("digit", "2345689")
@pytest.mark.parametrize("across", [line([-12, 90], [72, 10]), line([-14, 50], [76, 46])])
def test_predict_crossed_out_digit_is_no_confident_digit(predict, digit, across):
    prediction = predict([*DIGITS[digit], across])
    assert [each.verdict for each in prediction.digits] != [Verdict.DIGIT]


@pytest.mark.parametrize("digit", DIGITS)
def test_predict_clean_digit_is_certain(predict, digit):
    prediction = predict(DIGITS[digit])
    assert prediction.text == digit
    assert prediction.is_certain
