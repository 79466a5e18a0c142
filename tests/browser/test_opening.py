"""The opening of a first visit: the page draws a digit by itself."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_until
from tools.browser.pen import draw, expect_state, ink_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_first_visit_opens_with_a_digit_that_changes_its_prediction(open_page):
    page = open_page(is_first_visit=True, viewport={"width": 1280, "height": 800})
    expect(page.locator("#reading")).to_have_text(re.compile("[0-9]"))
    expect(page.locator("#reading")).to_have_text("8")
    assert ink_of(page, "#pad") > 0
    assert ink_of(page, "#seen") > 20
    assert page.locator("[data-layer=logits]").get_attribute("data-probabilities")
    expect_state(page, "empty")
    assert page.evaluate("performance.getEntriesByType('measure').length") == 0
    expect(page.locator("#hint")).to_have_text("Your turn")
    expect(page.locator("#reading")).to_have_text("")
    wait_until(page, lambda: ink_of(page, "#pad") == 0)
    first = page.locator("#invitation").inner_text()
    page.reload()
    assert page.locator("#invitation").inner_text() not in ("", first)


def test_first_input_ends_the_opening(open_page):
    page = open_page(is_first_visit=True, viewport={"width": 1280, "height": 800})
    expect(page.locator("#reading")).to_have_text(re.compile("[0-9]"))
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "read")
    assert len(page.evaluate("JSON.parse(sessionStorage.visit)[0].strokes")) == 1


def test_opening_with_reduced_motion_shows_the_finished_digit_until_a_key(open_page):
    page = open_page(
        is_first_visit=True, viewport={"width": 390, "height": 844}, reduced_motion="reduce"
    )
    expect(page.locator("#reading")).to_have_text("8")
    page.keyboard.press("Shift")
    expect(page.locator("#reading")).to_have_text("")
    expect(page.locator("#hint")).to_have_text("Your turn")
