"""The network panel."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from ml.preprocessing.strokes import rasterize
from tests.browser.conftest import promote, wait_until
from tests.conftest import variant
from tools.browser.pen import (
    choose,
    draw,
    expect_state,
    ink_of,
    offline,
    violations,
    wait_for_frames,
)
from tools.samples import SEVEN, SEVENTY_ONE

pytestmark = pytest.mark.django_db(transaction=True)

LAYERS = {
    "input": "Pixels", "maps1": "Small patterns", "maps2": "Larger patterns", "dense1": "Features",
    "dense2": "Summary", "logits": "Digits",
}  # fmt: skip
EMPTY = "Draw a digit to see its way through the network."
# A small three in the upper left corner of the pad.
SMALL_THREE = [[[12, 14], [20, 10], [28, 14], [28, 22], [20, 26], [30, 32], [28, 42], [12, 42]]]


@pytest.fixture
def panel(page):
    """Return the page with the panel open and nothing drawn."""
    return open_panel(page)


@pytest.fixture
def panel_of_seven(page):
    """Return the page with a seven and the panel, which was opened later and is complete."""
    page.uncheck("#save")
    draw_and_predict(page)
    open_panel(page)
    expect(page.locator("#ribbon p")).to_contain_text("Prediction 7")
    expect(page.locator(".occlusion p")).to_contain_text("7 leads by")
    return page


def open_panel(page):
    page.uncheck("#save")
    page.click("#network summary")
    expect(page.locator("[data-layer=logits]")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    return page


def draw_and_predict(page, strokes=SEVEN, pause=0):
    """Draw strokes; wait until page and panel show the prediction of all of them."""
    draw(page, strokes, pause=pause)
    expect(page.locator("body")).to_have_attribute("data-state", re.compile("read|unsure"))
    wait_for_frames(page)


def layer(page, name):
    return page.locator(f"[data-layer={name}]")


def description(page):
    return page.locator("#unit")


def probabilities(page):
    return [float(p) for p in layer(page, "logits").get_attribute("data-probabilities").split()]


def expect_prediction(page, digit):
    expect(page.locator(".steps p")).to_contain_text(f"Prediction: {digit} ")


def pixels(page, selector):
    """Return the pixels of a canvas as a data URL."""
    return page.locator(selector).evaluate("canvas => canvas.toDataURL()")


def test_closed_panel_shows_the_layers_of_a_drawing(page):
    """The strip loads by itself; slow parts wait for the panel, which needs no connection."""
    expect(layer(page, "logits")).to_be_visible()
    blank = {name: pixels(page, f"[data-layer={name}]") for name in LAYERS if name != "input"}
    draw(page)
    expect_state(page, "read")
    wait_until(page, lambda: layer(page, "logits").get_attribute("data-probabilities"))
    for name in blank:
        assert pixels(page, f"[data-layer={name}]") != blank[name]
    assert page.locator(".occlusion p").text_content() == ""
    with offline(page):
        page.click("#network summary")
        expect_prediction(page, 7)
        expect(page.locator(".occlusion p")).to_contain_text("7 leads by")


def test_panel_without_a_drawing_shows_a_hint_and_keeps_its_height(panel):
    expect(description(panel)).to_have_text(EMPTY)
    height = panel.locator("#network").bounding_box()["height"]
    draw(panel)
    expect_prediction(panel, 7)
    expect(panel.locator(".occlusion p")).to_contain_text("leads by")
    expect(panel.locator("#ribbon p")).to_contain_text("Prediction 7")
    assert panel.locator("#network").bounding_box()["height"] == height
    panel.click("[data-action=clear]")
    expect(description(panel)).to_have_text(EMPTY)
    assert layer(panel, "logits").get_attribute("data-probabilities") == ""


def test_panel_follows_the_stroke(panel):
    box = panel.locator("#pad").bounding_box()
    panel.mouse.move(box["x"] + 190, box["y"] + 45)
    panel.mouse.down()
    panel.mouse.move(box["x"] + 192, box["y"] + 305, steps=10)
    expect_prediction(panel, 1)
    before = pixels(panel, "#seen")
    panel.mouse.move(box["x"] + 344, box["y"] + 305, steps=10)
    wait_until(panel, lambda: probabilities(panel)[1] < 0.5)
    assert pixels(panel, "#seen") != before
    panel.mouse.up()


def test_switched_off_steps_change_the_prediction(panel):
    draw_and_predict(panel, SMALL_THREE)
    expect_prediction(panel, 3)
    confidence = probabilities(panel)[3]
    assert confidence > 0.9
    panel.uncheck("#network [name=fit]")
    expect(panel.locator(".steps p")).to_contain_text("with all steps: 3")
    panel.uncheck("#network [name=mass]")
    panel.uncheck("#network [name=box]")
    wait_until(panel, lambda: probabilities(panel)[3] < 0.5)
    for step in ("box", "fit", "mass"):
        panel.check(f"#network [name={step}]")
    wait_until(panel, lambda: probabilities(panel)[3] == pytest.approx(confidence))


def test_pointing_at_a_unit_shows_its_contributions_and_explains_its_layer(panel_of_seven):
    panel = panel_of_seven
    explanation, kernels = panel.locator(".legend p"), panel.locator(".legend figcaption")
    first_kernels = pixels(panel, ".legend canvas")
    expect(description(panel)).to_contain_text("Point at a unit")
    for before, (name, title) in pairwise(LAYERS.items()):
        before_hover = pixels(panel, f"[data-layer={before[0]}]")
        expect(layer(panel, name).locator("~ figcaption")).to_contain_text(title)
        expect(layer(panel, name)).to_have_attribute("aria-label", re.compile(title))
        expect(layer(panel, name)).to_have_attribute("aria-description", re.compile(r"\w+"))
        layer(panel, name).hover()
        expect(description(panel)).to_contain_text("Strongest contributions")
        expect(explanation).to_contain_text(f"{title}: ")
        assert pixels(panel, f"[data-layer={before[0]}]") != before_hover
        if name == "maps2":
            expect(kernels).to_have_text(re.compile(r"Kernels of map \d+ of 16"))
            assert pixels(panel, ".legend canvas") != first_kernels
        panel.locator(".occlusion h2").hover()
        expect(description(panel)).to_contain_text("Point at a unit")
        expect(explanation).to_contain_text("Each square is a unit")
        assert pixels(panel, f"[data-layer={before[0]}]") == before_hover
    assert pixels(panel, ".legend canvas") == first_kernels
    layer(panel, "maps1").press("Home")
    expect(kernels).to_have_text("Kernel of map 1 of 6, framed")


def test_occlusion_compares_two_digits_and_keeps_them_after_a_promotion(panel_of_seven):
    panel = panel_of_seven
    first, second = (panel.locator(".occlusion select").nth(i) for i in (0, 1))
    expect(first).to_have_value("7")
    before_change = pixels(panel, ".occlusion canvas")
    second.select_option("1" if second.input_value() != "1" else "9")
    assert pixels(panel, ".occlusion canvas") != before_change
    second.select_option("7")
    assert first.input_value() != "7"
    first.select_option("7")
    second.select_option("0")
    panel.route("**/model.onnx", lambda route: route.fulfill(body=variant(1.0, unread=7)))
    panel.route("**/api/v1/predict*", promote, times=1)
    with panel.expect_response("**/model.onnx"):
        draw_and_predict(panel)

    def shows_another_digit():
        draw_and_predict(panel)
        return "Prediction: 7" not in panel.locator(".steps p").text_content()

    wait_until(panel, shows_another_digit)
    expect(panel.locator(".occlusion p")).to_contain_text(re.compile("^0 leads by"))
    expect(second).to_have_value("0")


def test_arrow_keys_select_units(panel_of_seven):
    panel = panel_of_seven
    units = layer(panel, "dense1")
    units.focus()
    expect(units).to_have_attribute("aria-valuetext", re.compile(r"^Unit \d+ of 120: \d"))
    layer(panel, "logits").focus()
    expect(description(panel)).to_contain_text(re.compile(r"Digit 7: 99\.\d%, logit \d+\.\d\d"))
    units.focus()
    units.press("Home")
    expect(description(panel)).to_contain_text("Unit 1 of 120")
    units.press("ArrowRight")
    expect(description(panel)).to_contain_text("Unit 2 of 120")
    units.press("ArrowDown")
    expect(description(panel)).to_contain_text("Unit 12 of 120")
    assert units.get_attribute("aria-valuenow") == "12"
    units.press("End")
    expect(description(panel)).to_contain_text("Unit 120 of 120")
    units.press("Escape")
    expect(description(panel)).to_contain_text("Point at a unit")
    expect(panel.locator("#reading")).to_have_text("7")


def shown_probabilities(page):
    return page.locator("#probabilities [data-digit]").evaluate_all(
        "all => all.map(each => Number(each.dataset.probability))"
    )


def test_dragged_ribbon_rewinds_pad_bars_prediction_and_network_until_released(page):
    draw_and_predict(page, pause=30)
    expect(page.locator("#ribbon p")).to_contain_text("Prediction 7")
    complete, ink, final = pixels(page, "#pad"), ink_of(page, "#pad"), shown_probabilities(page)
    slider = page.locator("#ribbon input")
    # The moment of an early point: a slow machine delays any of the points.
    (points,) = page.evaluate("JSON.parse(sessionStorage.visit)[0].strokes")
    box = slider.bounding_box()
    # Half of the thumb, 12 pixels, is outside of its way.
    way = (box["width"] - 24) * points[len(points) // 4][2] / points[-1][2]
    page.mouse.move(box["x"] + 12 + way, box["y"] + box["height"] / 2)
    page.mouse.down()
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^\d+\.\d s of \d+\.\d s: "))
    wait_until(page, lambda: ink_of(page, "#pad") < 0.8 * ink)
    wait_until(page, lambda: shown_probabilities(page) != final)
    wait_until(page, lambda: probabilities(page) == pytest.approx(shown_probabilities(page)))
    assert page.locator("body").get_attribute("data-state") == "read"
    page.mouse.up()
    expect(slider).to_have_value("59")
    wait_until(page, lambda: pixels(page, "#pad") == complete)
    assert shown_probabilities(page) == final


def test_rewound_number_shows_the_digits_begun_until_the_next_stroke(page):
    draw(page, SEVENTY_ONE, pause=30)
    expect(page.locator("#reading")).to_have_text("71")
    expect_state(page, "read")
    expect(page.locator("#ribbon p")).to_contain_text("Digit 2 looks like 1")
    slider = page.locator("#ribbon input")

    def shows_first_digit(value):
        slider.fill(str(value))
        wait_for_frames(page)
        return page.locator("#reading").text_content() == "7"

    assert any(shows_first_digit(value) for value in range(58, 0, -1))
    slider.blur()
    expect(page.locator("#reading")).to_have_text("71")
    slider.fill("10")
    draw(page, [[[110, 165], [205, 165]]])
    expect(slider).to_have_value("59")


def test_closed_panel_is_inside_the_window_of_phones(open_page):
    page = open_page(viewport={"width": 390, "height": 844})
    expect(layer(page, "logits")).to_be_visible()
    for width, height in ((390, 844), (412, 732), (390, 664), (320, 568)):
        page.set_viewport_size({"width": width, "height": height})
        box = page.locator("#network summary").bounding_box()
        assert box["height"] >= 24
        assert box["y"] + box["height"] <= height, (width, height)


def test_page_with_panel_fits_the_width_and_has_large_targets(panel):
    draw(panel)
    expect_prediction(panel, 7)
    targets = "button, label, summary, select, [type=range], canvas[role=slider]"
    for width in (320, 390, 1280):
        panel.set_viewport_size({"width": width, "height": 800})
        wait_for_frames(panel)
        assert panel.evaluate("document.documentElement.scrollWidth") <= width
        sizes = panel.locator(f":is({targets}):visible").evaluate_all(
            "all => all.map((each) => [each.clientWidth, each.clientHeight, each.outerHTML])"
        )
        assert len(sizes) > 30
        assert [size for size in sizes if min(size[:2]) < 24] == []


def test_page_fetches_the_model_once(page):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    expect(layer(page, "logits")).to_be_visible()
    draw_and_predict(page)
    page.click("#network summary")
    expect_prediction(page, 7)
    with page.expect_download():
        choose(page, "card")
    assert len([url for url in requests if url.endswith("model.onnx")]) == 1
    expect(page.locator("#layers figure")).to_have_count(6)


def test_tap_selects_a_unit(open_page):
    page = open_panel(open_page(viewport={"width": 390, "height": 844}, has_touch=True))
    draw(page)
    expect_prediction(page, 7)
    layer(page, "logits").tap(position={"x": 5, "y": 5})
    wait_for_frames(page)
    expect(description(page)).to_contain_text("Digit 0")
    layer(page, "logits").press("ArrowDown")
    expect(description(page)).to_contain_text("Digit 1")


def test_panel_shows_the_selected_digit_of_a_number_and_no_underline(panel):
    draw(panel, SEVENTY_ONE)
    expect(panel.locator("#reading")).to_have_text("71")
    for position, digit in enumerate("71"):
        panel.locator("#reading button").nth(position).click()
        expect(panel.locator(".steps p")).to_contain_text(f"Prediction: {digit}")
    panel.click("[data-action=clear]")
    draw(panel, [*SEVEN, [[60, 275], [225, 276]]])
    expect(panel.locator(".steps p")).to_contain_text("Prediction: 7 (99")


def test_picture_shows_its_own_steps_and_no_time(panel):
    grid = Image.fromarray(np.invert(rasterize(SEVEN))).resize((280, 280))
    file = io.BytesIO()
    grid.save(file, "PNG")
    picture = {"name": "7.png", "mimeType": "image/png", "buffer": file.getvalue()}
    panel.set_input_files("#picture", picture)
    expect(panel.locator("#reading")).to_have_text("7")
    captions = panel.locator(".steps figcaption > :visible")
    expect(captions).to_have_text(["Picture", "Bounding box", "Ink, fitted and centered"])
    for position in (2, 3, 5):
        canvas = f".steps > :nth-child({position}) canvas"
        wait_until(panel, lambda canvas=canvas: ink_of(panel, canvas) > 0)
    expect(panel.locator("#ribbon input")).to_be_disabled()
    expect(panel.locator(".occlusion p")).to_contain_text("7 leads by")
    blank = io.BytesIO()
    Image.new("L", (28, 28), 255).save(blank, "PNG")
    panel.set_input_files("#picture", picture | {"buffer": blank.getvalue()})
    expect(panel.locator(".steps")).to_be_hidden()
    panel.click("[data-action=clear]")
    draw(panel)
    expect(panel.locator(".steps input:visible")).to_have_count(3)


def test_panel_has_no_axe_violations(panel):
    assert violations(panel) == {}
    draw(panel)
    expect(panel.locator("#ribbon p")).to_contain_text("Prediction 7")
    layer(panel, "maps2").press("ArrowRight")
    for scheme in ("light", "dark"):
        panel.emulate_media(color_scheme=scheme)
        assert violations(panel) == {}
