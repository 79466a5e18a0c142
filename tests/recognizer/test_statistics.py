"""What the log says: the figures, where they lead, who may see them, and what they cost."""

import io
import re
import weakref
from datetime import timedelta
from html import unescape
from itertools import pairwise

import numpy as np
import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from ml.evaluation.metrics import wilson
from ml.preprocessing.strokes import rasterize
from recognizer import drift, statistics
from recognizer.models import Day, Digit, Drawing
from tools.samples import SEVEN

LOG = "/admin/recognizer/digit/statistics/"
GRID = rasterize(SEVEN)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def deployed(static_files):
    pass


def make(count=1, days_ago=0, model="m1", image=GRID, strokes=SEVEN, **fields):
    """Digits, each of a drawing of its own."""
    drawings = Drawing.objects.bulk_create(
        Drawing(source="page", strokes=strokes, text="7", model=model) for _ in range(count)
    )
    digit = {"text": "7", "verdict": "digit", "confidence": 0.95, **fields}
    digits = Digit.objects.bulk_create(
        Digit(
            drawing=drawing, position=0, image=image.tobytes(), box=[60, 60, 160, 200],
            model=model, probabilities=[0.1] * 10, **digit,
        )
        for drawing in drawings
    )  # fmt: skip
    then = timezone.now() - timedelta(days=days_ago)
    Drawing.objects.filter(digits__in=digits).update(created_at=then)
    Digit.objects.filter(pk__in=[one.pk for one in digits]).update(predicted_at=then)


def links(page):
    """What each link of a page is called, with where it leads."""
    found = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"', page)
    return {unescape(name): unescape(address) for address, name in found}


def test_drawings_and_verdicts_are_counted_by_day():
    make(3)
    make(2, days_ago=1, verdict="unsure")
    make(1, days_ago=1, verdict="not a digit", text="?")
    make(9, days_ago=7)
    *before, yesterday, today = statistics.by_day(7)
    assert (today.drawings, today.digits, today.unsure_share) == (3, 3, 0)
    assert (yesterday.drawings, yesterday.unsure, yesterday.not_a_digit) == (3, 2, 1)
    assert yesterday.unsure_share == 2 / 3
    assert [day.digits for day in before] == [0] * 5
    assert sum(day.digits for day in statistics.by_day(30)) == 15


def test_a_day_begins_at_midnight():
    make(1)
    midnight = statistics.first_day(1)
    Drawing.objects.update(created_at=midnight)
    Digit.objects.update(predicted_at=midnight - timedelta(microseconds=1))
    *_, yesterday, today = statistics.by_day(7)
    assert (today.drawings, today.digits) == (1, 0)
    assert (yesterday.drawings, yesterday.digits) == (0, 1)


def test_a_day_that_is_over_is_counted_once(django_assert_num_queries):
    make(2, days_ago=2, verdict="unsure")
    with django_assert_num_queries(4):  # what is kept, drawings, digits; and keep them
        first = statistics.by_day(7)
    assert [day.drawings for day in first] == [0, 0, 0, 0, 2, 0, 0]
    Drawing.objects.all().delete()
    make(3)
    with django_assert_num_queries(3):
        *before, today = statistics.by_day(7)
    assert (before[4].drawings, before[4].unsure_share, today.drawings) == (2, 1, 3)
    assert not Day.objects.filter(start=statistics.first_day(1)).exists()


def test_a_day_that_has_just_ended_is_not_kept_yet(monkeypatch):
    monkeypatch.setattr(statistics, "SETTLED", timedelta(days=3))
    make(1, days_ago=1)
    statistics.by_day(7)
    make(1, days_ago=1)
    assert statistics.by_day(7)[-2].drawings == 2
    assert Day.objects.count() < 7


def test_what_is_purged_was_counted_before():
    """Whether or not anybody looked at the log meanwhile."""
    make(5, days_ago=8)
    make(2, days_ago=200)
    call_command("purge_drawings", "--days", "7", stdout=io.StringIO())
    assert not Drawing.objects.exists()
    assert [day.drawings for day in statistics.by_day(30)][-9] == 5
    assert statistics.by_day(201)[0].drawings == 2


