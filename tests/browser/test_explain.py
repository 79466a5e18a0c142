"""The panel in which people see the network think, in a real Chromium."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from ml.preprocessing.strokes import rasterize
from tools.browser.pen import draw, violations
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

LAYERS = ("input", "maps1", "maps2", "dense1", "dense2", "logits")
# A three as small as a fingernail, in the upper left corner of the pad.
SMALL_THREE = [[[12, 14], [20, 10], [28, 14], [28, 22], [20, 26], [30, 32], [28, 42], [12, 42]]]


@pytest.fixture
def thinking(page):
    """The page with the panel open and nothing drawn."""
    return unfold(page)


def unfold(page):
    page.uncheck("#keep")
    page.click("#think summary")
    expect(page.locator("#think [data-layer=logits]")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    return page


def layer(page, name):
    return page.locator(f"#think [data-layer={name}]")


def said(page):
    return page.locator("#think .said")


def probabilities(page):
    return [float(p) for p in layer(page, "logits").get_attribute("data-probabilities").split()]


def expect_read(page, digit, timeout=10_000):
    expect(page.locator(".steps p")).to_contain_text(f"It reads {digit} ", timeout=timeout)


def picture(page, selector, which=0):
    """The pixels of a canvas, as something to compare."""
    return page.locator(selector).nth(which).evaluate("canvas => canvas.toDataURL()")


def settled(page, selector):
    """The pixels of a canvas once it is painted no more."""
    before, now = "", picture(page, selector)
    while now != before:
        page.wait_for_timeout(400)
        before, now = now, picture(page, selector)
    return now


def test_nothing_is_fetched_until_it_is_opened(page):
    fetched = "performance.getEntriesByType('resource').map(entry => entry.name).join()"
    assert not re.search(r"/think/|model\.onnx", page.evaluate(fetched))
    unfold(page)
    assert re.search(r"/explain/panel", page.evaluate(fetched))
    assert re.search(r"model\.onnx", page.evaluate(fetched))


def test_with_nothing_drawn_it_says_so_and_keeps_its_size(thinking):
    expect(said(thinking)).to_have_text("Draw a digit, and this is where you see it think.")
    height = thinking.locator("#think").bounding_box()["height"]
    draw(thinking)
    expect_read(thinking, 7)
    expect(thinking.locator(".rivals p")).to_contain_text("leads by")
    expect(thinking.locator(".moments p")).to_contain_text("read 7")
    assert thinking.locator("#think").bounding_box()["height"] == height
    thinking.click("[data-action=clear]")
    expect(said(thinking)).to_have_text("Draw a digit, and this is where you see it think.")
    assert layer(thinking, "logits").get_attribute("data-probabilities") == ""


def test_every_layer_has_ink(thinking):
    blank = {name: picture(thinking, f"[data-layer={name}]") for name in LAYERS}
    draw(thinking)
    expect_read(thinking, 7)
    for name in LAYERS:
        assert picture(thinking, f"[data-layer={name}]") != blank[name]


def test_it_computes_what_the_server_answers(thinking):
    with thinking.expect_response(lambda r: "/api/v1/predict" in r.url):
        draw(thinking)
    expect(thinking.locator("#reading")).to_have_text("7")
    expect(thinking.locator("body")).to_have_attribute("data-state", "read")
    answered = thinking.locator("#probabilities [data-digit]").evaluate_all(
        "rows => rows.map(row => Number(row.dataset.probability))"
    )
    assert probabilities(thinking) == pytest.approx(answered, abs=1e-3)


def test_it_follows_the_pen(thinking):
    box = thinking.locator("#pad").bounding_box()
    thinking.mouse.move(box["x"] + 250, box["y"] + 60)
    thinking.mouse.down()
    thinking.mouse.move(box["x"] + 252, box["y"] + 400, steps=10)
    expect_read(thinking, 1)
    before = picture(thinking, "[data-layer=input]")
    thinking.mouse.move(box["x"] + 450, box["y"] + 400, steps=10)
    expect(thinking.locator(".steps p")).not_to_contain_text("It reads 1 ")
    assert picture(thinking, "[data-layer=input]") != before
    thinking.mouse.up()


def test_without_its_steps_the_reading_falls_apart(thinking):
    draw(thinking, SMALL_THREE)
    expect_read(thinking, 3)
    sure = probabilities(thinking)[3]
    assert sure > 0.9
    thinking.uncheck("#think [name=fit]")
    expect(thinking.locator(".steps p")).to_contain_text("with every step, 3")
    thinking.uncheck("#think [name=mass]")
    thinking.uncheck("#think [name=box]")
    thinking.wait_for_function("document.querySelectorAll('.steps :checked').length === 0")
    thinking.wait_for_timeout(200)
    assert probabilities(thinking)[3] < 0.5
    for step in ("box", "fit", "mass"):
        thinking.check(f"#think [name={step}]")
    expect_read(thinking, 3)
    thinking.wait_for_timeout(200)
    assert probabilities(thinking)[3] == pytest.approx(sure)


@pytest.mark.parametrize("name", LAYERS[1:])
def test_pointing_at_a_unit_shows_what_feeds_it(thinking, name):
    before = LAYERS[LAYERS.index(name) - 1]
    draw(thinking)
    expect_read(thinking, 7)
    expect(said(thinking)).to_contain_text("Point at a unit")
    calm = settled(thinking, f"[data-layer={before}]")
    layer(thinking, name).hover()
    expect(said(thinking)).to_contain_text(re.compile("(F|f)ed most by|Held back most by"))
    assert picture(thinking, f"[data-layer={before}]") != calm
    thinking.locator(".rivals h2").hover()
    expect(said(thinking)).to_contain_text("Point at a unit")
    assert picture(thinking, f"[data-layer={before}]") == calm


def test_the_keyboard_goes_through_the_units(thinking):
    draw(thinking)
    expect_read(thinking, 7)
    units = layer(thinking, "dense1")
    units.focus()
    expect(units).to_have_attribute("aria-valuetext", re.compile(r"^Unit \d+ of 120: \d"))
    units.press("Home")
    expect(said(thinking)).to_contain_text("Unit 1 of 120")
    units.press("ArrowRight")
    expect(said(thinking)).to_contain_text("Unit 2 of 120")
    units.press("ArrowDown")
    expect(said(thinking)).to_contain_text("Unit 7 of 120")
    assert units.get_attribute("aria-valuenow") == "7"
    units.press("End")
    expect(said(thinking)).to_contain_text("Unit 120 of 120")
    units.press("Escape")
    expect(said(thinking)).to_contain_text("Point at a unit")
    expect(thinking.locator("#reading")).to_have_text("7")


def test_every_layer_says_its_numbers(thinking):
    draw(thinking)
    expect_read(thinking, 7)
    layer(thinking, "logits").focus()
    expect(said(thinking)).to_contain_text(re.compile(r"Digit 7: 99\.\d%, logit \d+\.\d\d"))
    layer(thinking, "input").focus()
    expect(said(thinking)).to_contain_text(re.compile(r"Pixel in row \d+, column \d+: \d+ of 255"))
    layer(thinking, "maps2").focus()
    layer(thinking, "maps2").press("Home")
    expect(said(thinking)).to_contain_text("Map 1 of 16, row 1, column 1")


def test_why_this_digit_and_not_that(thinking):
    draw(thinking)
    expect_read(thinking, 7)
    first, second = (thinking.locator(".rivals select").nth(i) for i in (0, 1))
    expect(first).to_have_value("7")
    expect(thinking.locator(".rivals p")).to_contain_text("7 leads by")
    against_rival = settled(thinking, ".rivals canvas")
    second.select_option("1" if second.input_value() != "1" else "9")
    assert picture(thinking, ".rivals canvas") != against_rival
    second.select_option("7")
    assert first.input_value() != "7"


def test_when_it_knew(thinking):
    draw(thinking, [[[60, 60], [220, 60]], SEVEN[0][1:]])
    expect_read(thinking, 7)
    story = thinking.locator(".moments p")
    expect(story).to_contain_text(re.compile("read 7 (after|from)"))
    whole = settled(thinking, "#pad")
    slider = thinking.locator(".moments input")
    slider.fill("0")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^0\.0 s of \d\.\d s: "))
    thinking.wait_for_timeout(200)
    assert picture(thinking, "#pad") != whole
    early = probabilities(thinking)
    slider.fill("59")
    expect_read(thinking, 7)
    thinking.wait_for_timeout(200)
    assert picture(thinking, "#pad") == whole
    assert probabilities(thinking) != early


def test_half_way_fewer_strokes_are_there(thinking):
    draw(thinking, [[[60, 60], [220, 60], [220, 61]], [[140, 100], [141, 240], [142, 250]]])
    expect(thinking.locator(".moments p")).not_to_have_text("")
    # An answer that comes later shows the whole again.
    expect(thinking.locator("body")).not_to_have_attribute("data-state", "drawing")
    pixels = "document.querySelector('#pad').getContext('2d').getImageData(0, 0, 2000, 2000).data"
    inked = f"{pixels}.filter((value, i) => i % 4 === 3 && value > 0).length"
    whole = thinking.evaluate(inked)
    thinking.locator(".moments input").fill("20")
    thinking.wait_for_timeout(200)
    assert thinking.evaluate(inked) < 0.8 * whole


def test_drawing_on_comes_back_from_the_past(thinking):
    draw(thinking)
    expect(thinking.locator(".moments p")).not_to_have_text("")
    slider = thinking.locator(".moments input")
    slider.fill("10")
    thinking.evaluate("scrollTo(0, 0)")
    draw(thinking, [[[110, 165], [205, 165]]])
    expect(slider).to_have_value("59")
    expect_read(thinking, 7)


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_page(open_page, width, scheme):
    page = unfold(open_page(viewport={"width": width, "height": 800}, color_scheme=scheme))
    draw(page)
    expect_read(page, 7)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for target in page.locator(
        "#think :is(summary, select, label, [type=range], canvas[role=slider])"
    ).all():
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 24


def test_without_a_model_it_says_so_and_tries_again(page, no_model_once):
    page.click("#think summary")
    expect(page.locator("#think")).to_contain_text("could not be fetched")
    page.click("#think summary")
    page.click("#think summary")
    expect(layer(page, "logits")).to_be_visible()
    assert all("503" in complaint for complaint in page.complaints)
    page.complaints.clear()


@pytest.fixture
def no_model_once(page):
    """A server that fails the first time the model is asked for."""
    answers = [503]

    def answer(route):
        if answers:
            return route.fulfill(status=answers.pop())
        return route.continue_()

    page.route("**/api/v1/model.onnx", answer)


def test_a_tap_of_a_finger_stays_on_its_unit(open_page):
    page = unfold(open_page(viewport={"width": 390, "height": 844}, has_touch=True))
    draw(page)
    expect_read(page, 7)
    layer(page, "logits").tap(position={"x": 5, "y": 5})
    page.wait_for_timeout(500)
    expect(said(page)).to_contain_text("Digit 0")
    layer(page, "logits").press("ArrowDown")
    expect(said(page)).to_contain_text("Digit 1")


def test_a_replay_moves_the_slider(thinking):
    draw(thinking, pause=60)
    slider = thinking.locator("#think .moments input")
    expect(thinking.locator("#think .moments p")).to_contain_text("read 7")
    last = slider.input_value()
    thinking.click("[data-action=replay]")
    expect(slider).not_to_have_value(last)
    expect(slider).to_have_value(last)


def test_of_a_number_it_shows_the_digit_that_is_looked_at(thinking):
    draw(thinking, [[[x / 2, y, t] for x, y, t in SEVEN[0]], [[220, 60], [220, 260]]])
    expect(thinking.locator("#reading")).to_have_text("71")
    for position, digit in enumerate("71"):
        thinking.locator("#reading button").nth(position).click()
        expect(thinking.locator("#think .steps p")).to_contain_text(f"It reads {digit}")


def test_of_a_picture_it_shows_what_the_server_made_of_it(thinking):
    grid = Image.fromarray(np.invert(rasterize(SEVEN))).resize((280, 280))
    file = io.BytesIO()
    grid.save(file, "PNG")
    picture = {"name": "7.png", "mimeType": "image/png", "buffer": file.getvalue()}
    thinking.set_input_files("#picture", picture)
    expect(thinking.locator("#reading")).to_have_text("7")
    expect(thinking.locator("#think .steps")).to_be_hidden()
    expect(thinking.locator("#think .moments")).to_be_hidden()
    expect(thinking.locator("#think .rivals p")).to_contain_text("7 leads by")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page, scheme):
    page = unfold(open_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme))
    assert violations(page) == {}
    draw(page)
    expect(page.locator("#think .moments p")).to_contain_text("read 7")
    layer(page, "maps2").press("ArrowRight")
    assert violations(page) == {}
