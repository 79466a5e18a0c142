"""Predictions in the page during a stroke and without a connection."""

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved
from tools.browser.pen import draw, expect_state, offline, press

pytestmark = pytest.mark.django_db(transaction=True)

ONE = [[[140, 40], [141, 240]]]


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


def test_unfinished_first_stroke_fetches_no_model(page):
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    press(page)
    expect(page.locator("#reading")).to_have_text("7")
    assert not any("model.onnx" in url or "/lenet" in url for url in urls)


def test_stroke_is_predicted_without_a_response(page_with_model):
    page_with_model.route("**/api/v1/predict*", lambda route: None)
    press(page_with_model)
    expect(page_with_model.locator("#reading")).to_have_text("7")
    expect_state(page_with_model, "drawing")
    expect(page_with_model.locator("#confidence")).to_contain_text("confidence")


def test_local_prediction_equals_the_server_prediction(page_with_model):
    shown = "[...document.querySelectorAll('#probabilities tr')].map(row => row.innerText).join()"
    seen = "document.querySelector('#seen').toDataURL()"
    press(page_with_model)
    expect(page_with_model.locator("#reading")).to_have_text("7")
    expect_state(page_with_model, "drawing")
    here = page_with_model.evaluate(f"[{shown}, {seen}]")
    page_with_model.mouse.up()
    expect_state(page_with_model, "read")
    assert page_with_model.evaluate(f"[{shown}, {seen}]") == here


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
