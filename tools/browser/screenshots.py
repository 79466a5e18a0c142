"""Screenshots of the page: python -m tools.browser.screenshots [FOLDER]

Writes the screenshots in docs/images, or every state, size and color scheme to a folder.
Starts the Procfile's server; run `manage.py collectstatic` before.
"""

import io
import math
from argparse import ArgumentParser
from itertools import product
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Page, expect
from tqdm import tqdm

from ml.preprocessing.strokes import rasterize
from tools.browser.chromium import browser_and_site
from tools.browser.pen import choose, draw, expect_state, press
from tools.samples import ROOT, SEVEN

SIZES = [(1280, 800), (768, 1024), (390, 844), (390, 664), (844, 390)]
SCHEMES = ["light", "dark"]
DOCUMENTED = [("network", SIZES[0], "light")]
# Milliseconds until slow computations have ended.
REST = 1_200

THREE = [[[85, 60], [120, 42], [160, 48], [178, 75], [165, 105], [125, 125], [165, 138],
          [190, 168], [182, 208], [145, 235], [100, 230], [78, 210]]]  # fmt: skip
# An open nine that resembles a four.
AMBIGUOUS = [[[132, 62], [105, 75], [98, 120], [120, 145], [160, 138], [182, 110]],
             [[184, 62], [180, 130], [172, 240]]]  # fmt: skip
SIX = [[210, 70], [195, 130], [190, 190], [210, 220], [238, 200], [228, 165], [194, 172]]
NUMBER = [[[x / 2.4, 20 + 0.8 * y] for x, y, _ in SEVEN[0]], [[145, 70], [145, 225]], SIX]
FLAG = [[[80, 60], [160, 40], [120, 240]]]
LETTER_A = [[[60, 240], [140, 40], [220, 240]], [[95, 170], [185, 170]]]


def empty(page: Page) -> None:
    """Keep the page as it opens."""


def drawing(page: Page) -> None:
    press(page, THREE)
    expect(page.locator("#reading")).to_have_text("3")


def pending(page: Page) -> None:
    """Leave the prediction of the server unanswered."""
    page.route("**/api/v1/drawings/*", lambda route: None)
    draw(page, THREE)
    expect_state(page, "drawing")


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
    expect_state(page, "read")


def two_lines(page: Page) -> None:
    for top in 10, 150:
        draw(page, [[[x, top + 0.45 * y] for x, y in stroke] for stroke in NUMBER])
    expect(page.locator("#reading button")).to_have_count(6)
    expect_state(page, "read")


def marks(page: Page) -> None:
    """Draw (3)."""
    three = [[[60 + x / 2, 60 + y / 2] for x, y in THREE[0]]]
    bows = [
        [[x + side * 20 * math.sin(i * math.pi / 8), 50 + 16 * i] for i in range(9)]
        for x, side in ((70, -1), (190, 1))
    ]
    draw(page, [bows[0], *three, bows[1]])
    expect(page.locator("#reading")).to_have_text("?3?")


def labeled(page: Page) -> None:
    read(page)
    page.keyboard.press("8")
    expect(page.locator("#label")).to_have_text("8")


def labeled_number(page: Page) -> None:
    number(page)
    page.keyboard.type("718")
    expect(page.locator("#label")).to_have_text("718")


def typing(page: Page) -> None:
    number(page)
    page.keyboard.type("7")
    expect(page.locator("#label")).to_have_text("7")


def learned(page: Page) -> None:
    """Correct a 1 that resembles a 7, and repeat it."""
    draw(page, FLAG)
    expect_state(page, "read")
    page.keyboard.press("1")
    page.click("[data-action=clear]")
    draw(page, FLAG)
    expect(page.locator("#confidence")).to_contain_text("learned from you")


def shared_link(page: Page) -> None:
    draw(page, THREE, pause=30)
    page.evaluate("navigator.clipboard.writeText = (url) => { window.copied = url; }")
    choose(page, "share")
    expect(page.locator("#badge")).to_contain_text("Link copied")
    page.evaluate("location.href = copied")
    expect_state(page, "read")


def long_number(page: Page) -> None:
    draw(page, [[[20 + 22 * i, 100], [20 + 22 * i, 150]] for i in range(12)])
    expect_state(page, "read")


def menu(page: Page) -> None:
    number(page)
    page.click("[popovertarget=menu]")


def delete_all(page: Page) -> None:
    menu(page)
    page.click("[popovertarget=confirm-delete]")


def accuracy(page: Page) -> None:
    page.click("[popovertarget=accuracy]")
    expect(page.locator("#accuracy dt")).not_to_have_count(0)


def shortcuts(page: Page) -> None:
    page.click("[popovertarget=shortcuts]")


def printed(page: Page) -> None:
    number(page)
    page.emulate_media(media="print")


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
    page.press("#network summary", "Enter")
    page.evaluate("scrollTo(0, 0)")
    read(page)
    expect(page.locator(".occlusion p")).to_contain_text("leads by")


def network_unit(page: Page) -> None:
    network(page)
    page.locator("[data-layer=maps2]").press("Home")


def network_picture(page: Page) -> None:
    page.press("#network summary", "Enter")
    picture(page)
    expect(page.locator(".occlusion p")).to_contain_text("leads by")


def opening(page: Page) -> None:
    """Wait for the opening of a first visit."""
    expect(page.locator("#reading")).to_have_text("8")


STATES = {
    state.__name__.replace("_", "-"): state
    for state in (
        empty, drawing, pending, read, unsure, not_a_digit, number, two_lines, marks, labeled,
        labeled_number, typing, learned, shared_link, long_number, menu, delete_all, accuracy,
        shortcuts, printed, picture, offline, network, network_unit, network_picture, opening,
    )
}  # fmt: skip


# The stage on a landscape phone, enlarged to the size of social previews.
PREVIEW = {"viewport": {"width": 800, "height": 420}, "device_scale_factor": 1.5}


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="write every state there")
    options = parser.parse_args()
    shots = list(product(STATES, SIZES, SCHEMES)) if options.folder else DOCUMENTED
    folder = options.folder or ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with browser_and_site() as (browser, site):
        for state, (width, height), scheme in tqdm(shots, unit="screenshot"):
            viewport = {"width": width, "height": height}
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
            shoot(page, site, state, folder / f"{state}-{width}x{height}-{scheme}.png")
        if not options.folder:
            shoot(browser.new_page(**PREVIEW), site, "number", ROOT / "static" / "preview.png")


def shoot(page: Page, site: str, state: str, path: Path) -> None:
    """Bring a new page into a state, save a screenshot and close the page."""
    if state != "opening":
        page.add_init_script("localStorage.visits ??= 1")
    page.goto(site)
    expect(page.locator("#layers figure")).to_have_count(6)
    STATES[state](page)
    page.wait_for_timeout(REST)
    if state != "drawing":
        page.mouse.move(0, 0)
    save(page.screenshot(full_page=state.startswith("network")), path)
    page.close()


def save(screenshot: bytes, path: Path) -> None:
    """Save a PNG with a palette of 128 colors: small, and enough for ink on paper."""
    with Image.open(io.BytesIO(screenshot)) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
