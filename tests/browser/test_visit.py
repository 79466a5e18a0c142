"""The drawings of a visit: opened again, taken home, forgotten; and what waits for the network."""

import json
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from ml.preprocessing import pictures
from ml.recognition import predict_picture, predict_strokes
from ml.training import stroke_files
from recognizer.models import Drawing
from tests.browser.conftest import expect_kept
from tools.browser.pen import draw, expect_state, ink_of, offline
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

ONE = [[[140, 40], [141, 240]]]


@pytest.fixture
def visit(page):
    """A page on which a seven and then a one were drawn; the one is on the pad."""
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    page.click("[data-action=clear]")
    draw(page, ONE)
    expect(page.locator("#reading")).to_have_text("1")
    expect_kept(page, 2)
    return page


def items(page):
    return page.locator("#strip button")


def download(page, action, path):
    with page.expect_download() as waiting:
        page.click(f"[data-action={action}]")
    waiting.value.save_as(path / waiting.value.suggested_filename)
    return path / waiting.value.suggested_filename


def test_the_strip_has_the_drawings_with_what_was_read(visit):
    expect(items(visit)).to_have_text(["7", "1"])
    expect(items(visit).nth(1)).to_have_attribute("aria-current", "true")
    assert all(ink_of(visit, f"#strip li:nth-child({i}) canvas") > 0 for i in (1, 2))


def test_a_drawing_is_opened_again_and_stays_one_row(visit):
    visit.keyboard.press("1")
    items(visit).first.click()
    expect(visit.locator("#reading")).to_have_text("7")
    expect(items(visit).first).to_have_attribute("aria-current", "true")
    items(visit).nth(1).click()
    expect(visit.locator("#asked")).to_have_text("You say: 1.")
    visit.keyboard.press("Control+z")
    expect(visit.locator("#reading")).to_have_text("7")
    assert Drawing.objects.count() == 2


def test_the_visit_outlives_a_reload(visit):
    visit.reload()
    expect(items(visit)).to_have_text(["7", "1"])
    expect_state(visit, "empty")
    items(visit).first.click()
    expect(visit.locator("#reading")).to_have_text("7")
    assert Drawing.objects.count() == 2


def test_what_is_forgotten_is_gone_here_and_on_the_server(visit):
    visit.click("[data-action=forget]")
    expect_state(visit, "empty")
    expect(items(visit)).to_have_text(["7"])
    expect_kept(visit, 1)
    assert Drawing.objects.get().text == "7"
    visit.keyboard.press("Control+z")
    expect(visit.locator("#reading")).to_have_text("7")
    visit.click("[data-action=forget-all]")
    expect(items(visit)).to_have_count(0)
    expect_kept(visit, 0)
    assert visit.evaluate("sessionStorage.visit") == "[]"


def test_a_drawing_is_taken_home_as_png_svg_and_json(visit, tmp_path, shipped):
    png = download(visit, "png", tmp_path)
    assert png.name == "1.png"
    assert predict_picture(shipped, pictures.open_picture(png.read_bytes())).text == "1"
    with Image.open(png) as picture:
        assert picture.size == (1024, 1024)
    svg = download(visit, "svg", tmp_path).read_text()
    assert len(re.findall("<path", svg)) == 1
    visit.keyboard.press("1")
    saved = download(visit, "json", tmp_path)
    (written,) = stroke_files.read_digits(saved)
    assert written.label == 1
    assert predict_strokes(shipped, written.strokes).text == "1"


def test_drawings_made_without_a_network_are_sent_after_a_reload_each_once(page):
    # The page itself still loads; only the API is out of reach.
    page.route("**/api/**", lambda route: route.abort())
    draw(page)
    expect_state(page, "offline")
    page.click("[data-action=clear]")
    draw(page, ONE)
    expect(page.locator("#badge")).to_have_text("No connection. Waiting to be sent: 2.")
    page.keyboard.press("4")
    page.reload()
    assert not Drawing.objects.exists()
    page.unroute("**/api/**")
    page.reload()
    expect_kept(page, 2)
    expect(items(page)).to_have_text(["7", "1"])
    page.reload()
    page.wait_for_timeout(300)
    assert Drawing.objects.count() == 2
    assert page.evaluate("Object.keys(localStorage)") == []
    assert all("ERR_FAILED" in text for text in page.complaints)
    page.complaints.clear()


def test_a_second_page_sends_what_a_closed_one_could_not(page, live_server):
    page.route("**/api/**", lambda route: route.abort())
    draw(page)
    expect_state(page, "offline")
    other = page.context.new_page()
    other.goto("/")
    other.wait_for_timeout(300)
    assert not Drawing.objects.exists()
    page.close()
    expect_kept(other, 1)
    page.complaints.clear()


