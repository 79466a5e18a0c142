"""The API under /api/v1: what it answers, what it keeps, and what it says to rubbish."""

import json
from base64 import b64decode
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from ml.preprocessing.segmentation import Lattice
from ml.preprocessing.strokes import rasterize
from ml.recognition import predict_strokes
from recognizer import drawings
from recognizer.api.errors import CONTENT_TYPE
from recognizer.api.schemas import PredictionOut
from recognizer.models import Digit, Drawing
from tools.samples import SEVEN

PREDICT = "/api/v1/predict"


def predict(client, body, content_type="application/json"):
    return client.post(PREDICT, body, content_type=content_type)


def is_problem(response, status):
    """Whether a response is a problem of that status in the one shape all problems have."""
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response["Content-Type"] == CONTENT_TYPE
        and body["type"] == "about:blank"
        and {"title", "detail"} <= body.keys()
    )


def test_strokes_are_read(client):
    answer = predict(client, {"strokes": SEVEN}).json()
    assert answer["text"] == "7"
    (digit,) = answer["digits"]
    assert (digit["digit"], digit["verdict"]) == (7, "digit")
    assert digit["confidence"] == digit["probabilities"][7] == max(digit["probabilities"])
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert digit["box"] == [60, 60, 160, 200]
    assert answer["model"] == client.get("/api/v1/model").json()["version"]


@pytest.mark.django_db
def test_predicting_keeps_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        predict(client, {"strokes": SEVEN})


def test_a_picture_is_read(client, png):
    picture = SimpleUploadedFile("7.png", png)
    assert client.post(PREDICT, {"image": picture}).json()["text"] == "7"


@pytest.mark.parametrize("query", ["", "?images=true"])
def test_the_answer_is_what_the_document_says(client, query):
    answer = client.post(PREDICT + query, {"strokes": SEVEN}, "application/json").json()
    documented = PredictionOut.model_validate(answer).model_dump(exclude_unset=True, mode="json")
    assert answer == documented


@pytest.mark.parametrize("strokes", [[], [[]], [[], []]])
def test_nothing_drawn_is_no_answer(client, strokes):
    answer = predict(client, {"strokes": strokes}).json()
    assert (answer["text"], answer["digits"]) == ("", [])


def test_a_tap_is_answered_and_is_no_digit(client):
    answer = predict(client, {"strokes": [[[150, 150, 0]]]}).json()
    assert answer["text"] == "?"
    assert answer["digits"][0]["verdict"] == "not a digit"
    assert answer["digits"][0]["digit"] is None


BAD_STROKES = {
    "no JSON": "hello",
    "no strokes": "{}",
    "strokes of words": '{"strokes": "7"}',
    "NaN": '{"strokes": [[[NaN, 1], [2, 3]]]}',
    "infinity": '{"strokes": [[[1e999, 1], [2, 3]]]}',
    "beyond any pad": '{"strokes": [[[1e16, 1], [2, 3]]]}',
    "a word for a number": '{"strokes": [[["1", 1]]]}',
    "one coordinate": '{"strokes": [[[1]]]}',
    "four numbers": '{"strokes": [[[1, 2, 3, 4]]]}',
    "null": '{"strokes": null}',
    "deep": '{"strokes": ' + "[" * 5_000 + "]" * 5_000 + "}",
    "too many points": json.dumps({"strokes": [[[1, 2]] * 20_001]}),
}


@pytest.mark.parametrize("body", BAD_STROKES.values(), ids=BAD_STROKES)
@pytest.mark.django_db
def test_bad_strokes_are_refused_and_nothing_is_kept(client, body):
    assert is_problem(predict(client, body), 422)
    kept = client.put(f"/api/v1/drawings/{uuid4()}", body, content_type="application/json")
    assert is_problem(kept, 422)
    assert not Drawing.objects.exists()


def test_what_does_not_fit_is_said(client):
    (error,) = predict(client, '{"strokes": [[[1, "x"]]]}').json()["errors"]
    assert error["at"] == ["strokes", 0, 0, 1]
    assert "number" in error["message"]


def test_what_is_wrong_a_thousand_times_is_said_once(client):
    assert len(predict(client, json.dumps({"strokes": [[1] * 1_000]})).json()["errors"]) == 1


def test_a_picture_that_is_no_file_but_a_long_text_is_too_large(client, png):
    for address in (PREDICT, "/api/mnist"):
        response = client.post(address, {"image": "A" * 1_100_000})
        assert response.status_code == 413
        assert "file" in response.content.decode()


def test_an_empty_body_is_refused(client):
    assert is_problem(client.post(PREDICT), 422)
    assert is_problem(client.put(f"/api/v1/drawings/{uuid4()}"), 415)


BAD_PICTURES = {
    "text": (b"I am a picture", 422),
    "empty": (b"", 422),
    "truncated": (None, 422),
}


