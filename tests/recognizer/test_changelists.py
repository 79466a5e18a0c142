"""The log stays quick when it is long: constant queries, and plans that go by an index."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recognizer.admin import changelist
from recognizer.models import Digit, Drawing
from tools.many_drawings import MODELS, fill

DIGITS = "/admin/recognizer/digit/"
DRAWINGS = "/admin/recognizer/drawing/"
DECK = f"{DIGITS}review/"
MODELS_LIST = "/admin/recognizer/modelversion/"

pytestmark = pytest.mark.django_db

LISTS = {
    "digits": DIGITS,
    "by reading": f"{DIGITS}?text__exact=7",
    "by verdict": f"{DIGITS}?verdict__exact=unsure",
    "by label": f"{DIGITS}?label__exact=3",
    "by model": f"{DIGITS}?model={MODELS[0]}",
    "labeled": f"{DIGITS}?review=done",
    "labeled by the visitor": f"{DIGITS}?review=visitor",
    "labeled, and read wrongly": f"{DIGITS}?review=wrong",
    **{f"confidence {band}": f"{DIGITS}?confidence={band}" for band in (0, 50, 90)},
    "not labeled": f"{DIGITS}?review=open",
    "least sure first": f"{DIGITS}?review=open&o=3",
    "last drawn first": f"{DIGITS}?o=-7",
    "by nothing": f"{DIGITS}?q=nonsense",
    "drawings": DRAWINGS,
    "drawings by source": f"{DRAWINGS}?source__exact=api",
    "drawings by model": f"{DRAWINGS}?model={MODELS[1]}",
    "drawings by nothing": f"{DRAWINGS}?q=nonsense",
}


@pytest.fixture
def log(static_files, shipped):
    """Three thousand drawings."""
    fill(3_000)


def plan(query):
    """How the database goes about a query: what it does with the tables of the log."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {query}")
            return [row[3] for row in cursor.fetchall()]
        # A log as short as this one might as well be read whole.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {query}")
        return [row[0] for row in cursor.fetchall()]


def whole_tables(query, steps):
    """Those steps that read a whole table of the log, or sort what they found."""
    whole = ["USE TEMP B-TREE FOR ORDER BY", "Seq Scan on recognizer_d", "->  Sort  ("]
    if " WHERE " in query:
        # Without it, SQLite calls so the walk along the primary key that a LIMIT ends.
        whole += ["SCAN recognizer_digit", "SCAN recognizer_drawing"]
    return [step for step in steps if any(one in step for one in whole) and "USING" not in step]


def pages(queries):
    """The queries that give what is shown, not those that count."""
    return [
        query["sql"]
        for query in queries
        if query["sql"].startswith("SELECT")
        and "recognizer_d" in query["sql"]
        and "COUNT(" not in query["sql"]
    ]


@pytest.mark.parametrize("address", LISTS.values(), ids=LISTS)
def test_a_list_goes_by_an_index(admin_client, log, address):
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.get(address).status_code == 200
    for query in pages(queries.captured_queries):
        steps = plan(query)
        assert whole_tables(query, steps) == [], "\n".join([query, *steps])


@pytest.mark.parametrize("order", ["least_confident", "most_confident", "newest", "oldest"])
@pytest.mark.parametrize("filters", ["", "?text__exact=3", f"?model={MODELS[1]}"])
def test_the_deck_goes_by_an_index(admin_client, log, order, filters):
    after = [0.7, Digit.objects.order_by("pk")[1_500].pk]
    body = {"order": order, "after": after, "count": 20}
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.post(f"{DECK}next/{filters}", body, content_type="application/json")
    assert len(response.json()["cards"]) >= 20
    for query in pages(queries.captured_queries):
        steps = plan(query)
        assert whole_tables(query, steps) == [], "\n".join([query, *steps])


@pytest.mark.parametrize("address", [*LISTS.values(), f"{DIGITS}?q=admin", DECK])
def test_as_many_queries_however_long_the_log(
    admin_client, static_files, address, django_assert_num_queries
):
    fill(200)
    with CaptureQueriesContext(connection) as few:
        admin_client.get(address)
    fill(1_000, seed=1)
    with django_assert_num_queries(len(few)):
        admin_client.get(address)


@pytest.mark.parametrize("name", ["model", "text__exact", "label__exact", "q"])
@pytest.mark.parametrize("address", [DIGITS, DRAWINGS, DECK])
def test_a_filter_with_nul_is_none(admin_client, static_files, address, name):
    """PostgreSQL has no such text."""
    answer = admin_client.get(f"{address}?{name}=%00")
    assert (answer.status_code, answer.get("Location", "?e=1")[-4:]) in [
        (302, "?e=1"),
        (422, "?e=1"),
    ]


@pytest.mark.parametrize(
    "filters",
    ["text__regex=(", "image=a", "drawing__strokes__contains=1", "predicted_at__year=99999"],
)
def test_filters_that_no_list_offers_are_refused(admin_client, static_files, filters):
    for address in (DIGITS, DECK, MODELS_LIST):
        assert admin_client.get(f"{address}?{filters}").status_code == 400


def test_no_list_offers_to_count_the_whole_table(admin_client, static_files):
    fill(10)
    for address in (DIGITS, DRAWINGS):
        assert "_facets" not in admin_client.get(address).content.decode()


def test_counting_ends_somewhere_and_the_list_says_so(admin_client, log, monkeypatch):
    monkeypatch.setattr(changelist, "MAX_ROWS", 100)
    page = admin_client.get(DIGITS)
    assert page.context["cl"].result_count == 100
    assert "Only the first 100 rows" in page.content.decode()
    page = admin_client.get(f"{DIGITS}?review=done&q=nonsense")
    assert "Only the first" not in page.content.decode()


def test_not_everything_is_labeled_at_once(admin_client, log, monkeypatch):
    monkeypatch.setattr(changelist, "MAX_ROWS", 100)
    some = {"action": "label_selected", "label": "4", "_selected_action": [1]}
    before = Digit.objects.filter(label="4").count()
    page = admin_client.post(DIGITS, {**some, "select_across": "1"}, follow=True).content.decode()
    assert "Select fewer" in page
    assert Digit.objects.filter(label="4").count() == before


def test_a_drawing_is_found_by_its_uuid_and_by_its_model(admin_client, log):
    drawing = Drawing.objects.first()
    for term, found in ((drawing.id, 1), (drawing.id.hex, 1), (MODELS[0], 1_000), ("nonsense", 0)):
        for address in (DIGITS, DRAWINGS):
            assert admin_client.get(f"{address}?q={term}").context["cl"].result_count == found


def test_the_models_that_read_lately_can_be_chosen(admin_client, log, candidate):
    page = admin_client.get(DIGITS).content.decode()
    assert f"?model={MODELS[2]}" in page
    assert f"?model={candidate.version}" in page


def test_a_seed_always_makes_the_same(db):
    fill(20)
    first = list(Drawing.objects.order_by("pk").values())
    Drawing.objects.all().delete()
    fill(20)
    assert list(Drawing.objects.order_by("pk").values()) == first
    assert {one["created_at"].year for one in first} <= {2025, 2026}
    assert first[0]["created_at"] < datetime(2026, 11, 24, tzinfo=UTC)
