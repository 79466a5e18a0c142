"""Screenshots of the page: python -m tools.browser.screenshots [--all DIRECTORY]

Writes the screenshots in docs/images, or with --all every state, size and color scheme.
Starts the Procfile's server; run `manage.py collectstatic` before.
"""

import io
from argparse import ArgumentParser
from collections.abc import Callable
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageOps
from playwright.sync_api import Page, expect, sync_playwright
from tqdm import tqdm

from ml.preprocessing.strokes import rasterize
from tools.browser import chromium
from tools.browser.pen import draw, expect_state
from tools.samples import ROOT, SEVEN
from tools.server import serve

HEIGHTS = {390: 844, 1280: 720}  # by width
SCHEMES = ["light", "dark"]
DOCUMENTED = [("read", 1280, "light"), ("network", 1280, "light")]

THREE = [[[85, 60], [120, 42], [160, 48], [178, 75], [165, 105], [125, 125], [165, 138],
          [190, 168], [182, 208], [145, 235], [100, 230], [78, 210]]]  # fmt: skip
# An open nine that resembles a four.
AMBIGUOUS = [[[132, 62], [105, 75], [98, 120], [120, 145], [160, 138], [182, 110]],
             [[184, 62], [180, 130], [172, 240]]]  # fmt: skip
SIX = [[210, 70], [195, 130], [190, 190], [210, 220], [238, 200], [228, 165], [194, 172]]
NUMBER = [[[x / 2.4, 20 + 0.8 * y] for x, y, _ in SEVEN[0]], [[145, 70], [145, 225]], SIX]
LETTER_A = [[[60, 240], [140, 40], [220, 240]], [[95, 170], [185, 170]]]


def read(page: Page) -> None:
    draw(page, THREE)
    expect_state(page, "read")


def unsure(page: Page) -> None:
    draw(page, AMBIGUOUS)
    expect_state(page, "unsure")


def not_a_digit(page: Page) -> None:
    draw(page, LETTER_A)
    expect(page.locator("#reading")).to_have_text("?")


def number(page: Page) -> None:
    draw(page, NUMBER)
    expect(page.locator("#reading")).to_have_text("716")
    page.keyboard.press("7")
    expect(page.locator("#label-status")).to_contain_text("Your label")


def picture(page: Page) -> None:
    """Upload a seven in dark gray on light gray."""
    seven = ImageOps.colorize(Image.fromarray(rasterize(SEVEN)), (235,) * 3, (44,) * 3)
    paper = Image.new("RGB", (560, 420), (235,) * 3)
    paper.paste(seven.resize((280, 280)), (140, 70))
    file = io.BytesIO()
    paper.save(file, "PNG")
    page.set_input_files(
        "#picture", {"name": "7.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect_state(page, "read")


def offline(page: Page) -> None:
    page.context.set_offline(True)
    draw(page, THREE)
    expect(page.locator("#badge")).to_contain_text("Waiting to be sent: 1")


def network(page: Page) -> None:
    page.click("#network summary")
    page.evaluate("scrollTo(0, 0)")
    read(page)
    expect(page.locator("#network .ribbon p")).to_contain_text("was 3")
    page.wait_for_timeout(2000)


STATES: dict[str, Callable[[Page], None]] = {
    "empty": lambda page: None,
    "read": read,
    "unsure": unsure,
    "not-a-digit": not_a_digit,
    "number": number,
    "picture": picture,
    "offline": offline,
    "network": network,
}


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", type=Path, metavar="DIRECTORY", help="write all screenshots there")
    directory = parser.parse_args().all
    shots = list(product(STATES, HEIGHTS, SCHEMES)) if directory else DOCUMENTED
    directory = directory or ROOT / "docs" / "images"
    directory.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        serve(Path(folder)) as site,
        sync_playwright() as playwright,
    ):
        browser = chromium.launch(playwright)
        for state, width, scheme in tqdm(shots, unit="screenshot"):
            viewport = {"width": width, "height": HEIGHTS[width]}
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
            page.goto(site)
            STATES[state](page)
            page.mouse.move(0, 0)
            save(page.screenshot(full_page=True), directory / f"{state}-{width}-{scheme}.png")
            page.close()
        browser.close()


def save(screenshot: bytes, path: Path) -> None:
    """Save a PNG with a palette of 128 colors: small, and enough for ink on paper."""
    with Image.open(io.BytesIO(screenshot)) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
