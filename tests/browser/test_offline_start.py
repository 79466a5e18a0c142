"""The installed page: it starts without a network, and releases replace each other whole."""

import pytest
from playwright.sync_api import expect

from recognizer import views
from tests.browser.conftest import expect_saved, wait_until
from tools.browser.pen import draw, expect_state, offline

pytestmark = pytest.mark.django_db(transaction=True)

# Whether the worker of another release is installed and waits.
IS_WAITING = """() => navigator.serviceWorker.ready.then(({ waiting }) => Boolean(waiting))"""
RELEASES = "() => caches.keys()"


@pytest.fixture
def installed(open_page):
    page = open_page(service_workers="allow", viewport={"width": 1280, "height": 800})
    page.evaluate("() => navigator.serviceWorker.ready.then(() => {})")
    return page


def test_page_starts_without_network_or_server_and_sends_its_drawing_later(installed, monkeypatch):
    with offline(installed):
        installed.goto("/")
        draw(installed)
        expect(installed.locator("#reading")).to_have_text("7")
        expect(installed.locator("#badge")).to_have_text("No connection. Waiting to be sent: 1.")
        installed.click("#network summary")
        expect(installed.locator("#network canvas").first).to_be_visible()
    expect_saved(installed, 1)
    expect_state(installed, "read")

    def fail(*args, **options):
        raise RuntimeError

    monkeypatch.setattr("recognizer.views.render", fail)
    assert installed.goto("/").status == 200
    expect(installed.locator("#pad")).to_be_visible()


def test_new_release_waits_for_open_pages_and_removes_the_old_one(installed, monkeypatch):
    # The first page of a visitor has no worker yet.
    installed.goto("/")
    (old,) = installed.evaluate(RELEASES)
    files = views._page_files()[:3]
    monkeypatch.setattr(views, "_page_files", lambda: files)
    installed.evaluate(
        "() => navigator.serviceWorker.ready.then((registration) => registration.update())"
    )
    wait_until(installed, lambda: installed.evaluate(IS_WAITING))
    assert len(installed.evaluate(RELEASES)) == 2
    *_, new = installed.context.service_workers
    # The browser does this some time after the last page of the old release is closed.
    new.evaluate("() => skipWaiting()")
    wait_until(installed, lambda: len(installed.evaluate(RELEASES)) == 1)
    assert installed.evaluate(RELEASES) != [old]
