"""Labels of visitors: confirm, correct, undo."""

import re

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved, load_model, wait_until
from tools.browser.pen import draw, expect_state, offline, violations
from tools.samples import SEVEN, SEVENTY_ONE, ellipse

pytestmark = pytest.mark.django_db(transaction=True)

LINES = [[[x, 0.4 * y + top] for x, y, *_ in stroke] for top in (0, 140) for stroke in SEVENTY_ONE]
DASHED = [
    [[x / 2 - 10, y / 2] for x, y, _ in SEVEN[0]],
    [[145, 80], [180, 80]],
    [[225, 30], [225, 130]],
]
# It resembles a four.
OPEN_NINE = [[[132, 62], [105, 75], [98, 120], [120, 145], [160, 138], [182, 110]],
             [[184, 62], [180, 130], [172, 240]]]  # fmt: skip


@pytest.fixture
def drawn(page):
    draw(page)
    expect_state(page, "read")
    expect_saved(page, 1)
    return page


def expect_label(page, label):
    wait_until(page, lambda: Drawing.objects.get().visitor_label == label)


def test_confirm_and_not_a_digit_label_and_undo_removes_the_label(drawn):
    confirm, undo = (drawn.locator(f"[data-label-action={each}]") for each in ("confirm", "undo"))
    confirm.press("Enter")
    expect(drawn.locator("#label-status")).to_have_text("Your label: 7. Thank you.")
    expect_label(drawn, "7")
    # The focus stays on a visible button.
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(drawn.locator("#label-status")).to_contain_text("Wrong?")
    expect_label(drawn, "")
    expect(confirm).to_be_focused()
    drawn.click("[data-label-action=not-a-digit]")
    expect(drawn.locator("#label-status")).to_have_text("Your label: not a digit. Thank you.")
    expect_label(drawn, "?")


def test_click_on_a_bar_labels_its_digit_until_the_next_stroke(drawn):
    drawn.click("[data-digit='1']")
    expect(drawn.locator("[data-digit='1']")).to_have_attribute("aria-pressed", "true")
    expect(drawn.locator("#label")).to_have_text("1")
    expect(drawn.locator("#reading")).to_have_text("7")
    after = "getComputedStyle(document.querySelector('#label'), '::after').content"
    assert drawn.evaluate(after) == '"— predicted"'
    expect_label(drawn, "1")
    draw(drawn, [[[110, 165], [205, 165]]])
    expect_label(drawn, "")
    expect(drawn.locator("#label-status")).to_contain_text("Wrong?")


def test_digit_keys_can_be_switched_off(drawn):
    drawn.keyboard.press("?")
    drawn.locator("#digit-keys").uncheck()
    drawn.keyboard.press("Escape")
    drawn.keyboard.press("4")
    expect(drawn.locator("#label-status")).to_contain_text("Wrong?")
    drawn.keyboard.press("?")
    drawn.locator("#digit-keys").check()
    drawn.keyboard.press("Escape")
    drawn.locator("#picture").press("4")
    expect(drawn.locator("#label-status")).to_have_text("Your label: 4. Thank you.")


def test_unsaved_drawing_cannot_be_labeled(page):
    page.uncheck("#save")
    draw(page)
    expect(page.locator("#label-status")).to_have_text("Not saved: cannot be labeled.")
    page.keyboard.press("7")
    assert page.locator("[data-label-action=confirm]").is_disabled()
    page.reload()
    expect(page.locator("#save")).not_to_be_checked()
    expect(page.locator("#reading")).to_have_text("7")
    assert not Drawing.objects.exists()
    page.check("#save")
    expect_saved(page, 1)
    expect(page.locator("#label-status")).to_contain_text("Wrong?")
    expect(page.locator("[data-label-action=confirm]")).to_be_enabled()


@pytest.fixture
def number(page):
    draw(page, SEVENTY_ONE)
    expect(page.locator("#reading")).to_have_text("71")
    expect_state(page, "read")
    expect_saved(page, 1)
    return page


def test_each_digit_of_a_number_is_labeled_separately(number):
    number.locator("#reading button").first.click()
    number.click("[data-label-action=not-a-digit]")
    expect_label(number, "?1")
    second = number.locator("#reading button").nth(1)
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(number.locator("#confidence")).to_have_text(re.compile(r"^Digit 2: \d+\.\d%$"))
    number.click("[data-digit='4']")
    expect_label(number, "?4")
    expect(number.locator("#reading button").first).to_have_attribute("aria-pressed", "true")


