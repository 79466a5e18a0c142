"""Broken, odd and hostile pictures through the API: what it refuses, and what it must not."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tools.resilience import hostile_inputs
from tools.resilience.hostile_inputs import BLANK, BOMBS, ODD, saved, seven

PREDICT = "/api/v1/predict"


def send(client, content, address=PREDICT):
    return client.post(address, {"image": SimpleUploadedFile("picture", content)})


@pytest.mark.parametrize(("status", "make"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_with_a_reason(client, status, make):
    response = send(client, make())
    assert response.status_code == response.json()["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"]


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_odd_pictures_are_read(client, make):
    response = send(client, make())
    assert (response.status_code, response.json()["text"]) == (200, "7")


@pytest.mark.parametrize("make", BLANK.values(), ids=BLANK)
def test_odd_blanks_are_blank(client, make):
    assert send(client, make()).json()["digits"] == []


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt"])
def test_a_flood_of_compressed_chunks_is_refused_before_any_is_unpacked(client, monkeypatch, kind):
    """3,000 profiles of a megabyte each once took twelve seconds, and were read."""
    content = hostile_inputs.texts(kind, hostile_inputs.A_MEGABYTE, 40)
    monkeypatch.setattr("PIL.PngImagePlugin._safe_zlib_decompress", lambda _: pytest.fail("it was"))
    assert send(client, content).status_code == 422


def test_a_long_exif_directory_is_not_walked(client, monkeypatch):
    monkeypatch.setattr("PIL.ImageOps.exif_transpose", lambda _: pytest.fail("it was"))
    assert send(client, hostile_inputs.exif_chunk()).json()["text"] == "7"


GOOD = {format: saved(seven(56).convert("RGB"), format) for format in ("PNG", "JPEG", "WEBP")}


@pytest.mark.parametrize("address", [PREDICT, "/api/mnist"])
@given(data=st.data())
def test_flipped_bytes_are_read_or_refused(address, data):
    from django.test import Client

    content = bytearray(data.draw(st.sampled_from(list(GOOD.values()))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert send(Client(), bytes(content), address).status_code in (200, 400, 413, 422)


@pytest.mark.parametrize(
    "error", [OSError, ValueError, SyntaxError, Image.DecompressionBombError, MemoryError, EOFError]
)
def test_every_error_of_a_decoder_is_the_senders(client, monkeypatch, png, error):
    def fail(*arguments, **options):
        raise error("broken")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    assert send(client, png).status_code in (413, 422)
