"""The server side of the review queue: leases, labels, conflicts and repeat reviews."""

import threading
import tracemalloc
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from recognizer import drawings, review_queue
from recognizer.models import Digit, Drawing, RepeatReview
from tools.samples import SEVEN

REVIEW = "/admin/recognizer/digit/review/"
ONE = [[[320, 60], [320, 260]]]
# The page fetches this many cards at once.
BATCH = 20

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def digits(admin_user):
    """Fifty digits of fifty drawings, confidence ascending."""
    return make_digits(50)


def make_digits(count):
    drawings = Drawing.objects.bulk_create(
        Drawing(source="page", strokes=SEVEN, text="7", model="test") for _ in range(count)
    )
    return Digit.objects.bulk_create(
        Digit(
            drawing=drawing, position=0, image=bytes(784), box=[60, 60, 160, 200],
            probabilities=[0.1] * 10, text="7", confidence=number / count, verdict="digit",
        )
        for number, drawing in enumerate(drawings)
    )  # fmt: skip


@pytest.fixture
def ana(django_user_model):
    """A second reviewer."""
    user = django_user_model.objects.create_user("ana", password="x", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__endswith="_digit"))
    return user


@pytest.fixture
def ana_client(ana):
    client = Client()
    client.force_login(ana)
    return client


def fetch_cards(client, count=5, order="least_confident", after=None, filters=""):
    body = {"order": order, "after": after, "count": count}
    response = client.post(f"{REVIEW}next/{filters}", body, content_type="application/json")
    assert response.status_code == 200, response.content
    return response.json()["cards"]


def send_label(client, digit, label, previous="", **more):
    body = {"digit": digit, "label": label, "previous_label": previous, **more}
    return client.post(f"{REVIEW}label/", body, content_type="application/json")


def ids(cards):
    return [card["digit"] for card in cards]


@pytest.mark.parametrize(
    ("order", "step", "text"),
    [
        ("least_confident", 1, "7"),
        ("oldest", 1, "7"),
        ("most_confident", -1, "7"),
        ("newest", -1, "7"),
        # Refused digits: the most confident first.
        ("least_confident", -1, "?"),
    ],
)
def test_next_returns_every_digit_in_order(admin_client, digits, order, step, text):
    Digit.objects.update(text=text)
    found, after = [], None
    while cards := fetch_cards(admin_client, 20, order, after):
        found += ids(cards)
        after = cards[-1]["cursor"]
    assert found == [digit.pk for digit in digits][::step]


def test_next_merges_refused_digits_most_confident_first(admin_client, digits):
    refused = [digit.pk for digit in digits[:4]]
    Digit.objects.filter(pk__in=refused).update(text="?", verdict="not a digit")
    cards = fetch_cards(admin_client, 8)
    expected = [*digits[4:7], digits[3], *digits[7:10], digits[2]]
    assert ids(cards) == [digit.pk for digit in expected]
    following = fetch_cards(admin_client, 8, after=cards[4]["cursor"])
    expected = [*digits[8:11], digits[2], *digits[11:14], digits[1]]
    assert ids(following) == [digit.pk for digit in expected]


def test_queue_of_disagreements_has_labels_that_differ_from_the_prediction(admin_client, digits):
    for digit, visitor_label, label in zip(
        digits, ["1", "7", "*", "", "", "1"], ["", "7", "", "2", "7", "7"], strict=False
    ):
        Digit.objects.filter(pk=digit.pk).update(visitor_label=visitor_label, label=label)
    cards = fetch_cards(admin_client, filters="?review=disagreement")
    assert ids(cards) == [digits[n].pk for n in (0, 2, 3, 5)]


@pytest.mark.parametrize(
    ("label", "labels"), [("71", ["7", "1"]), ("717", ["717", "717"]), ("?", ["?", "?"])]
)
def test_card_has_the_visitor_label_of_its_digit(admin_client, put, label, labels):
    put([*SEVEN, *ONE])
    drawings.label_as_visitor(Drawing.objects.get().id, label)
    cards = fetch_cards(admin_client, order="oldest")
    assert [card["visitor_label"] for card in cards] == labels
    assert [(card["position"], card["drawing_text"]) for card in cards] == [(0, "71"), (1, "71")]


