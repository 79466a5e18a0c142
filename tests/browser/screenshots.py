"""Take the pictures of the page for docs/images: python -m tests.browser.screenshots [SITE]"""

import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser import chromium
from tests.browser.hand import draw

IMAGES = Path(__file__).parents[2] / "docs" / "images"
THREE = [[[85, 60], [120, 42], [160, 48], [178, 75], [165, 105], [125, 125], [165, 138],
          [190, 168], [182, 208], [145, 235], [100, 230], [78, 210]]]  # fmt: skip


def main() -> None:
    site = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000"
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(playwright), args=list(chromium.ARGUMENTS)
        )
        for width, height in ((390, 844), (1280, 720)):
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page.goto(site)
                page.uncheck("#keep")
                draw(page, THREE)
                expect(page.locator("body")).to_have_attribute("data-state", "read")
                page.check("#keep")
                page.screenshot(path=IMAGES / f"page-{width}-{scheme}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
