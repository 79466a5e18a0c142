"""The page: drawing, prediction, saving, undo, offline use and layout."""

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved, load_model, wait_until
from tools.browser.pen import draw, expect_state, ink_of, wait_for_frames

pytestmark = pytest.mark.django_db(transaction=True)


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
    measures = "performance.getEntriesByName('stroke-to-reading', 'measure')"
    assert min(page.evaluate(f"{measures}.map((each) => each.duration)")) > 0
    expect_saved(page, 1)
    drawing = Drawing.objects.get()
    assert (drawing.text, drawing.source) == ("7", "page")
    assert len(drawing.strokes) == 1


def test_menu_opens_inside_the_window(page):
    page.click("[popovertarget=menu]")
    for width, height in ((1280, 800), (390, 664), (844, 390)):
        page.set_viewport_size({"width": width, "height": height})
        wait_for_frames(page)
        box = page.locator("#menu").bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height


def test_model_input_and_strip_follow_the_color_scheme(page):
    color = """() => {
        const { data } = seen.getContext("2d").getImageData(0, 0, 28, 28);
        const opaque = data.findIndex((level, i) => i % 4 === 3 && level === 255);
        const [r, g, b] = data.slice(opaque - 3, opaque);
        return `rgb(${r}, ${g}, ${b})` === getComputedStyle(seen).color;
    }"""
    draw(page)
    expect_state(page, "read")
    strip = "document.querySelector('#strip canvas').getContext('2d').strokeStyle"
    assert page.evaluate(color)
    light = page.evaluate(strip)
    page.emulate_media(color_scheme="dark")
    wait_until(page, lambda: page.evaluate(color))
    wait_until(page, lambda: page.evaluate(strip) != light)


def test_buttons_and_keys_clear_undo_and_redo(page):
    reading = page.locator("#reading")
    expect(page.locator("[data-action=undo]")).to_be_disabled()
    draw(page)
    expect(reading).to_have_text("7")
    expect_saved(page, 1)
    page.click("[data-action=clear]")
    expect_state(page, "empty")
    expect(page.locator("[data-action=clear]")).to_be_disabled()
    page.click("[data-action=undo]")
    expect(reading).to_have_text("7")
    page.keyboard.press("Control+z")
    expect_state(page, "empty")
    # Undone to nothing: deleted.
    expect_saved(page, 0)
    page.keyboard.press("Control+Shift+z")
    expect(reading).to_have_text("7")
    page.click("[data-action=undo]")
    page.click("[data-action=redo]")
    expect(reading).to_have_text("7")
    page.keyboard.press("Escape")
    expect_state(page, "empty")
    assert reading.inner_text() == ""


def test_tap_is_visible_and_not_a_digit(page):
    draw(page, [[[140, 140]]])
    expect(page.locator("#reading")).to_have_text("?")
    wait_until(page, lambda: ink_of(page, "#pad") > 0)
    expect(page.locator("#confidence")).to_have_text("not a digit")
    expect_state(page, "unsure")


def test_late_prediction_of_a_cleared_drawing_is_not_shown(page):
    late = []
    # Only the first request is delayed.
    page.route("**/api/v1/**", lambda route: late.append(route) if not late else route.continue_())
    draw(page)
    wait_until(page, lambda: late)
    page.click("[data-action=clear]")
    late[0].continue_()
    # The next response, which is for the complete drawing, changes only the strip.
    expect(page.locator("#strip button")).to_have_text("7")
    assert page.locator("#reading").inner_text() == ""
    expect_state(page, "empty")


def test_reviewed_drawing_continues_under_a_new_uuid(page, admin_user):
    page.expected_errors.append("409")
    draw(page)
    expect_saved(page, 1)
    drawing = Drawing.objects.get()
    drawing.digits.update(label="7", labeled_by=admin_user)
    draw(page, [[[110, 165], [205, 165]]])
    expect_saved(page, 2)
    drawing.refresh_from_db()
    assert len(drawing.strokes) == 1


def test_rejected_drawing_keeps_the_prediction_of_the_page(page):
    page.expected_errors.append("422")
    problem = {"status": 422, "json": {"detail": "strokes: too many points"}}
    page.route("**/api/v1/drawings/*", lambda route: route.fulfill(**problem))
    load_model(page)
    draw(page)
    expect(page.locator("#badge")).to_contain_text("rejected the drawing: strokes: too many points")
    expect_state(page, "read")
    expect(page.locator("#label-status")).to_have_text("Not saved: cannot be labeled.")


def test_accuracy_shows_the_figures_of_the_serving_model_on_a_phone(open_page):
    page = open_page(viewport={"width": 390, "height": 664})
    page.click("text=Accuracy")
    expect(page.locator("#accuracy dt").first).to_have_text("Digits of MNIST")
    expect(page.locator("#accuracy dd").first).to_have_text("99.56% of 10,000")
    for figure in page.locator("#accuracy dd").all():
        assert figure.bounding_box()["width"] >= 80


def test_printed_page_has_no_controls_and_dark_ink(open_page):
    page = open_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    draw(page)
    expect_state(page, "read")
    page.emulate_media(media="print", color_scheme="dark")
    for control in ("[data-action=clear]", "#unit"):
        expect(page.locator(control)).to_be_hidden()
    expect(page.locator("#reading")).to_have_css("color", "rgb(0, 0, 0)")


def test_number_of_twelve_digits_fits_on_one_line(open_page):
    page = open_page(viewport={"width": 320, "height": 640})
    draw(page, [[[20 + 22 * i, 100], [20 + 22 * i, 150]] for i in range(12)])
    expect(page.locator("#reading")).to_have_text("1" * 12)
    boxes = page.locator("#reading button").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().toJSON())"
    )
    assert len({box["y"] for box in boxes}) == 1
    # WCAG 2.5.8
    assert all(box["width"] >= 23.9 for box in boxes)
    assert boxes[-1]["x"] + boxes[-1]["width"] <= 320
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_admin_sign_in_and_api_docs_work(open_page, admin_user, static_files):
    page = open_page("/admin/login/?next=/admin/recognizer/digit/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "password")
    page.click("input[type=submit]")
    expect(page.locator("#changelist")).to_be_visible()
    page.goto("/api/docs")
    expect(page.locator(".opblock").first).to_be_visible()
