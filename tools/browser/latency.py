"""How long a real Chromium takes from a pointer event to the changed reading.

    python -m tools.browser.latency [--strokes 200]

Starts the server as the Procfile does, draws sevens, larger and smaller, here and there, at the
pace of a hand, and prints what the page's own measures (User Timing) say: ``stroke-to-reading`` to
the changed text, read in the page or by the server, and ``stroke-to-response`` to the answer of the
server, where it is asked. The static files must have been collected.
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

# Milliseconds between two events of a mouse or pen, and the length of a frame of a screen.
PACE, FRAME = 8, 1000 / 60


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=200)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, serve(Path(folder)) as site:
        measures = measure(site, options.strokes)
    print(f"{options.strokes} strokes; from pointer event, in ms; a frame is {FRAME:.1f} ms")
    for name, times in measures.items():
        middle, most = np.percentile(times, [50, 95])
        print(f"{name}: {len(times)}, median {middle:.1f}, 95th percentile {most:.1f}")


def measure(site: str, strokes: int) -> dict[str, list[float]]:
    """The times, in milliseconds, from each pointer event to its reading and to its answer."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(playwright), args=list(chromium.ARGUMENTS)
        )
        page = browser.new_page()
        page.goto(site)
        page.uncheck("#save")
        draw(page, strokes)
        entries = json.loads(
            page.evaluate("JSON.stringify(performance.getEntriesByType('measure'))")
        )
        browser.close()
    return {
        name: [entry["duration"] for entry in entries if entry["name"] == name]
        for name in ("stroke-to-reading", "stroke-to-response")
    }


def draw(page: Page, strokes: int) -> None:
    rng = random.Random(0)
    box = page.locator("#pad").bounding_box()
    for _ in tqdm(range(strokes), unit="stroke"):
        size = rng.uniform(0.4, 1.0) * box["width"] / 320
        left = box["x"] + rng.uniform(0, box["width"] - 300 * size)
        top = box["y"] + rng.uniform(0, box["height"] - 300 * size)
        draw_one(page, [(left + x * size, top + y * size) for x, y, _ in SEVEN[0]])
        page.keyboard.press("Escape")


def draw_one(page: Page, corners: list[tuple[float, float]]) -> None:
    page.mouse.move(*corners[0])
    page.mouse.down()
    for (x0, y0), (x1, y1) in pairwise(corners):
        for share in np.linspace(0.2, 1, 5):
            page.mouse.move(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            page.wait_for_timeout(PACE)
    page.mouse.up()
    page.wait_for_timeout(100)


if __name__ == "__main__":
    main()