def test_next_returns_complete_cards(admin_client, put):
    put([*SEVEN, *ONE])
    seven, one = fetch_cards(admin_client, order="oldest")
    assert (seven["text"], seven["label"], seven["repeat"]) == ("7", "", None)
    assert (seven["strokes"], seven["other_strokes"]) == (SEVEN, ONE)
    assert (one["strokes"], one["other_strokes"]) == (ONE, SEVEN)
    assert len(seven["probabilities"]) == 10


def test_next_leases_different_digits_to_two_reviewers(admin_client, ana_client, digits):
    mine, theirs = ids(fetch_cards(admin_client, 10)), ids(fetch_cards(ana_client, 10))
    assert not set(mine) & set(theirs)
    assert ids(fetch_cards(admin_client, 10)) == mine


def test_next_returns_digits_with_expired_lease(admin_client, ana_client, digits):
    mine = ids(fetch_cards(admin_client, 10))
    Digit.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert ids(fetch_cards(ana_client, 10)) == mine


def test_label_is_stored_and_logged_with_old_and_new_value(admin_client, digits, admin_user):
    pk = digits[0].pk
    assert send_label(admin_client, pk, "7").status_code == 200
    assert send_label(admin_client, pk, "1", previous="7").status_code == 200
    assert send_label(admin_client, pk, "", previous="1").status_code == 200
    assert Digit.objects.get(pk=pk).labeled_by is None
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "Label changed from “none” to “7”.",
        "Label changed from “7” to “1”.",
        "Label changed from “1” to “none”.",
    ]


def test_labels_sent_twice_are_stored_in_order_once(admin_client, ana_client, digits, ana):
    first, second, foreign, deleted = (digit.pk for digit in digits[:4])
    send_label(ana_client, foreign, "9")
    Drawing.objects.filter(digits=deleted).delete()
    steps = [
        (foreign, "1", ""),
        (deleted, "1", ""),
        (first, "1", ""),
        (second, "2", ""),
        (second, "", "2"),
    ]
    labels = [
        {"digit": digit, "label": label, "previous_label": previous}
        for digit, label, previous in steps
    ]
    for _ in range(2):
        response = admin_client.post(
            f"{REVIEW}labels/", {"labels": labels}, content_type="application/json"
        )
        assert response.status_code == 204
        stored = Digit.objects.in_bulk([first, second, foreign])
        assert [stored[pk].label for pk in (first, second, foreign)] == ["1", "", "9"]
    assert LogEntry.objects.filter(object_id=first).count() == 1


def test_label_conflicting_with_another_reviewer_is_rejected(admin_client, ana_client, digits, ana):
    pk = digits[0].pk
    send_label(ana_client, pk, "4")
    conflict = send_label(admin_client, pk, "7")
    assert conflict.status_code == 409
    body = conflict.json()
    assert (body["label"], body["labeled_by"], body["is_own"]) == ("4", "ana", False)
    digit = Digit.objects.get(pk=pk)
    assert (digit.label, digit.labeled_by) == ("4", ana)
    assert send_label(admin_client, pk, "4").status_code == 200
    assert send_label(admin_client, pk, "7", previous="4").status_code == 200
    assert Digit.objects.get(pk=pk).label == "7"
    assert send_label(admin_client, pk, "1").json()["is_own"] is True


def test_label_of_deleted_drawing_is_not_found(admin_client, digits):
    digits[0].drawing.delete()
    assert send_label(admin_client, digits[0].pk, "7").status_code == 404


