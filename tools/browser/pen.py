"""A hand to draw with on the page, and eyes to look at it."""

from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tools.samples import SEVEN

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def draw(page, strokes=SEVEN, size=280, pause=0):
    """Draw strokes, made for a pad of ``size`` pixels, with the mouse, pausing some ms a point."""
    box = page.locator("#pad").bounding_box()
    scale = box["width"] / size
    for stroke in strokes:
        points = [(box["x"] + x * scale, box["y"] + y * scale) for x, y, *_ in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.wait_for_timeout(pause)
            page.mouse.move(*point)
        page.mouse.up()


def press(page, strokes=SEVEN):
    """Draw, but leave the pen down."""
    box = page.locator("#pad").bounding_box()
    for stroke in strokes:
        page.mouse.up()
        for i, (x, y, *_) in enumerate(stroke):
            page.mouse.move(box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280)
            if i == 0:
                page.mouse.down()


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


@contextmanager
def offline(page):
    """Take a page off the network for a while; Chromium may complain of that alone."""
    page.context.set_offline(True)
    yield
    page.context.set_offline(False)
    assert all("ERR_INTERNET_DISCONNECTED" in text for text in page.complaints)
    page.complaints.clear()
