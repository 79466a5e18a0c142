"""Predictions, the serving model and the documents under /api/v1."""

from base64 import b64decode

import pytest

from ml.preprocessing.picture_files import MAX_JPEG_PIXELS, MAX_PIXELS
from ml.preprocessing.strokes import rasterize
from recognizer.api.errors import RETRY_AFTER
from recognizer.api.schemas import PredictionOut
from tests.recognizer.conftest import PREDICT, is_problem, predict
from tools.samples import ROOT, SEVEN


def test_predict_strokes_returns_the_digit(client):
    prediction = predict(client, {"strokes": SEVEN}).json()
    assert prediction["text"] == "7"
    (digit,) = prediction["digits"]
    assert (digit["digit"], digit["verdict"]) == (7, "digit")
    assert digit["confidence"] == digit["probabilities"][7] == max(digit["probabilities"])
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert digit["box"] == [60, 60, 160, 200]
    assert prediction["model"] == client.get("/api/v1/model").json()["version"]


@pytest.mark.django_db
def test_predict_uses_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        predict(client, {"strokes": SEVEN})


@pytest.mark.parametrize("query", ["", "?images=true"])
def test_predict_response_matches_the_schema(client, query):
    prediction = client.post(PREDICT + query, {"strokes": SEVEN}, "application/json").json()
    documented = PredictionOut.model_validate(prediction).model_dump(
        exclude_unset=True, mode="json"
    )
    assert prediction == documented


@pytest.mark.parametrize("strokes", [[], [[]], [[], []]])
def test_predict_blank_drawing_returns_no_digits(client, strokes):
    prediction = predict(client, {"strokes": strokes}).json()
    assert (prediction["text"], prediction["digits"]) == ("", [])


def test_predict_single_point_returns_a_non_digit(client):
    prediction = predict(client, {"strokes": [[[150, 150, 0]]]}).json()
    assert prediction["text"] == "?"
    assert prediction["digits"][0]["verdict"] == "not a digit"
    assert prediction["digits"][0]["digit"] is None


def test_request_without_a_model_gets_503(client, no_model):
    for response in (predict(client, {"strokes": SEVEN}), client.get("/api/v1/model.onnx")):
        assert is_problem(response, 503)
        assert response["Retry-After"] == RETRY_AFTER


def test_predict_with_images_returns_the_model_input(client):
    (digit,) = client.post(
        f"{PREDICT}?images=true", {"strokes": SEVEN}, content_type="application/json"
    ).json()["digits"]
    assert b64decode(digit["image"]) == rasterize(SEVEN).tobytes()
    assert "image" not in predict(client, {"strokes": SEVEN}).json()["digits"][0]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/nothing", 404),
        ("get", "/api/v1/predict", 405),
        ("post", "/api/v1/model", 405),
        ("put", "/api/v1/drawings/not-a-uuid", 404),
        ("trace", "/api/v1/model", 405),
    ],
)
def test_routing_error_is_problem_details(client, method, path, status):
    assert is_problem(getattr(client, method)(path), status)


def test_model_describes_the_serving_model(client, shipped):
    model = client.get("/api/v1/model").json()
    assert model["version"] == shipped.version
    assert model["sha256"] == shipped.sha256
    assert model["metrics"]["mnist_test"]["errors"] <= 69


def test_model_file_returns_the_serving_model(client, shipped):
    response = client.get("/api/v1/model.onnx")
    assert response.content == shipped.content
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Cache-Control"] == "no-cache"
    assert shipped.version in response["Content-Disposition"]


def test_model_file_with_a_matching_etag_gets_304(client, shipped):
    etag = client.get("/api/v1/model.onnx")["ETag"]
    assert etag == f'"{shipped.sha256}"'
    response = client.get("/api/v1/model.onnx", headers={"If-None-Match": etag})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    changed = client.get("/api/v1/model.onnx", headers={"If-None-Match": '"another"'})
    assert changed.status_code == 200


def test_openapi_document_lists_every_url(client):
    document = client.get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/mnist",
        "/api/v1/predict",
        "/api/v1/predict/batch",
        "/api/v1/drawings/{id}",
        "/api/v1/drawings/{id}/label",
        "/api/v1/model",
        "/api/v1/model.onnx",
    }
    body = document["paths"]["/api/v1/predict"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "multipart/form-data"}


def test_documents_state_the_pixel_limits_of_pictures(client):
    description = client.get("/api/openapi.json").json()["info"]["description"]
    assert f"{MAX_JPEG_PIXELS:,} pixels as JPEG or {MAX_PIXELS:,}" in description
    readme = " ".join((ROOT / "README.md").read_text().split())
    jpeg, other = (limit // 1_000_000 for limit in (MAX_JPEG_PIXELS, MAX_PIXELS))
    assert f"JPEG up to {jpeg} megapixels; PNG, WebP, GIF and BMP up to {other}" in readme


def test_docs_page_loads_nothing_from_other_origins(client, static_files):
    page = client.get("/api/docs").content.decode()
    assert "swagger-ui" in page
    assert "http://" not in page.replace("http://testserver", "")
    assert "https://" not in page
