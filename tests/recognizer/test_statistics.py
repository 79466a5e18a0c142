"""Statistics: numbers, links, number of queries."""

import re
from datetime import timedelta
from html import unescape

import numpy as np
import pytest
from django.utils import timezone

from ml.evaluation.metrics import wilson
from ml.preprocessing.strokes import rasterize
from recognizer import drift, rendering, statistics
from recognizer.models import Digit, Drawing
from tools.samples import SEVEN

PAGE = "/admin/recognizer/digit/statistics/"
GRID = rasterize(SEVEN)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def deployed(static_files):
    pass


def make(count=1, days_ago=0, model="m1", image=GRID, **fields):
    """Create digits, each with its own drawing."""
    drawings = Drawing.objects.bulk_create(
        Drawing(source="page", strokes=SEVEN, text="7", model=model) for _ in range(count)
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
    """Return the address of each labeled link by its label."""
    found = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"', page)
    return {unescape(name): unescape(address) for address, name in found}


def test_by_day_with_drawings_of_three_days_counts_drawings_and_verdicts():
    make(3)
    make(2, days_ago=1, verdict="unsure")
    make(1, days_ago=1, verdict="not a digit", text="?")
    make(9, days_ago=7)
    *before, yesterday, today = statistics.by_day(statistics.Period.latest(7))
    assert (today.drawings, today.digits, today.unsure_share) == (3, 3, 0)
    assert (yesterday.drawings, yesterday.unsure, yesterday.not_a_digit) == (3, 2, 1)
    assert yesterday.unsure_share == 2 / 3
    assert [day.digits for day in before] == [0] * 5
    assert sum(day.digits for day in statistics.by_day(statistics.Period.latest(30))) == 15


def test_by_day_around_midnight_starts_a_new_day():
    make(2)
    midnight = statistics.Period.latest(1).filters["predicted_at__gte"]
    first, second = Digit.objects.order_by("pk")
    Digit.objects.filter(pk=first.pk).update(predicted_at=midnight - timedelta(microseconds=1))
    Digit.objects.filter(pk=second.pk).update(predicted_at=midnight)
    assert [day.digits for day in statistics.by_day(statistics.Period.latest(7))][-2:] == [1, 1]


def test_by_day_with_a_number_counts_one_drawing():
    make(1)
    digit = Digit.objects.get()
    digit.pk, digit.position = None, 1
    digit.save()
    today = statistics.by_day(statistics.Period.latest(7))[-1]
    assert (today.drawings, today.digits) == (1, 2)


def test_accuracy_by_model_has_wilson_interval():
    make(8, label="7")
    make(2, label="1")
    make(5, label="7", model="m2")
    make(50)
    make(4, label="7", days_ago=40)
    labeled = statistics.labeled(statistics.Period.latest(30))
    assert (labeled.accuracy.correct, labeled.accuracy.total) == (13, 15)
    models = labeled.by_model()
    assert list(models) == ["m2", "m1"]
    assert models["m1"].share == 0.8
    assert models["m1"].interval == wilson(8, 10)


def test_bins_group_digits_by_tenths_of_confidence():
    make(3, label="7", confidence=0.52)
    make(1, label="1", confidence=0.58)
    make(2, label="7", confidence=1.0)
    make(1, label="?", text="?", verdict="not a digit", confidence=0.3)
    unsure, sure = statistics.labeled(statistics.Period.latest(30)).bins()
    assert unsure.confidence == pytest.approx(0.535)
    assert (unsure.accuracy.correct, unsure.accuracy.total) == (3, 4)
    assert (sure.confidence, sure.accuracy.share) == (1, 1)


@pytest.mark.parametrize("days", [7, 30, 90])
def test_confusion_matrix_numbers_link_to_the_counted_digits(admin_client, days):
    make(3, label="7")
    make(2, label="1")
    make(1, label="?")
    make(1, label="1", days_ago=29)
    make(1, label="1", days_ago=89)
    found = links(admin_client.get(f"{PAGE}?days={days}").content.decode())
    cells = {name: link for name, link in found.items() if "labeled" in name and name[0].isdigit()}
    ones = {7: 2, 30: 3, 90: 4}[days]
    assert set(cells) == {
        "3 labeled 7, predicted 7",
        f"{ones} labeled 1, predicted 7",
        "1 labeled not a digit, predicted 7",
    }
    for name, link in cells.items():
        assert admin_client.get(link).context["cl"].result_count == int(name.split()[0])


def test_counts_of_the_period_and_of_a_model_link_to_their_digits(admin_client):
    make(2, label="1")
    make(3, label="1", model="m2")
    make(4, label="7", model="m2")
    found = links(admin_client.get(PAGE).content.decode())
    assert admin_client.get(found["Digits of 9 drawings"]).context["cl"].result_count == 9
    chosen = admin_client.get(found["Errors of m2"]).context["cl"]
    assert {digit.drawing.model for digit in chosen.result_list} == {"m2"}
    assert chosen.result_count == 3
    chosen = admin_client.get(found["Correct predictions of m2"]).context["cl"]
    assert chosen.result_count == 4
    context = admin_client.get(PAGE).context
    links_of_period = (*context["links"].values(), context["labeled_link"], context["drift_link"])
    counts = [admin_client.get(link).context["cl"].result_count for link in links_of_period]
    assert counts == [9, 0, 0, 9, 9]


def test_calibration_numbers_link_to_the_digits_of_their_bin(admin_client):
    make(3, label="7", confidence=0.52)
    make(1, label="1", confidence=0.58)
    make(2, label="7", confidence=1.0)
    make(1, label="7", text="?", verdict="not a digit", confidence=0.55)
    make(1, confidence=0.55)
    make(1, label="7", confidence=0.55, days_ago=40)
    found = links(admin_client.get(PAGE).content.decode())
    bins = {name: link for name, link in found.items() if name.startswith("Confidence")}
    assert list(bins) == [
        "Confidence 53.5%: 3 correct",
        "Confidence 53.5%: 4 labeled",
        "Confidence 100.0%: 2 correct",
        "Confidence 100.0%: 2 labeled",
    ]
    for name, link in bins.items():
        assert admin_client.get(link).context["cl"].result_count == int(name.split()[2])


def test_drift_with_inputs_like_mnist_raises_no_alarm(admin_client):
    rng = np.random.default_rng(0)
    for _ in range(drift.MIN_DIGITS):
        # Another writer: different width and pen.
        stretch, pen = rng.uniform(0.7, 1.4), rng.uniform(1.0, 1.6)
        grid = rasterize([[[x * stretch, y] for x, y, _ in SEVEN[0]]])
        make(image=np.minimum(grid * pen, 255).astype(np.uint8))
    found = drift.drift()
    assert found.alarms == []
    assert "No alarm" in admin_client.get(PAGE).content.decode()


def test_drift_with_inverted_inputs_raises_an_alarm(admin_client):
    make(drift.MIN_DIGITS, image=np.invert(GRID))
    assert "ink (pixels)" in [one.name for one in drift.drift().alarms]
    page = admin_client.get(PAGE).content.decode()
    assert "The inputs differ from the training data in" in page


def test_drift_with_few_digits_or_blank_inputs_raises_no_alarm(admin_client):
    make(drift.MIN_DIGITS - 1, image=np.invert(GRID))
    make(drift.MIN_DIGITS, image=np.zeros_like(GRID))
    found = drift.drift()
    assert (found.count, found.alarms) == (drift.MIN_DIGITS - 1, [])
    assert "too few for an alarm" in admin_client.get(PAGE).content.decode()


def test_drift_with_more_digits_than_the_sample_measures_the_newest(monkeypatch):
    make(5, image=np.invert(GRID))
    make(3)
    monkeypatch.setattr(drift, "SAMPLE", 3)
    found = drift.drift()
    assert found.count == 3
    assert found.properties[0].found.mean == pytest.approx(GRID.sum() / 255)


def test_page_without_drawings_says_so(admin_client):
    assert "There are no drawings yet" in admin_client.get(PAGE).content.decode()


def test_page_with_unknown_period_and_no_labels_uses_30_days(admin_client):
    make(1, days_ago=50)
    page = admin_client.get(f"{PAGE}?days=nonsense").content.decode()
    assert "0 drawings" in page
    assert 'aria-current="page">30 days' in page
    assert "These digits have no labels yet" in page


def test_page_with_chosen_dates_counts_only_their_days(admin_client):
    today = timezone.localdate()
    for days_ago in (3, 4, 5, 6):
        make(days_ago, days_ago=days_ago, label="7")
    first, last = (today - timedelta(days=days) for days in (5, 4))
    response = admin_client.get(PAGE, {"first": first, "last": last})
    assert (response.context["digits"], response.context["accuracy"].total) == (9, 9)
    (link,) = {
        link for name, link in links(response.content.decode()).items() if "labeled 7" in name
    }
    assert admin_client.get(link).context["cl"].result_count == 9


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        ({"first": "2026-01-02", "last": "2026-01-01"}, "the earlier date first"),
        ({"first": "2026-01-01", "last": "2026-12-31"}, "at most 92 days"),
        ({"first": "2026-01-01"}, "Choose both dates"),
        ({"first": "9999-12-31", "last": "9999-12-31"}, "too late"),
        ({"first": "x", "last": "2026-01-01"}, "30 days"),
    ],
)
def test_page_with_invalid_dates_names_the_problem(admin_client, dates, message):
    make()
    assert message in admin_client.get(PAGE, dates).content.decode()


