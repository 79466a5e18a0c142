"""Right or wrong? The visitor says what a drawing is."""

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_kept
from tools.browser.pen import draw, expect_state, offline, press, violations
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = [[[x / 2, y, t] for x, y, t in SEVEN[0]], [[220, 60], [220, 260]]]


@pytest.fixture
def drawn(page):
    draw(page)
    expect_state(page, "read")
    expect_kept(page, 1)
    return page


def expect_label(page, label):
    for _ in range(100):
        if Drawing.objects.get().visitor_label == label:
            return
        page.wait_for_timeout(50)
    assert Drawing.objects.get().visitor_label == label


def test_nothing_can_be_said_of_nothing(page):
    assert page.locator("#asked").inner_text() == ""
    for button in page.locator("[data-say], [data-label]").all():
        assert button.is_disabled()


def test_one_tap_says_that_it_is_right_and_another_takes_it_back(drawn):
    drawn.click("[data-say=yes]")
    expect(drawn.locator("#asked")).to_have_text("You say: 7.")
    expect_label(drawn, "7")
    drawn.click("[data-say=nothing]")
    expect(drawn.locator("#asked")).to_contain_text("Right?")
    expect_label(drawn, "")


def test_one_tap_anywhere_on_a_row_says_what_it_was(drawn):
    row = drawn.locator("[data-digit='1']").bounding_box()
    drawn.mouse.click(row["x"] + row["width"] / 2, row["y"] + row["height"] / 2)
    expect(drawn.locator("[data-label='1']")).to_have_attribute("aria-pressed", "true")
    expect_label(drawn, "1")


def test_one_key_says_what_it_was(drawn):
    drawn.keyboard.press("4")
    expect(drawn.locator("#asked")).to_have_text("You say: 4.")
    expect_label(drawn, "4")


def test_the_keys_can_be_switched_off(drawn):
    drawn.locator("#keys").uncheck()
    drawn.keyboard.press("4")
    expect(drawn.locator("#asked")).to_contain_text("Right?")
    drawn.locator("#keys").check()
    drawn.keyboard.press("4")
    expect(drawn.locator("#asked")).to_have_text("You say: 4.")


def test_it_may_be_no_digit(drawn):
    drawn.click("[data-say='no digit']")
    expect(drawn.locator("#asked")).to_have_text("You say: not a digit.")
    expect_label(drawn, "?")


def test_other_ink_is_asked_about_again(drawn):
    drawn.keyboard.press("1")
    expect_label(drawn, "1")
    draw(drawn, [[[110, 165], [205, 165]]])
    expect_label(drawn, "")
    expect(drawn.locator("#asked")).to_contain_text("Right?")


def test_what_is_not_kept_cannot_be_corrected(page):
    page.uncheck("#keep")
    draw(page)
    expect(page.locator("#asked")).to_have_text("Only kept drawings can be corrected.")
    page.keyboard.press("7")
    assert page.locator("[data-say=yes]").is_disabled()
    assert not Drawing.objects.exists()


def test_each_digit_of_a_number_has_its_own_reading_and_correction(page):
    draw(page, NUMBER)
    expect(page.locator("#reading")).to_have_text("71")
    expect_kept(page, 1)
    second = page.locator("#reading button").nth(1)
    second.click()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#probabilities .accent")).to_have_attribute("data-digit", "1")
    page.keyboard.press("4")
    expect_label(page, "74")
    expect(page.locator("#reading button").first).to_have_attribute("aria-pressed", "true")
    page.click("[data-say='no digit']")
    expect(page.locator("#asked")).to_contain_text("What is the “?”")
    expect_label(page, "")
    page.locator("#reading button").first.click()
    page.keyboard.press("9")
    expect_label(page, "94")


def test_a_label_given_without_a_network_follows_its_drawing(page):
    draw(page)
    expect_state(page, "read")
    expect_kept(page, 1)
    with offline(page):
        page.keyboard.press("2")
        expect(page.locator("#badge")).to_contain_text("No connection")
    expect_label(page, "2")
    expect(page.locator("#badge")).to_have_text("")


def test_who_corrected_a_drawing_can_follow_it(drawn):
    expect(drawn.locator("#follow")).to_be_hidden()
    drawn.keyboard.press("1")
    expect_label(drawn, "1")
    drawn.click("#follow")
    expect(drawn.locator("dl")).to_contain_text("Read today 7")
    expect(drawn.locator("dl")).to_contain_text("You say 1")
    assert violations(drawn) == {}


def test_a_number_stays_read_while_what_is_said_of_it_waits(page):
    draw(page, NUMBER)
    expect(page.locator("#reading")).to_have_text("71")
    expect_kept(page, 1)
    with offline(page):
        page.click("[data-say=yes]")
        expect_state(page, "offline")
        expect(page.locator("#reading")).to_have_text("71")
        expect(page.locator("#asked")).to_have_text("You say: 71.")
    expect_label(page, "71")
    expect_state(page, "read")


def test_the_focus_goes_on_to_what_takes_it_back(drawn):
    drawn.focus("[data-say=yes]")
    drawn.keyboard.press("Enter")
    expect(drawn.locator("[data-say=nothing]")).to_be_focused()
    drawn.keyboard.press("Enter")
    expect(drawn.locator("[data-say=yes]")).to_be_focused()


def test_nothing_is_asked_before_the_first_stroke_is_whole(page):
    press(page)
    expect(page.locator("#reading")).to_have_text("7")
    assert page.locator("#asked").inner_text() == ""


def test_offline_a_second_stroke_leaves_nothing_old_to_say_yes_to(drawn):
    drawn.click("[data-action=clear]")
    with offline(drawn):
        draw(drawn, [[[140, 40], [141, 240]]])
        expect_state(drawn, "offline")
        drawn.evaluate("document.querySelector('#reading').textContent = 'old'")
        draw(drawn, [[[60, 140], [220, 140]]])
        assert drawn.locator("#reading").inner_text() == ""


def test_keys_mean_the_same_after_a_picture_was_looked_for(drawn):
    drawn.focus("#picture")
    drawn.keyboard.press("4")
    expect(drawn.locator("#asked")).to_have_text("You say: 4.")
