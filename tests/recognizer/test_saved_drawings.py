"""The API under /api/v1: predictions, saved drawings, labels, model, invalid requests."""

import gzip
import json
from base64 import b64decode
from uuid import uuid4

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, InterfaceError, OperationalError
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from ml.preprocessing.lattice import MAX_PARTS, Lattice
from ml.preprocessing.picture_files import MAX_JPEG_PIXELS, MAX_PIXELS
from ml.preprocessing.strokes import rasterize
from ml.recognition import MAX_LINES, predict_strokes
from recognizer import drawings
from recognizer.api import request_bodies
from recognizer.api.problem_details import CONTENT_TYPE, RETRY_AFTER
from recognizer.api.schemas import PredictionOut
from recognizer.models import MAX_TEXT, Digit, Drawing
from tests.conftest import picture_of
from tools.samples import JOINED_ZEROS, ROOT, SEVEN

PREDICT = "/api/v1/predict"
ONE = [[320, 60, 300], [320, 260, 380]]


def predict(client, body, content_type="application/json"):
    return client.post(PREDICT, body, content_type=content_type)


def is_problem(response, status):
    """Return whether a response is problem details with a status."""
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response["Content-Type"] == CONTENT_TYPE
        and body["type"] == "about:blank"
        and {"title", "detail"} <= body.keys()
    )


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


def test_predict_picture_returns_the_digit(client, png):
    picture = SimpleUploadedFile("7.png", png)
    assert client.post(PREDICT, {"image": picture}).json()["text"] == "7"


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


BAD_STROKES = {
    "not JSON": "hello",
    "no strokes": "{}",
    "strokes as text": '{"strokes": "7"}',
    "beyond the bound": '{"strokes": [[[1e16, 1], [2, 3]]]}',
    "one coordinate": '{"strokes": [[[1]]]}',
    "four numbers": '{"strokes": [[[1, 2, 3, 4]]]}',
    "null": '{"strokes": null}',
    "deeply nested": '{"strokes": ' + "[" * 5_000 + "]" * 5_000 + "}",
    "too many points": json.dumps({"strokes": [[[1, 2]] * 20_001]}),
}


@pytest.mark.parametrize("body", BAD_STROKES.values(), ids=BAD_STROKES)
@pytest.mark.django_db
def test_invalid_strokes_get_422_and_are_not_saved(client, body):
    assert is_problem(predict(client, body), 422)
    response = client.put(f"/api/v1/drawings/{uuid4()}", body, content_type="application/json")
    assert is_problem(response, 422)
    assert not Drawing.objects.exists()


def test_schema_errors_stop_at_the_first_invalid_stroke(client):
    assert len(predict(client, json.dumps({"strokes": [[1] * 1_000]})).json()["errors"]) == 1


def test_picture_sent_as_a_long_text_field_gets_413(client, png):
    for url in (PREDICT, "/api/mnist"):
        response = client.post(url, {"image": "A" * 1_100_000})
        assert response.status_code == 413
        assert "file" in response.content.decode()


def test_empty_body_is_rejected(client):
    assert is_problem(client.post(PREDICT), 422)
    assert is_problem(client.put(f"/api/v1/drawings/{uuid4()}"), 415)


INVALID_PICTURES = {"text": b"not a picture", "empty": b"", "truncated": picture_of(SEVEN)[:200]}


@pytest.mark.parametrize("content", INVALID_PICTURES.values(), ids=INVALID_PICTURES)
def test_invalid_picture_gets_422(client, content):
    response = client.post(PREDICT, {"image": SimpleUploadedFile("7.png", content)})
    assert is_problem(response, 422)


def test_form_without_a_picture_gets_422(client):
    assert is_problem(client.post(PREDICT, {"file": "x"}), 422)


def test_malformed_form_gets_400(client):
    response = predict(client, b"--x\r\nnonsense", "multipart/form-data")
    assert is_problem(response, 400)


