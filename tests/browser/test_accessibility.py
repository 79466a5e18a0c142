"""Accessibility of the page, and size and layout shifts of its first load."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import expect_saved
from tools.browser.pen import draw, expect_state, violations, wait_for_frames

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = [[[60, 60], [60, 220]], [[120, 60], [121, 220]], [[200, 60], [202, 220]]]
# Limits of the first load, compressed.
MAX_BYTES, MAX_REQUESTS = 60_000, 25
SIZES = [(1280, 800), (390, 664), (844, 390)]


@pytest.mark.parametrize(("scheme", "width"), [("light", 320), ("dark", 1280)])
def test_page_in_every_state_has_no_axe_violations(open_page, scheme, width):
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert violations(page) == {}
    draw(page, [[[140, 140]]])
    expect_state(page, "unsure")
    assert violations(page) == {}
    page.click("[data-action=clear]")
    draw(page, NUMBER)
    expect(page.locator("#reading button")).to_have_count(3)
    expect_state(page, "read")
    page.keyboard.type("716")
    expect(page.locator("#label-status")).to_contain_text("Your label")
    assert violations(page) == {}
    for dialog in ("menu", "confirm-delete", "accuracy", "shortcuts"):
        page.evaluate("id => document.getElementById(id).showPopover()", dialog)
        assert violations(page, f"#{dialog}") == {}
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    assert violations(page) == {}


def test_tab_reaches_every_control_with_visible_focus(page):
    draw(page)
    expect_state(page, "read")
    page.locator("#pad").focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const element = document.activeElement;
                const outlined = [element, element.closest("label") ?? element];
                return element === document.body ? null : [element.outerHTML.slice(0, 60),
                    outlined.some((each) => getComputedStyle(each).outlineStyle !== "none")];
            }"""
        )
        if focused is None:
            break
        assert focused[1], focused[0]
        reached.add(focused[0])
    controls = page.locator("button:enabled:visible, input:visible, a:visible, summary:visible")
    assert len(reached) >= controls.count()


LOADED = """() => {
    const [page, ...rest] = ["navigation", "resource"].flatMap((type) =>
        performance.getEntriesByType(type));
    // The model and the explainer load later.
    const first = [page, ...rest.filter((each) => each.startTime < page.loadEventStart)];
    return first.map(({ name, transferSize }) => [name, transferSize]);
}"""


def test_first_load_stays_within_limits(page):
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    loaded = page.evaluate(LOADED)
    assert len([name for name, _ in loaded if name.endswith(".css")]) == 3
    assert not any("panel" in name or "model.onnx" in name for name, _ in loaded)
    assert len(loaded) <= MAX_REQUESTS
    assert 5_000 < sum(size for _, size in loaded) <= MAX_BYTES


OBSERVE_SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries().map((e) => e.value)))
        .observe({ type: "layout-shift", buffered: true });
}"""
STAGE = "#pad, #ribbon, #reading, #probabilities, #layers, [data-action=clear]"


@pytest.mark.parametrize("size", SIZES)
def test_stage_fits_the_window_and_shifts_nothing(open_page, size):
    width, height = size
    page = open_page(viewport={"width": width, "height": height})
    page.evaluate(OBSERVE_SHIFTS)
    expect(page.locator("#layers figure")).to_have_count(6)
    draw(page)
    expect_state(page, "read")
    height = page.locator("main").bounding_box()["height"]
    page.keyboard.press("1")
    expect(page.locator("#hand")).to_be_visible()
    assert page.locator("main").bounding_box()["height"] == height
    page.click("[data-action=clear]")
    draw(page, NUMBER)
    expect(page.locator("#reading")).to_have_text("111")
    expect_saved(page, 2)
    page.keyboard.type("11")
    expect(page.locator("#label")).to_have_text("11")
    predicted = page.locator("#reading button").last.bounding_box()
    assert predicted["x"] + predicted["width"] <= width
    page.click("[data-action=undo]")
    expect(page.locator("#reading")).to_have_text("11")
    page.click("[data-action=clear]")
    wait_for_frames(page)
    assert page.evaluate("window.shifts") == []
    for part in page.locator(STAGE).all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