def test_typed_characters_replace_the_whole_label_from_left_to_right(number):
    number.keyboard.press("4")
    expect(number.locator("#label")).to_have_text("4")
    assert Drawing.objects.get().visitor_label == ""
    number.keyboard.press("2")
    expect(number.locator("#label")).to_have_text("42")
    expect(number.locator("#reading")).to_have_text("71")
    expect_label(number, "42")
    number.keyboard.press("Backspace")
    expect(number.locator("#label")).to_have_text("4")
    number.keyboard.press("9")
    expect_label(number, "49")
    number.click("[data-label-action=undo]")
    number.keyboard.press("5")
    number.keyboard.press("Enter")
    expect_label(number, "5")
    number.click("[data-label-action=undo]")
    # Non-digits; after the first character, "?" shows no shortcuts.
    number.keyboard.type("7?")
    expect_label(number, "7?")
    expect(number.locator("#shortcuts")).to_be_hidden()
    number.click("[data-label-action=undo]")
    number.keyboard.type("x1")
    expect_label(number, "?1")
    number.click("[data-label-action=undo]")
    # Escape cancels the typed label, then clears the drawing.
    number.keyboard.press("4")
    number.keyboard.press("Escape")
    expect(number.locator("#label")).to_have_text("")
    expect(number.locator("#label-status")).to_contain_text("Wrong?")
    number.keyboard.press("Escape")
    expect_state(number, "empty")
    number.keyboard.press("?")
    expect(number.locator("#shortcuts")).to_be_visible()


def test_tap_on_a_box_selects_its_digit_and_draws_nothing(number):
    buttons = number.locator("#reading button")
    buttons.first.click()
    expect(buttons.first).to_have_attribute("aria-pressed", "true")
    draw(number, [[[220, 160]]])
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    expect_state(number, "read")
    assert len(number.evaluate("JSON.parse(sessionStorage.visit)[0].strokes")) == 2


def test_pending_prediction_cannot_be_confirmed(page):
    load_model(page)
    late = []
    page.route("**/api/v1/drawings/*", lambda route: late.append(route))
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "drawing")
    confirm = page.locator("[data-label-action=confirm]")
    expect(confirm).to_be_disabled()
    expect(page.locator("[data-digit='7']")).to_be_disabled()
    page.keyboard.press("Enter")
    wait_until(page, lambda: late)
    late[0].continue_()
    expect(confirm).to_be_enabled()
    expect(page.locator("#label-status")).to_contain_text("Wrong?")


def test_unsure_digit_shows_its_rival_beside_the_predicted_text(page):
    draw(page, OPEN_NINE)
    # The response for the first stroke may be shown before the response for all strokes.
    expect(page.locator("#reading")).to_have_text(re.compile("[49]"))
    expect_state(page, "unsure")
    first = page.locator("#reading").text_content()
    rival = page.locator("#reading").get_attribute("data-rival")
    assert len(first) == 1
    assert {first, rival} == {"4", "9"}
    after = "getComputedStyle(document.querySelector('#reading'), '::after').content"
    assert rival in page.evaluate(after)


def test_touching_digits_are_unsure_without_a_rival(page):
    draw(page, [ellipse(80, 150, 70, 120), ellipse(150.5, 150, 70, 120)])
    expect(page.locator("#reading")).to_have_text("00")
    expect_state(page, "unsure")
    expect(page.locator("#reading [data-rival]")).to_have_count(0)
    expect(page.locator("#probabilities .accent")).to_have_count(1)
    expect(page.locator("#announcement")).to_contain_text("touching another digit")
    expect(page.locator("#confidence")).to_have_text(re.compile("^Digit [12]: touching$"))
    for button in page.locator("#reading button").all():
        expect(button).to_have_css("text-decoration-style", "dotted")
    assert violations(page) == {}


def test_digits_of_two_lines_are_labeled_separately(page):
    draw(page, LINES)
    expect(page.locator("#reading button")).to_have_count(4)
    assert page.locator("#reading").text_content() == "71\n71"
    expect(page.locator("#announcement")).to_contain_text("71, next line 71, ")
    expect_saved(page, 1)
    third = page.locator("#reading button").nth(2)
    for button, digit in ((page.locator("#reading button").first, "7"), (third, "7")):
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#probabilities .accent")).to_have_attribute("data-digit", digit)
    expect_state(page, "read")
    page.keyboard.type("7121")
    expect_label(page, "71\n21")
    expect(page.locator("#label-status")).to_have_text("Your label: 71 21. Thank you.")
    page.click("#details-link")
    assert "71\n21" in page.locator("dl").inner_text()
    expect(page.locator("dl")).to_contain_text("Prediction today 71")
    assert violations(page) == {}


def test_digit_keys_skip_the_dash_of_a_number(page):
    draw(page, DASHED)
    expect(page.locator("#reading")).to_have_text("7?1")
    expect_saved(page, 1)
    expect_state(page, "unsure")
    expect(page.locator("#reading button").nth(1)).to_have_attribute("data-verdict", "not a digit")
    page.keyboard.type("24")
    expect_label(page, "2?4")
    page.locator("#reading button").nth(1).click()
    page.click("[data-digit='3']")
    expect_label(page, "234")


def test_enter_confirms_a_number_which_stays_displayed_while_its_label_waits(number):
    with offline(number):
        number.keyboard.press("Enter")
        expect(number.locator("#badge")).to_contain_text("No connection")
        expect_state(number, "read")
        expect(number.locator("#reading")).to_have_text("71")
        expect(number.locator("#label-status")).to_have_text("Your label: 71. Thank you.")
    expect_label(number, "71")
    expect(number.locator("#badge")).to_have_text("")
    expect_state(number, "read")
