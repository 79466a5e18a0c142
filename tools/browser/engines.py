"""Trials of the page in other browsers: python -m tools.browser.engines NAME…

safari: on a Mac, after ``safaridriver --enable``. webkitgtk, the engine of Safari: on Debian
``apt-get install webkit2gtk-driver xvfb``, then ``xvfb-run`` before the command. firefox.
Needs ``pip install selenium`` and `manage.py collectstatic`. Draws with mouse and keyboard and
exits with 1 if a trial fails.
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
        results = [run_trials(name, site) for name in names]
    sys.exit(not all(results))


def run_trials(name: str, site: str) -> bool:
    """Run all trials in one browser; return whether all passed."""
    driver = ENGINES[name]()
    try:
        driver.set_window_size(1280, 900)
        driver.get(site)
        version = driver.capabilities["browserVersion"]
        results = [passes(driver, f"{name} {version}", trial) for trial in TRIALS]
        return all(results)
    finally:
        driver.quit()


def passes(driver: WebDriver, engine: str, trial: Callable[[WebDriver], None]) -> bool:
    try:
        trial(driver)
    except (AssertionError, WebDriverException) as error:
        print(f"| FAILS | {engine} | {trial.__name__} | {str(error).splitlines()[0]}")
        return False
    print(f"| holds | {engine} | {trial.__name__}")
    return True


def one_digit(driver: WebDriver) -> None:
    draw(driver, SEVEN)
    expect(driver, "7", "read")


def clear_and_undo(driver: WebDriver) -> None:
    press(driver, Keys.ESCAPE)
    expect(driver, "", "empty")
    driver.find_element("css selector", "[data-action=undo]").click()
    expect(driver, "7", "read")
    press(driver, Keys.ESCAPE)


def prediction_during_stroke(driver: WebDriver) -> None:
    draw(driver, SEVEN, lift=False)
    expect(driver, "7", "drawing")
    lift(driver)
    expect(driver, "7", "read")
    press(driver, Keys.ESCAPE)


def number_and_correction(driver: WebDriver) -> None:
    draw(driver, [*NARROW_SEVEN, *ONE])
    expect(driver, "71", "read")
    driver.find_elements("css selector", "#reading button")[0].click()
    driver.find_element("css selector", "#probabilities [data-digit='2'] .track").click()
    status = driver.find_element("css selector", "#label-status").text
    assert status == "Your label: 21. Thank you.", f"label status: {status!r}"


def network_view(driver: WebDriver) -> None:
    driver.find_element("css selector", "#network summary").click()
    wait(driver, lambda: driver.find_elements("css selector", "#explanation canvas"))
    driver.find_element("css selector", "#network summary").click()


def keyboard_drawing(driver: WebDriver) -> None:
    press(driver, Keys.ESCAPE)
    driver.execute_script("document.querySelector('#pad').focus()")
    press(driver, " ", *[Keys.ARROW_DOWN] * 12, " ")
    expect(driver, "1", "read")


TRIALS = (
    one_digit,
    clear_and_undo,
    prediction_during_stroke,
    number_and_correction,
    network_view,
    keyboard_drawing,
)


def draw(driver: WebDriver, strokes: list[list[list[float]]], *, lift: bool = True) -> None:
    """Draw strokes scaled from a pad of 280 pixels."""
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
    """Wait until the page shows a predicted text and a state."""

    def actual() -> list[str]:
        shown = driver.find_element("css selector", "#reading").text
        return [shown, driver.execute_script("return document.body.dataset.state")]

    try:
        wait(driver, lambda: actual() == [text, state])
    except TimeoutException as error:
        raise AssertionError(f"expected {[text, state]}, got {actual()}") from error


def wait(driver: WebDriver, condition: Callable[[], object]) -> None:
    WebDriverWait(driver, TIMEOUT).until(lambda _: condition())


if __name__ == "__main__":
    main()