def test_what_is_purged_after_midnight_was_counted_too(monkeypatch):
    midnight = statistics.first_day(1)
    monkeypatch.setattr(timezone, "now", lambda: midnight + timedelta(minutes=30))
    make(1)
    for hour in (0.2, 12):
        at = midnight - timedelta(days=1, hours=-hour)
        drawing = Drawing.objects.create(source="page", strokes=SEVEN, text="7", model="m1")
        Drawing.objects.filter(pk=drawing.pk).update(created_at=at)
    call_command("purge_drawings", "--days", "1", stdout=io.StringIO())
    assert [day.drawings for day in statistics.by_day(7)][-2:] == [2, 1]


def test_rightness_by_model_has_wilsons_interval():
    make(8, label="7")
    make(2, label="1")
    make(5, label="7", model="m2")
    make(50)
    make(4, label="7", days_ago=40)
    labeled = statistics.labeled(30)
    assert (labeled.rightness.right, labeled.rightness.of) == (13, 15)
    models = labeled.by_model()
    assert list(models) == ["m2", "m1"]
    assert models["m1"].share == 0.8
    assert models["m1"].interval == wilson(8, 10)


def test_readings_are_put_in_tenths_of_confidence():
    make(3, label="7", confidence=0.52)
    make(1, label="1", confidence=0.58)
    make(2, label="7", confidence=1.0)
    make(1, label="?", text="?", verdict="not a digit", confidence=0.3)
    unsure, sure = statistics.labeled(30).bins()
    assert unsure.confidence == pytest.approx(0.535)
    assert (unsure.rightness.right, unsure.rightness.of) == (3, 4)
    assert (sure.confidence, sure.rightness.share) == (1, 1)


@pytest.mark.parametrize("days", [7, 30, 90])
def test_every_number_of_the_matrix_opens_the_digits_it_counts(admin_client, days):
    make(3, label="7")
    make(2, label="1")
    make(1, label="?")
    make(1, label="1", days_ago=29)
    make(1, label="1", days_ago=89)
    found = links(admin_client.get(f"{LOG}?days={days}").content.decode())
    cells = {name: link for name, link in found.items() if name[0].isdigit()}
    ones = {7: 2, 30: 3, 90: 4}[days]
    assert set(cells) == {
        "3 labeled 7, read as 7",
        f"{ones} labeled 1, read as 7",
        "1 labeled not a digit, read as 7",
    }
    for name, link in cells.items():
        assert admin_client.get(link).context["cl"].result_count == int(name.split()[0])


def test_a_models_errors_are_a_click_away(admin_client):
    make(2, label="1")
    make(3, label="1", model="m2")
    make(4, label="7", model="m2")
    found = links(admin_client.get(LOG).content.decode())
    chosen = admin_client.get(found["What m2 read wrongly"]).context["cl"]
    assert {digit.drawing.model for digit in chosen.result_list} == {"m2"}
    assert chosen.result_count == 3


def test_what_is_drawn_as_mnist_is_raises_no_alarm(admin_client):
    rng = np.random.default_rng(0)
    for _ in range(drift.FEWEST):
        # A seven by another hand: stretched, and with a pen of its own.
        stretch, pen = rng.uniform(0.7, 1.4), rng.uniform(1.0, 1.6)
        grid = rasterize([[[x * stretch, y] for x, y, _ in SEVEN[0]]])
        make(image=np.minimum(grid * pen, 255).astype(np.uint8))
    found = drift.drift()
    assert found.alarms == []
    assert [one.name for one in found.properties][-1] == "strokes"
    assert "No alarm" in admin_client.get(LOG).content.decode()


def test_ink_unlike_mnists_raises_an_alarm(admin_client):
    make(drift.FEWEST, image=np.invert(GRID))
    assert "ink, in pixels" in [one.name for one in drift.drift().alarms]
    page = admin_client.get(LOG).content.decode()
    assert "no longer like what the net has learned from" in page


def test_a_few_digits_raise_no_alarm_and_blank_ones_none(admin_client):
    make(drift.FEWEST - 1, image=np.invert(GRID))
    make(drift.FEWEST, image=np.zeros_like(GRID))
    found = drift.drift()
    assert (found.count, found.alarms) == (drift.FEWEST - 1, [])
    assert "say too little" in admin_client.get(LOG).content.decode()


