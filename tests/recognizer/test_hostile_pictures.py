"""Hostile pictures get 413 or 422; unusual and blank ones are recognized."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tools.resilience import hostile_inputs
from tools.resilience.hostile_inputs import BLANK, BOMBS, ODD

PREDICT = "/api/v1/predict"


def send(client, content):
    return client.post(PREDICT, {"image": SimpleUploadedFile("picture", content)})


@pytest.mark.parametrize(("status", "make"), BOMBS.values(), ids=BOMBS)
def test_decompression_bomb_is_rejected_with_a_reason(client, status, make):
    response = send(client, make())
    assert response.status_code == response.json()["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"]


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_unusual_picture_is_recognized(client, make):
    response = send(client, make())
    assert (response.status_code, response.json()["text"]) == (200, "7")


@pytest.mark.parametrize("make", BLANK.values(), ids=BLANK)
def test_unusual_blank_picture_has_no_digits(client, make):
    assert send(client, make()).json()["digits"] == []


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt"])
def test_picture_with_many_compressed_chunks_gets_422_without_decompression(
    client, monkeypatch, kind
):
    """Decompressing 3,000 profiles of 1 MB takes twelve seconds."""
    content = hostile_inputs.texts(kind, hostile_inputs.A_MEGABYTE, 40)
    monkeypatch.setattr("PIL.PngImagePlugin._safe_zlib_decompress", lambda _: pytest.fail("called"))
    assert send(client, content).status_code == 422


def test_picture_with_a_long_exif_directory_is_recognized_without_parsing_it(client, monkeypatch):
    monkeypatch.setattr("PIL.ImageOps.exif_transpose", lambda _: pytest.fail("called"))
    assert send(client, hostile_inputs.exif_chunk()).json()["text"] == "7"


@pytest.mark.parametrize(
    "error", [OSError, ValueError, SyntaxError, Image.DecompressionBombError, MemoryError, EOFError]
)
def test_decoder_exception_is_a_client_error(client, monkeypatch, png, error):
    def fail(*arguments, **options):
        raise error("broken")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    assert send(client, png).status_code in (413, 422)
