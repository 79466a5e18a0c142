"""Batch prediction: order, errors per drawing, limits."""

import json
from base64 import b64encode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ml.preprocessing.strokes import rasterize
from tests.conftest import picture_of
from tests.recognizer.conftest import PREDICT, is_problem
from tools.samples import ONE, SEVEN

BATCH = f"{PREDICT}/batch"
SEVENTEEN = [[[320 + x, y] for x, y, _ in SEVEN[0]], [[30, 60], [30, 260]]]


def send(client, drawings):
    return client.post(BATCH, {"drawings": drawings}, content_type="application/json")


def base64(content):
    return b64encode(content).decode()


def texts(response):
    assert response.status_code == 200, response.content
    return [answer.get("text") for answer in response.json()["answers"]]


def test_batch_of_all_input_types_keeps_the_order(client, png):
    drawings = [
        {"strokes": SEVEN},
        {"image": base64(picture_of(ONE))},
        {"strokes": []},
        {"strokes": SEVENTEEN},
        {"grid": base64(rasterize(SEVEN).tobytes())},
        {"grid": base64(bytes(784))},
    ]
    assert texts(send(client, drawings)) == ["7", "1", "", "17", "7", ""]


def test_returned_image_sent_as_grid_gives_the_same_digit(client):
    body = {"drawings": [{"strokes": SEVEN}]}
    first = client.post(f"{BATCH}?images=true", body, "application/json").json()["answers"][0]
    again = send(client, [{"grid": first["digits"][0]["image"]}]).json()["answers"][0]
    assert again["text"] == "7"
    assert again["digits"][0]["box"] == [0, 0, 28, 28]


INVALID = {
    "no object": ("7", 422),
    "empty object": ({}, 422),
    "two inputs": ({"strokes": SEVEN, "image": ""}, 422),
    "an unknown member": ({"strokes": SEVEN, "text": "7"}, 422),
    "strokes as text": ({"strokes": "7"}, 422),
    "too many points": ({"strokes": [[[1, 2]] * 20_001]}, 422),
    "invalid Base64": ({"image": "ä"}, 422),
    "invalid picture": ({"image": base64(b"not a picture")}, 422),
    "a short grid": ({"grid": base64(bytes(783))}, 422),
    "too many pixels": ({"image": base64(picture_of(ONE))}, 413),
}


@pytest.mark.parametrize(("drawing", "status"), INVALID.values(), ids=INVALID)
def test_invalid_drawing_gets_problem_details_and_the_others_predictions(
    client, settings, drawing, status
):
    settings.MAX_BATCH_PIXELS = 100_000
    response = send(client, [{"strokes": SEVEN}, drawing, {"strokes": ONE}])
    assert texts(response) == ["7", None, "1"]
    problem = response.json()["answers"][1]
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["detail"]


def test_invalid_file_leaves_the_other_predictions(client, png):
    files = [SimpleUploadedFile("x.png", b"x"), SimpleUploadedFile("7.png", png)]
    assert texts(client.post(BATCH, {"image": files})) == [None, "7"]


@pytest.mark.parametrize("body", ["hello", "{}", "[]", '{"drawings": 7}'])
def test_body_without_drawings_gets_422(client, body):
    assert is_problem(client.post(BATCH, body, content_type="application/json"), 422)


def test_empty_batch_returns_no_predictions(client):
    assert texts(send(client, [])) == []


def test_batch_of_257_drawings_gets_422_and_of_256_predictions(client):
    assert texts(send(client, [{"strokes": ONE}] * 256)) == ["1"] * 256
    assert is_problem(send(client, [{"strokes": ONE}] * 257), 422)


def test_batch_with_too_many_points_in_total_gets_422(client):
    assert is_problem(send(client, [{"strokes": [[[1, 2]] * 20_000]}] * 6), 422)


def test_batch_of_two_megabytes_of_pictures_returns_predictions(client):
    picture = base64(picture_of(ONE) + bytes(7_000))
    assert len(picture) * 200 > 2_000_000
    assert texts(send(client, [{"image": picture}] * 200)) == ["1"] * 200


def test_batch_over_the_size_limit_gets_413(client, settings):
    settings.MAX_BATCH_BYTES = 10_000
    body = json.dumps({"drawings": [{"strokes": ONE}] * 256})
    assert is_problem(client.post(BATCH, body, content_type="application/json"), 413)


def test_unsupported_content_type_gets_415(client):
    assert is_problem(client.post(BATCH, b"7", content_type="text/plain"), 415)


def test_batch_runs_the_model_once_for_all_digits(client, model_calls):
    send(client, [{"strokes": SEVEN}, {"strokes": ONE}, {"grid": base64(bytes(783) + b"x")}])
    # A model that a promotion loads meanwhile is checked with ten grids.
    assert [count for count in model_calls if count != 10] == [3]


def test_batch_of_257_files_gets_422(client, png):
    files = [SimpleUploadedFile("7.png", png) for _ in range(257)]
    response = client.post(BATCH, {"image": files})
    assert is_problem(response, 422)
    assert "too many" in response.json()["detail"]


def test_batch_with_thousands_of_objects_gets_422_before_parsing(client):
    body = '{"drawings": [' + ",".join(['{"": 0}'] * 5_000) + "]}"
    response = client.post(BATCH, body, content_type="application/json")
    assert response.status_code == 422
    assert "too many drawings" in response.json()["detail"]
