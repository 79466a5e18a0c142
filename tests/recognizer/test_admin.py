"""The admin of digits and drawings: lists, filters, search, labels and deletion."""

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import LogEntry
from django.utils.formats import localize
from django.utils.timezone import localtime

from recognizer import drawings
from recognizer.models import Digit, Drawing
from tools.samples import ONE, SEVEN

DIGITS = "/admin/recognizer/digit/"
DRAWINGS = "/admin/recognizer/drawing/"
TAP = [[[5, 5]]]
URLENCODED = "application/x-www-form-urlencoded"

pytestmark = pytest.mark.django_db


@pytest.fixture
def digits(put, db, static_files):
    """A seven, a one and a non-digit, oldest first."""
    for strokes in (SEVEN, ONE, TAP):
        put(strokes)
    return Digit.objects.order_by("pk")


def texts(response):
    return [digit.text for digit in response.context["cl"].result_list]


def change_address(digit):
    return f"{DIGITS}{digit.pk}/change/"


@pytest.mark.database
def test_digit_list_shows_inputs_and_predictions_newest_first(admin_client, digits):
    response = admin_client.get(DIGITS)
    assert response.content.decode().count("data:image/png;base64,") == 3
    assert texts(response) == ["?", "1", "7"]


def test_digit_list_shows_the_confidence_of_digits_but_not_of_a_refused_one(admin_client, digits):
    Digit.objects.update(confidence=0.9916)
    assert admin_client.get(DIGITS).content.decode().count("99.2%") == 2


def test_digit_list_offers_the_month_but_not_the_year(admin_client, digits):
    page = admin_client.get(DIGITS).content.decode()
    assert ("This month" in page, "This year" in page) == (True, False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text__exact=7", ["7"]),
        ("verdict__exact=not+a+digit", ["?"]),
        ("confidence=0", ["?"]),
        ("confidence=50", []),
        ("confidence=90", ["1", "7"]),
        ("model=another", ["1"]),
        ("model=another&text__exact=7", []),
        ("review=open", ["?"]),
        ("review=done", ["1", "7"]),
        ("review=wrong", ["7"]),
        ("review=correct", ["1"]),
        ("review=visitor", ["1"]),
        ("label__exact=2", ["7"]),
    ],
)
def test_digit_filter_selects_matching_digits(admin_client, digits, query, found):
    Digit.objects.filter(text="7").update(label="2")
    Digit.objects.filter(text="1").update(label="1", model="another")
    Drawing.objects.filter(text="1").update(model="another")
    drawings.label_as_visitor(Drawing.objects.get(text="1").id, "7")
    drawings.label_as_visitor(Drawing.objects.get(text="?").id, "7")
    drawings.label_as_visitor(Drawing.objects.get(text="?").id, "")
    assert texts(admin_client.get(f"{DIGITS}?{query}")) == found


def test_lowest_confidence_link_sorts_by_confidence(admin_client, digits):
    page = admin_client.get(DIGITS).content.decode()
    (query,) = re.findall(r'href="(\?[^"]*)">Lowest confidence first', page)
    response = admin_client.get(DIGITS + query.replace("&amp;", "&"))
    confidences = [digit.confidence for digit in response.context["cl"].result_list]
    assert confidences == sorted(confidences)
    assert len(confidences) == 3


@pytest.mark.database
@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("7", ["7", "7"]),
        ("?", ["?"]),
        ("71", ["1", "7"]),
        ("72", []),
        ("2026-11-20", ["?"]),
        ("11/20/2026", ["?"]),
        ("9999-12-31", []),
        ("0001-01-01", []),
        ("admin", ["1"]),
    ],
)
def test_digit_search_finds_digits_numbers_days_and_reviewers(
    admin_client, admin_user, put, digits, term, found
):
    put([*SEVEN, [[320, 60], [320, 260]]])
    drawings.label_as_reviewer(Digit.objects.filter(drawing__text="1"), "1", admin_user)
    Digit.objects.filter(text="?").update(predicted_at=datetime(2026, 11, 20, 23, 59, tzinfo=UTC))
    assert texts(admin_client.get(DIGITS, {"q": term})) == found


def test_digit_list_marks_the_digit_in_its_number(admin_client, put, static_files):
    put([*SEVEN, [[320, 60], [320, 260]]])
    page = admin_client.get(DIGITS).content.decode()
    assert "<mark>7</mark>1" in page
    assert "7<mark>1</mark>" in page


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("7", "visitor: 7"),
        ("?", "visitor: not a digit"),
        ("77", "visitor: 77 (another number of digits)"),
    ],
)
def test_digit_list_shows_the_visitor_label(admin_client, digits, label, shown):
    drawings.label_as_visitor(Drawing.objects.get(text="7").id, label)
    assert f">{shown}<" in admin_client.get(DIGITS).content.decode()


