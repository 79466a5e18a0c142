"""The animation of the README: python -m tools.browser.animation

Writes docs/images/drawing.gif: the page while 2026 is drawn, with the predictions that it made.
Starts the Procfile's server; run `manage.py collectstatic` before.
"""

import io
import time
from collections.abc import Iterator

from PIL import Image
from playwright.sync_api import CDPSession, Page, expect
from tqdm import tqdm

from tools.browser.chromium import browser_and_site
from tools.browser.pen import expect_state, resample, wait_for_frames
from tools.samples import ROOT, YEAR

VIEWPORT = {"width": 880, "height": 600}
PATH = ROOT / "docs" / "images" / "drawing.gif"
COLORS = 48
# Milliseconds of drawing time between two pointer events, and of the animation per frame.
EVENT_INTERVAL, FRAME_INTERVAL, LAST_FRAME = 10, 80, 3_000
PAUSE = 200  # between two strokes
SPEED = 0.3  # of the pen, in pixels per millisecond
MARGIN = 0.1  # of the pad, on the left and right

Event = tuple[str, float, float, int]  # type, x, y, milliseconds


def main() -> None:
    with browser_and_site() as (browser, site):
        page = browser.new_page(viewport=VIEWPORT, color_scheme="light")
        page.add_init_script("localStorage.visits = 3")
        page.goto(site)
        page.evaluate("scrollTo(0, 0)")
        expect(page.locator("body")).to_have_attribute("data-model", "loaded")
        frames = list(record(page))
    # The last frame has all colors.
    palette = frames[-1].quantize(COLORS, dither=Image.Dither.NONE)
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    durations = [FRAME_INTERVAL] * len(rest) + [LAST_FRAME]
    first.save(PATH, save_all=True, append_images=rest, duration=durations, loop=0)
    print(f"{PATH.relative_to(ROOT)}: {len(frames)} frames, {PATH.stat().st_size / 1000:.0f} kB")


def record(page: Page) -> Iterator[Image.Image]:
    """Draw 2026, yield a screenshot for each frame interval of the drawing time."""
    session, start, next_frame = page.context.new_cdp_session(page), time.time(), 0
    for event in tqdm(list(pointer_events(page)), unit="event"):
        send(session, start, event)
        if event[-1] < next_frame:
            continue
        next_frame += FRAME_INTERVAL
        yield screenshot(page)
    expect_state(page, "read")
    expect(page.locator("#reading")).to_have_text("2026")
    expect(page.locator("#ribbon p")).to_contain_text("Digit 4")
    yield screenshot(page)


def pointer_events(page: Page) -> Iterator[Event]:
    """Yield the events of a pen of constant speed."""
    box = page.locator("#pad").bounding_box()
    width = max(x for stroke in YEAR for x, _ in stroke)
    scale = (1 - 2 * MARGIN) * box["width"] / width
    left, top = box["x"] + MARGIN * box["width"], box["y"] + (box["height"] - 100 * scale) / 2
    now = 0
    for stroke in YEAR:
        points = [(left + x * scale, top + y * scale) for x, y in stroke]
        yield "mousePressed", *points[0], now
        for x, y in resample(points, SPEED * EVENT_INTERVAL):
            now += EVENT_INTERVAL
            yield "mouseMoved", x, y, now
        yield "mouseReleased", *points[-1], now
        now += PAUSE


def send(session: CDPSession, start: float, event: Event) -> None:
    """Send a pointer event with its drawing time, although screenshots take longer."""
    kind, x, y, now = event
    button = {"button": "left", "clickCount": 1, "buttons": int(kind != "mouseReleased")}
    parameters = {"type": kind, "x": x, "y": y, "timestamp": start + now / 1000, **button}
    session.send("Input.dispatchMouseEvent", parameters)


def screenshot(page: Page) -> Image.Image:
    wait_for_frames(page)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


if __name__ == "__main__":
    main()
