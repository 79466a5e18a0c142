"""Mouse strokes on the page's pad, and checks of the page."""

import math
from contextlib import contextmanager
from itertools import pairwise

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


def resample(points, step):
    """Yield the points at each multiple of ``step`` pixels along a line, and the last point."""
    ahead = step
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.dist((x0, y0), (x1, y1))
        while ahead < length:
            yield x0 + (x1 - x0) * ahead / length, y0 + (y1 - y0) * ahead / length
            ahead += step
        ahead -= length
    yield points[-1]


# A JavaScript function: the number of pixels with ink on a canvas.
INK = """((selector) => {
    const canvas = document.querySelector(selector);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length;
})"""


def ink_of(page, selector):
    """Return the number of pixels with ink on a canvas."""
    return page.evaluate(INK, selector)


def record_frames(page, expression):
    """Evaluate a JavaScript expression in every frame; add the values to ``window.recorded``."""
    page.evaluate(
        f"""() => {{
            window.recorded = [];
            (function frame() {{
                recorded.push({expression});
                requestAnimationFrame(frame);
            }})();
        }}"""
    )


def wait_for_change_and_return(page, value):
    """Wait until the recorded expression has had another value and has this value again."""
    page.wait_for_function(
        "value => recorded.some((each) => each !== value) && recorded.at(-1) === value", arg=value
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


# A JavaScript function: axe-core's violations in a part of the page, the HTML of elements by rule.
AXE = """async ([part, rules]) => {
    const { violations } = await axe.run(part ?? document, {
        runOnly: rules, resultTypes: ["violations"],
    });
    return Object.fromEntries(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]));
}"""


def violations(page, part=None, rules=RULES):
    """Return axe-core's accessibility violations: the elements by rule.

    ``part`` is the selector of the elements to check; default: the page.
    """
    wait_for_frames(page)
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    return page.evaluate(AXE, [part, rules])


@contextmanager
def offline(page):
    """Disconnect the page; allow the network errors that Chromium reports."""
    page.expected_errors.append("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    yield
    page.context.set_offline(False)
