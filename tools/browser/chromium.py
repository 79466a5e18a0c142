"""A Chromium for the tests; as a program, ends with an error where there is none."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

# The one that has no window to draw first: it takes a third of the processor's time.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# The tests' own pages are all it opens; as root (in a container) it has no sandbox.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def find(playwright: Playwright) -> str | None:
    """The path of a Chromium on this machine, or of Playwright's own."""
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).exists() else None)


if __name__ == "__main__":
    with sync_playwright() as playwright:
        sys.exit(0 if find(playwright) else 1)
