"""Request bodies under /api/v1: JSON, pictures, forms; invalid, too long, compressed."""

import gzip
import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from recognizer.api import request_bodies
from recognizer.models import Drawing
from tests.recognizer.conftest import PREDICT, is_problem, predict
from tools.samples import SEVEN

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


def test_schema_errors_stop_at_the_first_invalid_stroke(client):
    assert len(predict(client, json.dumps({"strokes": [[1] * 1_000]})).json()["errors"]) == 1


def test_invalid_query_value_is_named(client):
    response = client.post(f"{PREDICT}?images=maybe", {"strokes": SEVEN}, "application/json")
    assert is_problem(response, 422)
    assert response.json()["errors"][0]["msg"].endswith("; got maybe")


def test_picture_sent_as_a_long_text_field_gets_413(client, png):
    for url in (PREDICT, "/api/mnist"):
        response = client.post(url, {"image": "A" * 1_100_000})
        assert response.status_code == 413
        assert "file" in response.content.decode()


def test_empty_body_is_rejected(client):
    assert is_problem(client.post(PREDICT), 422)
    assert is_problem(client.put(f"/api/v1/drawings/{uuid4()}"), 415)


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
