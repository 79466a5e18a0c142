"""Drawing with mouse, pen, finger and keyboard, and interrupted strokes."""

from itertools import count
from time import time

import pytest
from playwright.sync_api import expect

from recognizer.models import Drawing
from tests.browser.conftest import expect_saved
from tools.browser.pen import expect_state, wait_for_frames
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)


class Hand:
    """Pen and touch events, which Playwright lacks, through the Chrome DevTools Protocol.

    The events are 10 ms apart for the page, even if the machine is slow.
    """

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)
        self.box = page.locator("#pad").bounding_box()
        self.times = count(time(), 0.01)

    def at(self, x, y):
        """Convert a position on a pad of 280 pixels to page coordinates."""
        scale = self.box["width"] / 280
        return {"x": self.box["x"] + x * scale, "y": self.box["y"] + y * scale}

    def pen(self, kind, x, y, force=0.5):
        event = {"type": kind, "pointerType": "pen", "force": force, "timestamp": next(self.times)}
        pressed = {"button": "left", "buttons": 1, "clickCount": 1}
        self.session.send("Input.dispatchMouseEvent", event | self.at(x, y) | pressed)

    def touch(self, kind, *points):
        points = [{"id": i, **self.at(*point)} for i, point in enumerate(points)]
        event = {"type": kind, "touchPoints": points, "timestamp": next(self.times)}
        self.session.send("Input.dispatchTouchEvent", event)


@pytest.fixture
def tablet(open_page):
    return open_page(viewport={"width": 768, "height": 1024}, has_touch=True)


def strokes_of(page):
    """Return the strokes of the newest drawing of the visit."""
    return page.evaluate("JSON.parse(sessionStorage.visit ?? '[]').at(-1)?.strokes ?? []")


def test_pen_pressure_is_shown_but_not_sent(tablet):
    hand = Hand(tablet)
    points = [point[:2] for point in SEVEN[0]]
    hand.pen("mousePressed", *points[0], force=0.2)
    for i, point in enumerate(points[1:]):
        hand.pen("mouseMoved", *point, force=0.3 + 0.1 * i)
    hand.pen("mouseReleased", *points[-1])
    expect(tablet.locator("#reading")).to_have_text("7")
    pressures = [point[3] for point in strokes_of(tablet)[0]]
    assert pressures[0] == pytest.approx(0.2)
    assert max(pressures) > 0.5
    expect_saved(tablet, 1)
    assert all(len(point) == 3 for point in Drawing.objects.get().strokes[0])


def test_palm_next_to_a_pen_draws_nothing(tablet):
    hand = Hand(tablet)
    hand.touch("touchStart", (250, 250))
    hand.touch("touchMove", (250, 240))
    hand.pen("mousePressed", 100, 60)
    hand.touch("touchMove", (240, 220))
    hand.pen("mouseMoved", 100, 150)
    hand.pen("mouseMoved", 102, 240)
    hand.pen("mouseReleased", 102, 240)
    hand.touch("touchEnd")
    hand.touch("touchStart", (240, 250))
    hand.touch("touchEnd")
    expect(tablet.locator("#reading")).to_have_text("1")
    expect_saved(tablet, 1)
    (stroke,) = Drawing.objects.get().strokes
    side = hand.box["width"]
    assert all(x < side / 2 for x, *_ in stroke)


def test_second_finger_draws_nothing(tablet):
    hand = Hand(tablet)
    hand.touch("touchStart", (100, 60))
    hand.touch("touchMove", (100, 120))
    hand.touch("touchStart", (100, 120), (220, 60))
    hand.touch("touchMove", (101, 240), (220, 240))
    hand.touch("touchEnd")
    expect(tablet.locator("#reading")).to_have_text("1")
    expect_saved(tablet, 1)
    assert len(Drawing.objects.get().strokes) == 1


@pytest.mark.parametrize("end", ["touchCancel", "blur"])
def test_interrupted_stroke_keeps_its_points(tablet, end):
    hand = Hand(tablet)
    hand.touch("touchStart", (140, 40))
    hand.touch("touchMove", (140, 150))
    hand.touch("touchMove", (141, 240))
    if end == "blur":
        tablet.evaluate("dispatchEvent(new Event('blur'))")
        hand.touch("touchMove", (20, 20))
    else:
        hand.touch(end)
    expect(tablet.locator("#reading")).to_have_text("1")
    expect_saved(tablet, 1)
    assert len(strokes_of(tablet)[0]) == 3


def test_pad_resized_during_a_stroke_keeps_the_stroke(page):
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    page.set_viewport_size({"width": 390, "height": 844})
    wait_for_frames(page)
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 40)
    page.mouse.up()
    expect(page.locator("#reading")).to_have_text("1")
    expect_saved(page, 1)
    (stroke,) = strokes_of(page)
    assert all(x == pytest.approx(box["width"] / 2, abs=3) for x, *_ in stroke)


def test_undo_during_a_stroke_ends_the_stroke(page):
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 300)
    page.keyboard.press("Control+z")
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.up()
    expect_state(page, "empty")
    assert strokes_of(page) == []


def test_canvas_has_one_pixel_per_device_pixel(open_page):
    page = open_page(viewport={"width": 600, "height": 800}, device_scale_factor=1.5)
    wait_for_frames(page)
    side, pixels = page.evaluate("[pad.clientWidth, pad.width]")
    assert pixels == pytest.approx(side * 1.5, abs=1)


def test_keyboard_alone_draws_and_labels(page):
    page.keyboard.press("Tab")
    expect(page.locator("#pad")).to_be_focused()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(18):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#reading")).to_have_text("1")
    expect_saved(page, 1)
    page.keyboard.press("1")
    expect(page.locator("#label-status")).to_have_text("Your label: 1. Thank you.")
    page.keyboard.press("Escape")
    expect_state(page, "empty")
