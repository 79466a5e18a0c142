"""The page of a saved drawing: stored and current prediction, labels, privacy."""

from uuid import uuid4

import pytest

from ml.classifier import Verdict
from ml.preprocessing.picture_files import open_picture
from recognizer import drawings
from recognizer.models import Digit, Drawing
from recognizer.telemetry import metrics

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def get_page(client, drawing):
    response = client.get(f"/drawings/{drawing.pk}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_page_shows_the_stored_and_the_current_prediction(client, saved_drawing, shipped):
    Drawing.objects.update(text="1", model="2020.01.01-0000000")
    page = get_page(client, saved_drawing)
    assert '<dd>1 <span class="quiet">by model 2020.01.01-0000000</span>' in page
    assert f'<dd>7 <span class="quiet">by model {shipped.version}</span>' in page
    assert "<svg" in page


def test_page_shows_labels_without_the_reviewer_name(client, saved_drawing, admin_user):
    drawings.label_as_visitor(saved_drawing.pk, "1")
    drawings.label_as_reviewer(Digit.objects.all(), "7", admin_user)
    page = get_page(client, saved_drawing)
    assert "<dd>1</dd>" in page
    assert "<dd>7</dd>" in page
    assert "admin" not in page


@pytest.mark.database
def test_page_of_a_picture_predicts_from_the_stored_input(client, png):
    id = uuid4()
    drawings.save(id, open_picture(png), "page")
    page = get_page(client, Drawing.objects.get(id=id))
    assert page.count("<dd>7 <span") == 2


def test_page_without_a_model_shows_the_stored_prediction_only(client, saved_drawing, no_model):
    assert get_page(client, saved_drawing).count("<dd>7 <span") == 1


def test_page_is_not_cached_or_indexed(client, saved_drawing):
    response = client.get(f"/drawings/{saved_drawing.pk}")
    assert "no-store" in response["Cache-Control"]
    assert b'name="robots" content="noindex"' in response.content


def test_page_of_an_unknown_drawing_gets_404(client):
    assert client.get(f"/drawings/{uuid4()}").status_code == 404


def test_page_does_not_count_its_prediction_in_the_metrics(client, saved_drawing):
    def count():
        return metrics.VERDICTS.labels(Verdict.DIGIT)._value.get()

    before = count()
    get_page(client, saved_drawing)
    assert count() == before
