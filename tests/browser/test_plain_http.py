"""The page over plain HTTP on a private network, where browsers lack several interfaces."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_until
from tools.browser import chromium
from tools.browser.pen import draw
from tools.server import serve

ADDRESS = "192.168.1.20"


@pytest.fixture
def lan_page(playwright, tmp_path):
    """Open the page at a private address."""
    with serve(tmp_path, ALLOWED_HOSTS=f"127.0.0.1,{ADDRESS}") as site:
        browser = chromium.launch(playwright, f"--host-resolver-rules=MAP {ADDRESS} 127.0.0.1")
        page = browser.new_page(base_url=site.replace("127.0.0.1", ADDRESS))
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.goto("/")
        assert not page.evaluate("isSecureContext")
        yield page
        browser.close()
    assert [text for text in complaints if "ERR_FAILED" not in text] == []


def count_drawings(folder):
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        query = "SELECT count(*) FROM recognizer_drawing WHERE source = 'page'"
        return database.execute(query).fetchone()[0]


def test_page_over_plain_http_saves_drawings_now_and_those_of_an_earlier_page(lan_page, tmp_path):
    draw(lan_page)
    expect(lan_page.locator("#reading")).to_have_text("7")
    wait_until(lan_page, lambda: count_drawings(tmp_path) == 1)
    lan_page.route("**/api/**", lambda route: route.abort())
    lan_page.click("[data-action=clear]")
    draw(lan_page)
    expect(lan_page.locator("#badge")).to_contain_text("No connection")
    lan_page.unroute("**/api/**")
    lan_page.reload()
    wait_until(lan_page, lambda: count_drawings(tmp_path) == 2)