@pytest.mark.parametrize("content_type", ["text/plain", "image/png", "application/xml"])
def test_unsupported_content_type_gets_415(client, content_type):
    assert is_problem(predict(client, b"7", content_type), 415)


def test_body_of_a_million_points_gets_413(client):
    body = json.dumps({"strokes": [[[1, 2]] * 1_000_000]})
    assert is_problem(predict(client, body), 413)


def test_picture_of_forty_megabytes_gets_413(client):
    picture = SimpleUploadedFile("7.png", b"\0" * 40_000_000)
    assert is_problem(client.post(PREDICT, {"image": picture}), 413)


def test_chunked_body_gets_411(client):
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
def test_routing_error_is_problem_details(client, method, path, status):
    assert is_problem(getattr(client, method)(path), status)


def test_predict_without_a_model_gets_503(client, no_model):
    response = predict(client, {"strokes": SEVEN})
    assert is_problem(response, 503)
    assert response["Retry-After"] == RETRY_AFTER


@pytest.mark.database
@pytest.mark.django_db
def test_save_stores_strokes_inputs_and_prediction(put, shipped):
    id = uuid4()
    response = put(id=id)
    assert response.status_code == 201
    drawing = Drawing.objects.get(id=id)
    digit = drawing.digits.get()
    assert drawing.strokes == SEVEN
    assert (drawing.text, drawing.model, drawing.source) == ("7", shipped.version, "api")
    (predicted,) = predict_strokes(shipped, SEVEN).digits
    assert digit.image == predicted.grid.tobytes()
    assert digit.probabilities == pytest.approx(predicted.probabilities)
    assert digit.box == [60, 60, 160, 200]
    assert (digit.label, digit.labeled_by, drawing.visitor_label) == ("", None, "")