def test_digit_list_groups_its_actions(admin_client, digits):
    page = admin_client.get(DIGITS).content.decode()
    assert page.count("<optgroup") == 2
    assert 'value="label_7"' in page.partition('<optgroup label="Label as">')[2]
    assert 'value="export_csv"' in page.partition('<optgroup label="Export labels as">')[2]


@pytest.mark.database
def test_digit_form_shows_strokes(admin_client, digits):
    page = admin_client.get(change_address(digits[0])).content.decode()
    assert "<svg" in page
    assert 'd="M60.0 60.0 60.0 60.0 220.0 60.0' in page


def test_digit_form_stores_label_and_logs_change(admin_client, digits, admin_user):
    digit = digits[0]
    admin_client.post(change_address(digit), {"label": "2"})
    digit.refresh_from_db()
    assert (digit.label, digit.labeled_by) == ("2", admin_user)
    assert digit.labeled_at is not None
    (entry,) = LogEntry.objects.all()
    assert entry.get_change_message() == "Label changed from “none” to “2”."


def test_digit_form_with_outdated_label_is_rejected(admin_client, digits):
    digit = digits[0]
    address = change_address(digit)
    assert 'name="initial-label"' in admin_client.get(address).content.decode()
    admin_client.post(address, {"label": "3", "initial-label": ""})
    late = admin_client.post(address, {"label": "7", "initial-label": ""})
    assert "Another reviewer has changed the label to “3”" in late.content.decode()
    digit.refresh_from_db()
    assert digit.label == "3"
    admin_client.post(address, {"label": "7", "initial-label": "3"})
    digit.refresh_from_db()
    assert digit.label == "7"


def test_digit_form_shows_date_and_reviewer_of_label(admin_client, digits, django_user_model):
    ana = django_user_model.objects.create_user("ana")
    drawings.label_as_reviewer(Digit.objects.all(), "7", ana)
    date = localize(localtime(digits[0].labeled_at))
    page = admin_client.get(change_address(digits[0])).content.decode()
    assert f"labeled by ana on {date}" in page
    ana.delete()
    page = admin_client.get(change_address(digits[0])).content.decode()
    assert f"labeled by a deleted user on {date}" in page


def test_label_action_labels_and_logs_each_changed_digit(admin_client, digits, admin_user):
    form = {"action": "label_4", "_selected_action": [d.pk for d in digits]}
    admin_client.post(DIGITS, form)
    assert {digit.label for digit in digits.all()} == {"4"}
    assert {digit.labeled_by for digit in digits.all()} == {admin_user}
    assert LogEntry.objects.count() == 3
    admin_client.post(DIGITS, form)
    assert LogEntry.objects.count() == 3


def test_label_action_removes_labels_only_by_explicit_choice(admin_client, digits):
    """One careless click must not remove hundreds of labels."""
    form = {"_selected_action": [digit.pk for digit in digits]}
    admin_client.post(DIGITS, {**form, "action": "label_4"})
    answer = admin_client.post(DIGITS, {**form, "action": ""}, follow=True)
    assert "No action selected" in answer.content.decode()
    assert {digit.label for digit in digits.all()} == {"4"}
    admin_client.post(DIGITS, {**form, "action": "label_none"})
    assert {(digit.label, digit.labeled_at) for digit in digits.all()} == {("", None)}


@pytest.mark.database
def test_delete_action_deletes_all_drawings_across_pages(admin_client, static_files):
    drawing = {"source": "page", "strokes": SEVEN, "text": "7", "model": "m1"}
    Drawing.objects.bulk_create(Drawing(**drawing) for _ in range(1_100))
    form = {"action": "delete_selected", "select_across": "1"}
    some = {"_selected_action": [Drawing.objects.first().pk]}
    page = admin_client.post(DRAWINGS, {**form, **some}).content.decode()
    assert "Drawings: 1100" in page
    ids = re.findall(r'name="_selected_action" value="([^"]+)"', page)
    form = {"action": "delete_selected", "post": "yes", "_selected_action": ids}
    # As browsers send it: multipart bodies have a limit.
    admin_client.post(DRAWINGS, urlencode(form, doseq=True), content_type=URLENCODED)
    assert not Drawing.objects.exists()


@pytest.mark.database
def test_drawing_list_shows_inputs(admin_client, digits):
    assert admin_client.get(DRAWINGS).content.decode().count('alt="28x28 input"') == 3


def test_drawing_delete_removes_its_digits(admin_client, digits):
    drawing = digits[0].drawing
    admin_client.post(f"{DRAWINGS}{drawing.pk}/delete/", {"post": "yes"})
    assert Drawing.objects.count() == Digit.objects.count() == 2


def test_digit_delete_is_forbidden(admin_client, digits):
    assert admin_client.get(f"{DIGITS}{digits[0].pk}/delete/").status_code == 403
