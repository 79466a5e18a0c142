"""Predictions in the page during a stroke and without a connection."""

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved
from tools.browser.pen import draw, expect_state, offline, press, wait_for_frames
from tools.samples import JOINED_ZEROS, SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

ONE = [[[140, 40], [141, 240]]]
HALF_A_SEVEN = [[x / 2, y, t] for x, y, t in SEVEN[0]]


@pytest.fixture
def page_with_model(page):
    """Return a page that has fetched the model, with a clear pad."""
    with page.expect_response("**/api/v1/model.onnx"):
        draw(page)
    expect_state(page, "read")
    # The next request waits until the model is fetched.
    page.click("[data-action=clear]")
    draw(page, ONE)
    expect_state(page, "read")
    expect_saved(page, 2)
    page.click("[data-action=clear]")
    return page


def test_stroke_is_predicted_without_a_response(page_with_model):
    page_with_model.route("**/api/v1/predict*", lambda route: None)
    press(page_with_model)
    expect(page_with_model.locator("#reading")).to_have_text("7")
    expect_state(page_with_model, "drawing")
    expect(page_with_model.locator("#confidence")).to_contain_text("confidence")


def test_local_prediction_equals_the_server_prediction(page_with_model):
    shown = "[...document.querySelectorAll('#probabilities button')].map(b => b.innerText).join()"
    seen = "document.querySelector('#seen').toDataURL()"
    press(page_with_model)
    expect(page_with_model.locator("#reading")).to_have_text("7")
    expect_state(page_with_model, "drawing")
    here = page_with_model.evaluate(f"[{shown}, {seen}]")
    page_with_model.mouse.up()
    expect_state(page_with_model, "read")
    assert page_with_model.evaluate(f"[{shown}, {seen}]") == here


def test_late_response_for_fewer_points_is_not_shown(page_with_model):
    draw(page_with_model)
    expect_state(page_with_model, "read")
    with page_with_model.expect_response("**/api/v1/predict*"):
        press(page_with_model, [[[110, 165]]])
    late = []
    page_with_model.route("**/api/v1/predict*", lambda route: late.append(route))
    box = page_with_model.locator("#pad").bounding_box()
    for x in (150, 200, 260):
        page_with_model.mouse.move(
            box["x"] + x * box["width"] / 280, box["y"] + 165 * box["height"] / 280
        )
        wait_for_frames(page_with_model)
    shown = page_with_model.locator("#confidence").inner_text()
    seen = page_with_model.evaluate("document.querySelector('#seen').toDataURL()")
    assert len(late) == 1
    with page_with_model.expect_response("**/api/v1/predict*") as response:
        late[0].continue_()
    response.value.finished()
    wait_for_frames(page_with_model)
    assert page_with_model.locator("#confidence").inner_text() == shown
    assert page_with_model.evaluate("document.querySelector('#seen').toDataURL()") == seen


def test_number_is_segmented_by_the_server(page_with_model):
    press(page_with_model, [HALF_A_SEVEN, [[220, 60, 0], [220, 260, 0]]])
    expect(page_with_model.locator("#reading")).to_have_text("71")
    expect_state(page_with_model, "drawing")


def test_two_digits_in_one_stroke_replace_the_local_prediction(page_with_model):
    press(page_with_model, JOINED_ZEROS)
    expect_state(page_with_model, "drawing")
    expect(page_with_model.locator("#reading button")).to_have_count(0)
    page_with_model.mouse.up()
    expect(page_with_model.locator("#reading")).to_have_text("00")
    expect_state(page_with_model, "read")


def test_underline_is_not_predicted_in_the_page(page_with_model):
    draw(page_with_model)
    expect_state(page_with_model, "read")
    shown = page_with_model.locator("#probabilities").inner_text()
    draw(page_with_model, [[[60, 275], [100, 275], [225, 276]]])
    expect_state(page_with_model, "read")
    assert page_with_model.locator("#probabilities").inner_text() == shown


def test_offline_stroke_is_predicted_and_saved_later(page_with_model):
    with offline(page_with_model):
        draw(page_with_model)
        expect(page_with_model.locator("#reading")).to_have_text("7")
        expect_state(page_with_model, "offline")
        expect(page_with_model.locator("#badge")).to_have_text(
            "No connection. Waiting to be sent: 1."
        )
    expect_state(page_with_model, "read")
    expect_saved(page_with_model, 3)
    assert list(Drawing.objects.order_by("created_at").values_list("text", flat=True)) == [
        "7",
        "1",
        "7",
    ]


def test_unavailable_model_file_leaves_server_predictions(page):
    page.route("**/api/v1/model.onnx", lambda route: route.fulfill(status=503))
    for count in (1, 2):
        draw(page)
        expect(page.locator("#reading")).to_have_text("7")
        expect_saved(page, count)
        page.click("[data-action=clear]")
    # A page that is left reports no more errors.
    page.goto("/health/live")
    assert all("503" in complaint for complaint in page.complaints)
    page.complaints.clear()
