"""The page in other browsers: python -m tools.browser.engines NAME…

safari: on a Mac, after ``safaridriver --enable``. webkitgtk, the engine of Safari: on Debian
``apt-get install webkit2gtk-driver xvfb``, then ``xvfb-run`` before the command. firefox.
Needs ``pip install selenium`` and `manage.py collectstatic`. Draws with mouse and keyboard and
stops with a traceback at the first difference.
"""

import os
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tools.samples import SEVEN, SEVENTY_ONE
from tools.server import serve

TIMEOUT = 5  # seconds


def webkitgtk() -> WebDriver:
    if os.geteuid() == 0:
        # The sandbox does not work as root.
        os.environ["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(next(Path("/usr/lib").glob("*/webkit2gtk-4*/MiniBrowser")))
    options.add_argument("--automation")
    return webdriver.WebKitGTK(options=options)


ENGINES: dict[str, Callable[[], WebDriver]] = {
    "safari": webdriver.Safari,
    "webkitgtk": webkitgtk,
    "firefox": webdriver.Firefox,
}


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=ENGINES, metavar="NAME")
    names = parser.parse_args().names
    with TemporaryDirectory() as folder, serve(Path(folder)) as site:
        for name in names:
            with ENGINES[name]() as driver:
                driver.set_window_size(1280, 900)
                driver.get(site)
                try_page(Page(driver))
                print(f"{name} {driver.capabilities['browserVersion']}: the page works")


class Page:
    """The page in a browser."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return the text content; drivers disagree about visible text in clipped boxes."""
        return str(self.find(selector).get_property("textContent"))

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def draw(self, strokes: list[list[list[float]]], *, lift: bool = True) -> None:
        """Draw strokes scaled from a pad of 280 pixels."""
        pad = self.find("#pad").rect
        scale = pad["width"] / 280
        for stroke in strokes:
            actions = ActionBuilder(self.driver, duration=30)
            for i, (x, y, *_) in enumerate(stroke):
                place = round(pad["x"] + x * scale), round(pad["y"] + y * scale)
                actions.pointer_action.move_to_location(*place)
                if i == 0:
                    actions.pointer_action.pointer_down()
            actions.perform()
            if lift:
                self.lift()

    def lift(self) -> None:
        actions = ActionBuilder(self.driver)
        actions.pointer_action.pointer_up()
        actions.perform()

    def expect(self, text: str, state: str) -> None:
        """Wait until the page shows a predicted text and a state."""
        shown = f"body[data-state={state}]"
        self.wait(lambda: self.driver.find_elements(By.CSS_SELECTOR, shown))
        self.wait(lambda: self.text("#reading") == text)

    def wait(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.driver, TIMEOUT).until(lambda _: condition())


def try_page(page: Page) -> None:
    page.draw(SEVEN)
    page.expect("7", "read")
    page.press(Keys.ESCAPE)
    page.expect("", "empty")
    page.find("[data-action=undo]").click()
    page.expect("7", "read")
    page.press(Keys.ESCAPE)

    # Prediction during a stroke.
    page.draw(SEVEN, lift=False)
    page.expect("7", "drawing")
    page.lift()
    page.expect("7", "read")
    page.press(Keys.ESCAPE)

    page.draw(SEVENTY_ONE)
    page.expect("71", "read")
    page.find("#reading button").click()
    page.find("#probabilities [data-digit='2'] .track").click()
    assert page.text("#label-status") == "Your label: 21. Thank you."

    # The menu opens beside its button; Escape closes it and does not clear the drawing.
    page.find("[popovertarget=menu]").click()
    button, menu = page.find("[popovertarget=menu]").rect, page.find("#menu").rect
    page.press(Keys.ESCAPE)
    gaps = menu["y"] - button["y"] - button["height"], button["y"] - menu["y"] - menu["height"]
    assert min(map(abs, gaps)) < 2, f"menu {menu}, button {button}"
    assert menu["y"] >= 0
    assert page.text("#reading") != ""

    page.find("#network summary").click()
    page.wait(lambda: "leads by" in page.text(".occlusion p"))
    page.find("#network summary").click()

    page.press(Keys.ESCAPE)
    page.driver.execute_script("document.querySelector('#pad').focus()")
    page.press(" ", *[Keys.ARROW_DOWN] * 12, " ")
    page.expect("1", "read")


if __name__ == "__main__":
    main()
