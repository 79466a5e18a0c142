"""Mouse strokes on the page's pad, and checks of the page."""

from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tools.samples import SEVEN

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def draw(page, strokes=SEVEN, size=280, pause=0):
    """Draw strokes with the mouse, scaled from a pad of ``size`` pixels; ``pause`` ms per point."""
    for stroke in strokes:
        press(page, [stroke], size, pause)
        page.mouse.up()


def press(page, strokes=SEVEN, size=280, pause=0):
    """Draw strokes like ``draw``, but keep the mouse button down after the last one."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    scale = box["width"] / size
    for i, stroke in enumerate(strokes):
        first, *rest = [(box["x"] + x * scale, box["y"] + y * scale) for x, y, *_ in stroke]
        if i > 0:
            page.mouse.up()
        page.mouse.move(*first)
        page.mouse.down()
        for point in rest:
            page.wait_for_timeout(pause)
            page.mouse.move(*point)


def ink_of(page, selector):
    """Return the number of pixels with ink on a canvas."""
    return page.evaluate(
        "s => { const c = document.querySelector(s);"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return d.filter((v, i) => i % 4 === 3 && v > 0).length; }",
        selector,
    )


def wait_for_frames(page):
    """Wait until the page has drawn two frames, and with them handled its pending events."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def choose(page, action):
    """Choose an action of the menu."""
    page.click("[popovertarget=menu]")
    page.click(f"#menu [data-action={action}]")


def expect_state(page, state):
    expect(page.locator("body")).to_have_attribute("data-state", state)


def violations(page):
    """Return axe-core's accessibility violations: the elements by rule."""
    results = Axe().run(page, options={"runOnly": RULES}).response
    return {rule["id"]: [node["html"] for node in rule["nodes"]] for rule in results["violations"]}


@contextmanager
def offline(page):
    """Disconnect the page; ignore the network errors that Chromium reports meanwhile."""
    page.context.set_offline(True)
    yield
    page.context.set_offline(False)
    assert all("ERR_INTERNET_DISCONNECTED" in text for text in page.complaints)
    page.complaints.clear()