@pytest.mark.database
@pytest.mark.django_db
def test_save_repeated_stores_one_drawing_and_returns_the_same_prediction(put):
    id = uuid4()
    first, again = put(id=id), put(id=id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Drawing.objects.count() == Digit.objects.count() == 1


@pytest.mark.database
@pytest.mark.django_db
def test_save_repeated_with_another_segmentation_keeps_the_prediction_and_label(
    put, client, monkeypatch
):
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


@pytest.mark.database
@pytest.mark.django_db
def test_save_with_another_stroke_replaces_the_drawing_and_its_label(put, client):
    id = uuid4()
    put(SEVEN, id)
    client.put(f"/api/v1/drawings/{id}/label", {"text": "7"}, content_type="application/json")
    longer = [*SEVEN, [[100, 170, 500], [200, 170, 560]]]
    assert put(longer, id).status_code == 200
    drawing = Drawing.objects.get()
    assert drawing.strokes == longer
    assert drawing.digits.count() == 1
    assert drawing.visitor_label == ""


@pytest.mark.database
@pytest.mark.django_db
def test_save_takes_few_statements(put, django_assert_num_queries):
    id = uuid4()
    # Two of them start and end the transaction.
    with django_assert_num_queries(5):
        put(id=id)
    with django_assert_num_queries(9):
        put([ONE], id)


@pytest.mark.database
@pytest.mark.django_db
def test_save_beside_a_concurrent_one_replaces_its_drawing(put, monkeypatch):
    id = uuid4()
    put(id=id)
    find, results = drawings._find_and_lock, [None]
    monkeypatch.setattr(
        drawings, "_find_and_lock", lambda key: results.pop() if results else find(key)
    )
    assert put([ONE], id).status_code == 200
    assert Drawing.objects.get().text == "1"


@pytest.mark.database
@pytest.mark.django_db
def test_save_blank_drawing_deletes_the_saved_one(put):
    id = uuid4()
    put(SEVEN, id)
    assert put([], id).json()["text"] == ""
    assert not Drawing.objects.exists()


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("strokes", [[], [[[1, 1], [99, 99]]]])
def test_save_over_a_reviewed_drawing_gets_409(put, admin_user, strokes):
    id = uuid4()
    put(SEVEN, id)
    drawings.label_as_reviewer(Digit.objects.all(), "7", admin_user)
    assert is_problem(put(strokes, id), 409)
    assert put(SEVEN, id).status_code == 200
    assert Drawing.objects.get().strokes == SEVEN


FILE = 'Content-Disposition: form-data; name="image"; filename="7.png"\r\n'
TYPE = "Content-Type: image/png\r\n"
TEXT = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
MULTIPART_BODIES = {
    "one file": ("", f"{FILE}{TYPE}", "", 200),
    "no type": ("", FILE, "", 200),
    "type first": ("", f"{TYPE}{FILE}", "", 200),
    "two parts": (TEXT, f"{FILE}{TYPE}", "", 200),
    "text after": ("", f"{FILE}{TYPE}", f"\r\n{TEXT}".removesuffix("\r\n"), 200),
    "preamble": ("preamble\r\n", f"{FILE}{TYPE}", "", 200),
    "escaped name": ("", FILE.replace("7.png", r"\"7\".png"), "", 200),
    "no name": ("", FILE.replace("7.png", ""), "", 422),
    "other field": ("", FILE.replace("image", "photo"), "", 422),
    "not a file": ("", 'Content-Disposition: form-data; name="image"\r\n', "", 422),
}


@pytest.mark.parametrize(
    ("before", "head", "after", "status"), MULTIPART_BODIES.values(), ids=MULTIPART_BODIES
)
def test_multipart_body_is_read_however_it_is_written(client, png, before, head, after, status):
    body = b"".join([f"{before}--x\r\n{head}\r\n".encode(), png, f"{after}\r\n--x--\r\n".encode()])
    assert predict(client, body, "multipart/form-data; boundary=x").status_code == status


@pytest.mark.parametrize("name", ["one file", "no type", "type first", "two parts"])
def test_multipart_body_contains_the_exact_file(rf, png, name):
    before, head, _, _ = MULTIPART_BODIES[name]
    content = png + b"\r\n\r\n--y"
    body = f"{before}--x\r\n{head}\r\n".encode() + content + b"\r\n--x--\r\n"
    request = rf.generic("POST", "/", body, "multipart/form-data; boundary=x")
    assert request_bodies._read_files(request, len(body)) == [content]


@pytest.mark.database
@pytest.mark.django_db
def test_save_picture_stores_the_model_input(client, png):
    id = uuid4()

    def put_picture():
        body = encode_multipart(BOUNDARY, {"image": SimpleUploadedFile("7.png", png)})
        return client.put(f"/api/v1/drawings/{id}", body, content_type=MULTIPART_CONTENT)

    assert put_picture().status_code == 201
    assert put_picture().status_code == 200
    drawing = Drawing.objects.get()
    assert drawing.strokes is None
    assert drawing.digits.get().text == "7"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("NaN", "finite number; got NaN"),
        ("-Infinity", "finite number; got -Infinity"),
        ("1e999", "finite number; got Infinity"),
        ("1e16", "equal to 1000000000000000; got 1e+16"),
        ("null", "number; got null"),
        ('"7"', 'number; got "7"'),
        (json.dumps("x" * 100_000), f'number; got "{"x" * 49}'),
    ],
)
def test_invalid_coordinate_is_named(client, value, named):
    response = predict(client, f'{{"strokes": [[[20, {value}]]]}}')
    assert is_problem(response, 422)
    (error,) = response.json()["errors"]
    assert error["at"] == ["strokes", 0, 0, 1]
    assert error["message"].endswith(named)


def test_invalid_query_value_is_named(client):
    response = client.post(f"{PREDICT}?images=maybe", {"strokes": SEVEN}, "application/json")
    assert is_problem(response, 422)
    assert response.json()["errors"][0]["msg"].endswith("; got maybe")


