"""The pipeline from strokes, pictures and grids to predictions."""

import numpy as np
import pytest
from PIL import Image

from ml.preprocessing.strokes import Box, rasterize
from ml.recognition import join_lines, predict_batch, predict_picture, predict_strokes
from tools.samples import SEVEN

ONE = [[320, 60], [320, 260]]


@pytest.fixture
def model_calls(shipped, monkeypatch):
    """The number of images in each model call."""
    calls = []
    predict = shipped.predict

    def counted(images):
        calls.append(len(images))
        return predict(images)

    monkeypatch.setattr(shipped, "predict", counted)
    return calls


def test_predict_strokes_of_a_number_gives_each_digit(shipped):
    prediction = predict_strokes(shipped, [*SEVEN, ONE])
    assert prediction.text == "71"
    assert [digit.box.x for digit in prediction.digits] == [60, 320]


@pytest.mark.parametrize("strokes", [[], [[]]])
def test_predict_strokes_without_points_has_no_digits(shipped, strokes, model_calls):
    assert predict_strokes(shipped, strokes).digits == ()
    assert model_calls == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_predict_strokes_calls_the_model_once(shipped, model_calls, count):
    bars = [[[x + 200 * i, y] for x, y in ONE] for i in range(count)]
    assert predict_strokes(shipped, bars).text == "1" * count
    assert len(model_calls) == 1


def test_predict_batch_matches_single_predictions(shipped, model_calls):
    grid = rasterize(SEVEN)
    picture = Image.fromarray(np.invert(grid)).resize((280, 280))
    inputs = [SEVEN, [], [*SEVEN, ONE], picture, grid, np.zeros_like(grid)]
    together = predict_batch(shipped, iter(inputs))
    assert [prediction.text for prediction in together] == ["7", "", "71", "7", "7", ""]
    # One call for the picture, one for all strokes and grids.
    assert len(model_calls) == 2


def test_predict_batch_bounds_the_images_of_a_model_call(shipped, model_calls):
    bars = [[[x + 200 * i, y] for x, y in ONE] for i in range(8)]
    predictions = predict_batch(shipped, [bars] * 40)
    assert {prediction.text for prediction in predictions} == {"1" * 8}
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
    ],
)
def test_join_lines_separates_lines_by_their_boxes(text, boxes):
    assert join_lines(zip(text.replace("\n", ""), boxes, strict=True)) == text
