"""The drawings of a visit: reopened, downloaded, deleted, replayed, sent later."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from ml.preprocessing.picture_files import open_picture
from ml.recognition import predict_picture, predict_strokes
from ml.training import stroke_files
from recognizer.models import Drawing
from tests.browser.conftest import expect_saved, wait_until
from tools.browser.pen import (
    INK,
    choose,
    draw,
    expect_state,
    ink_of,
    offline,
    record_frames,
    wait_for_change_and_return,
    wait_for_frames,
)
from tools.samples import ONE, SEVEN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(page):
    """Return a page with a saved seven and a saved one; the one is on the pad."""
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    page.click("[data-action=clear]")
    draw(page, ONE)
    expect(page.locator("#reading")).to_have_text("1")
    # The strip shows the predictions of the saved drawings.
    expect(items(page)).to_have_text(["7", "1"])
    return page


def items(page):
    return page.locator("#strip button")


def download(page, action, path):
    with page.expect_download() as waiting:
        choose(page, action)
    waiting.value.save_as(path / waiting.value.suggested_filename)
    return path / waiting.value.suggested_filename


def test_reopened_drawing_is_not_saved_again(visit):
    expect_state(visit, "read")
    visit.keyboard.press("1")
    items(visit).first.click()
    expect(visit.locator("#reading")).to_have_text("7")
    expect(items(visit).first).to_have_attribute("aria-current", "true")
    items(visit).nth(1).click()
    expect(visit.locator("#label-status")).to_have_text("Your label: 1. Thank you.")
    visit.keyboard.press("Control+z")
    expect(visit.locator("#reading")).to_have_text("7")
    assert Drawing.objects.count() == 2


def test_reload_and_back_keep_the_visit_and_the_drawing_on_the_pad(visit):
    visit.reload()
    expect(items(visit)).to_have_text(["7", "1"])
    expect(visit.locator("#reading")).to_have_text("1")
    visit.goto("/favicon.ico")
    visit.go_back()
    expect(visit.locator("#reading")).to_have_text("1")
    assert ink_of(visit, "#pad") > 0
    items(visit).first.click()
    expect(visit.locator("#reading")).to_have_text("7")
    visit.click("[data-action=clear]")
    visit.reload()
    expect(items(visit)).to_have_text(["7", "1"])
    expect_state(visit, "empty")
    assert Drawing.objects.count() == 2


def test_delete_removes_drawings_from_page_and_server(visit):
    choose(visit, "delete")
    expect_state(visit, "empty")
    expect(items(visit)).to_have_text(["7"])
    expect_saved(visit, 1)
    assert Drawing.objects.get().text == "7"
    visit.keyboard.press("Control+z")
    expect(visit.locator("#reading")).to_have_text("7")
    visit.click("text=More")
    visit.click("text=Delete all…")
    expect(visit.locator("#confirm-delete")).to_be_visible()
    visit.keyboard.press("Escape")
    expect(items(visit)).to_have_count(1)
    visit.click("text=Delete all…")
    visit.click("[data-action=delete-all]")
    expect(items(visit)).to_have_count(0)
    expect_saved(visit, 0)
    assert visit.evaluate("sessionStorage.visit") == "[]"


def test_drawing_is_downloaded_as_png_svg_and_json_without_a_connection(visit, tmp_path, shipped):
    names = "performance.getEntriesByType('resource').map(({ name }) => name).join()"
    wait_until(visit, lambda: "draw/export" in visit.evaluate(names))
    with offline(visit):
        png = download(visit, "png", tmp_path)
        svg = download(visit, "svg", tmp_path)
        visit.keyboard.press("1")
        saved = download(visit, "json", tmp_path)
    assert png.name == "1.png"
    assert predict_picture(shipped, open_picture(png.read_bytes())).text == "1"
    with Image.open(png) as picture:
        assert picture.size == (1024, 1024)
    assert len(re.findall("<path", svg.read_text())) == 1
    (sample,) = stroke_files.read(saved).samples
    assert sample.label == 1
    assert predict_strokes(shipped, sample.strokes).text == "1"
    visit.click("[data-action=clear]")
    # The SVG opens as strokes: a new drawing of this visit.
    visit.set_input_files("#picture", svg)
    expect(visit.locator("#reading")).to_have_text("1")
    expect_saved(visit, 3)
    assert all(drawing.strokes for drawing in Drawing.objects.all())


def test_offline_drawings_are_sent_once_after_a_reload(page):
    # The page loads; only the API is unreachable.
    page.expected_errors.append("ERR_FAILED")
    page.route("**/api/**", lambda route: route.abort())
    draw(page)
    expect(page.locator("#badge")).to_contain_text("No connection")
    page.click("[data-action=clear]")
    draw(page, ONE)
    expect(page.locator("#badge")).to_have_text("No connection. Waiting to be sent: 2.")
    page.keyboard.press("4")
    page.reload()
    assert not Drawing.objects.exists()
    page.unroute("**/api/**")
    page.reload()
    expect_saved(page, 2)
    expect(items(page)).to_have_text(["7", "1"])
    wait_until(page, lambda: page.evaluate("Object.keys(localStorage)") == ["visits"])
    page.click("[data-action=clear]")
    draw(page)
    expect_saved(page, 3)


def test_second_page_sends_changes_of_a_closed_page(page):
    page.expected_errors.append("ERR_FAILED")
    page.route("**/api/**", lambda route: route.abort())
    draw(page)
    expect(page.locator("#badge")).to_contain_text("No connection")
    other = page.context.new_page()
    other.goto("/")
    draw(other, ONE)
    expect_saved(other, 1)
    page.close()
    expect_saved(other, 2)
    assert set(Drawing.objects.values_list("text", flat=True)) == {"1", "7"}


def test_failing_server_shows_a_message_and_is_retried(page):
    page.expected_errors.append("503")
    page.route("**/api/**", lambda route: route.fulfill(status=503, json={}))
    draw(page, SEVEN)
    expect(page.locator("#badge")).to_have_text("The server is busy. Waiting to be sent: 1.")
    page.unroute("**/api/**")
    expect(page.locator("#reading")).to_have_text("7")
    expect(page.locator("#badge")).to_have_text("")
    expect_saved(page, 1)


def test_replay_moves_the_slider_and_ends_with_the_complete_drawing(visit):
    visit.click("[data-action=clear]")
    draw(visit, pause=150)
    expect_state(visit, "read")
    wait_for_frames(visit)
    complete = ink_of(visit, "#pad")
    slider = "document.querySelector('#ribbon input').value"
    record_frames(visit, f"{INK}('#pad') + ' at ' + {slider}")
    choose(visit, "replay")
    wait_for_change_and_return(visit, f"{complete} at 59")
    assert visit.evaluate("new Set(recorded.map((each) => each.split(' at ')[1])).size") > 2
    assert visit.locator("#reading").inner_text() == "7"


def test_drawing_saved_before_opting_out_is_deleted(page):
    draw(page)
    expect_saved(page, 1)
    page.uncheck("#save")
    draw(page, [[[20, 20], [30, 20]]])
    expect_state(page, "read")
    choose(page, "delete")
    expect_saved(page, 0)


def test_new_stroke_is_visible_during_a_replay_and_ends_it(visit):
    draw(visit, [[[20, 20], [40, 30], [60, 20], [80, 30], [100, 20]]], pause=200)
    choose(visit, "replay")
    draw(visit, [[[20, 250], [260, 250]]])
    wait_for_frames(visit)
    corner = "document.querySelector('#pad').getContext('2d')"
    side = visit.evaluate("document.querySelector('#pad').width")
    place = f"{side / 2}, {side * 250 / 280}, 1, 1"
    assert visit.evaluate(f"{corner}.getImageData({place}).data[3]") > 0
    expect(visit.locator("body")).to_have_attribute("data-state", re.compile("read|unsure"))
    wait_for_frames(visit)
    assert len(visit.evaluate("JSON.parse(sessionStorage.visit).at(-1).strokes")) == 3


def test_resized_drawing_keeps_its_label(visit):
    visit.keyboard.press("1")
    expect(visit.locator("#label-status")).to_have_text("Your label: 1. Thank you.")
    visit.set_viewport_size({"width": 390, "height": 844})
    wait_for_frames(visit)
    visit.click("[data-action=clear]")
    visit.keyboard.press("Control+z")
    expect(visit.locator("#reading")).to_have_text("1")
    expect(visit.locator("#label-status")).to_have_text("Your label: 1. Thank you.")
    drawing, saved = Drawing.objects.latest("created_at"), Drawing.objects.count()
    visit.click("[data-action=clear]")
    draw(visit)
    expect_saved(visit, saved + 1)
    wait_until(visit, lambda: Drawing.objects.get(id=drawing.id).visitor_label == "1")


def test_opting_out_discards_waiting_drawings(page):
    with offline(page):
        draw(page, SEVEN)
        expect(page.locator("#badge")).to_contain_text("Waiting to be sent: 1")
        page.locator("#save").uncheck()
        expect(page.locator("#badge")).to_have_text("No connection.")
    expect(page.locator("#reading")).to_have_text("7")
    page.click("[data-action=clear]")
    page.locator("#save").check()
    draw(page, ONE)
    expect_saved(page, 1)
    assert Drawing.objects.get().text == "1"


def test_large_text_and_low_windows_leave_room_for_the_pad(page):
    page.set_viewport_size({"width": 341, "height": 162})
    assert page.locator("#pad").bounding_box()["width"] >= 190
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