DRAWING = "/api/v1/drawings/8f14e45f-ceea-467f-a0e6-0123456789ab"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", PREDICT),
        ("POST", "/api/v1/predict/batch"),
        ("PUT", DRAWING),
        ("PUT", f"{DRAWING}/label"),
        ("POST", "/api/mnist"),
        ("POST", "/v2/models/lenet/infer"),
        ("POST", "/admin/login/"),
        ("POST", "/nowhere"),
    ],
)
def test_compressed_body_gets_415_with_the_reason(client, method, url):
    body = gzip.compress(json.dumps({"strokes": SEVEN}).encode())
    headers = {"Content-Encoding": "gzip"}
    response = client.generic(method, url, body, "application/json", headers=headers)
    assert response.status_code == 415
    assert response["Accept-Encoding"] == "identity"
    answer = response.json()
    reason = answer["detail"] if "detail" in answer else answer["error"]
    assert reason == "Unsupported Content-Encoding: 'gzip'. Send the body uncompressed."
    assert answer.get("success", False) is False


def test_body_with_the_encoding_identity_is_accepted(client):
    headers = {"Content-Encoding": "Identity"}
    response = client.post(PREDICT, {"strokes": SEVEN}, "application/json", headers=headers)
    assert response.json()["text"] == "7"


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "value", "source"),
    [
        ("Sec-Fetch-Site", "same-origin", "page"),
        ("Sec-Fetch-Site", "cross-site", "api"),
        ("Origin", "http://testserver", "page"),
        ("Origin", "https://other.example", "api"),
    ],
)
def test_save_records_whether_the_page_sent_the_drawing(put, header, value, source):
    put(**{header: value})
    assert Drawing.objects.get().source == source


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_save_without_a_database_gets_503_and_saves_nothing(put, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error("disk I/O error")

    monkeypatch.setattr(Digit.objects, "bulk_create", fail)
    response = put()
    assert is_problem(response, 503)
    assert "disk" not in response.json()["detail"]
    assert not Drawing.objects.exists()


@pytest.mark.database
@pytest.mark.django_db
def test_save_of_two_lines_stores_text_and_labels_with_a_newline(put, admin_user):
    id = uuid4()
    below = [[[x, y + 300, *rest] for x, y, *rest in stroke] for stroke in [*SEVEN, ONE]]
    assert put([*below, *SEVEN, ONE], id).json()["text"] == "71\n71"
    drawing = Drawing.objects.get()
    assert drawing.text == drawing.prediction().text == "71\n71"
    for digit, text in zip(drawing.digits.order_by("position"), "2345", strict=True):
        drawings.label_as_reviewer(Digit.objects.filter(pk=digit.pk), text, admin_user)
    assert drawing.label == "23\n45"


def stacked(count, top=0.0, height=100_000.0):
    """Return vertical strokes that are split into a line each."""
    if count == 1:
        return [[[100, top], [100, top + height]]]
    half = height / (2.6 if count == 2 else 2.3)
    below = stacked(count - count // 2, top + height - half, half)
    return [*stacked(count // 2, top, half), *below]


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize(("lines", "newlines"), [(20, 19), (21, 0), (40, 0), (41, 0)])
def test_save_of_many_lines_fits_the_column(put, lines, newlines):
    text = put(stacked(lines)).json()["text"]
    assert text.count("\n") == newlines
    assert len(text) <= MAX_TEXT
    assert Drawing.objects.get().text == text


def test_longest_text_fits_the_column():
    assert MAX_PARTS + MAX_LINES - 1 <= MAX_TEXT


@pytest.mark.django_db
def test_strokes_of_a_digit_are_pieces_of_a_joined_stroke(put):
    assert put(JOINED_ZEROS).json()["text"] == "00"
    for digit in Digit.objects.all():
        (piece,) = digit.strokes()
        assert len(piece) < len(JOINED_ZEROS[0])
        assert rasterize([piece]).tobytes() == bytes(digit.image)


def label(client, id, body):
    return client.put(f"/api/v1/drawings/{id}/label", body, content_type="application/json")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "stored"),
    [("7", "7"), ("7?", "7?"), ("?7\n12", "?7\n12"), ("7" * MAX_TEXT, "7" * MAX_TEXT), (None, "?")],
)
def test_label_is_stored(put, client, text, stored):
    id = uuid4()
    put(id=id)
    assert label(client, id, {"text": text}).json() == {"text": text}
    assert Drawing.objects.get().visitor_label == stored


@pytest.mark.django_db
def test_label_can_be_withdrawn(put, client):
    id = uuid4()
    put(id=id)
    label(client, id, {"text": "7"})
    assert client.delete(f"/api/v1/drawings/{id}/label").status_code == 204
    assert Drawing.objects.get().visitor_label == ""
    assert is_problem(client.delete(f"/api/v1/drawings/{uuid4()}/label"), 404)


@pytest.mark.django_db
def test_delete_removes_a_reviewed_drawing_and_is_idempotent(put, client, admin_user):
    id, other = uuid4(), uuid4()
    put(id=id)
    put(id=other)
    drawings.label_as_reviewer(Digit.objects.filter(drawing=id), "7", admin_user)
    for _ in range(2):
        assert client.delete(f"/api/v1/drawings/{id}").status_code == 204
    assert Digit.objects.get().drawing_id == other


def test_predict_with_images_returns_the_model_input(client):
    (digit,) = client.post(
        f"{PREDICT}?images=true", {"strokes": SEVEN}, content_type="application/json"
    ).json()["digits"]
    assert b64decode(digit["image"]) == rasterize(SEVEN).tobytes()
    assert "image" not in predict(client, {"strokes": SEVEN}).json()["digits"][0]


@pytest.mark.django_db
def test_label_of_an_unknown_drawing_gets_404(client):
    assert is_problem(label(client, uuid4(), {"text": "7"}), 404)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        '{"text": "x"}', '{"text": ""}', '{"text": 7}', "{}", "7", '{"text": "٣"}',
        '{"text": "?"}', '{"text": "?\\n?"}', '{"text": "7-1"}', '{"text": "7\\r\\n1"}',
        '{"text": "7 1"}', f'{{"text": "{"7" * (MAX_TEXT + 1)}"}}',
    ],
)  # fmt: skip
def test_invalid_label_gets_422(put, client, body):
    id = uuid4()
    put(id=id)
    assert is_problem(label(client, id, body), 422)
    assert Drawing.objects.get().visitor_label == ""


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


