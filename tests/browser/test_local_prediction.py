"""Predictions in the page during a stroke."""

import re

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved, load_model, wait_until
from tools.browser.pen import draw, expect_state, press, wait_for_frames
from tools.samples import SEVENTY_ONE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page_with_model(page):
    load_model(page)
    return page


def test_stroke_in_progress_is_predicted_but_neither_announced_nor_labeled_nor_saved(
    page_with_model,
):
    page, announcement = page_with_model, page_with_model.locator("#announcement")
    page.route("**/api/v1/predict*", lambda route: None)
    press(page)
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "drawing")
    expect(page.locator("#confidence")).to_contain_text("confidence")
    assert announcement.inner_text() == page.locator("#label-status").inner_text() == ""
    assert not Drawing.objects.exists()
    page.mouse.up()
    expect(announcement).to_have_text(re.compile("^7, .* confidence$"))
    expect_saved(page, 1)
    page.click("[data-action=clear]")
    expect(announcement).to_have_text("")


def test_local_prediction_equals_the_server_prediction(page_with_model):
    shown = "[...document.querySelectorAll('#probabilities button')].map(b => b.innerText).join()"
    seen, pad = (
        "document.querySelector('#seen').toDataURL()",
        "document.querySelector('#pad').toDataURL()",
    )
    # The page predicts at most every 4 ms; the last point must not be skipped.
    press(page_with_model, SEVENTY_ONE, pause=20)
    expect(page_with_model.locator("#reading")).to_have_text("71")
    expect_state(page_with_model, "drawing")
    wait_for_frames(page_with_model)
    here = page_with_model.evaluate(f"[{shown}, {seen}, {pad}]")
    page_with_model.mouse.up()
    expect_state(page_with_model, "read")
    wait_for_frames(page_with_model)
    assert page_with_model.evaluate(f"[{shown}, {seen}, {pad}]") == here


def test_late_response_for_fewer_strokes_is_not_shown(page_with_model):
    late = []
    page_with_model.route("**/api/v1/drawings/*", lambda route: late.append(route))
    draw(page_with_model, SEVENTY_ONE[:1])
    press(page_with_model, SEVENTY_ONE[1:])
    expect(page_with_model.locator("#reading")).to_have_text("71")
    wait_until(page_with_model, lambda: late)
    with page_with_model.expect_response("**/api/v1/drawings/*") as response:
        late[0].continue_()
    response.value.finished()
    wait_for_frames(page_with_model)
    expect(page_with_model.locator("#reading")).to_have_text("71")


def test_unavailable_model_leaves_server_predictions_until_the_panel_loads_it(page):
    page.expected_errors.append("503")
    page.route("**/api/v1/model.onnx", lambda route: route.fulfill(status=503))
    for count in (1, 2):
        draw(page)
        expect(page.locator("#reading")).to_have_text("7")
        expect_saved(page, count)
        page.click("[data-action=clear]")
    expect(page.locator("#unit")).to_contain_text("could not be loaded")
    page.unroute("**/api/v1/model.onnx")
    page.click("#network summary")
    expect(page.locator("[data-layer=logits]")).to_be_visible()
