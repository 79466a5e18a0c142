"""Fixtures for tests in Chromium against the live server."""

import os
import time
import uuid

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect, sync_playwright
from prometheus_client import REGISTRY

from recognizer.models import Drawing
from tests.browser.stale_requests import HEADER, current_test
from tools.browser import chromium

# Playwright runs an event loop in this thread, in which Django refuses database access by default.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session", autouse=True)
def deployed_static_files(static_files):
    """Serve the collected files with WhiteNoise, as in production, not with the live server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.contrib.staticfiles.handlers.StaticFilesHandler", lambda app: app)
        yield


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright):
    browser = chromium.launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser, live_server):
    """Open a page in a new browser context; fail the test on errors in the browser's console.

    Errors that contain a text of ``page.expected_errors`` are allowed: they may arrive late.
    """
    complaints, expected_errors, contexts = [], [], []
    test = str(uuid.uuid4())
    current_test.append(test)

    def open_new(path="/", *, is_first_visit=False, **options):
        # Service workers send requests of their own, without the test's header.
        options = {"base_url": live_server.url, "service_workers": "block"} | options
        context = browser.new_context(extra_http_headers={HEADER: test}, **options)
        if not is_first_visit:
            context.add_init_script("localStorage.visits ??= 1")
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.expected_errors = complaints, expected_errors
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.goto(path)
        return page

    yield open_new
    for context in contexts:
        context.close()
    # Later requests of this test are rejected; wait for those in progress.
    current_test.remove(test)
    for _ in range(600):
        if not REGISTRY.get_sample_value("digits_requests_in_progress"):
            break
        time.sleep(0.05)
    assert [text for text in complaints if not any(e in text for e in expected_errors)] == []


@pytest.fixture
def open_admin(open_page, live_server, admin_user):
    """Open an admin page as a signed-in user."""

    def open_as(path, user=admin_user, **options):
        client = Client()
        client.force_login(user)
        page = open_page("/favicon.ico", **options)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        page.goto(path)
        return page

    return open_as


@pytest.fixture
def page(open_page):
    return open_page(viewport={"width": 1280, "height": 800})


def wait_until(page, condition):
    """Wait until a function returns true; the page keeps running."""
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(50)
    assert condition()


def load_model(page):
    """Wait for the model, which a pointer above the pad loads at once."""
    page.hover("#pad")
    expect(page.locator("body")).to_have_attribute("data-model", "loaded")


def promote(route):
    """Answer like a server that has promoted another model."""
    response = route.fetch()
    route.fulfill(response=response, json=response.json() | {"model": "promoted"})


def expect_saved(page, count):
    """Wait until the database has this number of drawings."""
    wait_until(page, lambda: Drawing.objects.count() == count)
