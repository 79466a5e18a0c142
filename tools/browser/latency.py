"""Latency from pointer event to displayed prediction in Chromium.

    python -m tools.browser.latency [--strokes 200]

Starts the Procfile's server, draws sevens of random size and place at the pace of a hand, and
prints the page's User Timing measures: ``stroke-to-reading`` ends at the changed text, predicted by
the page or the server; ``stroke-to-response`` at the server's response, if one was requested.
Run `manage.py collectstatic` before.
"""

import json
import random
from argparse import ArgumentParser
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Page, sync_playwright
from tqdm import tqdm

from tools.browser import chromium
from tools.samples import SEVEN
from tools.server import serve

# Milliseconds between two events of a mouse or pen, and per screen frame.
EVENT_INTERVAL, FRAME = 8, 1000 / 60


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=200)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, serve(Path(folder)) as site:
        measures = measure(site, options.strokes)
    print(f"{options.strokes} strokes, ms from the pointer event; one frame is {FRAME:.1f} ms")
    for name, durations in measures.items():
        median, p95 = np.percentile(durations, [50, 95])
        print(f"{name}: {len(durations)}, median {median:.1f}, 95th percentile {p95:.1f}")


def measure(site: str, strokes: int) -> dict[str, list[float]]:
    """Return the durations of each measure in milliseconds."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_page()
        page.goto(site)
        page.uncheck("#save")
        rng = random.Random(0)
        for _ in tqdm(range(strokes), unit="stroke"):
            draw_seven(page, rng)
            page.keyboard.press("Escape")
        entries = json.loads(
            page.evaluate("JSON.stringify(performance.getEntriesByType('measure'))")
        )
        browser.close()
    return {
        name: [entry["duration"] for entry in entries if entry["name"] == name]
        for name in ("stroke-to-reading", "stroke-to-response")
    }


def draw_seven(page: Page, rng: random.Random) -> None:
    """Draw a seven of random size and place, at the pace of a hand."""
    box = page.locator("#pad").bounding_box()
    scale = rng.uniform(0.4, 1.0) * box["width"] / 320
    left = box["x"] + rng.uniform(0, box["width"] - 300 * scale)
    top = box["y"] + rng.uniform(0, box["height"] - 300 * scale)
    corners = [(left + x * scale, top + y * scale) for x, y, _ in SEVEN[0]]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for (x0, y0), (x1, y1) in pairwise(corners):
        for share in np.linspace(0.2, 1, 5):
            page.mouse.move(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            page.wait_for_timeout(EVENT_INTERVAL)
    page.mouse.up()
    page.wait_for_timeout(100)


if __name__ == "__main__":
    main()
