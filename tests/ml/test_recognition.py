"""The pipeline from strokes, pictures and grids to predictions."""

import numpy as np
import pytest
from PIL import Image

from ml.classifier import Verdict
from ml.preprocessing.strokes import Box, rasterize
from ml.recognition import join_lines, predict_batch, predict_picture, predict_strokes
from tools.samples import JOINED_ZEROS, SEVEN, ellipse

ONE = [[320, 60], [320, 260]]
STACKED_MARKS = [Box(0, 0, 60, 100), Box(80, 30, 5, 5), Box(79, 80, 5, 5), Box(100, 0, 60, 100)]


def test_predict_strokes_of_two_lines_separates_them_by_a_newline(shipped, model_calls):
    upper = [[[x, y - 320] for x, y, _ in stroke] for stroke in SEVEN]
    prediction = predict_strokes(shipped, [*SEVEN, ONE, *upper])
    assert prediction.text == "7\n71"
    assert [digit.box.y for digit in prediction.digits] == [-260, 60, 60]
    assert len(model_calls) == 1


def test_predict_strokes_marks_are_not_a_digit(shipped):
    dash, one = [[260, 170], [330, 168]], [[x + 60, y] for x, y in ONE]
    prediction = predict_strokes(shipped, [*SEVEN, dash, one])
    assert prediction.text == "7?1"
    first, mark, last = prediction.digits
    assert (mark.digit, mark.verdict) == (None, Verdict.NOT_A_DIGIT)
    assert mark.box == (260, 168, 70, 2)
    assert not prediction.is_certain
    assert first.verdict is last.verdict is Verdict.DIGIT


@pytest.mark.parametrize(
    ("gap", "verdict"), [(0.5, Verdict.UNSURE), (3, Verdict.UNSURE), (20, Verdict.DIGIT)]
)
def test_predict_strokes_digits_that_touch_are_unsure(shipped, gap, verdict):
    zeros = [ellipse(40, 60, 70, 120), ellipse(110 + gap, 60, 70, 120)]
    prediction = predict_strokes(shipped, zeros)
    assert prediction.text == "00"
    assert [digit.verdict for digit in prediction.digits] == [verdict, verdict]


def test_predict_strokes_of_too_many_parts_has_one_entry(shipped, model_calls):
    """The parts of all strokes and lines count."""
    places = [(250 * i, y) for y in (0, 300) for i in range(20)]
    bars = [[[x, y], [x, y + 100]] for x, y in places]
    assert len(predict_strokes(shipped, bars).digits) == 40
    (zeros,) = JOINED_ZEROS
    joined = [[[x + right, y + down] for x, y in zeros] for right, down in places]
    for many in ([*bars, [[5_000, 0], [5_000, 100]]], [*joined[:11], *joined[20:31]]):
        assert len(predict_strokes(shipped, many).digits) == 1
        assert model_calls[-1] == 1


@pytest.mark.parametrize("strokes", [[], [[]]])
def test_predict_strokes_without_points_has_no_digits(shipped, strokes, model_calls):
    assert predict_strokes(shipped, strokes).digits == ()
    assert model_calls == []


def test_predict_batch_matches_single_predictions(shipped, model_calls):
    grid = rasterize(SEVEN)
    picture = Image.fromarray(np.invert(grid)).resize((280, 280))
    inputs = [SEVEN, [], [*SEVEN, ONE], picture, grid, np.zeros_like(grid)]
    together = predict_batch(shipped, iter(inputs))
    assert [prediction.text for prediction in together] == ["7", "", "71", "7", "7", ""]
    # One call for the picture, one for all strokes and grids.
    assert len(model_calls) == 2


def test_predict_batch_bounds_the_images_of_a_model_call(shipped, model_calls):
    bars = [[[x + 200 * i, y] for x, y in ONE] for i in range(40)]
    predictions = predict_batch(shipped, [bars] * 3)
    assert {prediction.text for prediction in predictions} == {"1" * 40}
    assert max(model_calls) <= 256


def test_predict_picture_of_one_digit_calls_the_model_once(shipped, model_calls):
    picture = Image.fromarray(np.invert(rasterize(SEVEN))).resize((280, 280))
    assert predict_picture(shipped, picture).text == "7"
    assert model_calls == [1]


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("7\n1", [Box(0, 0, 50, 100), Box(0, 120, 50, 100)]),
        # Vertical strokes without width.
        ("7\n1", [Box(0, 0, 0, 100), Box(0, 120, 0, 100)]),
        # A digit to the right is in the same row.
        ("71", [Box(0, 0, 50, 100), Box(60, 120, 50, 100)]),
        # A comma below the 7, alone or before another digit.
        ("7?", [Box(0, 0, 50, 100), Box(40, 101, 8, 25)]),
        ("7?1", [Box(0, 0, 50, 100), Box(40, 101, 8, 50), Box(60, 0, 50, 100)]),
        ("4??0\n4??0", [box._replace(y=box.y + y) for y in (0, 150) for box in STACKED_MARKS]),
    ],
)
def test_join_lines_separates_lines_by_their_boxes(text, boxes):
    assert join_lines(zip(text.replace("\n", ""), boxes, strict=True)) == text
