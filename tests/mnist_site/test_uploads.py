"""Multipart bodies: the limit on their parts."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import multipartparser

MULTIPART = "multipart/form-data; boundary=parts"


def body_of(parts):
    head = b'--parts\r\nContent-Disposition: form-data; name="field"\r\n\r\nvalue\r\n'
    return head * parts + b"--parts--\r\n"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/predict", 422), ("/api/v1/predict/batch", 422), ("/admin/login/", 400)],
)
@pytest.mark.django_db
def test_body_of_many_parts_is_rejected_before_parsing_them(client, monkeypatch, path, status):
    parsed = []
    parse = multipartparser.parse_boundary_stream
    monkeypatch.setattr(
        multipartparser, "parse_boundary_stream", lambda *a: parsed.append(a) or parse(*a)
    )
    response = client.post(path, body_of(10_000), content_type=MULTIPART)
    assert response.status_code == status
    assert len(parsed) < 1_000


def test_form_of_a_few_fields_beside_the_picture_is_accepted(client, png):
    fields = {f"field{number}": "value" for number in range(5)}
    response = client.post(
        "/api/v1/predict", {**fields, "image": SimpleUploadedFile("seven.png", png)}
    )
    assert response.json()["text"] == "7"
