"""POST /api/mnist: the original project's contract, which other programs depend on."""

from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import MULTIPART_CONTENT

from ml.recognition import Prediction, predict_strokes
from recognizer import drawings
from tests.conftest import picture_of
from tools.samples import SEVEN

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def post(client, content):
    return client.post("/api/mnist", {"image": SimpleUploadedFile("7.png", content)})


def test_mnist_returns_the_original_format(client, png):
    response = post(client, png)
    body = response.json()
    assert list(body) == ["success", "predictions"]
    assert body["success"] is True
    every, best = body["predictions"]["all"], body["predictions"]["prediction"]
    assert [(one["class_name"], one["label"]) for one in every] == list(
        zip(NAMES, range(10), strict=True)
    )
    assert sum(one["probability"] for one in every) == pytest.approx(1)
    assert best == every[7]
    assert list(best) == ["class_name", "label", "probability"]


def test_mnist_skips_a_mark_before_the_digit(client, png, monkeypatch, shipped):
    (seven,) = predict_strokes(shipped, SEVEN).digits
    mark = replace(seven, probabilities=(0.1,) * 10).as_mark()
    monkeypatch.setattr(drawings, "predict", lambda picture: Prediction((mark, seven), "test"))
    assert post(client, png).json()["predictions"]["prediction"]["label"] == 7


def test_mnist_of_a_non_digit_returns_its_probabilities(client):
    predictions = post(client, picture_of([[[140, 140]]])).json()["predictions"]
    assert len(predictions["all"]) == 10


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_mnist_invalid_picture_gets_400_in_the_original_format(client, content):
    response = post(client, content)
    assert response.status_code == 400
    body = response.json()
    assert (body["success"], body["predictions"]) == (False, None)
    assert body["error"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [({}, MULTIPART_CONTENT), ({"file": "x"}, MULTIPART_CONTENT), ("{}", "application/json")],
)
def test_mnist_without_a_picture_gets_400(client, body, content_type):
    response = client.post("/api/mnist", body, content_type)
    assert (response.status_code, response.json()["success"]) == (400, False)


def test_mnist_blank_picture_gets_400(client):
    response = post(client, picture_of([]))
    assert response.status_code == 400
    assert "blank" in response.json()["error"]


def test_mnist_without_a_model_gets_503(client, png, no_model):
    response = post(client, png)
    assert (response.status_code, response.json()["success"]) == (503, False)
    assert response["Retry-After"]


def test_mnist_wrong_method_gets_405_in_the_original_format(client):
    response = client.get("/api/mnist")
    assert response.status_code == 405
    assert response.json() == {
        "success": False,
        "predictions": None,
        "error": "Method Not Allowed: /api/mnist",
    }
