"""Multipart bodies: the limit on their parts."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import multipartparser

MULTIPART = "multipart/form-data; boundary=parts"


PARTS = {
    "fields": b"\r\n\r\nvalue\r\n",
    "files": b'; filename="b"\r\n\r\nvalue\r\n',
    "Base64": b"\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%\r\n",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/predict", 422),
        ("/api/v1/predict/batch", 422),
        ("/api/mnist", 400),
        ("/admin/login/", 400),
    ],
)
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.django_db
def test_body_of_many_parts_is_rejected_before_parsing_them(
    client, monkeypatch, path, status, part
):
    parsed = []
    parse = multipartparser.parse_boundary_stream
    monkeypatch.setattr(
        multipartparser, "parse_boundary_stream", lambda *a: parsed.append(a) or parse(*a)
    )
    head = b'--parts\r\nContent-Disposition: form-data; name="field"'
    body = (head + part) * 10_000 + b"--parts--\r\n"
    response = client.post(path, body, content_type=MULTIPART)
    assert response.status_code == status
    assert len(parsed) < 1_000


def test_form_of_a_few_fields_beside_the_picture_is_accepted(client, png):
    fields = {f"field{number}": "value" for number in range(5)}
    response = client.post(
        "/api/v1/predict", {**fields, "image": SimpleUploadedFile("seven.png", png)}
    )
    assert response.json()["text"] == "7"
