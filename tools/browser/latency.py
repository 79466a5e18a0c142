"""Latency from pointer event to displayed prediction in Chromium.

    python -m tools.browser.latency [--strokes 200] [--width 390] [--throttle 4]

Starts the Procfile's server, draws sevens and the number 2026 in random sizes and places at the
pace of a hand, and prints the page's User Timing measures: ``stroke-to-reading`` ends at the
changed text, predicted by the page or the server; ``stroke-to-response`` at the server's response,
if one was requested. Run `manage.py collectstatic` before.
"""

import random
from argparse import ArgumentParser

import numpy as np
from playwright.sync_api import Page
from tqdm import tqdm

from ml.preprocessing.strokes import Strokes, bounding_box
from tools.browser.chromium import browser_and_site
from tools.browser.pen import draw, resample
from tools.samples import SEVEN, YEAR

# Milliseconds between two events of a mouse or pen, and per screen frame.
EVENT_INTERVAL, FRAME = 8, 1000 / 60
# Pixels between two events, on a pad of SIDE pixels.
STEP, SIDE = 12, 280


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=200)
    parser.add_argument("--width", type=int, default=1280, help="of the window, in pixels")
    parser.add_argument("--throttle", type=float, default=1, help="slow the page's CPU down")
    options = parser.parse_args()
    print(f"ms from the pointer event; one frame is {FRAME:.1f} ms")
    with browser_and_site() as (browser, site):
        for name, strokes in {"seven": SEVEN, "2026": YEAR}.items():
            page = browser.new_page(viewport={"width": options.width, "height": 800})
            session = page.context.new_cdp_session(page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": options.throttle})
            page.goto(site)
            print_percentiles(name, measure(page, strokes, options.strokes))
            page.close()


def print_percentiles(name: str, measures: dict[str, list[float]]) -> None:
    for measured, durations in measures.items():
        median, p95 = np.percentile(durations, [50, 95])
        count = f"{name}, {measured}: {len(durations)}"
        print(f"{count}, median {median:.1f}, 95th percentile {p95:.1f}")


def measure(page: Page, strokes: Strokes, count: int) -> dict[str, list[float]]:
    """Draw at least this number of strokes; return each measure's durations in milliseconds."""
    page.uncheck("#save")
    rng = random.Random(0)
    for _ in tqdm(range(0, count, len(strokes)), unit="drawing"):
        for stroke in place(strokes, rng):
            draw(page, [[stroke[0], *resample(stroke, STEP)]], SIDE, EVENT_INTERVAL)
            page.wait_for_timeout(100)
        page.keyboard.press("Escape")
    names = ("stroke-to-reading", "stroke-to-response")
    durations = "name => performance.getEntriesByName(name).map((each) => each.duration)"
    return {name: measured for name in names if (measured := page.evaluate(durations, name))}


def place(strokes: Strokes, rng: random.Random) -> list[list[tuple[float, float]]]:
    """Return strokes in a random size and place on the pad."""
    ink = bounding_box(strokes)
    scale = rng.uniform(0.4, 0.9) * SIDE / max(ink.width, ink.height)
    left, top = (rng.uniform(0, SIDE - side * scale) for side in (ink.width, ink.height))
    return [
        [(left + (x - ink.x) * scale, top + (y - ink.y) * scale) for x, y, *_ in stroke]
        for stroke in strokes
    ]


if __name__ == "__main__":
    main()
