"""Pictures of every state of the page, for docs/images: python -m tools.browser.screenshots

Starts the server as the Procfile does; the static files must have been collected.
"""

import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from tqdm import tqdm

from ml.preprocessing.strokes import rasterize
from tools.browser import chromium
from tools.browser.pen import draw, expect_state
from tools.samples import ROOT, SEVEN
from tools.server import serve

IMAGES = ROOT / "docs" / "images"
SIZES = [(390, 844), (1280, 720)]
SCHEMES = ["light", "dark"]
THREE = [[[85, 60], [120, 42], [160, 48], [178, 75], [165, 105], [125, 125], [165, 138],
          [190, 168], [182, 208], [145, 235], [100, 230], [78, 210]]]  # fmt: skip
# A nine so open that it may be a four; a seven, a one and a six; an A.
EITHER = [[[132, 62], [105, 75], [98, 120], [120, 145], [160, 138], [182, 110]],
          [[184, 62], [180, 130], [172, 240]]]  # fmt: skip
SIX = [[210, 70], [195, 130], [190, 190], [210, 220], [238, 200], [228, 165], [194, 172]]
NUMBER = [[[x / 2.4, 20 + 0.8 * y] for x, y, _ in SEVEN[0]], [[145, 70], [145, 225]], SIX]
LETTER = [[[60, 240], [140, 40], [220, 240]], [[95, 170], [185, 170]]]


def read(page: Page) -> None:
    draw(page, THREE)
    expect_state(page, "read")


def unsure(page: Page) -> None:
    draw(page, EITHER)
    expect_state(page, "unsure")


def no_digit(page: Page) -> None:
    draw(page, LETTER)
    expect(page.locator("#reading")).to_have_text("?")


def number(page: Page) -> None:
    draw(page, NUMBER)
    expect(page.locator("#reading")).to_have_text("716")
    page.keyboard.press("7")
    expect(page.locator("#label-status")).to_contain_text("Your label")


def picture(page: Page) -> None:
    paper = Image.new("L", (560, 420), 235)
    paper.paste(
        Image.eval(
            Image.fromarray(rasterize(SEVEN)).resize((280, 280)), lambda v: 235 - v * 3 // 4
        ),
        (140, 70),
    )
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


def think(page: Page) -> None:
    page.click("#network summary")
    page.evaluate("scrollTo(0, 0)")
    read(page)
    expect(page.locator("#network .ribbon p")).to_contain_text("was 3")
    page.wait_for_timeout(2000)


STATES: dict[str, Callable[[Page], None]] = {
    "empty": lambda page: None,
    "read": read,
    "unsure": unsure,
    "no-digit": no_digit,
    "number": number,
    "picture": picture,
    "offline": offline,
    "think": think,
}


def main() -> None:
    with (
        TemporaryDirectory() as folder,
        serve(Path(folder)) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium.find(playwright), args=list(chromium.ARGUMENTS)
        )
        shots = [(size, scheme, state) for size in SIZES for scheme in SCHEMES for state in STATES]
        for (width, height), scheme, state in tqdm(shots, unit="picture"):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(site)
            STATES[state](page)
            page.mouse.move(0, 0)
            save(page.screenshot(full_page=True), IMAGES / f"{state}-{width}-{scheme}.png")
            page.close()
        browser.close()


def save(screenshot: bytes, path: Path) -> None:
    """Ink on paper needs few colors, and small files."""
    with Image.open(io.BytesIO(screenshot)) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
