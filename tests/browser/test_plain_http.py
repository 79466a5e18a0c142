"""The page over plain HTTP on a private network, where browsers lack several interfaces."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import expect_saved
from tools.browser import chromium
from tools.browser.pen import draw

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "192.168.1.20"


@pytest.fixture(scope="module")
def browser(playwright):
    browser = chromium.launch(playwright, f"--host-resolver-rules=MAP {ADDRESS} localhost")
    yield browser
    browser.close()


def test_page_over_plain_http_saves_drawings_now_and_those_of_an_earlier_page(
    settings, live_server, open_page
):
    # Restored after the page is closed: requests may arrive late.
    settings.ALLOWED_HOSTS = [ADDRESS]
    page = open_page(base_url=live_server.url.replace("localhost", ADDRESS))
    # The settings of private networks leave this header out.
    page.expected_errors += ["Cross-Origin-Opener-Policy", "ERR_FAILED"]
    assert not page.evaluate("isSecureContext")
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    expect_saved(page, 1)
    page.route("**/api/**", lambda route: route.abort())
    page.click("[data-action=clear]")
    draw(page)
    expect(page.locator("#badge")).to_contain_text("No connection")
    page.unroute("**/api/**")
    page.reload()
    expect_saved(page, 2)
