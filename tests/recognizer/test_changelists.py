"""Admin lists and the review queue: results, bounds and queries independent of table size."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recognizer.admin import changelist
from recognizer.models import Digit, Drawing
from tools.many_drawings import DIGITS, DRAWINGS, LISTS, MODELS, MODELS_LIST, ORDERS, REVIEW, fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(static_files, shipped):
    """Save 600 drawings."""
    fill(600)


def selects(queries):
    """Return the queries that read drawings or digits."""
    return [
        query["sql"]
        for query in queries.captured_queries
        if query["sql"].startswith("SELECT") and "recognizer_d" in query["sql"]
    ]


def test_digit_list_by_confidence_on_second_page_continues_the_order(admin_client, log):
    expected = Digit.objects.order_by("confidence", "-pk")[50:100]
    assert list(admin_client.get(f"{DIGITS}?o=3&p=2").context["cl"].result_list) == list(expected)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("filters", ["", "?text__exact=3", f"?model={MODELS[1]}"])
def test_review_queue_in_any_order_with_filters_limits_its_query(admin_client, log, order, filters):
    after = [[0.7, Digit.objects.order_by("pk")[300].pk]]
    body = {"order": order, "after": after, "count": 5}
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.post(
            f"{REVIEW}next/{filters}", body, content_type="application/json"
        )
    assert len(response.json()["cards"]) >= 5
    assert all("LIMIT" in query or " IN (" in query for query in selects(queries))


@pytest.mark.parametrize("address", [*LISTS.values(), f"{DIGITS}?q=admin", REVIEW])
def test_page_makes_few_limited_queries_for_any_number_of_drawings(
    admin_client, static_files, address, django_assert_num_queries
):
    address = address.replace("p=200", "p=2")
    fill(120)
    # Every filter finds a digit: Django skips queries for empty pages.
    Digit.objects.filter(pk=Digit.objects.filter(model=MODELS[1])[0].pk).update(label="3", text="4")
    with CaptureQueriesContext(connection) as few:
        found = admin_client.get(address).context.get("cl")
    for query in selects(few):
        # Django omits the limit if everything fits one page.
        assert "LIMIT" in query or " IN (" in query or not found.multi_page
        assert '"strokes"' not in query
    fill(120, seed=1)
    assert len(few) <= 12
    with django_assert_num_queries(len(few)):
        admin_client.get(address)


@pytest.mark.parametrize(
    "filters",
    ["text__regex=(", "image=a", "drawing__strokes__contains=1", "predicted_at__year=99999"],
)
def test_filter_that_no_list_offers_is_rejected(admin_client, static_files, filters):
    for address in (DIGITS, REVIEW, MODELS_LIST):
        assert admin_client.get(f"{address}?{filters}").status_code == 400


def test_list_does_not_offer_facets(admin_client, static_files):
    fill(10)
    for address in (DIGITS, DRAWINGS):
        assert "_facets" not in admin_client.get(address).content.decode()


def test_list_with_more_rows_than_the_maximum_says_so(admin_client, log, monkeypatch):
    monkeypatch.setattr(changelist, "MAX_ROWS", 100)
    page = admin_client.get(DIGITS)
    assert page.context["cl"].result_count == 100
    assert "Only the first 100 rows" in page.content.decode()
    page = admin_client.get(f"{DIGITS}?review=done&q=nonsense")
    assert "Only the first" not in page.content.decode()


def test_action_on_more_rows_than_the_maximum_is_rejected(admin_client, log, monkeypatch):
    monkeypatch.setattr(changelist, "MAX_ROWS", 100)
    some = {"action": "label_4", "_selected_action": [1]}
    before = Digit.objects.filter(label="4").count()
    page = admin_client.post(DIGITS, {**some, "select_across": "1"}, follow=True).content.decode()
    assert "Select fewer" in page
    assert Digit.objects.filter(label="4").count() == before


@pytest.mark.database
def test_search_finds_uuids(admin_client, log):
    drawing = Drawing.objects.first()
    for term, found in ((drawing.id, 1), (drawing.id.hex, 1), (MODELS[0], 0), ("nonsense", 0)):
        for address in (DIGITS, DRAWINGS):
            assert admin_client.get(f"{address}?q={term}").context["cl"].result_count == found


@pytest.mark.parametrize("filters", ["q=nonsense", "model=nonsense"])
def test_unknown_search_term_and_filter_by_an_unknown_model_read_no_digits(
    admin_client, log, filters
):
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(f"{DIGITS}?{filters}")
    assert list(page.context["cl"].result_list) == []
    assert not [query for query in selects(queries) if 'FROM "recognizer_digit"' in query]


def test_model_filter_offers_recent_and_registered_models(admin_client, log, candidate):
    page = admin_client.get(DIGITS).content.decode()
    assert f"?model={MODELS[2]}" in page
    assert f"?model={candidate.version}" in page
