"""Chromium for tests and tools; as a program, exits with 1 if the machine has none."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Playwright, sync_playwright

from tools.server import serve

# The headless shell draws no window and needs a third of the CPU time.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# Chromium has no sandbox as root (in a container) and loads only pages of this project.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def find(playwright: Playwright) -> str | None:
    """Return the path of an installed Chromium or of Playwright's own."""
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).exists() else None)


def launch(playwright: Playwright, *arguments: str) -> Browser:
    path = find(playwright)
    if not path:
        raise FileNotFoundError("Chromium not found: run `make browser`.")
    return playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *arguments])


@contextmanager
def browser_and_site() -> Iterator[tuple[Browser, str]]:
    """Yield a browser and the base URL of a temporary site, which the Procfile's command serves."""
    with TemporaryDirectory() as folder, serve(Path(folder)) as site, sync_playwright() as pw:
        browser = launch(pw)
        yield browser, site
        browser.close()


if __name__ == "__main__":
    with sync_playwright() as playwright:
        sys.exit(0 if find(playwright) else 1)