def test_table_numbers_link_to_the_digits_of_the_day(admin_client):
    make(3, verdict="unsure")
    make(2, days_ago=1)
    make(days_ago=2)
    response = admin_client.get(f"{PAGE}?days=7")
    found = links(response.content.decode())
    for name, count in (("3 unsure", 3), ("3 digits", 3), ("2 digits", 2), ("1 digit", 1)):
        assert admin_client.get(found[name]).context["cl"].result_count == count


def test_page_without_labels_and_table_without_counts_have_no_links(admin_client):
    make(3)
    make(2, days_ago=3)
    response = admin_client.get(f"{PAGE}?days=7")
    assert "none of them labeled" in response.content.decode()
    digits = {"3 digits", "2 digits", "Digits of 3 drawings", "Digits of 2 drawings"}
    assert set(links(response.content.decode())) == digits


def test_csv_has_the_counts_of_each_day(admin_client):
    make(2, verdict="unsure")
    response = admin_client.get(f"{PAGE}?days=7&format=csv")
    assert response["Content-Type"] == "text/csv"
    header, *rows = response.content.decode().splitlines()
    assert header == "date,drawings,digits,unsure,not_a_digit"
    assert len(rows) == 7
    assert rows[-1] == f"{timezone.localdate()},2,2,2,0"


def test_chart_has_no_line_between_days_without_digits():
    assert rendering.line_path([0.5, None, 0.25, 1.0]) == "M0.5 50.00h0M2.5 75.00h0L3.5 0.00h0"


def test_page_makes_the_same_queries_for_any_number_of_drawings(
    admin_client, django_assert_num_queries
):
    make(1, label="7")
    admin_client.get(f"{PAGE}?days=90")
    # session, user, days, labels, newest digits
    with django_assert_num_queries(5):
        admin_client.get(f"{PAGE}?days=7")
    for days_ago in range(40):
        make(2, label="1", days_ago=days_ago, model=f"m{days_ago}")
    with django_assert_num_queries(5):
        admin_client.get(f"{PAGE}?days=90")
