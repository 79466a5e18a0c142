"""The page on which whoever drew something sees what became of it."""

from uuid import uuid4

import pytest

from ml.classifier import Verdict
from ml.preprocessing import pictures
from recognizer import drawings
from recognizer.models import Digit, Drawing
from recognizer.telemetry import metrics

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def page_of(client, drawing):
    response = client.get(f"/drawings/{drawing.pk}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_it_tells_what_was_read_then_and_today(client, kept, shipped):
    Drawing.objects.update(text="1", model="2020.01.01-0000000")
    page = page_of(client, kept)
    assert '<dd>1 <span class="quiet">by model 2020.01.01-0000000</span>' in page
    assert f'<dd>7 <span class="quiet">by model {shipped.version}</span>' in page
    assert "<svg" in page
    assert page.count("<dd>none</dd>") == 2


def test_it_tells_what_was_said(client, kept, admin_user):
    drawings.label_as_visitor(kept.pk, "1")
    drawings.label_as_reviewer(Digit.objects.all(), "7", admin_user)
    page = page_of(client, kept)
    assert "<dt>Your label</dt> <dd>1</dd>" in page
    assert "<dt>Reviewer label</dt> <dd>7</dd>" in page
    assert "admin" not in page


def test_a_picture_is_read_again_from_its_input(client, png):
    id = uuid4()
    drawings.save(id, pictures.open_picture(png), "page")
    page = page_of(client, Drawing.objects.get(id=id))
    assert page.count("<dd>7 <span") == 2


def test_without_a_model_the_rest_is_told(client, kept, no_model):
    assert "The model is not available" in page_of(client, kept)


def test_it_is_neither_found_nor_cached_nor_indexed(client, kept):
    assert client.get(f"/drawings/{uuid4()}").status_code == 404
    response = client.get(f"/drawings/{kept.pk}")
    assert "no-store" in response["Cache-Control"]
    assert b'name="robots" content="noindex"' in response.content


def test_reading_it_again_is_no_new_reading(client, kept):
    """The figures count what was drawn."""

    def digits():
        return metrics.VERDICTS.labels(Verdict.DIGIT)._value.get()

    before = digits()
    page_of(client, kept)
    assert digits() == before