@pytest.mark.parametrize("label", ["77", "=", "٣", "seven", None])
def test_label_with_invalid_value_is_rejected(admin_client, digits, label):
    assert send_label(admin_client, digits[0].pk, label).status_code == 422
    assert not Digit.objects.exclude(label="").exists()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", 50),
        ("?text__exact=7", 50),
        ("?text__exact=1", 0),
        ("?confidence=90", 5),
        ("?review=done", 0),
        ("?q=ana", 0),
        ("?o=3&p=2", 50),
    ],
)
def test_queue_applies_the_filters_of_the_list(admin_client, digits, static_files, filters, found):
    assert len(fetch_cards(admin_client, 50, filters=filters)) == found
    page = admin_client.get(f"{REVIEW}{filters}").content.decode()
    assert f'data-remaining="{found}"' in page


def test_next_returns_labeled_digits_only_if_filtered_for(admin_client, digits):
    send_label(admin_client, digits[0].pk, "3")
    cards = fetch_cards(admin_client, 50)
    assert digits[0].pk not in ids(card for card in cards if not card["repeat"])
    cards = fetch_cards(admin_client, 50, filters="?review=done")
    (card,) = [card for card in cards if not card["repeat"]]
    assert (card["digit"], card["label"], card["labeled_by"]) == (digits[0].pk, "3", "admin")


def test_next_with_unknown_filter_is_rejected(admin_client, digits):
    body = {"order": "least_confident", "after": None, "count": 5}
    response = admin_client.post(f"{REVIEW}next/?nonsense=1", body, content_type="application/json")
    assert response.status_code == 400


def test_next_inserts_one_blind_repeat_review_per_twenty_cards(admin_client, digits, admin_user):
    assert not any(card["repeat"] for card in fetch_cards(admin_client, 20))
    for digit in digits[:20]:
        send_label(admin_client, digit.pk, "7")
    (again,) = [card for card in fetch_cards(admin_client, 20) if card["repeat"]]
    assert (again["digit"], again["label"], again["labeled_by"]) == (digits[0].pk, "", "")
    (other,) = [card for card in fetch_cards(admin_client, 20) if card["repeat"]]
    assert other["digit"] == digits[1].pk
    answer = send_label(admin_client, again["digit"], "1", repeat=again["repeat"]).json()
    assert answer == {"agreed": 0, "total": 1}
    assert Digit.objects.get(pk=again["digit"]).label == "7"
    answer = send_label(admin_client, again["digit"], "7", repeat=again["repeat"]).json()
    assert answer == {"agreed": 1, "total": 1}
    assert LogEntry.objects.count() == 20


def test_review_of_hundred_digits_needs_at_most_105_cards(admin_client):
    """Each card takes one key; tests/js/queue.test.js tests that a key answers one card."""
    make_digits(100)
    shown, after = 0, None
    while cards := fetch_cards(admin_client, BATCH, after=after):
        for card in cards:
            send_label(admin_client, card["digit"], "7", repeat=card["repeat"])
        after = [card for card in cards if not card["repeat"]][-1]["cursor"]
        shown += len(cards)
    assert not Digit.objects.filter(label="").exists()
    assert 100 < shown <= 105


def test_undo_after_agreeing_keeps_the_label_of_another_reviewer(admin_client, ana_client, digits):
    pk = digits[0].pk
    send_label(ana_client, pk, "7")
    # The card was leased before ana labeled it: the same label changes nothing, and undo conflicts.
    assert send_label(admin_client, pk, "7").status_code == 200
    assert send_label(admin_client, pk, "", previous="7").status_code == 409
    assert Digit.objects.get(pk=pk).labeled_by.username == "ana"
    assert send_label(ana_client, pk, "", previous="7").status_code == 200
    assert Digit.objects.get(pk=pk).label == ""


@pytest.mark.parametrize("more", [{"digit": 10**30}, {"digit": 0}, {"repeat": 10**30}])
def test_label_with_id_out_of_range_is_rejected(admin_client, digits, more):
    body = {"digit": digits[0].pk, "label": "7", **more}
    response = admin_client.post(f"{REVIEW}label/", body, content_type="application/json")
    assert response.status_code == 422


def test_next_omits_repeat_review_of_digit_deleted_meanwhile(
    admin_client, admin_user, digits, monkeypatch
):
    lock_digit = review_queue.lock_digit

    def delete_first(pk):
        drawings.delete_by_id(Digit.objects.get(pk=pk).drawing_id)
        return lock_digit(pk)

    send_label(admin_client, digits[0].pk, "7")
    monkeypatch.setattr(review_queue, "lock_digit", delete_first)
    assert not any(card["repeat"] for card in fetch_cards(admin_client, 20))


