"""The review page in Chromium: by keyboard on a desktop and by touch on a phone."""

from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from playwright.sync_api import expect

from recognizer import drawings
from recognizer.models import Digit, RepeatReview, Source
from tests.browser.conftest import wait_until
from tools.browser.pen import (
    INK,
    ink_of,
    offline,
    record_frames,
    wait_for_change_and_return,
)
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

REVIEW = "/admin/recognizer/digit/review/"
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def forty_sevens(transactional_db):
    """Forty sevens, each slanted more than the one before."""
    for slant in range(40):
        slanted = [[[x - slant * (y - 60) / 200, y, t] for x, y, t in SEVEN[0]]]
        drawings.save(UUID(int=slant), slanted, Source.PAGE)
    assert Digit.objects.count() == 40


@pytest.fixture
def open_review(open_admin, admin_user, forty_sevens):
    """Open the review page as a reviewer."""

    def open_as(user=admin_user, **options):
        page = open_admin(REVIEW, user, **(options or DESKTOP))
        expect_state(page, "card")
        return page

    return open_as


def expect_state(page, state):
    expect(page.locator("#review")).to_have_attribute("data-state", state)


def labels():
    return list(Digit.objects.order_by("confidence", "pk").values_list("label", flat=True))


def expect_stored(page, count):
    """Wait until the server has stored this many labels."""
    wait_until(page, lambda: Digit.objects.exclude(label="").count() == count)


def test_keys_label_confirm_reject_skip_and_undo(open_review):
    page = open_review()
    predictions = list(Digit.objects.order_by("confidence", "pk").values_list("text", flat=True))
    for key in ("3", "Enter", "x", " ", "0"):
        page.keyboard.press(key)
    expect_stored(page, 4)
    assert labels()[:5] == ["3", predictions[1], "?", "", "0"]
    expect(page.locator("#progress")).to_contain_text("4 of 40")
    for _ in range(5):
        page.keyboard.press("u")
    expect_stored(page, 0)
    expect(page.locator("[data-key=u]")).to_be_disabled()
    page.keyboard.press("7")
    expect_stored(page, 1)
    assert labels()[0] == "7"


def test_shortcut_setting_disables_keys_and_survives_reload(open_review):
    page = open_review()
    page.locator("#keys").uncheck()
    page.reload()
    page.keyboard.press("7")
    expect(page.locator("#progress")).to_contain_text("0 of 40")
    page.locator("[data-key='7']").click()
    expect(page.locator("#progress")).to_contain_text("1 of 40")
    page.locator("#keys").check()
    page.keyboard.press("7")
    expect(page.locator("#progress")).to_contain_text("2 of 40")


def test_forty_digits_take_41_keys_with_a_repeat_review(open_review):
    page = open_review()
    keys = 0
    while page.locator("#review").get_attribute("data-state") != "done":
        page.keyboard.press("7")
        keys += 1
        assert keys <= 41
        # At most one label may be unsent, so that the second batch has a repeat review.
        page.wait_for_function(
            """() => document.querySelector("#review").dataset.state !== "loading"
                && !document.querySelector("#progress").textContent.includes("not sent")"""
        )
    expect_stored(page, 40)
    expect(page.locator("#agreement")).to_have_text("Repeat reviews: 1 of 1 labels agree (100.0%).")
    assert keys == 41
    assert RepeatReview.objects.exclude(second="").count() == 1
    assert LogEntry.objects.count() == 40
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("[data-key]:visible")).to_have_text(["Undo u"])


def test_recent_label_is_undone_by_a_click(open_review):
    page = open_review()
    for key in "12345":
        page.keyboard.press(key)
    expect(page.locator("#recent button")).to_have_text(["5", "4", "3", "2", "1"])
    page.get_by_role("button", name="Undo label 2").click()
    expect(page.locator("#progress")).to_contain_text("4 of 40")
    page.keyboard.press("8")
    wait_until(page, lambda: labels()[:5] == ["1", "8", "3", "4", "5"])


def test_card_of_a_refused_digit_offers_not_a_digit_once(open_review):
    page = open_review()
    Digit.objects.update(text="?", verdict="not a digit")
    page.reload()
    expect(page.locator("#confirmed")).to_have_text(": not a digit")
    expect(page.locator("[data-key=x]")).to_be_hidden()
    page.keyboard.press("x")
    expect_stored(page, 1)
    assert Digit.objects.exclude(label="").get().label == "?"


def test_card_of_a_number_shows_the_whole_drawing(open_admin, transactional_db):
    seven = [[x, y] for x, y, _ in SEVEN[0]]
    drawings.save(UUID(int=0), [seven, [[x + 250, y] for x, y in seven]], Source.PAGE)
    page = open_admin(REVIEW)
    expect(page.locator("#details")).to_contain_text("of 77")
    assert ink_of(page, "#number") > 0


def test_replay_draws_the_strokes_gradually(open_review):
    page = open_review()
    complete = ink_of(page, "#drawing")
    assert complete > 1000
    record_frames(page, f"{INK}('#drawing')")
    page.keyboard.press("r")
    wait_for_change_and_return(page, complete)


