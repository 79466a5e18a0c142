"""The review deck's server side: what reviewers get, what they say, and that nothing is lost."""

import threading
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

DECK = "/admin/recognizer/digit/review/"
ONE = [[[320, 60], [320, 260]]]

pytestmark = pytest.mark.django_db


@pytest.fixture
def digits(admin_user):
    """Fifty digits, each of a drawing of its own, the first the least sure."""
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


def take(client, count=5, order="unsure", after=None, filters=""):
    body = {"order": order, "after": after, "count": count}
    response = client.post(f"{DECK}next/{filters}", body, content_type="application/json")
    assert response.status_code == 200, response.content
    return response.json()["cards"]


def say(client, digit, label, seen="", **more):
    body = {"digit": digit, "label": label, "seen": seen, **more}
    return client.post(f"{DECK}label/", body, content_type="application/json")


def ids(cards):
    return [card["digit"] for card in cards]


@pytest.mark.parametrize(
    ("order", "places"), [("unsure", 1), ("oldest", 1), ("sure", -1), ("newest", -1)]
)
def test_the_deck_goes_through_all_in_order(admin_client, digits, order, places):
    seen, after = [], None
    while cards := take(admin_client, 20, order, after):
        seen += ids(cards)
        after = cards[-1]["at"]
    assert seen == [digit.pk for digit in digits][::places]


def test_a_card_has_all_that_is_shown(admin_client, put):
    put([*SEVEN, *ONE])
    seven, one = take(admin_client, order="oldest")
    assert (seven["text"], seven["label"], seven["look"]) == ("7", "", None)
    assert (seven["strokes"], seven["others"]) == (SEVEN, ONE)
    assert (one["strokes"], one["others"]) == (ONE, SEVEN)
    assert len(seven["probabilities"]) == 10


def test_two_reviewers_never_get_the_same_digit(admin_client, ana_client, digits):
    mine, theirs = ids(take(admin_client, 10)), ids(take(ana_client, 10))
    assert not set(mine) & set(theirs)
    assert ids(take(admin_client, 10)) == mine


def test_a_lease_runs_out(admin_client, ana_client, digits):
    mine = ids(take(admin_client, 10))
    Digit.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert ids(take(ana_client, 10)) == mine


def test_a_label_is_stored_with_an_entry_of_old_and_new(admin_client, digits, admin_user):
    pk = digits[0].pk
    assert say(admin_client, pk, "7").status_code == 200
    assert say(admin_client, pk, "1", seen="7").status_code == 200
    assert say(admin_client, pk, "", seen="1").status_code == 200
    assert Digit.objects.get(pk=pk).labeled_by is None
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "Label changed from “none” to “7”.",
        "Label changed from “7” to “1”.",
        "Label changed from “1” to “none”.",
    ]


def test_what_was_not_sent_when_a_reviewer_left_is_stored_in_order_once(
    admin_client, ana_client, digits, ana
):
    first, second, anas, gone = (digit.pk for digit in digits[:4])
    say(ana_client, anas, "9")
    Drawing.objects.filter(digits=gone).delete()
    said = [
        (anas, "1", ""),
        (gone, "1", ""),
        (first, "1", ""),
        (second, "2", ""),
        (second, "", "2"),
    ]
    labels = [{"digit": digit, "label": label, "seen": seen} for digit, label, seen in said]
    for _ in range(2):
        response = admin_client.post(
            f"{DECK}labels/", {"labels": labels}, content_type="application/json"
        )
        assert response.status_code == 204
        stored = Digit.objects.in_bulk([first, second, anas])
        assert [stored[pk].label for pk in (first, second, anas)] == ["1", "", "9"]
    assert LogEntry.objects.filter(object_id=first).count() == 1


def test_nobody_is_overwritten_silently(admin_client, ana_client, digits, ana):
    pk = digits[0].pk
    say(ana_client, pk, "4")
    conflict = say(admin_client, pk, "7")
    assert conflict.status_code == 409
    assert (conflict.json()["label"], conflict.json()["by"]) == ("4", "ana")
    digit = Digit.objects.get(pk=pk)
    assert (digit.label, digit.labeled_by) == ("4", ana)
    assert say(admin_client, pk, "4").status_code == 200
    assert say(admin_client, pk, "7", seen="4").status_code == 200
    assert Digit.objects.get(pk=pk).label == "7"


def test_what_was_taken_back_meanwhile_is_said(admin_client, digits):
    digits[0].drawing.delete()
    assert say(admin_client, digits[0].pk, "7").status_code == 404


@pytest.mark.parametrize("label", ["77", "=", "٣", "seven", None])
def test_other_labels_are_refused(admin_client, digits, label):
    assert say(admin_client, digits[0].pk, label).status_code == 422
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
def test_the_filters_of_the_list_hold(admin_client, digits, static_files, filters, found):
    assert len(take(admin_client, 50, filters=filters)) == found
    page = admin_client.get(f"{DECK}{filters}").content.decode()
    assert f'data-left="{found}"' in page


def test_labeled_digits_come_only_where_they_are_asked_for(admin_client, digits):
    say(admin_client, digits[0].pk, "3")
    cards = take(admin_client, 50)
    assert digits[0].pk not in ids(card for card in cards if not card["look"])
    cards = take(admin_client, 50, filters="?review=done")
    (card,) = [card for card in cards if not card["look"]]
    assert (card["digit"], card["label"], card["by"]) == (digits[0].pk, "3", "admin")


