"""The memory of the visitor's corrections, in the browser only."""

import pytest
from playwright.sync_api import expect

from recognizer.models import Digit, Drawing
from tests.browser.conftest import expect_saved, load_model, promote, wait_until
from tools.browser.pen import choose, draw, expect_state, violations
from tools.samples import ellipse

pytestmark = pytest.mark.django_db(transaction=True)

# A 1 with a long flag, which the model predicts as 7.
FLAG = [[[80, 60], [160, 40], [120, 240]]]
LESS_SIMILAR = [[[74, 60], [178, 46], [123, 240]]]
SIMILAR = [[[82, 64], [158, 40], [124, 240]]]


@pytest.fixture
def taught(page):
    """A page that has learned one correction."""
    load_model(page)
    draw(page, FLAG)
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "read")
    expect_saved(page, 1)
    expect(page.locator("#hand")).to_be_hidden()
    page.keyboard.press("1")
    expect(page.locator("#hand")).to_contain_text("Learned from 1 correction")
    wait_until(page, lambda: Drawing.objects.get().visitor_label == "1")
    return page


def test_corrected_shape_is_recognized_the_next_time_and_stored_as_predicted(taught):
    taught.reload()
    expect(taught.locator("#hand")).to_contain_text("Learned from 1 correction")
    taught.click("[data-action=clear]")
    draw(taught, SIMILAR)
    expect_state(taught, "read")
    expect(taught.locator("#reading")).to_have_text("1")
    expect(taught.locator("#confidence")).to_contain_text("learned from you")
    assert violations(taught) == {}
    expect_saved(taught, 2)
    assert list(Digit.objects.values_list("text", flat=True)) == ["7", "7"]


def draw_next(page, strokes, state):
    page.click("[data-action=clear]")
    draw(page, strokes)
    expect_state(page, state)


def test_uncorrected_drawing_raises_the_confidence_in_its_shape(taught):
    draw_next(taught, LESS_SIMILAR, "unsure")
    # A response of a promoted model replaces the model of the page, but not the memory.
    taught.route("**/api/v1/drawings/*", promote, times=1)
    with taught.expect_response("**/model.onnx"):
        draw_next(taught, [ellipse(150, 150, 70, 120)], "read")
    draw_next(taught, LESS_SIMILAR, "read")
    expect(taught.locator("#reading")).to_have_text("1")


def test_relabeled_digit_changes_the_ribbon_and_is_forgotten_with_its_label_or_drawing(
    taught,
):
    for label in ("1", "4"):
        taught.click(f"#probabilities [data-digit='{label}']")
        expect(taught.locator("#ribbon p")).to_contain_text(f"Prediction {label}")
    taught.click("[data-label-action=undo]")
    expect(taught.locator("#hand")).to_be_hidden()
    taught.keyboard.press("1")
    expect(taught.locator("#hand")).to_be_visible()
    choose(taught, "delete")
    expect(taught.locator("#hand")).to_be_hidden()


def test_reset_in_another_tab_returns_to_the_prediction_of_the_model(taught):
    other = taught.context.new_page()
    other.goto(taught.url)
    other.click("[data-action=forget-hand]")
    other.close()
    expect(taught.locator("#hand")).to_be_hidden()
    taught.click("[data-action=clear]")
    draw(taught, SIMILAR)
    expect_state(taught, "read")
    expect(taught.locator("#reading")).to_have_text("7")