def test_conflict_is_shown_and_overwrites_nothing(open_review, django_user_model):
    page = open_review()
    page.expected_errors.append("409")
    ana = django_user_model.objects.create_user("ana", is_staff=True)
    first = Digit.objects.order_by("confidence", "pk")[:1]
    drawings.label_as_reviewer(first, "4", ana)
    page.keyboard.press("7")
    expect(page.locator("#notice")).to_contain_text("you chose 7, ana chose 4")
    page.keyboard.press(" ")
    expect(page.locator("#details")).to_contain_text("Labeled 4 by ana")
    assert first[0].label == "4"


@pytest.mark.parametrize("leave", [lambda page: page.goto("/admin/"), lambda page: page.close()])
def test_unsent_labels_are_stored_when_the_page_is_left(open_review, leave):
    """The first request never completes, so all later labels are still unsent."""
    page = open_review()
    page.route("**/review/label/", lambda route: None)
    page.reload()  # Chromium may let one request of an already loaded page pass the route
    expect_state(page, "card")
    for key in "12u34":
        page.keyboard.press(key)
    expect(page.locator("#progress")).to_contain_text("5 labels not sent yet")
    other = page.context.new_page()
    leave(page)
    expect_stored(other, 3)
    assert labels()[:4] == ["1", "3", "4", ""]


def test_leaving_offline_asks_for_confirmation(open_review):
    page = open_review()
    with offline(page):
        page.keyboard.press("7")
        expect(page.locator("#notice")).to_contain_text("Unsent labels are kept")
        with page.expect_event("dialog") as dialog:
            page.close(run_before_unload=True)
        assert dialog.value.type == "beforeunload"
        dialog.value.dismiss()
    expect_stored(page, 1)


def test_review_link_of_the_list_keeps_its_filters(open_review):
    page = open_review()
    page.goto("/admin/recognizer/digit/?text__exact=7&confidence=90")
    page.click("text=Review these digits")
    expect_state(page, "card")
    assert "text__exact=7&confidence=90" in page.url
    expect(page.locator("#prediction")).to_have_text("7")


def test_order_starts_with_the_highest_confidence(open_review):
    page = open_review()
    page.select_option("#order", "most_confident")
    expect_state(page, "card")
    page.keyboard.press("7")
    expect_stored(page, 1)
    assert labels()[-1] == "7"


def test_space_and_enter_work_the_focused_button_but_not_a_clicked_one(open_review):
    page = open_review()
    page.focus('[data-key="5"]')
    page.keyboard.press("Enter")
    expect_stored(page, 1)
    page.click('[data-key="6"]')
    expect_stored(page, 2)
    page.keyboard.press(" ")
    page.keyboard.press("4")
    expect_stored(page, 3)
    assert labels()[:4] == ["5", "6", "", "4"]


def test_phone_shows_everything_on_one_screen_and_labels_by_touch(open_review):
    page = open_review(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for key in ("0", "9", "Enter", "x", " ", "u", "r"):
        box = page.locator(f'[data-key="{key}"]').bounding_box()
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= 844
    assert page.locator("#prediction").is_visible()
    assert page.locator("#drawing").bounding_box()["width"] >= 250
    four, color = page.locator('[data-key="4"]'), "one => getComputedStyle(one).backgroundColor"
    before = four.bounding_box(), four.evaluate(color)
    page.tap('[data-key="4"]')
    expect(page.locator("#recent button")).to_have_count(1)
    # The tapped button stays in place and looks as before.
    assert (four.bounding_box(), four.evaluate(color)) == before
    page.tap('[data-key="Enter"]')
    page.tap('[data-key="x"]')
    expect_stored(page, 3)
    page.tap('[data-key="u"]')
    expect_stored(page, 2)
    assert labels()[0] == "4"


def test_label_is_stored_after_the_csrf_token_changed(open_review):
    """Signing in again changes the token; here, the cookie changes instead."""
    page = open_review()
    page.expected_errors.append("403")
    (token,) = (one for one in page.context.cookies() if one["name"] == "csrftoken")
    page.context.add_cookies([{**token, "value": token["value"][::-1]}])
    page.keyboard.press("3")
    expect_stored(page, 1)


def test_texts_of_the_queue_pass_through_the_translation_catalog(open_admin, forty_sevens):
    page = open_admin("/admin/two-factor/")
    catalog = """
        globalThis.gettext = (text) => text.replace("of", "von").replace("Drawn", "Gezeichnet");
        globalThis.ngettext = (one, many) => many;
        globalThis.interpolate = (text, values) =>
            text.replace(/%\\((\\w+)\\)s/g, (_, name) => values[name]);
    """
    page.route(
        "**/jsi18n/", lambda route: route.fulfill(body=catalog, content_type="text/javascript")
    )
    page.goto(REVIEW)
    expect(page.locator("#progress")).to_have_text("0 von 40")
    expect(page.locator("#details")).to_contain_text("Gezeichnet")
