"""For everyone: axe-core's rules, the keyboard, narrow screens; and what the page weighs."""

import re

import pytest
from playwright.sync_api import expect

from tools.browser.pen import draw, expect_state, violations

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = [[[60, 60], [60, 220]], [[120, 60], [121, 220]], [[200, 60], [202, 220]]]
# Of the first load, compressed, fonts and pictures included.
MOST_BYTES, MOST_REQUESTS = 60_000, 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_in_any_state(open_page, scheme, width):
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert violations(page) == {}
    draw(page, [[[140, 140]]])
    expect_state(page, "unsure")
    assert violations(page) == {}
    page.click("[data-action=clear]")
    draw(page, NUMBER)
    expect(page.locator("#reading button")).to_have_count(3)
    page.keyboard.press("1")
    expect(page.locator("#asked")).to_contain_text("You say")
    assert violations(page) == {}


@pytest.mark.parametrize("options", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}])
def test_it_works_for_those_who_set_their_own_colors_or_no_motion(open_page, options):
    page = open_page(viewport={"width": 390, "height": 844}, **options)
    draw(page)
    expect(page.locator("#reading")).to_have_text("7")
    assert violations(page) == {}


def test_all_that_can_be_clicked_is_large_enough_to_hit(page):
    draw(page, NUMBER)
    expect(page.locator("#reading button")).to_have_count(3)
    for target in page.locator("button:visible, label:visible, summary:visible").all():
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 24, target.inner_text()


def test_every_control_is_reached_by_tab_and_shows_that_it_is(page):
    draw(page)
    expect_state(page, "read")
    page.locator("#pad").focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const one = document.activeElement, shown = [one, one.closest("label") ?? one];
                return one === document.body ? null : [one.outerHTML.slice(0, 60),
                    shown.some((each) => getComputedStyle(each).outlineStyle !== "none")];
            }"""
        )
        if focused is None:
            break
        assert focused[1], focused[0]
        reached.add(focused[0])
    controls = page.locator("button:enabled:visible, input:visible, a:visible, summary:visible")
    assert len(reached) >= controls.count()


def test_the_reading_is_told_once_a_stroke(page):
    told = page.locator("#spoken")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 250, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 252, box["y"] + 400, steps=20)
    expect(page.locator("#reading")).to_have_text("1")
    assert told.inner_text() == ""
    page.mouse.up()
    expect(told).to_have_text(re.compile("^1, .* sure$"))


def test_the_first_load_is_light(open_page):
    page = open_page("/health/live")
    loaded = []
    page.on("response", lambda response: loaded.append(response))
    page.goto("/", wait_until="networkidle")
    sizes = [sum(one.request.sizes()[k] for k in ("responseBodySize", "responseHeadersSize"))
             for one in loaded]  # fmt: skip
    styles = [one for one in loaded if one.request.resource_type == "stylesheet"]
    assert len(loaded) <= MOST_REQUESTS
    assert len(styles) == 1
    assert 5_000 < sum(sizes) <= MOST_BYTES


def test_nothing_shifts_from_the_first_stroke_to_the_last_correction(page):
    page.evaluate(
        """() => {
            window.shifts = [];
            new PerformanceObserver((list) => shifts.push(...list.getEntries().map((e) => e.value)))
                .observe({ type: "layout-shift", buffered: true });
        }"""
    )
    draw(page)
    expect_state(page, "read")
    page.keyboard.press("7")
    page.click("[data-action=clear]")
    draw(page, NUMBER)
    expect(page.locator("#reading")).to_have_text("111")
    page.wait_for_timeout(600)
    assert sum(page.evaluate("window.shifts")) < 0.01
