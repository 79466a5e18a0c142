"""Between two answers of the server, the page reads by itself."""

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_kept
from tools.browser.pen import draw, expect_state, offline, press
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

ONE = [[[140, 40], [141, 240]]]
HALF_A_SEVEN = [[x / 2, y, t] for x, y, t in SEVEN[0]]


@pytest.fixture
def reading(page):
    """A page that has read a drawing, and so has fetched the net by now; the pad is clear."""
    with page.expect_response("**/api/v1/model.onnx"):
        draw(page)
    expect_state(page, "read")
    # What comes next in the queue of requests is behind the net.
    page.click("[data-action=clear]")
    draw(page, ONE)
    expect_state(page, "read")
    expect_kept(page, 2)
    page.click("[data-action=clear]")
    return page


def test_a_new_page_fetches_no_net(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    press(page)
    expect(page.locator("#reading")).to_have_text("7")
    assert not any("model.onnx" in url or "/lenet" in url for url in asked)


def test_it_reads_while_the_server_says_nothing(reading):
    reading.route("**/api/v1/predict*", lambda route: None)
    press(reading)
    expect(reading.locator("#reading")).to_have_text("7")
    expect_state(reading, "drawing")
    expect(reading.locator("#confidence")).to_contain_text("sure")


def test_it_shows_what_the_server_shows(reading):
    shown = "[...document.querySelectorAll('#probabilities tr')].map(row => row.innerText).join()"
    seen = "document.querySelector('#seen').toDataURL()"
    press(reading)
    expect(reading.locator("#reading")).to_have_text("7")
    expect_state(reading, "drawing")
    here = reading.evaluate(f"[{shown}, {seen}]")
    reading.mouse.up()
    expect_state(reading, "read")
    assert reading.evaluate(f"[{shown}, {seen}]") == here


def test_a_late_answer_to_less_ink_is_not_shown(reading):
    """Of a second stroke the server says first that it is the same digit."""
    draw(reading)
    expect_state(reading, "read")
    with reading.expect_response("**/api/v1/predict*"):
        press(reading, [[[110, 165]]])
    late = []
    reading.route("**/api/v1/predict*", lambda route: late.append(route))
    box = reading.locator("#pad").bounding_box()
    for x in (150, 200, 260):
        reading.mouse.move(box["x"] + x * box["width"] / 280, box["y"] + 165 * box["height"] / 280)
        reading.wait_for_timeout(50)
    shown = reading.locator("#confidence").inner_text()
    seen = reading.evaluate("document.querySelector('#seen').toDataURL()")
    assert len(late) == 1
    with reading.expect_response("**/api/v1/predict*"):
        late[0].continue_()
    reading.wait_for_timeout(200)
    assert reading.locator("#confidence").inner_text() == shown
    assert reading.evaluate("document.querySelector('#seen').toDataURL()") == seen


def test_where_a_number_has_its_digits_says_the_server(reading):
    press(reading, [HALF_A_SEVEN, [[220, 60, 0], [220, 260, 0]]])
    expect(reading.locator("#reading")).to_have_text("71")
    expect_state(reading, "drawing")


def test_without_a_network_one_stroke_is_still_read(reading):
    with offline(reading):
        draw(reading)
        expect(reading.locator("#reading")).to_have_text("7")
        expect_state(reading, "offline")
        expect(reading.locator("#badge")).to_have_text("No connection. Waiting to be sent: 1.")
    expect_state(reading, "read")
    expect_kept(reading, 3)
    assert list(Drawing.objects.order_by("created_at").values_list("text", flat=True)) == [
        "7",
        "1",
        "7",
    ]


def test_a_server_without_a_model_file_does_no_harm(page):
    page.route("**/api/v1/model.onnx", lambda route: route.fulfill(status=503))
    for count in (1, 2):
        draw(page)
        expect(page.locator("#reading")).to_have_text("7")
        expect_kept(page, count)
        page.click("[data-action=clear]")
    assert all("503" in complaint for complaint in page.complaints)
    page.complaints.clear()
