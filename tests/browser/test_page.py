"""The page: drawing, prediction, saving, undo, offline use and layout."""

import json

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved
from tools.browser.pen import draw, expect_state, ink_of

pytestmark = pytest.mark.django_db(transaction=True)


def state(page):
    return page.locator("body").get_attribute("data-state")


def test_drawing_is_predicted_and_saved(page):
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "read")
    expect(page.locator("#confidence")).to_contain_text("confidence")
    expect(page.locator("#probabilities .accent")).to_have_attribute("data-digit", "7")
    probabilities = page.locator("#probabilities [data-digit]").evaluate_all(
        "rows => rows.map(row => Number(row.dataset.probability))"
    )
    assert sum(probabilities) == pytest.approx(1, abs=0.01)
    assert max(probabilities) == probabilities[7]
    assert 20 < ink_of(page, "#seen") < 200
    expect_saved(page, 1)
    drawing = Drawing.objects.get()
    assert (drawing.text, drawing.source) == ("7", "page")
    assert len(drawing.strokes) == 1


def test_stroke_in_progress_is_predicted_but_not_saved(page):
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 250, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 252, box["y"] + 400, steps=20)
    expect(page.locator("#reading")).to_have_text("1")
    assert state(page) == "drawing"
    assert not Drawing.objects.exists()
    page.mouse.up()
    expect_saved(page, 1)


def test_clear_undo_and_redo_buttons(page):
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    page.click("[data-action=clear]")
    expect_state(page, "empty")
    assert page.locator("#reading").inner_text() == ""
    expect(page.locator("[data-action=clear]")).to_be_disabled()
    page.click("[data-action=undo]")
    expect(page.locator("#reading")).to_have_text("7")
    page.click("[data-action=undo]")
    expect_state(page, "empty")
    page.click("[data-action=redo]")
    expect(page.locator("#reading")).to_have_text("7")


def test_clear_undo_and_redo_keys(page):
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    page.keyboard.press("Control+z")
    expect_state(page, "empty")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#reading")).to_have_text("7")
    page.keyboard.press("Escape")
    expect_state(page, "empty")


def test_drawing_undone_to_nothing_is_deleted(page):
    draw(page)
    expect_saved(page, 1)
    page.click("[data-action=undo]")
    expect_saved(page, 0)


def test_nothing_is_saved_after_opting_out(page):
    page.uncheck("#save")
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "read")
    page.reload()
    assert not page.locator("#save").is_checked()
    assert not Drawing.objects.exists()


def test_late_prediction_of_a_cleared_drawing_is_not_shown(page):
    late = []
    # Only the first request is delayed.
    page.route("**/api/v1/**", lambda route: late.append(route) if not late else route.continue_())
    draw(page)
    while not late:
        page.wait_for_timeout(20)
    page.click("[data-action=clear]")
    with page.expect_response("**/api/v1/**"):
        late[0].continue_()
    page.wait_for_timeout(300)
    assert page.locator("#reading").inner_text() == ""
    assert state(page) == "empty"


def test_reviewed_drawing_continues_under_a_new_uuid(page, admin_user):
    draw(page)
    expect_saved(page, 1)
    drawing = Drawing.objects.get()
    drawing.digits.update(label="7", labeled_by=admin_user)
    draw(page, [[[110, 165], [205, 165]]])
    expect_saved(page, 2)
    drawing.refresh_from_db()
    assert len(drawing.strokes) == 1
    # Chromium reports the expected 409 as an error.
    assert all("409" in complaint for complaint in page.complaints)
    page.complaints.clear()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_drawing_needs_no_scrolling(open_page, width):
    page = open_page(viewport={"width": width, "height": 640})
    box = page.locator("#pad").bounding_box()
    actions = page.locator("[data-action=clear]").bounding_box()
    assert box["width"] == box["height"] > 250
    assert actions["y"] + actions["height"] <= 640
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_stroke_to_reading_is_measured(page):
    draw(page)
    expect_state(page, "read")
    entries = json.loads(
        page.evaluate("JSON.stringify(performance.getEntriesByName('stroke-to-reading'))")
    )
    assert entries
    assert all(entry["entryType"] == "measure" and entry["duration"] > 0 for entry in entries)
