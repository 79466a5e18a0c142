"""The start page of the staff site: pending work, sections, permissions."""

import re

import pytest

from recognizer import registry, review_queue
from recognizer.models import Digit
from tools.many_drawings import fill
from tools.samples import SHIPPED

START = "/admin/"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("static_files"),
    pytest.mark.database,
]


def text_of(response):
    return " ".join(re.sub("<[^>]*>", " ", response.content.decode()).split())


def test_start_page_states_pending_work_and_the_model(admin_client, put, candidate, shipped):
    for _ in range(3):
        put()
    first, second, _ = Digit.objects.order_by("pk")
    Digit.objects.filter(pk=first.pk).update(label="7")
    Digit.objects.filter(pk=second.pk).update(verdict="unsure")
    text = text_of(admin_client.get(START))
    assert "2 digits without a label, 1 of them unsure" in text
    assert "100.0% of 1 labeled digit, 95% interval 20.7% to 100.0%" in text
    assert "Unknown: too few digits" in text
    assert "3 today, 3 in 14 days" in text
    assert f"{shipped.version} serves; 1 candidate waits" in text


def test_start_page_counts_no_copy_of_the_serving_model_as_candidate(admin_client):
    registry.register(SHIPPED.read_bytes())
    assert "no candidates wait" in text_of(admin_client.get(START))


def test_start_page_without_drawings_says_so(admin_client):
    text = text_of(admin_client.get(START))
    assert "Every digit has a label." in text
    assert "Unknown: no digit of the last 30 days has a label." in text
    assert "no candidates wait" in text


def test_start_page_with_more_digits_than_the_maximum_says_so(admin_client, put, monkeypatch):
    monkeypatch.setattr(review_queue, "MAX_WAITING", 2)
    for _ in range(3):
        put()
    assert "2+ digits without a label" in " ".join(text_of(admin_client.get(START)).split())


def test_start_page_collapses_security_after_recognizer_and_staff(admin_client):
    page = admin_client.get(START).content.decode()
    sections = re.findall(r'<details class="module app-(\w+)"( open)?>', page)
    assert sections == [("recognizer", " open"), ("staff", " open"), ("security", "")]
    security = page.partition("app-security")[2]
    assert all(name in security for name in ("Groups", "Access attempts", "TOTP devices"))


def test_start_page_shows_only_what_the_user_may_view(sign_in):
    client = sign_in("view_digit")
    page = client.get(START).content.decode()
    assert "without a label" not in page
    assert "Every digit has a label" in page
    assert "serves" not in page
    assert 'review/"' not in page
    for link in re.findall(r'<d[td]><a href="([^"]+)"', page):
        assert client.get(link).status_code == 200


def test_start_page_without_permissions_names_the_remedy(sign_in):
    assert "Ask a superuser" in sign_in().get(START).content.decode()


def test_start_page_makes_the_same_queries_for_any_number_of_drawings(
    admin_client, django_assert_num_queries
):
    # session, user, days, digits without label, labels, drift, candidates
    for count in (10, 500):
        fill(count, seed=count)
        with django_assert_num_queries(7):
            admin_client.get(START)
