"""A real Chromium on the real site: pages, and a hand to draw with."""

import os
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from recognizer.models import Drawing
from tests.browser import chromium
from tests.conftest import SEVEN

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Playwright runs an event loop in this thread; Django must not mind using the database beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=10_000)


@pytest.fixture(scope="session", autouse=True)
def deployed_static_files(static_files):
    """Let WhiteNoise serve the collected files, as it does when deployed, not the live server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.contrib.staticfiles.handlers.StaticFilesHandler", lambda site: site)
        yield


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        path = chromium.find(playwright)
        assert path, "There is no Chromium: run `make browser`."
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, live_server):
    """Open the page in a new context; whatever the browser complains of fails the test."""
    complaints, contexts = [], []

    def open_new(path="/", **options):
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = complaints
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.goto(path)
        return page

    yield open_new
    for context in contexts:
        context.close()
    assert complaints == []


@contextmanager
def offline(page):
    """Take a page off the network for a while; Chromium may complain of that alone."""
    page.context.set_offline(True)
    yield
    page.context.set_offline(False)
    assert all("ERR_INTERNET_DISCONNECTED" in text for text in page.complaints)
    page.complaints.clear()


@pytest.fixture
def page(open_page):
    return open_page(viewport={"width": 1280, "height": 800})


def draw(page, strokes=SEVEN, size=280):
    """Draw strokes, made for a pad of ``size`` pixels, with the mouse."""
    box = page.locator("#pad").bounding_box()
    scale = box["width"] / size
    for stroke in strokes:
        points = [(box["x"] + x * scale, box["y"] + y * scale) for x, y, *_ in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def expect_kept(page, count):
    """Wait until the server has so many drawings."""
    for _ in range(100):
        if Drawing.objects.count() == count:
            return
        page.wait_for_timeout(50)
    assert Drawing.objects.count() == count


def ink_of(page, selector):
    """How many pixels of a canvas have ink."""
    return page.evaluate(
        "s => { const c = document.querySelector(s);"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return d.filter((v, i) => i % 4 === 3 && v > 0).length; }",
        selector,
    )


def expect_state(page, state):
    expect(page.locator("body")).to_have_attribute("data-state", state)


def violations(page):
    """What axe-core finds wrong with a page: the elements, by rule."""
    results = Axe().run(page, options={"runOnly": RULES}).response
    return {rule["id"]: [node["html"] for node in rule["nodes"]] for rule in results["violations"]}