@pytest.mark.parametrize(("content", "status"), BAD_PICTURES.values(), ids=BAD_PICTURES)
def test_bad_pictures_are_refused(client, png, content, status):
    content = png[: len(png) // 2] if content is None else content
    response = client.post(PREDICT, {"image": SimpleUploadedFile("7.png", content)})
    assert is_problem(response, status)


def test_a_form_without_a_picture_is_refused(client):
    assert is_problem(client.post(PREDICT, {"file": "x"}), 422)


def test_a_broken_form_is_refused(client):
    response = predict(client, b"--x\r\nnonsense", "multipart/form-data")
    assert is_problem(response, 400)


@pytest.mark.parametrize("content_type", ["text/plain", "image/png", "application/xml"])
def test_other_kinds_of_body_are_refused(client, content_type):
    assert is_problem(predict(client, b"7", content_type), 415)


def test_a_million_points_are_too_large(client):
    body = json.dumps({"strokes": [[[1, 2]] * 1_000_000]})
    assert is_problem(predict(client, body), 413)


def test_a_picture_of_forty_megabytes_is_too_large(client):
    picture = SimpleUploadedFile("7.png", b"\0" * 40_000_000)
    assert is_problem(client.post(PREDICT, {"image": picture}), 413)


def test_a_body_that_does_not_say_its_length_is_refused(client):
    response = client.post(
        PREDICT, "{}", "application/json", headers={"Transfer-Encoding": "chunked"}
    )
    assert is_problem(response, 411)


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
def test_every_error_has_the_one_shape(client, method, path, status):
    assert is_problem(getattr(client, method)(path), status)


def test_a_bug_is_a_problem_without_a_traceback(client, monkeypatch):
    monkeypatch.setattr(drawings, "predict", lambda drawn: 1 / 0)
    client.raise_request_exception = False
    response = predict(client, {"strokes": SEVEN})
    assert is_problem(response, 500)
    assert b"ZeroDivision" not in response.content


def test_without_a_model_the_answer_is_503(client, no_model):
    response = predict(client, {"strokes": SEVEN})
    assert is_problem(response, 503)
    assert response["Retry-After"]


@pytest.mark.django_db
def test_a_drawing_is_kept_with_all_that_was_seen_and_said(put, shipped):
    id = uuid4()
    response = put(id=id)
    assert response.status_code == 201
    drawing = Drawing.objects.get(id=id)
    digit = drawing.digits.get()
    assert drawing.strokes == SEVEN
    assert (drawing.text, drawing.model, drawing.source) == ("7", shipped.version, "api")
    (seen,) = predict_strokes(shipped, SEVEN).digits
    assert digit.image == seen.grid.tobytes()
    assert digit.probabilities == pytest.approx(seen.probabilities)
    assert digit.box == [60, 60, 160, 200]
    assert (digit.label, digit.labeled_by, drawing.visitor_label) == ("", None, "")


@pytest.mark.django_db
def test_a_retried_drawing_is_kept_once_and_answered_the_same(put):
    id = uuid4()
    first, again = put(id=id), put(id=id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Drawing.objects.count() == Digit.objects.count() == 1


@pytest.mark.django_db
def test_strokes_are_the_same_though_another_model_cuts_them_otherwise(put, client, monkeypatch):
    id = uuid4()
    strokes = [*SEVEN, [[320, 60, 300], [320, 260, 380]]]
    assert put(strokes, id).json()["text"] == "71"
    client.put(f"/api/v1/drawings/{id}/label", {"text": "71"}, content_type="application/json")
    one_candidate = Lattice.single([0])
    monkeypatch.setattr(
        "ml.recognition.segment_strokes", lambda strokes: ([strokes], one_candidate)
    )
    assert put(strokes, id).json()["text"] == "71"
    assert Drawing.objects.get().visitor_label == "71"


@pytest.mark.django_db
def test_another_stroke_replaces_what_was_kept(put, client):
    id = uuid4()
    put(SEVEN, id)
    client.put(f"/api/v1/drawings/{id}/label", {"text": "7"}, content_type="application/json")
    longer = [*SEVEN, [[100, 170, 500], [200, 170, 560]]]
    assert put(longer, id).status_code == 200
    drawing = Drawing.objects.get()
    assert drawing.strokes == longer
    assert drawing.digits.count() == 1
    assert drawing.visitor_label == ""


@pytest.mark.django_db
def test_a_drawing_undone_to_nothing_is_taken_back(put):
    id = uuid4()
    put(SEVEN, id)
    assert put([], id).json()["text"] == ""
    assert not Drawing.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("strokes", [[], [[[1, 1], [99, 99]]]])
def test_a_reviewed_drawing_is_not_changed(put, admin_user, strokes):
    id = uuid4()
    put(SEVEN, id)
    drawings.label_as_reviewer(Digit.objects.all(), "7", admin_user)
    assert is_problem(put(strokes, id), 409)
    assert put(SEVEN, id).status_code == 200
    assert Drawing.objects.get().strokes == SEVEN


@pytest.mark.django_db
def test_a_picture_is_kept_as_the_net_saw_it(client, png):
    id = uuid4()

    def put_picture():
        body = encode_multipart(BOUNDARY, {"image": SimpleUploadedFile("7.png", png)})
        return client.put(f"/api/v1/drawings/{id}", body, content_type=MULTIPART_CONTENT)

    assert put_picture().status_code == 201
    assert put_picture().status_code == 200
    drawing = Drawing.objects.get()
    assert drawing.strokes is None
    assert drawing.digits.get().text == "7"


@pytest.mark.django_db
def test_a_drawing_from_our_page_is_known_as_one(put):
    put(**{"Sec-Fetch-Site": "same-origin"})
    assert Drawing.objects.get().source == "page"


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_gone_is_said(put, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error("disk I/O error")

    monkeypatch.setattr(Digit.objects, "bulk_create", fail)
    response = put()
    assert is_problem(response, 503)
    assert "disk" not in response.json()["detail"]
    assert not Drawing.objects.exists()


def label(client, id, body):
    return client.put(f"/api/v1/drawings/{id}/label", body, content_type="application/json")


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "stored"), [("7", "7"), ("12", "12"), (None, "?")])
def test_a_visitor_says_what_it_was(put, client, text, stored):
    id = uuid4()
    put(id=id)
    assert label(client, id, {"text": text}).json() == {"text": text}
    assert Drawing.objects.get().visitor_label == stored


@pytest.mark.django_db
def test_a_label_can_be_taken_back(put, client):
    id = uuid4()
    put(id=id)
    label(client, id, {"text": "7"})
    assert client.delete(f"/api/v1/drawings/{id}/label").status_code == 204
    assert Drawing.objects.get().visitor_label == ""
    assert is_problem(client.delete(f"/api/v1/drawings/{uuid4()}/label"), 404)


@pytest.mark.django_db
def test_a_drawing_is_forgotten_even_when_it_was_reviewed(put, client, admin_user):
    id, other = uuid4(), uuid4()
    put(id=id)
    put(id=other)
    drawings.label_as_reviewer(Digit.objects.filter(drawing=id), "7", admin_user)
    for _ in range(2):
        assert client.delete(f"/api/v1/drawings/{id}").status_code == 204
    assert Digit.objects.get().drawing_id == other


def test_what_the_net_saw_is_told_to_those_who_ask(client):
    (digit,) = client.post(
        f"{PREDICT}?images=true", {"strokes": SEVEN}, content_type="application/json"
    ).json()["digits"]
    assert b64decode(digit["image"]) == rasterize(SEVEN).tobytes()
    assert "image" not in predict(client, {"strokes": SEVEN}).json()["digits"][0]


@pytest.mark.django_db
def test_an_unknown_drawing_cannot_be_labeled(client):
    assert is_problem(label(client, uuid4(), {"text": "7"}), 404)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", ['{"text": "x"}', '{"text": ""}', '{"text": 7}', "{}", "7", '{"text": "٣"}']
)
def test_a_label_that_is_no_digit_is_refused(put, client, body):
    id = uuid4()
    put(id=id)
    assert is_problem(label(client, id, body), 422)
    assert Drawing.objects.get().visitor_label == ""