def test_one_drawing_of_many_strokes_among_pictures_is_no_alarm():
    make(drift.FEWEST, strokes=None)
    make(1, strokes=[[[70, 70], [80, 80]]] * 4)
    found = drift.drift()
    strokes = found.properties[-1]
    assert (strokes.name, strokes.count, strokes.found.mean) == ("strokes", 1, 4)
    assert abs(strokes.difference) > drift.BOUND
    assert found.alarms == []


def test_drift_holds_a_few_drawings_at_a_time(monkeypatch):
    """One may have a megabyte of strokes, and a digit needs no more than their number."""
    make(30)
    alive = weakref.WeakSet()
    init = Drawing.__init__

    def count(self, *arguments, **fields):
        init(self, *arguments, **fields)
        alive.add(self)
        most.append(len(alive))

    most = []
    monkeypatch.setattr(Drawing, "__init__", count)
    drift.drift()
    assert len(most) == 30
    assert max(most) <= 2 * drift.CHUNK


def test_drift_looks_at_the_newest_alone(monkeypatch):
    make(5, image=np.invert(GRID))
    make(3)
    monkeypatch.setattr(drift, "SAMPLE", 3)
    found = drift.drift()
    assert found.count == 3
    assert found.properties[0].found.mean == pytest.approx(GRID.sum() / 255)


def test_an_empty_log_says_so(admin_client):
    assert "The log is empty" in admin_client.get(LOG).content.decode()


def test_a_log_without_labels_and_without_these_days_is_shown(admin_client):
    make(1, days_ago=50)
    page = admin_client.get(f"{LOG}?days=nonsense").content.decode()
    assert "In the last 30 days 0 drawings were kept" in page
    assert "None of these digits has a label yet" in page


def test_the_list_of_digits_leads_to_it(admin_client):
    assert f'href="{LOG}"' in admin_client.get("/admin/recognizer/digit/").content.decode()


def test_only_who_may_view_digits_sees_it(client, django_user_model):
    assert client.get(LOG).status_code == 302
    user = django_user_model.objects.create_user("bo", password="x", is_staff=True)
    client.force_login(user)
    assert client.get(LOG).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_digit"))
    assert client.get(LOG).status_code == 200


def test_the_number_of_queries_does_not_grow(admin_client, django_assert_num_queries):
    make(1, label="7")
    admin_client.get(f"{LOG}?days=90")
    # session, user; days, drawings, digits, labels, the newest and their strokes
    with django_assert_num_queries(8):
        admin_client.get(f"{LOG}?days=7")
    for days_ago in range(40):
        make(2, label="1", days_ago=days_ago, model=f"m{days_ago}")
    with django_assert_num_queries(8):
        admin_client.get(f"{LOG}?days=90")


def plans(ask, capture):
    """How the database answers each query, as it would with many rows."""
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor, capture(2) as asked:
        if not sqlite:
            # Of three rows it would read all, or read them in any order and sort.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        ask()
    queries = [one["sql"] for one in asked.captured_queries if "SELECT" in one["sql"]]
    for query in queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{query}")
            yield "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_days_are_counted_in_indexes(django_assert_max_num_queries):
    make(3)
    spans = list(pairwise(statistics.first_day(one) for one in range(90, -1, -1)))
    drawings, digits = plans(lambda: statistics.count(spans), django_assert_max_num_queries)
    for plan in (drawings, digits):
        assert "Seq Scan" not in plan
        assert not re.search(r"SCAN recognizer_(?!.* INDEX)", plan)
    assert "recognizer__created_" in drawings
    assert "recognizer__verdict_" in digits


def test_labels_are_found_in_an_index(django_assert_max_num_queries):
    make(3, label="7")
    (plan,) = plans(lambda: statistics.labeled(30), django_assert_max_num_queries)
    assert "labeled_digits" in plan


def test_the_newest_are_found_without_sorting(django_assert_max_num_queries):
    make(3)
    for plan in plans(drift.drift, django_assert_max_num_queries):
        assert "Sort" not in plan
        assert "B-TREE" not in plan
