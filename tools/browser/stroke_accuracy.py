"""Accuracy of the page in Chromium on recorded pen strokes.

    python -m tools.browser.stroke_accuracy FILE [--site http://localhost:8000] [--count 300]

FILE is UNIPEN or JSON Lines. If the serving model names writers excluded from its training, only
their digits are drawn.
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
from tools.browser.pen import draw

PAD = 280
# Longer side of a drawn digit, as a share of the pad.
SIZE = 0.6


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
        browser = chromium.launch(playwright)
        page = browser.new_page()
        page.goto(options.site)
        page.uncheck("#save")
        predictions = [predict(page, digit.strokes) for digit in tqdm(digits, unit="digit")]
        browser.close()
    errors = sorted(
        f"{digit.label} as {text}"
        for digit, text in zip(digits, predictions, strict=True)
        if text != str(digit.label)
    )
    correct = len(digits) - len(errors)
    print(f"{correct} of {len(digits)} correct ({correct / len(digits):.1%})")
    print("held-out writers:", ", ".join(held_out or ["unknown"]))
    print("errors:", ", ".join(errors) or "none")


def predict(page: Page, strokes: Strokes) -> str:
    """Draw centered strokes, return the predicted text, and clear the pad."""
    x, y, width, height = bounding_box(strokes)
    scale = SIZE * PAD / max(width, height)
    left, top = (PAD - width * scale) / 2, (PAD - height * scale) / 2
    draw(
        page,
        [[[left + (px - x) * scale, top + (py - y) * scale] for px, py, *_ in stroke]
         for stroke in strokes],
        PAD,
    )  # fmt: skip
    expect(page.locator('body:is([data-state="read"], [data-state="unsure"])')).to_be_visible()
    text = page.locator("#reading").inner_text()
    page.click("[data-action=clear]")
    return text


if __name__ == "__main__":
    main()