def test_label_as_reviewer_uses_constant_number_of_queries(
    admin_user, django_assert_max_num_queries
):
    make_digits(200)
    with django_assert_max_num_queries(12):
        assert drawings.label_as_reviewer(Digit.objects.all(), "3", admin_user) == 200
    assert LogEntry.objects.count() == 200


def test_next_omits_repeat_review_already_shown_in_another_tab(
    admin_client, admin_user, digits, monkeypatch
):
    for digit in digits[:2]:
        send_label(admin_client, digit.pk, "7")
    get_or_create = RepeatReview.objects.get_or_create

    def create_first(**fields):
        RepeatReview.objects.create(digit=fields["digit"], reviewer=admin_user, first="7")
        return get_or_create(**fields)

    monkeypatch.setattr(RepeatReview.objects, "get_or_create", create_first)
    assert not any(card["repeat"] for card in fetch_cards(admin_client, 20))


def test_next_separates_strokes_of_the_digit_from_thousands_of_others(admin_client, digits):
    dots = [[[float(n), 300.0]] for n in range(3_000)]
    Drawing.objects.filter(pk=digits[0].drawing_id).update(strokes=[*SEVEN, *dots])
    (card,) = fetch_cards(admin_client, 1)
    assert (card["strokes"], card["other_strokes"]) == (SEVEN, dots)


def test_next_thins_drawings_of_many_points(admin_client, digits):
    line = [[x / 100, 60.0, float(x)] for x in range(20_000)]
    Drawing.objects.filter(pk=digits[0].drawing_id).update(strokes=[*SEVEN, line])
    (card,) = fetch_cards(admin_client, 1)
    (thinned,) = (stroke for stroke in card["other_strokes"] if len(stroke) > 10)
    assert len(thinned) < 4_000
    assert (thinned[0], thinned[-1]) == (line[0], line[-1])


def test_next_holds_the_strokes_of_one_drawing_at_a_time(admin_client):
    """All strokes of these drawings take 10 MB as Python objects."""
    make_digits(6)
    scribble = [[x % 300 + 0.5, x % 299 + 0.5, x + 0.5] for x in range(8_000)]
    Drawing.objects.update(strokes=[*SEVEN, scribble])
    tracemalloc.start()
    assert len(fetch_cards(admin_client, 6)) == 6
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 9_000_000


def test_label_of_repeat_review_of_another_reviewer_is_not_found(admin_client, ana_client, digits):
    send_label(admin_client, digits[0].pk, "7")
    fetch_cards(admin_client, 20)
    repeat = RepeatReview.objects.get()
    assert send_label(ana_client, repeat.digit_id, "1", repeat=repeat.pk).status_code == 404


@pytest.mark.parametrize("count", [30, 300])
def test_next_uses_constant_number_of_queries(
    admin_client, admin_user, count, django_assert_max_num_queries
):
    digits = make_digits(count)
    Digit.objects.filter(pk__in=[digit.pk for digit in digits[:10]]).update(text="?")
    # Two sequences, of accepted and of refused digits, take six queries each.
    with django_assert_max_num_queries(17):
        fetch_cards(admin_client, 20)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_concurrent_leases_return_different_digits(admin_user, ana):
    make_digits(200)
    barrier = threading.Barrier(2, timeout=60)
    leased = {admin_user.pk: set(), ana.pk: set()}

    def lease_repeatedly(user):
        try:
            for _ in range(10):
                barrier.wait()
                cards = review_queue.lease(Digit.objects.all(), "least_confident", [], 100, user)
                leased[user.pk].update(digit.pk for digit, _ in cards)
        finally:
            connection.close()

    threads = [threading.Thread(target=lease_repeatedly, args=[user]) for user in (admin_user, ana)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(leased.values())
    assert not leased[admin_user.pk] & leased[ana.pk]
