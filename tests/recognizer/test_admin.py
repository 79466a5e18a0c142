"""The log in the admin: seen, filtered, searched and labeled."""

import re
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from recognizer import drawings
from recognizer.models import Digit, Drawing
from tools.samples import SEVEN

DIGITS = "/admin/recognizer/digit/"
DRAWINGS = "/admin/recognizer/drawing/"
ONE = [[[100, 10], [100, 250]]]

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(put, db, static_files):
    """A seven, a one and a tap."""
    for strokes in (SEVEN, ONE, [[[5, 5]]]):
        put(strokes)
    return Digit.objects.order_by("pk")


def results(response):
    return [digit.text for digit in response.context["cl"].result_list]


def test_the_list_shows_pictures_and_readings(admin_client, log):
    page = admin_client.get(DIGITS).content.decode()
    assert page.count("data:image/png;base64,") == 3
    assert results(admin_client.get(DIGITS)) == ["?", "1", "7"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text__exact=7", ["7"]),
        ("verdict__exact=not+a+digit", ["?"]),
        ("confidence=90", ["1", "7"]),
        ("review=open", ["?", "1"]),
        ("review=done", ["7"]),
        ("review=wrong", ["7"]),
        ("review=visitor", ["1"]),
        ("label__exact=2", ["7"]),
    ],
)
def test_the_filters_find(admin_client, log, admin_user, query, found):
    Digit.objects.filter(text="7").update(label="2")
    drawings.label_as_visitor(Drawing.objects.get(text="1").id, "7")
    drawings.label_as_visitor(Drawing.objects.get(text="?").id, "7")
    drawings.label_as_visitor(Drawing.objects.get(text="?").id, "")
    assert results(admin_client.get(f"{DIGITS}?{query}")) == found


def test_least_sure_first_is_one_click(admin_client, log):
    page = admin_client.get(DIGITS)
    assert "Least sure first" in page.content.decode()
    order = page.context["least_sure"]
    response = admin_client.get(f"{DIGITS}?review=open&o={order}")
    confidences = [digit.confidence for digit in response.context["cl"].result_list]
    assert confidences == sorted(confidences)


def test_search_finds_a_drawing_by_its_uuid(admin_client, log):
    drawing = log[0].drawing
    assert results(admin_client.get(f"{DIGITS}?q={drawing.id}")) == ["7"]
    assert results(admin_client.get(f"{DIGITS}?q=nonsense")) == []


@pytest.mark.parametrize("address", [DIGITS, DRAWINGS])
def test_a_page_of_the_list_takes_a_constant_number_of_queries(
    admin_client, put, log, address, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12) as few:
        admin_client.get(address)
        count = len(few)
    for _ in range(20):
        put()
    with django_assert_num_queries(count):
        admin_client.get(address)


def test_a_digit_shows_its_strokes_and_takes_a_label(admin_client, log, admin_user):
    digit = log[0]
    address = f"{DIGITS}{digit.pk}/change/"
    page = admin_client.get(address).content.decode()
    assert "<svg" in page
    assert 'd="M60.0 60.0L220.0 60.0' in page
    admin_client.post(address, {"label": "2"})
    digit.refresh_from_db()
    assert (digit.label, digit.labeled_by) == ("2", admin_user)
    assert digit.labeled_at is not None
    (entry,) = LogEntry.objects.all()
    assert entry.get_change_message() == "Label changed from “none” to “2”."


def test_many_are_labeled_at_once_and_each_is_logged(admin_client, log, admin_user):
    form = {"action": "label_selected", "label": "4", "_selected_action": [d.pk for d in log]}
    admin_client.post(DIGITS, form)
    assert {digit.label for digit in log.all()} == {"4"}
    assert {digit.labeled_by for digit in log.all()} == {admin_user}
    assert LogEntry.objects.count() == 3
    admin_client.post(DIGITS, form)
    assert LogEntry.objects.count() == 3


def test_a_label_can_be_taken_away(admin_client, log):
    digit = log[0]
    admin_client.post(f"{DIGITS}{digit.pk}/change/", {"label": "2"})
    admin_client.post(f"{DIGITS}{digit.pk}/change/", {"label": ""})
    digit.refresh_from_db()
    assert (digit.label, digit.labeled_by, digit.labeled_at) == ("", None, None)


