"""POST /api/mnist: the original project's contract, which programs of others stand on."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def post(client, content):
    return client.post("/api/mnist", {"image": SimpleUploadedFile("7.png", content)})


def test_answers_as_the_original_did(client, png):
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


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_bad_picture_is_400_in_the_originals_shape(client, content):
    response = post(client, content)
    assert response.status_code == 400
    body = response.json()
    assert (body["success"], body["predictions"]) == (False, None)
    assert body["error"]


@pytest.mark.parametrize("form", [{}, {"file": "x"}])
def test_no_picture_is_400(client, form):
    response = client.post("/api/mnist", form)
    assert (response.status_code, response.json()["success"]) == (400, False)


def test_json_is_400(client):
    response = client.post("/api/mnist", {"image": "x"}, content_type="application/json")
    assert (response.status_code, response.json()["success"]) == (400, False)


def test_a_blank_picture_is_400(client, png):
    from tests.conftest import picture_of

    response = post(client, picture_of([]))
    assert response.status_code == 400
    assert "Nothing is drawn" in response.json()["error"]


def test_without_a_model_it_is_503(client, png, no_model):
    response = post(client, png)
    assert (response.status_code, response.json()["success"]) == (503, False)