def test_the_serving_model_is_described(client, shipped):
    model = client.get("/api/v1/model").json()
    assert model["version"] == shipped.version
    assert model["sha256"] == shipped.sha256
    assert model["metrics"]["mnist_test"]["errors"] <= 69


def test_the_serving_model_can_be_fetched(client, shipped):
    response = client.get("/api/v1/model.onnx")
    assert response.content == shipped.content
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Cache-Control"] == "no-cache"
    assert shipped.version in response["Content-Disposition"]


def test_a_model_that_is_known_is_not_sent_again(client, shipped):
    etag = client.get("/api/v1/model.onnx")["ETag"]
    assert etag == f'"{shipped.sha256}"'
    response = client.get("/api/v1/model.onnx", headers={"If-None-Match": etag})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    changed = client.get("/api/v1/model.onnx", headers={"If-None-Match": '"another"'})
    assert changed.status_code == 200


def test_without_a_model_there_is_no_file(client, no_model):
    assert is_problem(client.get("/api/v1/model.onnx"), 503)


def test_the_openapi_document_names_every_address(client):
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


def test_the_browsable_page_takes_nothing_from_elsewhere(client, static_files):
    page = client.get("/api/docs").content.decode()
    assert "swagger-ui" in page
    assert "http://" not in page.replace("http://testserver", "")
    assert "https://" not in page


@pytest.mark.parametrize("origin", ["https://digits.example", "https://elsewhere.example"])
def test_other_origins_may_use_the_api_where_they_are_allowed(client, settings, origin):
    settings.CORS_ALLOWED_ORIGINS = ["https://digits.example"]
    response = client.options(
        PREDICT, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    allowed = response.get("Access-Control-Allow-Origin")
    assert allowed == (origin if origin == "https://digits.example" else None)
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.django_db
def test_a_uuid_may_be_in_capitals(client):
    id = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
    body = {"strokes": SEVEN}
    for written, status in ((id, 201), (id.lower(), 200)):
        address = f"/api/v1/drawings/{written}"
        assert client.put(address, body, content_type="application/json").status_code == status
