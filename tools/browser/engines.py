"""The page in other browsers than the tests' Chromium: python -m tools.browser.engines NAME…

Safari (on a Mac, after ``safaridriver --enable``), WebKitGTK, which has Safari's engine (on Debian
``apt-get install webkit2gtk-driver xvfb``, then in front of the command: ``xvfb-run``), Firefox.
Needs ``pip install selenium``. Draws with a real mouse and the keys, and prints what holds. Ends
with 1 where something does not. The static files must have been collected.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tools.samples import SEVEN
from tools.server import serve

ONE = [[[220, 60], [220, 160], [220, 260]]]
NARROW_SEVEN = [[[x / 2, y] for x, y, _ in SEVEN[0]]]
PATIENCE = 5  # seconds


def webkitgtk() -> WebDriver:
    if os.geteuid() == 0:
        # As root it cannot make its sandbox.
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
        held = [holds(name, site) for name in names]
    sys.exit(not all(held))


def holds(name: str, site: str) -> bool:
    """Try everything with one engine; whether all of it holds."""
    driver = ENGINES[name]()
    try:
        driver.set_window_size(1280, 900)
        driver.get(site)
        version = driver.capabilities["browserVersion"]
        held = [tried(driver, f"{name} {version}", trial) for trial in TRIALS]
        return all(held)
    finally:
        driver.quit()


def tried(driver: WebDriver, engine: str, trial: Callable[[WebDriver], None]) -> bool:
    try:
        trial(driver)
    except (AssertionError, WebDriverException) as error:
        print(f"| does not | {engine} | {trial.__doc__} | {str(error).splitlines()[0]}")
        return False
    print(f"| holds    | {engine} | {trial.__doc__}")
    return True


def one_digit(driver: WebDriver) -> None:
    """a digit is read"""
    draw(driver, SEVEN)
    expect(driver, "7", "read")


def undo(driver: WebDriver) -> None:
    """it is cleared, and comes back"""
    press(driver, Keys.ESCAPE)
    expect(driver, "", "empty")
    driver.find_element("css selector", "[data-action=undo]").click()
    expect(driver, "7", "read")
    press(driver, Keys.ESCAPE)


def in_the_page(driver: WebDriver) -> None:
    """a digit is read while the pen is down"""
    draw(driver, SEVEN, lift=False)
    expect(driver, "7", "drawing")
    lift(driver)
    expect(driver, "7", "read")
    press(driver, Keys.ESCAPE)


def number(driver: WebDriver) -> None:
    """a number is read, and one tap on a row corrects it"""
    draw(driver, [*NARROW_SEVEN, *ONE])
    expect(driver, "71", "read")
    driver.find_elements("css selector", "#reading button")[0].click()
    driver.find_element("css selector", "#probabilities [data-digit='2'] .track").click()
    say = driver.find_element("css selector", "#label-status").text
    assert say == "Your label: 21.", f"it says “{say}”"


def panel(driver: WebDriver) -> None:
    """the network unfolds"""
    driver.find_element("css selector", "#network summary").click()
    wait(driver, lambda: driver.find_elements("css selector", "#network .layers canvas"))
    driver.find_element("css selector", "#network summary").click()


def keyboard(driver: WebDriver) -> None:
    """the keyboard draws"""
    press(driver, Keys.ESCAPE)
    driver.execute_script("document.querySelector('#pad').focus()")
    press(driver, " ", *[Keys.ARROW_DOWN] * 12, " ")
    expect(driver, "1", "read")


TRIALS = (one_digit, undo, in_the_page, number, panel, keyboard)


def draw(driver: WebDriver, strokes: list[list[list[float]]], *, lift: bool = True) -> None:
    """Draw strokes that were made for a pad of 280 pixels."""
    x, y, side = driver.execute_script(
        "const { x, y, width } = document.querySelector('#pad').getBoundingClientRect();"
        "return [x, y, width];"
    )
    for stroke in strokes:
        actions = ActionBuilder(driver, duration=30)
        for i, (to_x, to_y, *_) in enumerate(stroke):
            actions.pointer_action.move_to_location(
                round(x + to_x * side / 280), round(y + to_y * side / 280)
            )
            if i == 0:
                actions.pointer_action.pointer_down()
        if lift:
            actions.pointer_action.pointer_up()
        actions.perform()


def lift(driver: WebDriver) -> None:
    actions = ActionBuilder(driver)
    actions.pointer_action.pointer_up()
    actions.perform()


def press(driver: WebDriver, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def expect(driver: WebDriver, text: str, state: str) -> None:
    """Wait until the page reads that, and its state is that."""

    def shown() -> list[str]:
        reading = driver.find_element("css selector", "#reading").text
        return [reading, driver.execute_script("return document.body.dataset.state")]

    wait(driver, lambda: shown() == [text, state], shown)


def wait(
    driver: WebDriver, done: Callable[[], object], shown: Callable[[], object] = lambda: "nothing"
) -> None:
    try:
        WebDriverWait(driver, PATIENCE).until(lambda _: done())
    except TimeoutException as error:
        raise AssertionError(f"there is {shown()}") from error


if __name__ == "__main__":
    main()
