"""Drawings of the API: save, label, delete."""

from uuid import uuid4

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, InterfaceError, OperationalError
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from ml.preprocessing.lattice import MAX_PARTS, Lattice
from ml.preprocessing.strokes import rasterize
from ml.recognition import MAX_LINES, predict_strokes
from recognizer import drawings
from recognizer.models import MAX_TEXT, Digit, Drawing
from tests.recognizer.conftest import is_problem
from tools.samples import JOINED_ZEROS, SEVEN

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ONE = [[320, 60, 300], [320, 260, 380]]


def label(client, id, body):
    return client.put(f"/api/v1/drawings/{id}/label", body, content_type="application/json")


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


def test_save_repeated_stores_one_drawing_and_returns_the_same_prediction(put):
    id = uuid4()
    first, again = put(id=id), put(id=id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Drawing.objects.count() == Digit.objects.count() == 1


def test_save_repeated_with_another_segmentation_keeps_the_prediction_and_label(
    put, client, monkeypatch
):
    id = uuid4()
    strokes = [*SEVEN, ONE]
    assert put(strokes, id).json()["text"] == "71"
    label(client, id, {"text": "71"})
    one_candidate = Lattice.single([0])
    monkeypatch.setattr("ml.recognition.segment_line", lambda line: [([line], one_candidate)])
    assert put(strokes, id).json()["text"] == "71"
    assert Drawing.objects.get().visitor_label == "71"


def test_save_with_another_stroke_replaces_the_drawing_and_its_label(put, client):
    id = uuid4()
    put(SEVEN, id)
    label(client, id, {"text": "7"})
    longer = [*SEVEN, [[100, 170, 500], [200, 170, 560]]]
    assert put(longer, id).status_code == 200
    drawing = Drawing.objects.get()
    assert drawing.strokes == longer
    assert drawing.digits.count() == 1
    assert drawing.visitor_label == ""


def test_save_takes_few_statements(put, django_assert_num_queries):
    id = uuid4()
    # Two of them start and end the transaction.
    with django_assert_num_queries(5):
        put(id=id)
    with django_assert_num_queries(9):
        put([ONE], id)


def test_save_beside_a_concurrent_one_replaces_its_drawing(put, monkeypatch):
    id = uuid4()
    put(id=id)
    find, results = drawings._find_and_lock, [None]
    monkeypatch.setattr(
        drawings, "_find_and_lock", lambda key: results.pop() if results else find(key)
    )
    assert put([ONE], id).status_code == 200
    assert Drawing.objects.get().text == "1"


def test_save_blank_drawing_deletes_the_saved_one(put):
    id = uuid4()
    put(SEVEN, id)
    assert put([], id).json()["text"] == ""
    assert not Drawing.objects.exists()


@pytest.mark.parametrize("strokes", [[], [[[1, 1], [99, 99]]]])
def test_save_over_a_reviewed_drawing_gets_409(put, admin_user, strokes):
    id = uuid4()
    put(SEVEN, id)
    drawings.label_as_reviewer(Digit.objects.all(), "7", admin_user)
    assert is_problem(put(strokes, id), 409)
    assert put(SEVEN, id).status_code == 200
    assert Drawing.objects.get().strokes == SEVEN


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


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_save_without_a_database_gets_503_and_saves_nothing(put, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error("disk I/O error")

    monkeypatch.setattr(Digit.objects, "bulk_create", fail)
    response = put()
    assert is_problem(response, 503)
    assert "disk" not in response.json()["detail"]
    assert not Drawing.objects.exists()


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


@pytest.mark.parametrize(("lines", "newlines"), [(20, 19), (21, 0), (40, 0), (41, 0)])
def test_save_of_many_lines_fits_the_column(put, lines, newlines):
    text = put(stacked(lines)).json()["text"]
    assert text.count("\n") == newlines
    assert len(text) <= MAX_TEXT
    assert Drawing.objects.get().text == text


def test_longest_text_fits_the_column():
    assert MAX_PARTS + MAX_LINES - 1 <= MAX_TEXT


def test_strokes_of_a_digit_are_pieces_of_a_joined_stroke(put):
    assert put(JOINED_ZEROS).json()["text"] == "00"
    for digit in Digit.objects.all():
        (piece,) = digit.strokes()
        assert len(piece) < len(JOINED_ZEROS[0])
        assert rasterize([piece]).tobytes() == bytes(digit.image)


@pytest.mark.parametrize(
    ("text", "stored"),
    [("7", "7"), ("7?", "7?"), ("?7\n12", "?7\n12"), ("7" * MAX_TEXT, "7" * MAX_TEXT), (None, "?")],
)
def test_label_is_stored(put, client, text, stored):
    id = uuid4()
    put(id=id)
    assert label(client, id, {"text": text}).json() == {"text": text}
    assert Drawing.objects.get().visitor_label == stored


def test_label_can_be_withdrawn(put, client):
    id = uuid4()
    put(id=id)
    label(client, id, {"text": "7"})
    assert client.delete(f"/api/v1/drawings/{id}/label").status_code == 204
    assert Drawing.objects.get().visitor_label == ""
    assert is_problem(client.delete(f"/api/v1/drawings/{uuid4()}/label"), 404)


def test_delete_removes_a_reviewed_drawing_and_is_idempotent(put, client, admin_user):
    id, other = uuid4(), uuid4()
    put(id=id)
    put(id=other)
    drawings.label_as_reviewer(Digit.objects.filter(drawing=id), "7", admin_user)
    for _ in range(2):
        assert client.delete(f"/api/v1/drawings/{id}").status_code == 204
    assert Digit.objects.get().drawing_id == other


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


def test_uppercase_uuid_equals_the_lowercase_uuid(client, static_files):
    id = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
    body = {"strokes": SEVEN}
    for variant, status in ((id, 201), (id.lower(), 200)):
        url = f"/api/v1/drawings/{variant}"
        assert client.put(url, body, content_type="application/json").status_code == status
        assert client.get(f"/drawings/{variant}").status_code == 200


def test_save_stores_rounded_strokes_and_repeats_find_them(put):
    id = uuid4()
    strokes = [[[x + 1e-9, y / 3, 1e-300] for x, y, _ in SEVEN[0]]]
    assert [put(strokes, id=id).status_code for _ in range(2)] == [201, 200]
    drawing = Drawing.objects.get()
    assert drawing.strokes == [[[x, round(y / 3, 2), 0] for x, y, _ in SEVEN[0]]]
    # A client may send what an export contains.
    assert put(drawing.strokes, id=id).status_code == 200
    assert Digit.objects.count() == 1


def test_drawing_in_units_of_its_side_keeps_its_shape(put):
    unit = [[[x / 280, y / 280] for x, y, _ in SEVEN[0]]]
    put(unit)
    stored = Drawing.objects.get().strokes
    large = [[[280 * x, 280 * y] for x, y in stroke] for stroke in stored]
    assert np.abs(rasterize(large).astype(int) - rasterize(SEVEN)).max() <= 2
