"""Screenshots of the page: python -m tools.browser.screenshots

Writes docs/images/network-1280x800-light.png and static/preview.png, the picture of links to the
page. Starts the Procfile's server; run `manage.py collectstatic` before.
"""

import io
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tools.browser.chromium import browser_and_site
from tools.browser.pen import draw, expect_state
from tools.samples import ROOT, SEVEN

NETWORK = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}
# The stage on a landscape phone, enlarged to the size of social previews.
PREVIEW = {"viewport": {"width": 800, "height": 420}, "device_scale_factor": 1.5}
# Milliseconds until slow computations have ended.
REST = 1_200

THREE = [[[85, 60], [120, 42], [160, 48], [178, 75], [165, 105], [125, 125], [165, 138],
          [190, 168], [182, 208], [145, 235], [100, 230], [78, 210]]]  # fmt: skip
SIX = [[210, 70], [195, 130], [190, 190], [210, 220], [238, 200], [228, 165], [194, 172]]
NUMBER = [[[x / 2.4, 20 + 0.8 * y] for x, y, _ in SEVEN[0]], [[145, 70], [145, 225]], SIX]


def main() -> None:
    with browser_and_site() as (browser, site):
        page = open_page(browser, site, **NETWORK)
        page.press("#network summary", "Enter")
        page.evaluate("scrollTo(0, 0)")
        draw(page, THREE)
        expect_state(page, "read")
        expect(page.locator(".occlusion p")).to_contain_text("leads by")
        shoot(page, ROOT / "docs" / "images" / "network-1280x800-light.png", full_page=True)
        page = open_page(browser, site, **PREVIEW)
        draw(page, NUMBER)
        expect(page.locator("#reading")).to_have_text("716")
        expect_state(page, "read")
        shoot(page, ROOT / "static" / "preview.png", full_page=False)


def open_page(browser: Browser, site: str, **options: Any) -> Page:
    """Open the page of a later visit, without the opening animation."""
    page = browser.new_page(**options)
    page.add_init_script("localStorage.visits ??= 1")
    page.goto(site)
    expect(page.locator("#layers figure")).to_have_count(6)
    return page


def shoot(page: Page, path: Path, *, full_page: bool) -> None:
    """Save a PNG with a palette of 128 colors: small, and enough for ink on paper."""
    page.wait_for_timeout(REST)
    page.mouse.move(0, 0)
    with Image.open(io.BytesIO(page.screenshot(full_page=full_page))) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
