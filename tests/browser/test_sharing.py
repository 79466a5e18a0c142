"""Links that contain a drawing, and picture cards."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved, load_model, wait_until
from tools.browser.pen import choose, draw, expect_state, ink_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sender(open_page):
    page = open_page(
        permissions=["clipboard-read", "clipboard-write"], viewport={"width": 1280, "height": 800}
    )
    draw(page)
    expect_state(page, "read")
    expect_saved(page, 1)
    return page


def test_link_opens_the_same_drawing_without_saving_it(sender, open_page):
    choose(sender, "share")
    expect(sender.locator("#badge")).to_contain_text("Link copied.")
    url = sender.evaluate("navigator.clipboard.readText()")
    assert str(Drawing.objects.get().pk) not in url
    receiver = open_page(url, viewport={"width": 390, "height": 844})
    expect(receiver.locator("#reading")).to_have_text("7")
    wait_until(receiver, lambda: ink_of(receiver, "#pad") > 0)
    assert receiver.url == url.split("#")[0]
    assert Drawing.objects.count() == 1


def test_damaged_link_shows_an_error_and_leaves_the_page_usable(open_page):
    page = open_page("/#d=AQE%3Cscript%3E", viewport={"width": 1280, "height": 800})
    expect(page.locator("#badge")).to_contain_text("The link is damaged.")
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")


def test_sharing_with_a_lost_connection_shows_a_message(page):
    page.expected_errors += ["ERR_FAILED", "Failed to fetch dynamically imported module"]
    page.route("**/share/*.js", lambda route: route.abort())
    page.reload()
    draw(page)
    expect_state(page, "read")
    choose(page, "share")
    expect(page.locator("#badge")).to_contain_text("Check the connection and reload the page.")


def test_successful_action_removes_an_earlier_message(sender):
    sender.evaluate("location.hash = 'd=AQ'")
    expect(sender.locator("#badge")).to_contain_text("The link is damaged.")
    with sender.expect_download():
        choose(sender, "png")
    expect(sender.locator("#badge")).to_be_empty()


def test_card_without_connection_keeps_the_number_of_waiting_drawings(page):
    page.expected_errors.append("ERR_FAILED")
    load_model(page)
    page.route("**/api/**", lambda route: route.abort())
    draw(page)
    badge = page.locator("#badge")
    expect(badge).to_have_text("No connection. Waiting to be sent: 1.")
    with page.expect_download():
        choose(page, "card")
    # Not "expect": a retry shows the message again.
    assert badge.inner_text() == "No connection. Waiting to be sent: 1."


def test_card_is_a_picture_with_ink(sender):
    with sender.expect_download() as download:
        choose(sender, "card")
    assert download.value.suggested_filename == "7-card.png"
    with Image.open(io.BytesIO(download.value.path().read_bytes())) as card:
        assert card.size == (1200, 630)
        # The ribbon: the final prediction has the accent color at the last moment.
        assert card.convert("RGB").getpixel((1135, 510)) == (179, 54, 27)