def test_a_filter_that_is_none_is_refused(admin_client, digits):
    body = {"order": "unsure", "after": None, "count": 5}
    response = admin_client.post(f"{DECK}next/?nonsense=1", body, content_type="application/json")
    assert response.status_code == 400


def test_one_in_twenty_is_shown_again_blind_and_agreement_is_reported(
    admin_client, digits, admin_user
):
    assert not any(card["look"] for card in take(admin_client, 20))
    for digit in digits[:20]:
        say(admin_client, digit.pk, "7")
    (again,) = [card for card in take(admin_client, 20) if card["look"]]
    assert (again["digit"], again["label"], again["by"]) == (digits[0].pk, "", "")
    (other,) = [card for card in take(admin_client, 20) if card["look"]]
    assert other["digit"] == digits[1].pk
    answer = say(admin_client, again["digit"], "1", look=again["look"]).json()
    assert answer == {"same": 0, "of": 1}
    assert Digit.objects.get(pk=again["digit"]).label == "7"
    answer = say(admin_client, again["digit"], "7", look=again["look"]).json()
    assert answer == {"same": 1, "of": 1}
    assert LogEntry.objects.count() == 20


def test_who_agreed_with_another_takes_nothing_of_theirs_back(admin_client, ana_client, digits):
    pk = digits[0].pk
    say(ana_client, pk, "7")
    # On a card that was dealt before: nothing changes, and undo sends what was seen.
    assert say(admin_client, pk, "7").status_code == 200
    assert say(admin_client, pk, "", seen="7").status_code == 409
    assert Digit.objects.get(pk=pk).labeled_by.username == "ana"
    assert say(ana_client, pk, "", seen="7").status_code == 200
    assert Digit.objects.get(pk=pk).label == ""


@pytest.mark.parametrize("more", [{"digit": 10**30}, {"digit": 0}, {"look": 10**30}])
def test_ids_that_are_none_are_refused(admin_client, digits, more):
    body = {"digit": digits[0].pk, "label": "7", **more}
    response = admin_client.post(f"{DECK}label/", body, content_type="application/json")
    assert response.status_code == 422


def test_a_digit_that_goes_before_its_repeat_review_is_not_dealt(
    admin_client, admin_user, digits, monkeypatch
):
    held = review_queue.held

    def late(pk):
        drawings.delete_by_id(Digit.objects.get(pk=pk).drawing_id)
        return held(pk)

    say(admin_client, digits[0].pk, "7")
    monkeypatch.setattr(review_queue, "held", late)
    assert not any(card["look"] for card in take(admin_client, 20))


def test_labels_for_many_take_few_queries(admin_user, django_assert_max_num_queries):
    make_digits(200)
    with django_assert_max_num_queries(12):
        assert drawings.label_as_reviewer(Digit.objects.all(), "3", admin_user) == 200
    assert LogEntry.objects.count() == 200


def test_two_tabs_are_not_shown_the_same_digit_again(admin_client, admin_user, digits, monkeypatch):
    for digit in digits[:2]:
        say(admin_client, digit.pk, "7")
    get_or_create = RepeatReview.objects.get_or_create

    def late(**what):
        RepeatReview.objects.create(digit=what["digit"], reviewer=admin_user, first="7")
        return get_or_create(**what)

    monkeypatch.setattr(RepeatReview.objects, "get_or_create", late)
    assert not any(card["look"] for card in take(admin_client, 20))


def test_of_thousands_of_strokes_the_deck_tells_those_of_the_digit(admin_client, digits):
    dots = [[[float(n), 300.0]] for n in range(3_000)]
    Drawing.objects.filter(pk=digits[0].drawing_id).update(strokes=[*SEVEN, *dots])
    (card,) = take(admin_client, 1)
    assert (card["strokes"], card["others"]) == (SEVEN, dots)


def test_nobody_answers_the_repeat_review_of_another(admin_client, ana_client, digits):
    say(admin_client, digits[0].pk, "7")
    take(admin_client, 20)
    look = RepeatReview.objects.get()
    assert say(ana_client, look.digit_id, "1", look=look.pk).status_code == 404


def test_the_deck_is_for_those_who_may_label(client, django_user_model, digits, static_files):
    assert client.get(DECK).status_code == 302
    user = django_user_model.objects.create_user("bo", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_digit"))
    client.force_login(user)
    assert client.get(DECK).status_code == 403
    assert say(client, digits[0].pk, "7").status_code == 403


def test_a_form_of_another_site_cannot_label(admin_user, digits):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert say(client, digits[0].pk, "7").status_code == 403
    labels = {"labels": [{"digit": digits[0].pk, "label": "7"}]}
    response = client.post(f"{DECK}labels/", labels, content_type="application/json")
    assert response.status_code == 403


@pytest.mark.parametrize("already", [30, 300])
def test_the_next_cards_take_a_constant_number_of_queries(
    admin_client, admin_user, already, django_assert_max_num_queries
):
    make_digits(already)
    with django_assert_max_num_queries(10):
        take(admin_client, 20)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_reviewers_who_ask_at_the_same_moment_get_different_digits(admin_user, ana):
    make_digits(200)
    together, taken = threading.Barrier(2), {}

    def ask(user):
        try:
            for _ in range(10):
                together.wait()
                got = review_queue.take(Digit.objects.all(), "unsure", None, 100, user)
                taken.setdefault(user.pk, []).append({digit.pk for digit in got})
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[user]) for user in (admin_user, ana)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = (set.union(*taken[user.pk]) for user in (admin_user, ana))
    assert not one & other
