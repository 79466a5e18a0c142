"""Latency from pointer event to displayed prediction in Chromium.

    python -m tools.browser.latency [--strokes 200] [--width 390] [--throttle 4]

Starts the Procfile's server, draws sevens and the number 2026 in random sizes and places at the
pace of a hand, and prints the page's User Timing measures: ``stroke-to-reading`` ends at the
changed text, predicted by the page or the server; ``stroke-to-response`` at the server's response,
if one was requested. Run `manage.py collectstatic` before.
"""

import json
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
# Pixels between two events.
STEP = 20


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
        draw_anywhere(page, strokes, rng)
        page.keyboard.press("Escape")
    entries = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('measure'))"))
    return {
        name: durations
        for name in ("stroke-to-reading", "stroke-to-response")
        if (durations := [entry["duration"] for entry in entries if entry["name"] == name])
    }


def draw_anywhere(page: Page, strokes: Strokes, rng: random.Random) -> None:
    """Draw strokes in a random size and place, at the pace of a hand."""
    pad, ink = page.locator("#pad").bounding_box(), bounding_box(strokes)
    scale = rng.uniform(0.4, 0.9) * pad["width"] / max(ink.width, ink.height)
    left = rng.uniform(0, pad["width"] - ink.width * scale)
    top = rng.uniform(0, pad["height"] - ink.height * scale)
    for stroke in strokes:
        points = [(left + (x - ink.x) * scale, top + (y - ink.y) * scale) for x, y, *_ in stroke]
        draw(page, [[points[0], *resample(points, STEP)]], pad["width"], EVENT_INTERVAL)
        page.wait_for_timeout(100)


if __name__ == "__main__":
    main()