def test_a_failing_server_is_said_and_asked_again(page):
    broken = {"status": 503, "content_type": "application/json", "body": json.dumps({})}
    page.route("**/api/**", lambda route: route.fulfill(**broken))
    draw(page, SEVEN)
    expect(page.locator("#badge")).to_have_text("The server is busy. Waiting to be sent: 1.")
    page.unroute("**/api/**")
    expect(page.locator("#reading")).to_have_text("7")
    expect(page.locator("#badge")).to_have_text("")
    expect_kept(page, 1)
    assert all("503" in text for text in page.complaints)
    page.complaints.clear()


def test_a_drawing_is_replayed_and_the_pad_is_whole_again(visit):
    visit.click("[data-action=clear]")
    draw(visit, pause=150)
    whole = ink_of(visit, "#pad")
    visit.click("[data-action=replay]")
    visit.wait_for_function(
        """whole => {
            const pad = document.querySelector("#pad");
            const data = pad.getContext("2d").getImageData(0, 0, pad.width, pad.height).data;
            return data.filter((v, i) => i % 4 === 3 && v > 0).length < whole;
        }""",
        arg=whole,
    )
    for _ in range(100):
        if ink_of(visit, "#pad") == whole:
            break
        visit.wait_for_timeout(50)
    assert ink_of(visit, "#pad") == whole
    assert visit.locator("#reading").inner_text() == "7"


def test_ink_ends_a_replay(visit):
    visit.click("[data-action=replay]")
    draw(visit, [[[40, 40], [240, 40]]])
    expect_state(visit, "read")
    visit.wait_for_timeout(300)
    assert len(visit.evaluate("JSON.parse(sessionStorage.visit).at(-1).strokes")) == 2


def test_what_was_sent_before_the_visitor_said_no_is_forgotten_too(page):
    draw(page)
    expect_kept(page, 1)
    page.uncheck("#keep")
    draw(page, [[[20, 20], [30, 20]]])
    expect_state(page, "read")
    page.click("[data-action=forget]")
    expect_kept(page, 0)


def test_ink_is_shown_though_a_replay_goes_on(visit):
    draw(visit, [[[20, 20], [40, 30], [60, 20], [80, 30], [100, 20]]], pause=200)
    visit.click("[data-action=replay]")
    draw(visit, [[[20, 250], [260, 250]]])
    visit.wait_for_timeout(100)
    corner = "document.querySelector('#pad').getContext('2d')"
    side = visit.evaluate("document.querySelector('#pad').width")
    place = f"{side / 2}, {side * 250 / 280}, 1, 1"
    assert visit.evaluate(f"{corner}.getImageData({place}).data[3]") > 0


def test_after_another_size_what_was_said_still_holds(visit):
    visit.keyboard.press("1")
    expect(visit.locator("#asked")).to_have_text("You say: 1.")
    visit.set_viewport_size({"width": 390, "height": 844})
    visit.wait_for_timeout(200)
    visit.click("[data-action=clear]")
    visit.keyboard.press("Control+z")
    expect(visit.locator("#reading")).to_have_text("1")
    expect(visit.locator("#asked")).to_have_text("You say: 1.")
    visit.wait_for_timeout(300)
    assert Drawing.objects.order_by("created_at").last().visitor_label == "1"


def test_the_strip_follows_light_and_dark(visit):
    color = "document.querySelector('#strip canvas').getContext('2d').strokeStyle"
    light = visit.evaluate(color)
    visit.emulate_media(color_scheme="dark")
    # Playwright's own way to wait would evaluate a string, which the page's policy forbids.
    for _ in range(100):
        if visit.evaluate(color) != light:
            return
        visit.wait_for_timeout(50)
    assert visit.evaluate(color) != light


def test_what_cannot_be_kept_is_read_all_the_same(page):
    broken = {"status": 503, "content_type": "application/json", "body": json.dumps({})}
    page.route("**/api/v1/drawings/*", lambda route: route.fulfill(**broken))
    draw(page, SEVEN)
    expect(page.locator("#badge")).to_have_text("The server is busy. Waiting to be sent: 1.")
    expect(page.locator("#reading")).to_have_text("7")
    page.unroute("**/api/v1/drawings/*")
    expect_kept(page, 1)
    page.complaints.clear()


def test_whoever_wants_nothing_kept_has_nothing_sent_later(page):
    with offline(page):
        draw(page, SEVEN)
        expect(page.locator("#badge")).to_contain_text("Waiting to be sent: 1")
        page.locator("#keep").uncheck()
        expect(page.locator("#badge")).to_have_text("No connection.")
    expect(page.locator("#reading")).to_have_text("7")
    page.wait_for_timeout(500)
    assert not Drawing.objects.exists()


def test_what_was_said_goes_with_what_it_was_said_of(page):
    draw(page, SEVEN)
    expect(page.locator("#spoken")).to_contain_text("7")
    page.click("[data-action=clear]")
    expect(page.locator("#spoken")).to_have_text("")


def test_large_text_and_low_windows_leave_room_to_draw(page):
    page.set_viewport_size({"width": 341, "height": 162})
    assert page.locator("#pad").bounding_box()["width"] >= 190
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
