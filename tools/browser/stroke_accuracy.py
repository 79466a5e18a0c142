"""Have a real Chromium draw real pen strokes on the page and count what it reads.

    python -m tools.browser.stroke_accuracy FILE [--site http://localhost:8000] [--count 300]

FILE is UNIPEN or JSON Lines. Where the serving model says which writers were held out of its
training, only their digits are drawn.
"""

import json
import random
from argparse import ArgumentParser
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Page, expect, sync_playwright
from tqdm import tqdm

from ml.preprocessing.strokes import Strokes, bounding_box
from ml.training import stroke_files
from tools.browser import chromium

# Of the pad, as people draw: neither tiny nor touching the edges.
SHARE = 0.6


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--site", default="http://localhost:8000")
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()

    digits = stroke_files.read_digits(options.file)
    training = json.load(urlopen(f"{options.site}/api/v1/model"))["training"]
    held_out = training.get("held_out_writers")
    if held_out:
        digits = [digit for digit in digits if digit.writer in held_out]
    digits = random.Random(0).sample(digits, min(options.count, len(digits)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(playwright), args=list(chromium.ARGUMENTS)
        )
        page = browser.new_page()
        page.goto(options.site)
        page.uncheck("#save")
        wrong = [
            f"{digit.label} as {reading}"
            for digit in tqdm(digits, unit="digit")
            if (reading := read(page, digit.strokes)) != str(digit.label)
        ]
        browser.close()
    right = len(digits) - len(wrong)
    print(f"{right} of {len(digits)} read right ({right / len(digits):.1%})")
    print("held-out writers:", ", ".join(held_out or ["none known"]))
    print("misread:", ", ".join(sorted(wrong)) or "none")


def read(page: Page, drawing: Strokes) -> str:
    """Draw with the mouse, wait for the reading, and clear the pad."""
    x, y, width, height = bounding_box(drawing)
    box = page.locator("#pad").bounding_box()
    scale = SHARE * box["width"] / max(width, height)
    left = box["x"] + (box["width"] - width * scale) / 2 - x * scale
    top = box["y"] + (box["height"] - height * scale) / 2 - y * scale
    for stroke in drawing:
        page.mouse.move(left + stroke[0][0] * scale, top + stroke[0][1] * scale)
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(left + point[0] * scale, top + point[1] * scale)
        page.mouse.up()
    expect(page.locator('body:is([data-state="read"], [data-state="unsure"])')).to_be_visible()
    reading = page.locator("#reading").inner_text()
    page.click("[data-action=clear]")
    return reading


if __name__ == "__main__":
    main()