def test_model_file_without_a_model_gets_503(client, no_model):
    assert is_problem(client.get("/api/v1/model.onnx"), 503)


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


@pytest.mark.django_db
def test_uppercase_uuid_equals_the_lowercase_uuid(client, static_files):
    id = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
    body = {"strokes": SEVEN}
    for variant, status in ((id, 201), (id.lower(), 200)):
        url = f"/api/v1/drawings/{variant}"
        assert client.put(url, body, content_type="application/json").status_code == status
        assert client.get(f"/drawings/{variant}").status_code == 200


@pytest.mark.database
@pytest.mark.django_db
def test_save_stores_rounded_strokes_and_repeats_find_them(put):
    id = uuid4()
    strokes = [[[x + 1e-9, y / 3, 1e-300] for x, y, _ in SEVEN[0]]]
    assert [put(strokes, id=id).status_code for _ in range(2)] == [201, 200]
    drawing = Drawing.objects.get()
    assert drawing.strokes == [[[x, round(y / 3, 2), 0] for x, y, _ in SEVEN[0]]]
    # A client may send what an export contains.
    assert put(drawing.strokes, id=id).status_code == 200
    assert Digit.objects.count() == 1


@pytest.mark.django_db
def test_drawing_in_units_of_its_side_keeps_its_shape(put):
    unit = [[[x / 280, y / 280] for x, y, _ in SEVEN[0]]]
    put(unit)
    stored = Drawing.objects.get().strokes
    large = [[[280 * x, 280 * y] for x, y in stroke] for stroke in stored]
    assert np.abs(rasterize(large).astype(int) - rasterize(SEVEN)).max() <= 2
