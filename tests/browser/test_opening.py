"""The opening of a first visit: the page draws a digit by itself."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_until
from tests.browser.test_pictures import DARK, choose_file, png
from tools.browser.pen import draw, expect_state, ink_of

pytestmark = pytest.mark.django_db(transaction=True)

TOMORROW = datetime.now() + timedelta(days=1)


@pytest.fixture
def first_visit(open_page):
    """Return a page before its first visit; its time advances only in `advance_until`."""
    page = open_page("/favicon.ico", is_first_visit=True, viewport={"width": 1280, "height": 800})
    page.clock.install()
    page.clock.pause_at(TOMORROW)
    page.goto("/")
    return page


def advance_until(page, text):
    """Advance the time of the page until its prediction matches a pattern."""

    def matches():
        page.clock.run_for(200)
        return re.fullmatch(text, page.locator("#reading").inner_text())

    wait_until(page, matches)


def test_first_visit_opens_with_a_digit_that_changes_its_prediction(first_visit):
    page = first_visit
    advance_until(page, "[0-79]")
    advance_until(page, "8")
    assert ink_of(page, "#pad") > 0
    assert ink_of(page, "#seen") > 20
    assert page.locator("[data-layer=logits]").get_attribute("data-probabilities")
    expect_state(page, "empty")
    assert page.evaluate("performance.getEntriesByType('measure').length") == 0
    advance_until(page, "")
    expect(page.locator("#hint")).to_have_text("Your turn")
    page.clock.run_for(50)
    assert ink_of(page, "#pad") == 0
    first = page.locator("#invitation").inner_text()
    page.reload()
    assert page.locator("#invitation").inner_text() not in ("", first)


def test_first_input_ends_the_opening(first_visit):
    page = first_visit
    advance_until(page, "[0-9]")
    page.clock.resume()
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


def test_picture_opened_during_the_opening_ends_it(open_page):
    page = open_page(
        is_first_visit=True, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    expect(page.locator("#reading")).to_have_text("8")
    choose_file(page, png(DARK))
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "read")
    expect(page.locator("#hint")).to_have_text("Your turn")