def test_a_form_that_is_old_overwrites_nobody(admin_client, log):
    digit = log[0]
    address = f"{DIGITS}{digit.pk}/change/"
    assert 'name="initial-label"' in admin_client.get(address).content.decode()
    admin_client.post(address, {"label": "3", "initial-label": ""})
    late = admin_client.post(address, {"label": "7", "initial-label": ""})
    assert "Meanwhile somebody has labeled it" in late.content.decode()
    digit.refresh_from_db()
    assert digit.label == "3"
    admin_client.post(address, {"label": "7", "initial-label": "3"})
    digit.refresh_from_db()
    assert digit.label == "7"


def test_a_label_that_is_none_changes_nothing(admin_client, log):
    form = {"action": "label_selected", "label": "12", "_selected_action": [log[0].pk]}
    admin_client.post(DIGITS, form)
    assert not Digit.objects.exclude(label="").exists()


def test_whoever_chooses_no_label_is_asked_for_one(admin_client, log):
    """One careless click must not take hundreds of labels away."""
    chosen = {"action": "label_selected", "_selected_action": [digit.pk for digit in log]}
    admin_client.post(DIGITS, {**chosen, "label": "4"})
    answer = admin_client.post(DIGITS, {**chosen, "label": ""}, follow=True)
    assert "Choose a label first" in answer.content.decode()
    assert {digit.label for digit in log.all()} == {"4"}
    admin_client.post(DIGITS, {**chosen, "label": "none"})
    assert {(digit.label, digit.labeled_at) for digit in log.all()} == {("", None)}


def test_thousands_of_drawings_are_deleted_at_once(admin_client, static_files):
    drawing = {"source": "page", "strokes": SEVEN, "text": "7", "model": "m1"}
    Drawing.objects.bulk_create(Drawing(**drawing) for _ in range(1_100))
    every = {"action": "delete_selected", "select_across": "1"}
    some = {"_selected_action": [Drawing.objects.first().pk]}
    page = admin_client.post(DRAWINGS, {**every, **some}).content.decode()
    assert "Drawings: 1100" in page
    ids = re.findall(r'name="_selected_action" value="([^"]+)"', page)
    form = {"action": "delete_selected", "post": "yes", "_selected_action": ids}
    admin_client.post(DRAWINGS, form)
    assert not Drawing.objects.exists()


def test_lists_hold_no_strokes(admin_client, log, django_assert_num_queries):
    """Any visitor may keep a megabyte of them in each drawing."""
    for address in (DIGITS, DRAWINGS):
        for row in admin_client.get(address).context["cl"].result_list:
            assert "strokes" in getattr(row, "drawing", row).get_deferred_fields()


def test_a_drawing_in_the_list_is_what_the_net_saw(admin_client, log):
    assert admin_client.get(DRAWINGS).content.decode().count('alt="28x28 input"') == 3


def test_who_labeled_is_told_even_if_they_are_gone(admin_client, log, django_user_model):
    ana = django_user_model.objects.create_user("ana")
    drawings.label_as_reviewer(Digit.objects.all(), "7", ana)
    ana.delete()
    page = admin_client.get(f"{DIGITS}{log[0].pk}/change/").content.decode()
    assert "labeled by somebody who has no account any more" in page


def test_a_drawing_is_deleted_with_its_digits(admin_client, log):
    drawing = log[0].drawing
    admin_client.post(f"{DRAWINGS}{drawing.pk}/delete/", {"post": "yes"})
    assert Drawing.objects.count() == Digit.objects.count() == 2


def test_a_digit_is_not_deleted_alone(admin_client, log):
    assert admin_client.get(f"{DIGITS}{log[0].pk}/delete/").status_code == 403


def test_staff_who_may_only_look_cannot_label(client, django_user_model, log):
    user = django_user_model.objects.create_user("bo", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_digit"))
    client.force_login(user)
    digit = log[0]
    assert client.get(f"{DIGITS}{digit.pk}/change/").status_code == 200
    assert f'href="{DIGITS}review/"' not in client.get(DIGITS).content.decode()
    assert client.post(f"{DIGITS}{digit.pk}/change/", {"label": "2"}).status_code == 403
    client.post(DIGITS, {"action": "label_selected", "label": "4", "_selected_action": [digit.pk]})
    assert not Digit.objects.exclude(label="").exists()


def test_text_from_outside_is_only_text_in_the_admin(admin_client, put, static_files):
    id = uuid4()
    put(id=id)
    Drawing.objects.update(visitor_label="<img src=x onerror=alert(1)>")
    for address in (DIGITS, DRAWINGS, f"{DRAWINGS}{id}/change/"):
        assert "<img src=x" not in admin_client.get(address).content.decode()
